/** Bodies that differ from a sample in some of their fields. */
import type { JsonObject, JsonValue } from '../contract/json.js';

/** The body with a field set; `a.b` is a field in a field, which is made where it is not there. */
export function withField(body: JsonObject, path: string, value: JsonValue): JsonObject {
  return withSteps(body, path.split('.'), value);
}

function withSteps(body: JsonObject, [first = '', ...rest]: readonly string[], value: JsonValue): JsonObject {
  if (rest.length === 0) return { ...body, [first]: value };
  const inner = body[first];
  return { ...body, [first]: withSteps(isObject(inner) ? inner : {}, rest, value) };
}

/** Whether a value is an object, and no list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
