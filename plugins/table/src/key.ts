/** What two ways of writing the same key have in common. */
import { isPhoneNumber, type PhoneNormalizer, phoneNormalizer } from '@switchhook/sdk';

/** How keys are compared. */
export interface KeySettings {
  readonly compare: 'phone' | 'text';
  /** Of numbers written without it; null = all are international, with or without `+`. */
  readonly country: string | null;
}

/** Reads a key. */
export function keyReader({ compare, country }: KeySettings): PhoneNormalizer {
  if (compare === 'text') return (text) => text.trim();
  const normalized = phoneNormalizer(country);
  return (text) => withoutMobileDigit(normalized(text));
}

/** Argentine mobile numbers have a 9 behind the country code, which tables and networks often leave out; no other number lacks only that. */
function withoutMobileDigit(number: string): string {
  return number.replace(/^\+549(\d{10})$/, '+54$1');
}

/** Whether a key is compared as it is written, although it should be a phone number. */
export function isNoPhone(key: string, { compare }: KeySettings): boolean {
  return compare === 'phone' && !isPhoneNumber(key);
}
