/** Copies what a resolver returned into plain, frozen JSON, or throws an error that names what is not allowed. */
import type { JsonObject, JsonValue } from '@switchhook/sdk';
import { invalidReturn, isPlain } from '../system/returned.js';

/** Facts about a caller, and about how much memory they take. */
export interface Facts {
  readonly facts: JsonObject;
  /** Characters, roughly. */
  readonly size: number;
}

/** What is needed of a caller fits into a prompt. More is a query without a limit, and copying it would stop the phones. */
const largest = 1_000_000;
const deepest = 50;

/**
 * Copies what a resolver returned. Times become ISO 8601, big integers numbers where they fit, NaN and the like null; what
 * JSON has no word for is left out. Throws for what is no object, has a promise or a Set in it, is too large or deep, contains itself, or throws when read.
 */
export function plainFacts(returned: unknown, resolver: object): Facts {
  // Not allowed by the contract, but clear.
  if (returned === null || returned === undefined) return { facts: Object.freeze({}), size: 0 };
  const allowed = 'an object of facts in JSON, {} where there is no record';
  if (typeof returned !== 'object' || Array.isArray(returned))
    throw invalidReturn(resolver, 'resolve', returned, allowed);
  const copy = new Copy((found) => invalidReturn(resolver, 'resolve', found, allowed));
  const facts = copy.of(returned, 0);
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts))
    throw invalidReturn(resolver, 'resolve', facts, allowed);
  return { facts: facts as JsonObject, size: copy.size };
}

class Copy {
  size = 0;
  readonly #invalid: (found: object) => Error;

  /** `invalid`: the error for something that JSON cannot express. */
  constructor(invalid: (found: object) => Error) {
    this.#invalid = invalid;
  }

  of(value: unknown, depth: number): JsonValue | undefined {
    this.#spend(8);
    switch (typeof value) {
      case 'string':
        this.#spend(value.length);
        return value;
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) ? value : null;
      case 'bigint':
        return Number.isSafeInteger(Number(value)) ? Number(value) : value;
      case 'object':
        return value === null ? null : this.#ofObject(value, depth);
      default:
        return undefined;
    }
  }

  #ofObject(value: object, depth: number): JsonValue | undefined {
    if (depth > deepest) throw new Error(`its facts are nested more than ${deepest} deep, or contain themselves`);
    if (ArrayBuffer.isView(value)) this.#spend(value.byteLength);
    if (Array.isArray(value)) {
      // Before they are gone through: an array may be long and empty.
      this.#spend(8 * value.length);
      return Object.freeze(value.map((item) => this.of(item, depth + 1) ?? null));
    }
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.of(value.toJSON(), depth + 1);
    if (!(value instanceof Map) && !isPlain(value)) throw this.#invalid(value);
    const copied: (readonly [string, JsonValue])[] = [];
    for (const [key, inner] of value instanceof Map ? value : entriesOf(value)) {
      const name = String(key);
      this.#spend(name.length);
      const copy = this.of(inner, depth + 1);
      if (copy !== undefined) copied.push([name, copy]);
    }
    return Object.freeze(Object.fromEntries(copied));
  }

  #spend(size: number): void {
    this.size += size;
    if (this.size > largest) throw new Error(`its facts are larger than ${largest} characters`);
  }
}

/** One by one, so that the end of what may be spent is the end of it. */
function* entriesOf(value: object): Iterable<readonly [string, unknown]> {
  for (const key in value)
    if (Object.hasOwn(value, key)) yield [key, (value as Readonly<Record<string, unknown>>)[key]];
}
