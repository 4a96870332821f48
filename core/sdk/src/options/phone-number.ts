/** Phone numbers: normalizes the ways of writing one number to E.164; a withheld number becomes empty. */
import { createRequire } from 'node:module';
import type { CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { Call } from '../contract/source.js';

/** Reads a phone number: E.164 (`+` and digits) where it is one, or else the text as it is, without the space around it. */
export type PhoneNormalizer = (text: string) => string;

/**
 * A reader of phone numbers, however they are written: with spaces and brackets, without the `+`, with `00` or an extension
 * behind, as an address such as `tel:`, `sip:` or `sms:`. Short codes, extensions alone and names stay as they are.
 *
 * @param country Of numbers written without it, ISO 3166-1 alpha-2, e.g. `US`; null = all are international. Throws a
 *   RangeError where there is no such country.
 */
export function phoneNormalizer(country: string | null): PhoneNormalizer {
  if (country !== null && !isCountry(country)) throw new RangeError(`there is no country ${country}`);
  return (text) => {
    if (isPhoneNumber(text)) return current(text);
    const address = addressIn(text);
    const number = phoneNumberIn(userOf(address), country);
    return number === null ? address : current(number);
  };
}

/**
 * A reader of phone numbers for comparing them: what it makes of two texts is equal where they are ways of writing one number. Argentine mobile
 * numbers lose their 9 behind the country code, which tables and networks often leave out; no other number lacks only that.
 */
export function phoneKeys(country: string | null): PhoneNormalizer {
  const normalized = phoneNormalizer(country);
  return (text) => normalized(text).replace(/^\+549(\d{10})$/, '+54$1');
}

/** Mexico dropped the 1 before mobile numbers in 2019; some networks still send it. */
function current(number: string): string {
  return number.replace(/^\+521(\d{10})$/, '+52$1');
}

/** A phone number as texts. */
export interface WrittenNumber {
  /** Whose number it is, for `phoneKeys`: ISO 3166-1 alpha-2; null where it is not known. */
  readonly country: string | null;
  /** Each once, the number as it was given first. */
  readonly texts: readonly string[];
}

/**
 * The ways in which a number in E.164 is usually written: with and without its country, with and without punctuation. For searching where numbers
 * are kept as they were typed. Compare what is found by `phoneKeys`: a text without its country may be a number of another one.
 */
export function writtenForms(number: string): WrittenNumber {
  const read = parsed(number);
  if (read === null) return { country: null, texts: [number] };
  const [home, abroad] = [read.formatNational(), read.formatInternational()];
  const dashed = abroad.replaceAll(' ', '-');
  const digits = [number, read.nationalNumber, home].map((text) => text.replace(/\D/g, ''));
  const texts = new Set([number, ...digits, home, abroad, dashed, `+${read.countryCallingCode} ${home}`]);
  return { country: read.country ?? null, texts: [...texts] };
}

/** Whether a text is a phone number in E.164. */
export function isPhoneNumber(text: string): boolean {
  return /^\+[1-9]\d{7,14}$/.test(text);
}

/** Whether there is such a country, by its code in ISO 3166-1 alpha-2 (capital letters). */
export function isCountry(code: string): code is CountryCode {
  return library().isSupportedCountry(code);
}

/**
 * Whether a text stands for a withheld number: empty, `anonymous`, `266696687`, an anonymous SIP address, a country code before
 * nothing but zeros.
 */
export function isWithheld(text: string): boolean {
  const user = userOf(addressIn(text));
  const plain = user.replace(/^\+/, '').replace(/(?<=\d)[\s().-]+(?=\d)/g, '');
  if (isPhoneNumber(user) && !keypadWords.has(plain)) return noSubscriber.test(plain);
  return /^[0\s]*$/.test(plain) || noSubscriber.test(plain) || keypadWords.has(plain) || withheld.test(plain);
}

/**
 * Whether a call's number identifies its caller: a phone number, or an address such as `sip:ada@example.com`. Many callers may share
 * an extension, a short code, or a name such as `Wireless Caller`.
 */
export function isKnownCaller({ from }: Pick<Call, 'from'>): boolean {
  const address = addressIn(from);
  return (
    !isWithheld(from) &&
    !/^(\+\d{3,4}|\d{3,6})$/.test(userOf(address)) &&
    /^\+[1-9]\d*$|^[^\s@]+@[^\s@]+$/.test(address)
  );
}

/** A country code, and zeros. */
const noSubscriber = /^\d{1,3}0{7,}$/;

/** What platforms and networks write for it; a name such as Private Eye Ltd is none of it. */
const withheld =
  /^(?:(?:caller|number|caller ?id|caller ?number)[ :_-]*)?(?:anonymous|blocked|cell ?phone|hidden|none|no ?caller ?id|not available|n\/?a|null|undefined|out of area|payphone|private|restricted|toll[ -]?free|unassigned|unavailable|unknown|wireless|withheld)(?:[ _-]*(?:caller|number|caller ?id|user))?$/i;

/**
 * Such a word on a telephone's keypad: `+266696687` is ANONYMOUS. Some networks made numbers of words
 * (https://twilio.com/changelog/upcoming-changes-to-withheld-caller-ids-behavior-for-dial-calls); none of these is assigned.
 */
const keypadWords: ReadonlySet<string> = new Set(
  ['anonymous', 'blocked', 'private', 'restricted', 'unavailable', 'unknown'].map(keysOf),
);

function keysOf(word: string): string {
  const keys = ['abc', 'def', 'ghi', 'jkl', 'mno', 'pqrs', 'tuv', 'wxyz'];
  return [...word].map((letter) => 2 + keys.findIndex((letters) => letters.includes(letter))).join('');
}

const fewestDigits = 7;
const longestNumber = 100;

/** The address in `"Ada" <sip:ada@example.com>`; anything else as it is. */
function addressIn(text: string): string {
  return (/<([^<>]*)>[^<>]*$/.exec(text)?.[1] ?? text).trim();
}

/** Who is meant by an address: what stands before the host and the parameters. */
function userOf(address: string): string {
  const [user = ''] = address.replace(/^[a-z]{2,16}:/i, '').split(/[@;?]/, 1);
  return user.replace(/^%2b/i, '+').trim();
}

/** E.164; null where it is no number: fewer than seven digits are a short code or an extension. */
function phoneNumberIn(user: string, country: CountryCode | null): string | null {
  if (user.length > longestNumber) return null;
  // Full-width digits, and marks of the writing direction that come with what is copied from a web page.
  const written = user.normalize('NFKC').replace(/\p{Cf}/gu, '');
  if (written.replace(/\P{Nd}/gu, '').length < fewestDigits) return null;
  // The library finds it too long, where it is not written together.
  const [, mexican] = /^(?:00)?521(\d{10})$/.exec(written.replace(/[^\d]/g, '')) ?? [];
  if (mexican !== undefined) return `+52${mexican}`;
  const abroad = parsed(written.startsWith('+') ? written : `+${written.replace(/^00/, '')}`);
  if (country === null || written.startsWith('+')) return abroad?.number ?? null;
  // Digits that are no number of the country may be those of another one, without their plus.
  const home = parsed(written, country);
  const better = home?.isValid() !== true && abroad?.isValid() === true ? abroad : home;
  return better?.number ?? null;
}

function parsed(written: string, country?: CountryCode) {
  const rules = { extract: false, ...(country !== undefined && { defaultCountry: country }) };
  const number = library().parsePhoneNumberFromString(written, rules);
  return number?.isPossible() ? number : null;
}

interface Library {
  readonly isSupportedCountry: typeof isSupportedCountry;
  readonly parsePhoneNumberFromString: typeof parsePhoneNumberFromString;
}

const require = createRequire(import.meta.url);
let loaded: Library | null = null;

/** Comes with the first number that needs it (8 MB and 50 ms): most are E.164 already. */
function library(): Library {
  loaded ??= require('libphonenumber-js/min') as Library;
  return loaded;
}
