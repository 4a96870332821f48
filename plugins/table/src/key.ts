/** What two ways of writing the same key have in common. */
import { isPhoneNumber, type PhoneNormalizer, phoneKeys } from '@switchhook/sdk/thread';

/** How keys are compared. */
export interface KeySettings {
  readonly compare: 'phone' | 'text';
  /** Of numbers written without it; null = all are international, with or without `+`. */
  readonly country: string | null;
}

/** Reads a key. */
export function keyReader({ compare, country }: KeySettings): PhoneNormalizer {
  return compare === 'text' ? (text) => text.trim() : phoneKeys(country);
}

/** Whether a key is compared as it is written, although it should be a phone number. */
export function isNoPhone(key: string, { compare }: KeySettings): boolean {
  return compare === 'phone' && !isPhoneNumber(key);
}
