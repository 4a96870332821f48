/** Texts of others, as they may be written to a terminal. */

/**
 * Characters that a terminal acts on and those that reorder a text, such as U+001B and U+202E, as `\u001b`; line breaks and tabs
 * stay. A JSON text keeps its value.
 */
export function printable(text: string): string {
  return text.replace(
    /(?![\n\t])[\p{Cc}\p{Bidi_C}\u2028\u2029]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
