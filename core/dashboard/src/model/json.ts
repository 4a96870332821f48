/** JSON of others: numbers that JavaScript cannot hold exactly keep their digits. */

/** A value of a body. A number with more digits than a JavaScript number holds is a `RawNumber`. */
export type Json = string | number | boolean | null | RawNumber | readonly Json[] | { readonly [key: string]: Json };

/** What `JSON.rawJSON` makes: `JSON.stringify` writes it as it was read. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface ExactJson {
  parse(text: string, read: (key: string, value: unknown, context?: { readonly source?: string }) => unknown): unknown;
  rawJSON?(text: string): RawNumber;
  isRawJSON?(value: unknown): value is RawNumber;
}
// Browsers have it since 2023 (Chrome) and 2025 (Firefox, Safari); TypeScript's library does not describe it yet.
const exact = JSON as unknown as ExactJson;

/** Parses a text. Older browsers round what they cannot hold, as they always do. */
export function parseJson(text: string): unknown {
  return exact.parse(text, (_key, value, context) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined || exact.rawJSON === undefined) return value;
    return isRounded(value, source) ? exact.rawJSON(source) : value;
  });
}

/** Whether a value stands for a number that JavaScript would round. */
export function isRawNumber(value: unknown): value is RawNumber {
  return exact.isRawJSON?.(value) ?? false;
}

/** Only digits are compared: `1.0` and `1e2` lose nothing. */
function isRounded(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true;
  return /^-?\d+$/.test(source) ? !Number.isSafeInteger(value) && source !== '-0' : digitsOf(source).length > 17;
}

function digitsOf(source: string): string {
  return source.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '');
}
