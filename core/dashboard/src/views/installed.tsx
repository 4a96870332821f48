/** The installed types of components with their options. */
import { useState } from 'preact/hooks';
import { api } from '../model/api.js';
import { type FoundType, fitting } from '../model/configuration.js';
import type { Component, Installed as InstalledTypes, Option } from '../model/configuration-replies.js';
import { count } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, ErrorCode, Inline } from '../parts/text.js';

/** The router imports them when they are asked for first, which takes a second or two. */
export function Installed({
  components,
  generation,
}: {
  readonly components: readonly Component[];
  readonly generation: number;
}) {
  const [filter, setFilter] = useState('');
  const installed = useResource(`installed ${generation}`, async (signal) => {
    const reply = await api<{ readonly installed: InstalledTypes }>('components', {
      query: { installed: 'true' },
      signal,
    });
    return reply.installed;
  });
  return (
    <section aria-labelledby="installed">
      <h2 id="installed">Installed types and their options</h2>
      <div class="filters one">
        <div class="field">
          <label for="installed-filter">Filter by type, plugin, option or description</label>
          <input
            id="installed-filter"
            data-search=""
            type="text"
            autocomplete="off"
            spellcheck={false}
            value={filter}
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
        </div>
      </div>
      <Loaded of={installed}>
        {({ types, kinds, problems }) => {
          const found = fitting(types, filter);
          return (
            <>
              <p class="foot" role="status">
                {count(found.length, 'type', 'types')} of {types.length} shown.
              </p>
              {problems.map(({ code, message }) => (
                <p class="note warn" key={message}>
                  <ErrorCode code={code} /> {message}
                </p>
              ))}
              {types.length === 0 ? (
                <Empty title="Nothing is installed that this configuration can use.">
                  <p>
                    Install a plugin, for example <code>npm install @switchhook/plugin-http</code>, then reload.
                  </p>
                </Empty>
              ) : found.length === 0 ? (
                <Empty title="No type and no option has all of these words.">
                  <p>
                    <button type="button" onClick={() => setFilter('')}>
                      Show all types
                    </button>
                  </p>
                </Empty>
              ) : (
                found.map((one) => (
                  <Type
                    key={`${one.type.kind} ${one.type.use}`}
                    of={one}
                    users={components.filter(({ kind, use }) => kind === one.type.kind && use === one.type.use)}
                    common={kinds.find(({ kind }) => kind === one.type.kind)?.options ?? []}
                  />
                ))
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

interface TypeProps {
  readonly of: FoundType;
  /** Rows that use it. */
  readonly users: readonly Component[];
  /** Options of all rows of its kind. */
  readonly common: readonly Option[];
}

function Type({ of: { type, options, byOption }, users, common }: TypeProps) {
  const [isOpen, setOpen] = useState(false);
  const { kind, use, plugin, version, description, pluginOptions } = type;
  return (
    // What was looked for is shown without a click.
    <details class="card" open={byOption} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <strong>{use}</strong> <span class="dim">{kind}</span>{' '}
        {users.length > 0 && <Badge level="well">used by {users.map(({ name }) => name).join(', ')}</Badge>}{' '}
        <Inline text={description} />
      </summary>
      {(isOpen || byOption) && (
        <>
          <p class="dim">
            {plugin === null ? 'Part of the router.' : `Of ${plugin}${version === null ? '' : ` ${version}`}.`}
            {byOption && ' Only the options that fit the filter:'}
          </p>
          <Options options={options} of={use} />
          {!byOption && common.length > 0 && (
            <>
              <h3>Options of every {kind}</h3>
              <Options options={common} of={`every ${kind}`} />
            </>
          )}
          {!byOption && pluginOptions.length > 0 && (
            <>
              <h3>
                Options of the plugin, in its row of <code>plugins</code>
              </h3>
              <Options options={pluginOptions} of={plugin ?? use} />
            </>
          )}
        </>
      )}
    </details>
  );
}

function Options({ options, of }: { readonly options: readonly Option[]; readonly of: string }) {
  if (options.length === 0) return <p>It has no options of its own.</p>;
  return (
    <table class="rows" aria-label={`Options of ${of}`}>
      <thead>
        <tr>
          <th scope="col">Option</th>
          <th scope="col">Type</th>
          <th scope="col">Default</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        {options.map(({ name, type, unit, required, default: otherwise, description }) => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td data-label="Type">
              <Inline text={type} />
              {unit !== null && <span class="dim">, in {unit}</span>}
            </td>
            <td data-label="Default">
              {required ? 'required' : otherwise === null ? <span class="dim">none</span> : <code>{otherwise}</code>}
            </td>
            <td data-label="What it is">
              <Inline text={description} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
