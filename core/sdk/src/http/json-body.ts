/** Reads the JSON of a sender, after its signature has been checked. */
import type { JsonObject } from '../contract/json.js';
import { refuse } from '../errors/refusal.js';

/** Deeper nesting than any sender is known to use, and far from what exhausts a stack. */
const maxDepth = 64;

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
  if (body.byteLength === 0) throw refuse('MALFORMED', 'the body is empty');
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'the body is not JSON' : 'the body is not UTF-8';
    throw refuse('MALFORMED', reason, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('MALFORMED', 'the body is not a JSON object');
  checkLevel(value as Record<string, unknown>, harmful, 1);
  return value as JsonObject;
}

function checkLevel(value: Record<string, unknown>, harmful: 'refuse' | 'drop', depth: number): void {
  if (depth > maxDepth) throw refuse('MALFORMED', `the body is nested deeper than ${maxDepth} levels`);
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (isHarmful(key, inner)) {
      if (harmful === 'refuse') throw refuse('MALFORMED', `the body has a key ${key}`);
      delete value[key];
    } else if (typeof inner === 'object' && inner !== null)
      checkLevel(inner as Record<string, unknown>, harmful, depth + 1);
  }
}

function isHarmful(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
