/** What two ways of writing the same key have in common: for phone numbers E.164, `+` and digits. */
import { FileProblem } from './file-problem.js';

/** How keys are compared. */
export interface KeySettings {
  readonly compare: 'phone' | 'text';
  /** Of numbers written without it; null = all are international, with or without `+`. */
  readonly country: string | null;
}

/** Reads a key; what is no number stays as it is, but for the space around it. Rejects where there is no such country. */
export type KeyReader = (text: string) => string | Promise<string>;

/** The library comes when a number first needs it: 14 MB and 50 ms, and most numbers come as +12025550143. */
export function keyReader({ compare, country }: KeySettings): KeyReader {
  if (compare === 'text') return (text) => text.trim();
  let numbers: Promise<(text: string) => string> | null = null;
  return async (text) => {
    if (isNumber(text)) return text;
    numbers ??= numberReader(country);
    return (await numbers)(text);
  };
}

/** Whether a key is a phone number in E.164. */
export function isNumber(key: string): boolean {
  return /^\+[1-9]\d{7,14}$/.test(key);
}

async function numberReader(country: string | null): Promise<(text: string) => string> {
  const { isSupportedCountry, parsePhoneNumberFromString } = await import('libphonenumber-js/min');
  if (country !== null && !isSupportedCountry(country))
    throw new FileProblem(`there is no country ${country}: expected a code such as US, GB or DE`);
  return (text) => {
    const written = dialled(text);
    const complete = country !== null || written.startsWith('+') ? written : `+${written.replace(/^00/, '')}`;
    const rules = { extract: false, ...(country === null ? {} : { defaultCountry: country }) };
    const number = parsePhoneNumberFromString(complete, rules);
    return number?.isPossible() ? number.number : text.trim();
  };
}

/** The number of a SIP or tel address; anything else as it is. */
function dialled(text: string): string {
  const address = /^(?:sips?|tel):([^@;?]*)/i.exec(text.trim());
  return (address?.[1] ?? text.trim()).replace(/^%2b/i, '+');
}
