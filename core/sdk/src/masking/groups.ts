/** Digits in a text, in groups. */
import { isAt } from './characters.js';

/** A part of a text, and what it is. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly kind: 'email' | 'card' | 'phone';
}

/** Digits that stand together. */
export interface Group {
  readonly start: number;
  readonly end: number;
}

/** Groups with nothing between each two but one to three characters of a kind, as the index of the first and the one behind the last. */
export function* runsOf(text: string, groups: readonly Group[], gap: number): Generator<readonly [number, number]> {
  let first = 0;
  for (let next = 1; next <= groups.length; next += 1) {
    if (isJoined(text, groups[next - 1]?.end ?? 0, groups[next]?.start ?? Number.POSITIVE_INFINITY, gap)) continue;
    yield [first, next];
    first = next;
  }
}

function isJoined(text: string, from: number, to: number, gap: number): boolean {
  if (to - from > 3) return false;
  for (let index = from; index < to; index += 1) if (!isAt(text, index, gap)) return false;
  return true;
}
