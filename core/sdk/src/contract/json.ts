/**
 * Any value JSON can hold. An integer beyond 2^53, which a number would round, is a bigint: `JSON.stringify` throws for it, `stringifyJson`
 * writes its digits.
 */
export type JsonValue = string | number | bigint | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object. Read-only: others hold the same one. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
