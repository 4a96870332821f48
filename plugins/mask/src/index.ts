/** The transform `mask` for Switchhook: masks personal data in an event's data. */
import { definePlugin, defineTransform, type JsonObject, type JsonValue, type Paths, paths, z } from '@switchhook/sdk';
import { isCardNumber } from './cards.js';
import { foundIn, type Wanted } from './finding.js';

const isMasked = (what: string) =>
  z
    .boolean()
    .default(true)
    .meta({ description: `Whether ${what} are masked.` });

const mask = defineTransform({
  type: 'mask',
  description: "Masks phone numbers, e-mail addresses, card numbers and named fields in an event's data.",
  options: z.strictObject({
    phones: isMasked('phone numbers in texts'),
    emails: isMasked('e-mail addresses in texts'),
    cards: isMasked('numbers of payment cards, in texts and as numbers,'),
    phoneDigits: z
      .int()
      .min(5)
      .max(15)
      .default(7)
      .meta({ description: 'Fewest digits of a phone number that is written without `+`.' }),
    names: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Names of fields that are masked wherever they are, in upper or lower case.' }),
    paths: paths('Paths of fields that are masked. `*` is every item of a list.').optional(),
    except: paths('Paths of fields that stay as they are, for example ids that look like phone numbers.').optional(),
  }),
  create: ({ names, paths, except, ...wanted }) => {
    const masking = new Masking(wanted, new Set(names.map((name) => name.toLowerCase())));
    return {
      apply(event) {
        const data = masking.nested(event.data, { masked: paths ?? null, kept: except ?? null });
        // What is made of a map is a map.
        return data === event.data ? event : { ...event, data: data as JsonObject };
      },
    };
  },
});

type Nested = JsonObject | readonly JsonValue[];

/** The paths that lead through a value. */
interface Place {
  readonly masked: Paths | null;
  readonly kept: Paths | null;
}

class Masking {
  readonly #wanted: Wanted;
  readonly #names: ReadonlySet<string>;

  constructor(wanted: Wanted, names: ReadonlySet<string>) {
    this.#wanted = wanted;
    this.#names = names;
  }

  /** The same object where nothing in it is masked. */
  nested(data: Nested, { masked, kept }: Place): Nested {
    let isSame = true;
    const isList = Array.isArray(data);
    const entries = Object.entries(data).map(([key, value]): readonly [string, JsonValue] => {
      const place = { masked: masked?.at(key) ?? null, kept: kept?.at(key) ?? null };
      if (place.kept?.ends) return [key, value];
      const name = isList ? key : this.#text(key);
      const isNamed = place.masked?.ends || (!isList && this.#names.has(key.toLowerCase()));
      const shown = isNamed && value !== null ? '[masked]' : this.#value(value, place);
      isSame &&= shown === value && name === key;
      return [name, shown];
    });
    if (isSame) return data;
    return isList ? entries.map(([, value]) => value) : Object.fromEntries(withOwnNames(entries));
  }

  #value(value: JsonValue, place: Place): JsonValue {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'object' && value !== null) return this.nested(value, place);
    const isCard =
      this.#wanted.cards && (typeof value === 'number' || typeof value === 'bigint') && isCardNumber(value);
    return isCard ? '[card]' : value;
  }

  #text(text: string): string {
    const found = foundIn(text, this.#wanted);
    if (found.length === 0) return text;
    const ends = [0, ...found.map(({ end }) => end)];
    const parts = found.map(({ start, kind }, index) => `${text.slice(ends[index], start)}[${kind}]`);
    return `${parts.join('')}${text.slice(ends.at(-1))}`;
  }
}

/** Two names may have become the same: the second gets a number. */
function withOwnNames(entries: readonly (readonly [string, JsonValue])[]): readonly (readonly [string, JsonValue])[] {
  const counts = new Map<string, number>();
  return entries.map(([name, value]) => {
    let own = name;
    for (let count = counts.get(name) ?? 1; counts.has(own); own = `${name} ${count}`) counts.set(name, ++count);
    counts.set(own, counts.get(own) ?? 1);
    return [own, value];
  });
}

export default definePlugin({ name: '@switchhook/plugin-mask', components: [mask] });
