/** Numbers of payment cards (ISO/IEC 7812), by their check digit. */
import { kinds } from './characters.js';
import { type Found, type Group, runsOf } from './groups.js';

const fewest = 13;
const most = 19;

/** Every sequence of whole groups whose digits are a card number; of those that begin at one place, the longest. */
export function cardsIn(text: string, groups: readonly Group[]): readonly Found[] {
  const found: Found[] = [];
  for (const [first, behind] of runsOf(text, groups, kinds.cardGap)) {
    const run = groups.slice(first, behind);
    const total = run.reduce((sum, { start, end }) => sum + end - start, 0);
    if (total < fewest) continue;
    const isCard = cardChecker(text, run, total);
    let from = 0;
    for (const [index, { start, end }] of run.entries()) {
      const last = lastOfCard(run, index, (size) => isCard(from, size));
      if (last !== null) found.push({ start, end: last, kind: 'card' });
      from += end - start;
    }
  }
  return found;
}

/** Where the longest card number ends that begins with a group; null where none does. */
function lastOfCard(run: readonly Group[], index: number, isCard: (size: number) => boolean): number | null {
  let last: number | null = null;
  let size = 0;
  for (let next = index; next < run.length; next += 1) {
    const { start, end } = run[next] as Group;
    size += end - start;
    if (size > most) break;
    if (size >= fewest && isCard(size)) last = end;
  }
  return last;
}

/** Whether a number in JSON is one of a card. */
export function isCardNumber(number: number | bigint): boolean {
  const digits = String(number);
  return (
    /^\d{13,19}$/.test(digits) &&
    cardChecker(digits, [{ start: 0, end: digits.length }], digits.length)(0, digits.length)
  );
}

/**
 * Whether a part of the digits of some groups is a card number. None begins with 0. One that begins with 1 has 15 digits, one of 13 digits
 * begins with 4: others are times in milliseconds, microseconds and nanoseconds.
 */
function cardChecker(text: string, run: readonly Group[], total: number): (from: number, size: number) => boolean {
  const digits = new Uint8Array(total);
  // Sums up to each digit, with those at even or at odd places doubled: a part takes one subtraction.
  const evenDoubled = new Uint32Array(total + 1);
  const oddDoubled = new Uint32Array(total + 1);
  let count = 0;
  for (const { start, end } of run)
    for (let index = start; index < end; index += 1) {
      // Of wide digits, too, the last four bits.
      const digit = text.charCodeAt(index) & 15;
      const doubled = digit < 5 ? digit * 2 : digit * 2 - 9;
      digits[count] = digit;
      evenDoubled[count + 1] = (evenDoubled[count] ?? 0) + (count % 2 === 0 ? doubled : digit);
      oddDoubled[count + 1] = (oddDoubled[count] ?? 0) + (count % 2 === 0 ? digit : doubled);
      count += 1;
    }
  return (from, size) => {
    const first = digits[from];
    if (first === 0 || (first === 1 && size !== 15) || (size === fewest && first !== 4)) return false;
    const sums = (from + size) % 2 === 0 ? evenDoubled : oddDoubled;
    return ((sums[from + size] ?? 0) - (sums[from] ?? 0)) % 10 === 0;
  };
}
