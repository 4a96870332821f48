/** Reads and writes the JSON of others without rounding its integers. */
import { parse, stringify } from 'lossless-json';
import type { JsonObject, JsonValue } from '../contract/json.js';
import { refuse } from '../errors/refusal.js';
import { fingerprint } from './signature.js';

/** A number that JSON.parse might round: 16 digits, or an exponent of three. Outside of strings, with rare exceptions that cost only time. */
const mayBeRounded = /(?:^|[[:,])\s*-?(?:\d{16}|\d[\d.]*[eE]\+?\d{3})/;

/**
 * Parses JSON. An integer beyond 2^53 becomes a bigint, and a number beyond the range of numbers (`1e400`) its text. Throws a SyntaxError
 * where the text is not JSON. A byte order mark is skipped.
 */
export function parseJson(text: string): JsonValue {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (!/\S/.test(plain)) throw new SyntaxError('the text is empty');
  const value: JsonValue = JSON.parse(plain);
  // The library takes 20 times as long as JSON.parse, which has checked the text.
  if (!mayBeRounded.test(plain)) return value;
  return parse(plain, null, { parseNumber: numberIn, onDuplicateKey: ({ newValue }) => newValue }) as JsonValue;
}

/** Writes JSON as `JSON.stringify` does, and the digits of bigints. */
export function stringifyJson(
  value: unknown,
  replacer?: ((key: string, value: unknown) => unknown) | null,
  space?: number,
): string {
  try {
    return JSON.stringify(value, replacer ?? undefined, space);
  } catch (error) {
    const text = hasBigint(error) ? stringify(value, replacer, space) : undefined;
    if (text === undefined) throw error;
    return text;
  }
}

function numberIn(text: string): number | bigint | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
}

/** V8 throws other TypeErrors, for a value that contains itself for example. */
function hasBigint(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes('BigInt');
}

/** Deeper nesting than any sender is known to use, and far from what exhausts a stack. */
const maxDepth = 64;

/** Parsing larger ones takes more than a millisecond, and many times that where they are deep. */
const largeBytes = 65_536;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Parses a body that must be one JSON object in UTF-8. Refuses everything else as `MALFORMED`: an empty body, invalid
 * UTF-8, another JSON value, more than 64 levels, and what changes the class of an object that it is copied into: the key
 * `__proto__`, and `constructor` with a `prototype`. With `harmful: 'drop'` these are left out instead: a call must not be refused for them.
 */
export function readJsonObject(
  body: Uint8Array,
  { harmful = 'refuse' }: { harmful?: 'refuse' | 'drop' } = {},
): JsonObject {
  if (body.byteLength > largeBytes && isDeep(body)) throw tooDeep();
  let value: unknown;
  let text = '';
  try {
    text = utf8.decode(body);
    value = parseJson(text);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    if (!(error instanceof SyntaxError)) throw refuse('MALFORMED', 'the body is not UTF-8', { cause: error });
    // The parser's words would quote the body, and differ for each: refusals are counted by their reason.
    throw refuse('MALFORMED', `the body is ${text.trim() === '' ? 'empty' : 'not JSON'}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('MALFORMED', 'the body is not a JSON object');
  checkLevel(value as Record<string, unknown>, harmful, 1);
  return value as JsonObject;
}

/**
 * Text that every store can keep, within a limit of characters. Where it is too long or has control characters, it is cut and
 * cleaned, and a fingerprint keeps different texts different.
 */
export function fitting<T extends string | null>(text: T, limit: number): T | string {
  const unkeepable = /[\p{Cc}\p{Cs}]/gu;
  if (text === null || (text.length <= limit && text.search(unkeepable) < 0)) return text;
  return `${text.slice(0, limit - 33).replace(unkeepable, '\uFFFD')}~${fingerprint(text)}`;
}

function checkLevel(value: Record<string, unknown>, harmful: 'refuse' | 'drop', depth: number): void {
  if (depth > maxDepth) throw tooDeep();
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (isHarmful(key, inner)) {
      if (harmful === 'refuse') throw refuse('MALFORMED', `the body has a key ${key}`);
      delete value[key];
    } else if (typeof inner === 'object' && inner !== null)
      checkLevel(inner as Record<string, unknown>, harmful, depth + 1);
  }
}

/** Looks at the brackets outside of texts only. */
function isDeep(body: Uint8Array): boolean {
  const [quote, backslash, openList, openObject, closeList, closeObject] = Buffer.from('"\\[{]}');
  let depth = 0;
  let isText = false;
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index];
    if (isText) {
      if (byte === backslash) index += 1;
      else if (byte === quote) isText = false;
    } else if (byte === quote) isText = true;
    else if (byte === openList || byte === openObject) depth += 1;
    else if (byte === closeList || byte === closeObject) depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}

function tooDeep(): Error {
  return refuse('MALFORMED', `the body is nested deeper than ${maxDepth} levels`);
}

function isHarmful(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
