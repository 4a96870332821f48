/** Reads the JSON of a sender, after its signature has been checked. */
import type { JsonObject, JsonValue } from '../contract/json.js';
import { refuse } from '../errors/refusal.js';

/** Deeper nesting than any sender is known to use, and far from what exhausts a stack. */
const maxDepth = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Parses a body that must be one JSON object in UTF-8. Refuses everything else as `MALFORMED`: an empty body, invalid
 * UTF-8, another JSON value, more than 64 levels, and the keys `__proto__` and `constructor` on any level.
 */
export function readJsonObject(body: Uint8Array): JsonObject {
  if (body.byteLength === 0) throw refuse('MALFORMED', 'the body is empty');
  let value: JsonValue;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'the body is not JSON' : 'the body is not UTF-8';
    throw refuse('MALFORMED', reason, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('MALFORMED', 'the body is not a JSON object');
  checkLevel(value, 1);
  return value as JsonObject;
}

function checkLevel(value: object, depth: number): void {
  if (depth > maxDepth) throw refuse('MALFORMED', `the body is nested deeper than ${maxDepth} levels`);
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || key === 'constructor') throw refuse('MALFORMED', `the body has a key ${key}`);
    const inner: unknown = (value as Record<string, unknown>)[key];
    if (typeof inner === 'object' && inner !== null) checkLevel(inner, depth + 1);
  }
}
