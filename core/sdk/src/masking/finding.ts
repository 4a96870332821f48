/** Finds phone numbers, e-mail addresses and card numbers in texts: in time that grows with the length of the text only. */
import { cardsIn } from './cards.js';
import { isAt, kinds } from './characters.js';
import type { Found, Group } from './groups.js';
import { phonesIn } from './phones.js';

/** What is looked for. */
export interface Wanted {
  readonly phones: boolean;
  readonly emails: boolean;
  readonly cards: boolean;
  /** Fewest digits of a phone number that is written without `+`. */
  readonly phoneDigits: number;
}

/** Everything that is found, in order, without overlaps. */
export function foundIn(text: string, { phones, emails, cards, phoneDigits }: Wanted): readonly Found[] {
  const { groups, signs } = marksIn(text);
  const found = cards ? [...cardsIn(text, groups)] : [];
  // Phone numbers are in what is left: what is masked once more stays the same.
  if (phones) found.push(...phonesIn(text, outside(groups, apart(found)), phoneDigits));
  if (emails) found.push(...emailsIn(text, signs));
  return apart(found);
}

/** The groups that are in none of the parts, which are in order. */
function outside(groups: readonly Group[], parts: readonly Found[]): readonly Group[] {
  if (parts.length === 0) return groups;
  let next = 0;
  return groups.filter(({ start }) => {
    while ((parts[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    return start < (parts[next]?.start ?? Number.POSITIVE_INFINITY);
  });
}

/** The digits of a text, and each `@`. */
function marksIn(text: string): { readonly groups: readonly Group[]; readonly signs: readonly Group[] } {
  const groups: Group[] = [];
  const signs: Group[] = [];
  for (let index = 0; index < text.length; index += 1) {
    if (!isAt(text, index, kinds.digit | kinds.at)) continue;
    const start = index;
    if (isAt(text, start, kinds.at)) {
      const isEncoded = text.startsWith('%40', start);
      if (isEncoded || text[start] !== '%') signs.push({ start, end: start + (isEncoded ? 3 : 1) });
      continue;
    }
    while (isAt(text, index + 1, kinds.digit)) index += 1;
    groups.push({ start, end: index + 1 });
  }
  return { groups, signs };
}

/** From each `@` to both sides, not beyond the one before: no character is looked at more than twice. */
function emailsIn(text: string, signs: readonly Group[]): readonly Found[] {
  const found: Found[] = [];
  let least = 0;
  for (const sign of signs) {
    let { start, end } = sign;
    while (start > least && isAt(text, start - 1, kinds.local)) start -= 1;
    while (isAt(text, end, kinds.domain)) end += 1;
    least = sign.end;
    while (end > least && (text[end - 1] === '.' || text[end - 1] === '-')) end -= 1;
    if (start < sign.start && text.slice(least, end).includes('.')) found.push({ start, end, kind: 'email' });
  }
  return found;
}

/** Of several that overlap, the whole part that they cover, under the name of the most sensitive one. */
function apart(found: readonly Found[]): readonly Found[] {
  if (found.length < 2) return found;
  const merged: Found[] = [];
  for (const next of [...found].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || next.start >= last.end) merged.push(next);
    else {
      const kind = (['card', 'email'] as const).find((one) => one === last.kind || one === next.kind) ?? 'phone';
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, next.end), kind };
    }
  }
  return merged;
}

/** The phone numbers in a text, as they are written there; without `+`, those of at least seven digits. */
export function phoneNumbersIn(text: string): readonly string[] {
  return phonesIn(text, marksIn(text).groups, 7).map(({ start, end }) => text.slice(start, end));
}
