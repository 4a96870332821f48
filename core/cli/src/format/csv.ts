/** Rows as CSV, RFC 4180. */
import { stringifyJson } from '@switchhook/sdk';

/** What a spreadsheet takes for the start of a formula, also behind spaces: https://owasp.org/www-community/attacks/CSV_Injection */
const formula = /^[\s\p{Cc}]*[=+\-@＝＋－＠|]|^[\t\r\n]/u;
/** A sign and digits are a number, such as a phone number: no formula. */
const number = /^[+-]\d[\d.]*$/;

/** A row with its line break. A text that a spreadsheet would calculate gets an apostrophe before it, which the spreadsheet hides. */
export function csvRow(values: readonly unknown[]): string {
  return `${values.map(cellOf).join(',')}\r\n`;
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : stringifyJson(value);
  const safe = formula.test(text) && !number.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
