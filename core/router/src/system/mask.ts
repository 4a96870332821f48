/** Masking: replaces the secrets of a configuration in a text, also where they are encoded. */
import { type JsonValue, token } from '@switchhook/sdk';

/** Replaces every secret in a text by `***`. */
export type Mask = (text: string) => string;

/** Masks the secrets of the router's configuration. */
export const Mask = token<Mask>('switchhook.Mask');

/** The secrets of every configuration since the start: a delivery may still fail with a text that has an earlier one. */
export class Secrets {
  readonly #values = new Set<string>();
  #mask: Mask = (text) => text;

  readonly mask: Mask = (text) => this.#mask(text);

  add(values: Iterable<string>): void {
    const before = this.#values.size;
    for (const value of values) this.#values.add(value);
    if (this.#values.size > before) this.#mask = maskFor(this.#values);
  }
}

/** Shorter values are not masked: it would hide ordinary words. */
const shortest = 4;
/** Shorter values are masked as whole words only. */
const shortestPart = 8;
/** Segments of a path that are shorter are names, not tokens. */
const shortestSegment = 16;

const hidden = '***';
const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const escapes: Readonly<Record<string, string>> = { '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't' };

/** A form of a secret. */
interface Form {
  /** Its longest part without any choice: a text without it does not contain the form, which is found out fast. */
  readonly anchor: string;
  readonly pattern: RegExp;
}

/**
 * A mask of these secrets: as they are, percent-encoded, form-encoded, escaped in JSON, and in base64 and base64url, also
 * within something longer. Of a URL also its password, and of an http URL its path and query. A secret that is cut off at
 * the end of a text, or before an ellipsis, is masked where at least half of it is there.
 */
export function maskFor(secrets: Iterable<string>): Mask {
  const values = [...new Set([...secrets].flatMap((secret) => [secret, ...partsOf(secret)]))]
    .filter((value) => value.length >= shortest)
    // The longest first: a secret may be part of another one.
    .sort((a, b) => b.length - a.length);
  const forms = values.flatMap((value) => [plainForm(value), ...[0, 1, 2].map((bytes) => base64Form(value, bytes))]);
  const formsIn = anchorSearch(forms);
  const ends = new Set(values.flatMap((value) => windowsOf(value, shortestPart)));
  const withoutCut = (text: string): string => {
    const end = text.slice(-shortestPart);
    if (!ends.has(end)) return text;
    for (const value of values) {
      const kept = value.lastIndexOf(end, value.length - shortestPart - 1) + shortestPart;
      if (kept >= shortestPart && kept * 2 >= value.length && text.endsWith(value.slice(0, kept)))
        return text.slice(0, -kept) + hidden;
    }
    return text;
  };
  return (text) => {
    let masked = text;
    for (const { pattern } of formsIn(text)) masked = masked.replace(pattern, hidden);
    return masked.includes('…') ? masked.split('…').map(withoutCut).join('…') : withoutCut(masked);
  };
}

/** Characters of an anchor that are looked for first. */
const windowLength = 4;

/**
 * Finds the forms whose anchors are in a text, in their order, in one pass over it: with 300 secrets, one search for each took
 * 0.15 ms for a line of the log.
 */
function anchorSearch(forms: readonly Form[]): (text: string) => readonly Form[] {
  // So few are found faster one by one.
  if (forms.length <= 24) return (text) => forms.filter(({ anchor }) => text.includes(anchor));
  const short = forms.filter(({ anchor }) => anchor.length < windowLength);
  const byWindow = new Map<number, Form[]>();
  // Most windows of a text are those of no anchor, which is found out without the map.
  const isPossible = new Uint8Array(65_536);
  for (const form of forms) {
    if (form.anchor.length < windowLength) continue;
    const window = windowAt(form.anchor, 0);
    byWindow.set(window, [...(byWindow.get(window) ?? []), form]);
    isPossible[slotOf(window)] = 1;
  }
  const order = new Map(forms.map((form, index) => [form, index]));
  return (text) => {
    const found = new Set(short.filter(({ anchor }) => text.includes(anchor)));
    let window = windowAt(text, -1);
    for (let at = 0; at + windowLength <= text.length; at += 1) {
      window = (window >>> 8) ^ (text.charCodeAt(at + windowLength - 1) << 24);
      if (isPossible[slotOf(window)] === 0) continue;
      for (const form of byWindow.get(window) ?? []) if (text.startsWith(form.anchor, at)) found.add(form);
    }
    return [...found].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  };
}

/** The characters from here on, a byte for each: those of anchors are letters and digits. */
function windowAt(text: string, at: number): number {
  let window = 0;
  for (let next = at; next < at + windowLength; next += 1) window = (window >>> 8) ^ (text.charCodeAt(next) << 24);
  return window;
}

function slotOf(window: number): number {
  return Math.imul(window, 0x9e3779b1) >>> 16;
}

function windowsOf(text: string, length: number): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length));
}

/** Masks every text in a JSON value; numbers stay. */
export function maskedJson<T extends JsonValue>(value: T, mask: Mask): T;
export function maskedJson(value: JsonValue, mask: Mask): JsonValue {
  if (typeof value === 'string') return mask(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => maskedJson(item, mask));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [mask(key), maskedJson(inner, mask)]));
}

/** What of a URL may stand alone: in an error, or in what a receiver says about its own address. */
function partsOf(secret: string): readonly string[] {
  if (!URL.canParse(secret)) return [];
  const { protocol, href, username, password, pathname, search, searchParams } = new URL(secret);
  const credentials = [password, decoded(password)].filter((part) => part !== username);
  if (!/^https?:$/.test(protocol)) return credentials;
  const long = [href, pathname + search, pathname, ...searchParams.values()].filter(
    (part) => part.length >= shortestPart,
  );
  return [...credentials, ...long, ...pathname.split('/').filter((part) => part.length >= shortestSegment)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function plainForm(value: string): Form {
  const all = [...value].map(encodings).join('');
  const pattern =
    value.length < shortestPart ? `(?<=^|[^A-Za-z0-9]|%[0-9A-Fa-f]{2}|\\\\[bfnrt])${all}(?![A-Za-z0-9])` : all;
  return { anchor: longest(value.split(/[^A-Za-z0-9]+/)), pattern: new RegExp(pattern, 'g') };
}

/** One character as it is, percent-encoded, form-encoded, or escaped in JSON, also in JSON in JSON. */
function encodings(character: string): string {
  if (/[A-Za-z0-9]/.test(character)) return character;
  const percent = [...Buffer.from(character)].map((byte) => anyCase('%', byte.toString(16).padStart(2, '0')));
  const units = Array.from({ length: character.length }, (_, index) =>
    anyCase('\\\\{1,4}u', character.charCodeAt(index).toString(16).padStart(4, '0')),
  );
  const escaped = `\\\\{1,4}${escapes[character] ?? literal(character)}`;
  // HTTP headers have each byte as a character of its own.
  const bytes = Buffer.from(character).toString('latin1');
  const blank = character === ' ' ? ['\\+'] : /\s/.test(character) ? [' '] : [];
  return `(?:${[literal(character), literal(bytes), percent.join(''), units.join(''), escaped, ...blank].join('|')})`;
}

/** A value in base64 with so many bytes before it: at its ends several digits are possible. */
function base64Form(value: string, bytesBefore: number): Form {
  const bytes = Buffer.from(value);
  const [start, end] = [bytesBefore * 8, (bytesBefore + bytes.length) * 8];
  const isPossible = (digit: number, first: number): boolean =>
    [0, 1, 2, 3, 4, 5].every((bit) => {
      const at = first + bit - start;
      const isKnown = at >= 0 && at < end - start;
      return !isKnown || ((digit >> (5 - bit)) & 1) === (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    });
  const choices: (readonly string[])[] = [];
  for (let first = start - (start % 6); first < end; first += 6)
    choices.push([...base64Digits].filter((_, digit) => isPossible(digit, first)));
  const certain = choices.map(([digit = '', ...others]) => (others.length === 0 ? digit : ' ')).join('');
  const pattern = choices.map((digits) => `(?:${digits.map(base64Digit).join('|')})`).join('');
  return { anchor: longest(certain.split(/[^A-Za-z0-9]+/)), pattern: new RegExp(pattern, 'g') };
}

/** In either alphabet. */
function base64Digit(digit: string): string {
  return encodings(digit) + (digit === '+' ? '|-' : digit === '/' ? '|_' : '');
}

function longest(texts: readonly string[]): string {
  return texts.reduce((found, text) => (text.length > found.length ? text : found), '');
}

function anyCase(before: string, hex: string): string {
  return before + hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
