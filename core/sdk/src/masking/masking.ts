/** Masks personal data in JSON: what the transform `mask` and the option `mask` of a source have in common. */
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../contract/json.js';
import { type Paths, paths } from '../options/paths.js';
import { isCardNumber } from './cards.js';
import { foundIn, type Wanted } from './finding.js';

const isMasked = (what: string) =>
  z
    .boolean()
    .default(true)
    .meta({ description: `Whether ${what} are masked.` });

/** The options, each described, for a `z.strictObject`. */
export const maskOptions = {
  phones: isMasked('phone numbers in texts'),
  emails: isMasked('e-mail addresses in texts'),
  cards: isMasked('numbers of payment cards, in texts and as numbers,'),
  recordings: z.boolean().default(false).meta({
    description:
      'Whether addresses of recordings are masked: URLs in fields whose name contains `recording`, and URLs of audio files.',
  }),
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
};

const whole = z.strictObject(maskOptions);

/** The options as they are after the check. */
export type MaskOptions = z.output<typeof whole>;

/** Masks data; returns the same object where nothing in it is masked. Pure. */
export type Masker = (data: JsonObject) => JsonObject;

/** Makes a masker. What it masks becomes `[phone]`, `[email]`, `[card]`, `[recording]` or `[masked]`. */
export function maskerFor({ names, paths: masked, except, ...wanted }: MaskOptions): Masker {
  const masking = new Masking(wanted, new Set(names.map((name) => name.toLowerCase())));
  // What is made of a map is a map.
  return (data) => masking.nested(data, { masked: masked ?? null, kept: except ?? null }, false) as JsonObject;
}

type Nested = JsonObject | readonly JsonValue[];

/** The paths that lead through a value. */
interface Place {
  readonly masked: Paths | null;
  readonly kept: Paths | null;
}

class Masking {
  readonly #wanted: Wanted & Pick<MaskOptions, 'recordings'>;
  readonly #names: ReadonlySet<string>;

  constructor(wanted: Wanted & Pick<MaskOptions, 'recordings'>, names: ReadonlySet<string>) {
    this.#wanted = wanted;
    this.#names = names;
  }

  /** The same object where nothing in it is masked. */
  nested(data: Nested, { masked, kept }: Place, isOfRecording: boolean): Nested {
    let isSame = true;
    const isList = Array.isArray(data);
    const entries = Object.entries(data).map(([key, value]): readonly [string, JsonValue] => {
      const place = { masked: masked?.at(key) ?? null, kept: kept?.at(key) ?? null };
      if (place.kept?.ends) return [key, value];
      const name = isList ? key : this.#text(key);
      const isNamed = place.masked?.ends || (!isList && this.#names.has(key.toLowerCase()));
      const isRecording = isOfRecording || (!isList && /recording/i.test(key));
      const shown = isNamed && value !== null ? '[masked]' : this.#value(value, place, isRecording);
      isSame &&= shown === value && name === key;
      return [name, shown];
    });
    if (isSame) return data;
    return isList ? entries.map(([, value]) => value) : Object.fromEntries(withOwnNames(entries));
  }

  #value(value: JsonValue, place: Place, isOfRecording: boolean): JsonValue {
    if (typeof value === 'string') return this.#text(this.#withoutRecordings(value, isOfRecording));
    if (typeof value === 'object' && value !== null) return this.nested(value, place, isOfRecording);
    const isCard =
      this.#wanted.cards && (typeof value === 'number' || typeof value === 'bigint') && isCardNumber(value);
    return isCard ? '[card]' : value;
  }

  #withoutRecordings(text: string, isOfRecording: boolean): string {
    if (!this.#wanted.recordings || !text.includes('://')) return text;
    return text.replace(url, (found) => (isOfRecording || audioFile.test(found) ? '[recording]' : found));
  }

  #text(text: string): string {
    const found = foundIn(text, this.#wanted);
    if (found.length === 0) return text;
    const ends = [0, ...found.map(({ end }) => end)];
    const parts = found.map(({ start, kind }, index) => `${text.slice(ends[index], start)}[${kind}]`);
    return `${parts.join('')}${text.slice(ends.at(-1))}`;
  }
}

/** Without the punctuation behind it. */
const url = /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>]*[^\s"'<>.,;:!?)\]}]/gi;
const audioFile = /\.(?:wav|mp3|m4a|mp4|ogg|oga|opus|flac|webm|aac|amr)(?:$|[?#])/i;

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
