/** Conditions of a list: they are in the URL, and apply when the operator says. */
import { useState } from 'preact/hooks';
import { goTo, linkTo, place, withoutFields } from '../model/location.js';

/** One condition. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** What can be chosen; a text where it is left out. */
  readonly choices?: readonly (readonly [value: string, label: string])[];
  /** What may be typed, for completion. */
  readonly known?: readonly string[];
}

interface FiltersProps {
  /** Path of the view. */
  readonly path: readonly string[];
  readonly fields: readonly Field[];
  /** What is wrong with the conditions that were applied, by the names of their fields. */
  readonly wrong?: Readonly<Record<string, string>>;
}

/** A form with an explicit Apply: a list is never loaded per key. */
export function Filters({ path, fields, wrong = {} }: FiltersProps) {
  const { query } = place.value;
  const further = withoutFields(query, fields);
  const apply = (event: Event): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const given = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]);
    open(false);
    goTo(linkTo(path, { ...further, ...Object.fromEntries(given) }));
  };
  const active = Object.values(query).filter((value) => value !== '').length;
  const [isOpen, open] = useState(false);
  const isShown = isOpen || Object.keys(wrong).length > 0;
  return (
    <>
      {/* On a narrow screen the list comes first. */}
      <button
        type="button"
        class="filters-toggle"
        data-search=""
        aria-expanded={isShown}
        aria-controls="filters"
        onClick={() => open(!isShown)}
      >
        Filters{active > 0 && ` (${active})`}
      </button>
      {/* The key: what was typed is dropped when the URL changes. */}
      <form
        id="filters"
        class={isShown ? 'filters open' : 'filters'}
        key={JSON.stringify(query)}
        onSubmit={apply}
        aria-label="Filters"
      >
        {fields.map((field, index) => (
          <div class="field" key={field.name}>
            <label for={`filter-${field.name}`}>{field.label}</label>
            <Input
              field={field}
              value={query[field.name] ?? ''}
              first={index === 0}
              isWrong={wrong[field.name] !== undefined}
            />
            {wrong[field.name] !== undefined && (
              <p class="wrong" id={`wrong-${field.name}`} role="alert">
                {wrong[field.name]}
              </p>
            )}
          </div>
        ))}
        <div class="buttons">
          <button type="submit" class="main">
            Apply
          </button>
          {Object.entries(further).map(([name, value]) => (
            <code key={name} title="A condition of the address, which stays">
              {name}={value}
            </code>
          ))}
          {active > 0 && <a href={linkTo(path)}>Clear {active === 1 ? 'the filter' : `all ${active} filters`}</a>}
        </div>
      </form>
    </>
  );
}

interface InputProps {
  readonly field: Field;
  readonly value: string;
  readonly first: boolean;
  readonly isWrong: boolean;
}

function Input({ field, value, first, isWrong }: InputProps) {
  const { name, hint, choices, known = [] } = field;
  const mark = {
    id: `filter-${name}`,
    ...(first && { 'data-search': '' }),
    ...(isWrong && { 'aria-invalid': true, 'aria-describedby': `wrong-${name}` }),
  };
  if (choices !== undefined)
    return (
      <select name={name} {...mark}>
        <option value="">any</option>
        {choices.map(([choice, label]) => (
          <option key={choice} value={choice} selected={choice === value}>
            {label}
          </option>
        ))}
      </select>
    );
  const list = known.length > 0 ? { list: `known-${name}` } : {};
  return (
    <>
      <input
        type="text"
        name={name}
        defaultValue={value}
        placeholder={hint ?? ''}
        autocomplete="off"
        spellcheck={false}
        {...list}
        {...mark}
      />
      {known.length > 0 && (
        <datalist id={`known-${name}`}>
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </>
  );
}
