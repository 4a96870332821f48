/** What each character can be part of: one look into a table instead of a pattern, for each character of every text. */

/** Kinds of characters, as bits. */
export const kinds = {
  digit: 1,
  /** Between the digits of a phone number. */
  phoneGap: 2,
  /** Between the digits of a card number, which may be spoken: `4242, 4242, …`. */
  cardGap: 4,
  /** `@`, and the `%` of `%40`. */
  at: 8,
  /** Before the `@` of an address. */
  local: 16,
  /** Behind it. */
  domain: 32,
  /** Joins digits to a name such as `conv_12345678`. */
  name: 64,
} as const;

const patterns: readonly (readonly [number, RegExp])[] = [
  [kinds.digit, /[0-9０-９]/],
  [kinds.phoneGap | kinds.cardGap, /[\p{Zs}\t()./\p{Pd}\p{Cf}−]/u],
  [kinds.cardGap, /,/],
  [kinds.at, /[@＠%]/],
  [kinds.local, /[^\s@＠<>()[\]{}",;:\\/=?&]/],
  [kinds.domain, /[\p{L}\p{N}.-]/u],
  [kinds.name, /[A-Za-z_]/],
];

/** Made with the first text: it takes some 50 ms, and few processes need it. */
let table: Uint8Array | null = null;

function madeTable(): Uint8Array {
  return Uint8Array.from({ length: 0x1_00_00 }, (_, code) => {
    const character = String.fromCharCode(code);
    return patterns.reduce((all, [kind, pattern]) => (pattern.test(character) ? all | kind : all), 0);
  });
}

/** Whether the character at a place is of one of these kinds. False outside of the text. */
export function isAt(text: string, index: number, kind: number): boolean {
  table ??= madeTable();
  // Asking the table for the code NaN would be slow.
  return index >= 0 && index < text.length && ((table[text.charCodeAt(index)] as number) & kind) !== 0;
}
