/** What components return: a plugin in plain JavaScript can return anything, and must learn what, where and what is allowed. */
import { relative } from 'node:path';
import { placeAsWritten } from './source-map.js';

/** A component returned what its contract does not allow. It is a fault of the plugin: another attempt does not help before it is fixed. */
export class InvalidReturn extends Error {
  override readonly name = 'InvalidReturn';
}

const names = new WeakMap<object, string>();
const definitions = new WeakMap<object, string>();

/** Names a component for messages about it: kind, name, type and where it is defined. `definedAt`: the latter, as its `path:line`. */
export function nameComponent<T extends object>(instance: T, name: string, definedAt: string | null = null): T {
  names.set(instance, name);
  if (definedAt !== null) definitions.set(instance, definedAt);
  return instance;
}

/** Where a component is defined, as its `path:line`; null where that is not known. */
export function definitionOf(instance: object): string | null {
  return definitions.get(instance) ?? null;
}

/** Gives what stands in for a component its name. */
export function nameLike<T extends object>(replacement: T, component: object): T {
  const name = names.get(component);
  return name === undefined ? replacement : nameComponent(replacement, name, definitionOf(component));
}

/** `destination crm (acme.push, plugins/crm.ts:12): deliver returned undefined, allowed is …`. */
export function invalidReturn(
  instance: object,
  method: string,
  returned: unknown,
  allowed: string,
  verb = 'returned',
): InvalidReturn {
  const name = names.get(instance);
  const prefix = name === undefined ? '' : `${name}: `;
  return new InvalidReturn(`${prefix}${method} ${verb} ${described(returned)}; allowed is ${allowed}`);
}

/** Relative to the working directory, or to the directory that packages are installed in; a `path:line` as it was written in TypeScript. */
export function shortPath(compiled: string): string {
  const path = placeAsWritten(compiled);
  const [, installed] = /.*\bnode_modules[\\/](.+)/.exec(path) ?? [];
  const own = relative(process.cwd(), path);
  return installed ?? (own.startsWith('..') ? path : own);
}

/** Says what a value is, in a few words. Throws nothing. */
export function described(value: unknown): string {
  try {
    if (value === null || value === undefined) return String(value);
    if (typeof value === 'string') return value === '' ? 'an empty text' : `the text ${JSON.stringify(excerpt(value))}`;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (typeof value !== 'object') return `a ${typeof value}`;
    if (Array.isArray(value)) return 'a list';
    if ('then' in value) return 'a promise';
    if ('kind' in value && typeof value.kind === 'string')
      return `an object of kind ${JSON.stringify(excerpt(value.kind))}`;
    const fields = Object.keys(value);
    return fields.length === 0 ? 'an object without fields' : `an object with ${excerpt(fields.join(', '))}`;
  } catch {
    return 'an object that throws when it is read';
  }
}

function excerpt(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

/** Whether JSON can express a value with all that is in it. A promise, a Map or a function would silently become `{}` or nothing. */
export function isJson(value: unknown): boolean {
  try {
    return isJsonValue(value);
  } catch {
    // It contains itself, or throws when it is read.
    return false;
  }
}

function isJsonValue(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isJsonValue);
  // As dates have it.
  if ('toJSON' in value && typeof value.toJSON === 'function') return isJsonValue(value.toJSON());
  return isPlain(value) && Object.values(value).every(isJsonValue);
}

/** Whether JSON writes a value as an object, with its fields. */
export function isPlain(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]' && !('toJSON' in (value as object));
}
