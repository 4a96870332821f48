/** Phone numbers in texts, and what only looks like one. */
import { isAt, kinds } from './characters.js';
import { type Found, type Group, runsOf } from './groups.js';

/** Of E.164: more digits together are an id. */
const longest = 15;
/** With its plus. */
const shortest = 7;

/** Phone numbers; without a plus, those of at least so many digits. */
export function phonesIn(text: string, groups: readonly Group[], fewest: number): readonly Found[] {
  const found: Found[] = [];
  const possible = withoutDates(text, groups);
  for (const [first, behind] of runsOf(text, possible, kinds.phoneGap)) {
    const size = digitsIn(possible, first, behind);
    if (size < Math.min(fewest, shortest)) continue;
    const { start: firstDigit = 0 } = possible[first] ?? {};
    const before = /[+＋]?\(?[+＋]?$/.exec(text.slice(Math.max(0, firstDigit - 3), firstDigit))?.[0] ?? '';
    const isInternational = /[+＋]/.test(before) && size >= shortest;
    const [from, to] = isInternational ? [first, behind] : withoutNames(text, possible, [first, behind]);
    const start = from === first ? firstDigit - before.length : (possible[from]?.start ?? 0);
    const { end = 0 } = possible[to - 1] ?? {};
    if (isInternational || (digitsIn(possible, from, to) >= fewest && !isOther(text, start, end)))
      found.push({ start, end, kind: 'phone' });
  }
  return found;
}

function digitsIn(groups: readonly Group[], first: number, behind: number): number {
  let count = 0;
  for (let index = first; index < behind; index += 1) count += sizeOf(groups[index]);
  return count;
}

function sizeOf(group: Group | undefined): number {
  return group === undefined ? 0 : group.end - group.start;
}

/** A run without the digits at its ends that are part of a name such as `conv_1234-5678`. `x12` and `ext 12` behind a number are its extension. */
function withoutNames(
  text: string,
  groups: readonly Group[],
  [first, behind]: readonly [number, number],
): readonly [number, number] {
  const endOf = (index: number): number => groups[index]?.end ?? text.length;
  const startOf = (index: number): number => groups[index]?.start ?? text.length;
  const isOneName = (index: number): boolean => !/\s/.test(text.slice(endOf(index - 1), startOf(index)));
  let [from, to] = [first, behind];
  if (isAt(text, startOf(first) - 1, kinds.name))
    do from += 1;
    while (from < to && isOneName(from));
  const last = endOf(behind - 1);
  if (isAt(text, last, kinds.name) && !/^(?:x\d|ext)/i.test(text.slice(last, last + 3)))
    do to -= 1;
    while (to > from && isOneName(to));
  return [from, Math.max(from, to)];
}

const uuid = /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/gi;
const uuidLength = 36;

/** Whether digits are a fraction, or part of a UUID. */
function isOther(text: string, start: number, end: number): boolean {
  if (end - start > uuidLength) return false;
  if (/^(?:0|[1-9]\d*)\.\d+$/.test(text.slice(start, end))) return true;
  if (text[start - 1] !== '-' && text[end] !== '-' && end - start < uuidLength) return false;
  const offset = Math.max(0, start - uuidLength);
  const around = text.slice(offset, end + uuidLength).matchAll(uuid);
  return [...around].some(({ index }) => offset + index <= start && end <= offset + index + uuidLength);
}

const date =
  /(?:(?:19|20)\d\d[-./](?:0[1-9]|1[0-2])[-./](?:0[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|[12]\d|3[01])[-./](?:19|20)\d\d)(?![0-9])(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9}(?![0-9]))?)?)?/y;

/** The groups that are no part of a date with its time, up to the longest number. */
function withoutDates(text: string, groups: readonly Group[]): readonly Group[] {
  let dateEnd = 0;
  return groups.filter(({ start, end }) => {
    if (start < dateEnd) return false;
    const mayBeDate = end - start <= 4 && /[-./]/.test(text.charAt(end)) && !isAt(text, start - 1, kinds.name);
    date.lastIndex = start;
    if (mayBeDate && date.test(text)) dateEnd = date.lastIndex;
    return start >= dateEnd && end - start <= longest;
  });
}
