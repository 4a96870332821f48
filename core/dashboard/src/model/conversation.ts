/** What belongs to one call or conversation. */
import type { CallAnswer, RouterEvent } from './replies.js';

/** Types of events that should follow and have not come: an end for each start. */
export function missingTypes(events: readonly Pick<RouterEvent, 'type'>[]): readonly string[] {
  const came = new Set(events.map(({ type }) => type));
  const ends = [...came].filter((type) => type.endsWith('started')).map((type) => type.replace(/started$/, 'ended'));
  return ends.filter((type) => !came.has(type));
}

/** The answer of a call, as it is kept in the data of its event; null where the event is no answered call. */
export function answerOf(data: { readonly [key: string]: unknown } | null): CallAnswer | null {
  const answer = data?.answer;
  return isAnswer(answer) ? answer : null;
}

/** What anything could have sent is checked; what the router writes beside it is as its API describes. */
function isAnswer(value: unknown): value is CallAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const { from, to, step, ms, lookups, variables, origins } = value as { readonly [key: string]: unknown };
  const isText = [from, to, step].every((one) => typeof one === 'string');
  const isRecord = [variables, origins].every((one) => typeof one === 'object' && one !== null);
  return isText && typeof ms === 'number' && Array.isArray(lookups) && isRecord;
}
