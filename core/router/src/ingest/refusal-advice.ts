/** What an operator does about a refused request, by its code and reason. */
import { ERRORS } from '@switchhook/sdk/internal';
import type { RefusedRecord } from './refused-requests.js';

/** Of requests that were not verified, by words of the reason; the first that fits: a form that differs is the reason why a signature does not match. */
const byReason: readonly (readonly [words: RegExp, advice: string])[] = [
  [
    / is missing|has no token/,
    'Have the sender sign its requests, or send its token, as the source expects it, and have each proxy pass its headers on.',
  ],
  [
    / s (?:old|ahead)\b/,
    'Set the clock of this machine by NTP. If it is right, the sender or a proxy holds requests back: see the option tolerance.',
  ],
  [/ is not in allow\b/, 'Add the address to allow of the source if it is that of the sender.'],
  [
    /does not start with|no part of header|has \S+ characters|has characters that|is not a number of seconds/,
    'Compare the settings of the signature with the sender; with capture: true, switchhook doctor signature finds those that fit.',
  ],
  [
    /does not match|is not a configured/,
    'Compare the secret with the sender, correct it in the configuration or .env, then: switchhook reload.',
  ],
];

/** One or two sentences; of codes with one cause, those of the table. */
export function refusalAdvice({ code, reason, secret }: Pick<RefusedRecord, 'code' | 'reason' | 'secret'>): string {
  if (code === 'MALFORMED')
    return 'Correct what the sender sends, or let another source take it: the reason names what is wrong.';
  if (code !== 'UNVERIFIED') return ERRORS[code].hint;
  if (secret !== null && secret.fits.length > 0)
    return 'The sender uses the secret or the URL of another agent or source, or two secrets are swapped.';
  const [, advice] = byReason.find(([words]) => words.test(reason)) ?? [];
  return advice ?? ERRORS.UNVERIFIED.hint;
}
