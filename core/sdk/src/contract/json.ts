/** Any value JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object. Read-only: others hold the same one. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
