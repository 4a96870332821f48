/**
 * Schema helpers for component options. A secret announces itself and an expression is compiled while zod parses, by
 * the reader of the configuration: see `reading`.
 */
import { z } from 'zod';
import type { VerifiedBy } from '../contract/source.js';
import { reader } from './context.js';
import { isCountry } from './phone-number.js';
import { durationMs, durationPattern, rateOf, ratePattern, sizeBytes, sizePattern } from './units.js';

/** The router does not mask shorter ones: it would hide parts of ordinary words. */
const shortestSecret = 4;

/** A value that must never be seen: not printed, logged or put into an error. At least 4 characters. */
export function secret(description: string) {
  return z
    .string()
    .min(shortestSecret)
    .transform((value) => {
      reader().secret(value);
      return value;
    })
    .meta({ description, secret: true });
}

/** Every request is hashed with each of them, also one that is not signed. */
const mostSecrets = 20;

/** One secret or several, of which each is tried: so a new one can be added before the old one is removed. Becomes a list. `advice`: what to do with more than 20. */
export function secretList(description: string, advice = 'remove those that are not used any more') {
  const tooMany = `each request is checked with all of them: ${mostSecrets} at most; ${advice}`;
  return z
    .union([secret('A secret.'), z.array(secret('A secret.')).min(1).max(mostSecrets, tooMany)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .meta({ description });
}

/** An issue for which zod has no code, to be given to `ctx.addIssue`: the value of an option is wrong. */
export function problem(message: string) {
  return { code: 'custom' as const, message, params: { problem: 'INVALID_VALUE' } };
}

/** The URL of an API, without a slash at its end. `standard` where it is left out. */
export function apiUrl(standard: string, description = 'URL of the API.') {
  return z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .transform((url) => url.replace(/\/+$/, ''))
    .prefault(standard)
    .meta({ description });
}

/** `800ms`, `5s`, `10m`, `30d`; becomes milliseconds. */
export function duration(description: string) {
  return unit(description, 'a duration such as 800ms, 5s, 10m or 30d', '5s', durationPattern, durationMs);
}

/** `64kb`, `1mb`; becomes bytes. */
export function size(description: string) {
  return unit(description, 'a size such as 64kb or 1mb', '1mb', sizePattern, sizeBytes);
}

/** `10/s`, `100/m`; becomes `{ count, perMs }`. */
export function rate(description: string) {
  return unit(description, 'a rate such as 10/s or 100/m', '10/s', ratePattern, rateOf);
}

/** `US`, `GB`, `DE`: a country by its code in ISO 3166-1 alpha-2, one that has phone numbers. */
export function country(description: string) {
  return z
    .string()
    .refine((code) => /^[A-Z]{2}$/.test(code) && isCountry(code), {
      error: 'expected the code of a country, two capital letters such as US, GB or DE',
      params: { problem: 'INVALID_VALUE' },
    })
    .meta({ description, examples: ['US'] });
}

function unit<T>(
  description: string,
  expected: string,
  example: string,
  pattern: RegExp,
  parse: (value: string) => T | null,
) {
  return z
    .string()
    .transform((value, ctx): T => {
      const parsed = parse(value);
      if (parsed !== null) return parsed;
      ctx.addIssue(problem(`expected ${expected}`));
      return z.NEVER;
    })
    .meta({ description, examples: [example], pattern: pattern.source });
}

/** `verifiedBy` of a reception: the secret at an index, as `requireSignature`, `requireToken` and `requireTokenInPath` return it. */
export function secretAt(index: number, secrets: readonly unknown[]): VerifiedBy {
  return { secret: index + 1, of: secrets.length };
}

/** What a value should have been, `expected at most 512 characters`; null where neither a limit nor the type is what is wrong. */
export function expectedText(issue: z.core.$ZodIssue): string | null {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeName(issue.expected)}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue)}`;
    default:
      return null;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

/** The word for a type of zod or of JSON, with its article. */
export function typeName(type: string): string {
  return typeNames[type] ?? type;
}

function unitOf({ origin }: { readonly origin: string }): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';
}
