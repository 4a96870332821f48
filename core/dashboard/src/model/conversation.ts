/** What belongs to one call or conversation. */
import { api } from './api.js';
import type { CallAnswer, Explanation, RouterEvent } from './replies.js';

/** What has not come in the time that `followedBy` sets. */
export interface IncompleteConversation {
  readonly after: string;
  readonly event: string;
  readonly missing: readonly string[];
  readonly dueAt: string;
}

/** As far as it is loaded: its latest events, and those before them that were asked for. */
export interface Conversation {
  /** Oldest first. */
  readonly explanations: readonly Explanation[];
  /** Of earlier events; null where all are loaded. */
  readonly cursor: string | null;
  readonly incomplete: readonly IncompleteConversation[];
}

interface ExplanationPage {
  readonly explanations: readonly Explanation[];
  readonly cursor: string | null;
}

function pageOf(subject: string, cursor: string | null, signal?: AbortSignal): Promise<ExplanationPage> {
  const body = { subject, ...(cursor !== null && { cursor }) };
  return api<ExplanationPage>('explain', { method: 'POST', body, ...(signal && { signal }) });
}

/** The latest events, back to those that are `known` already, and these as they were; what is loaded anew replaces what was known of it. */
export async function latestOf(
  subject: string,
  known: () => Conversation | null,
  signal: AbortSignal,
): Promise<Conversation> {
  const query = { subject, limit: '100' };
  const [{ found, cursor }, { conversations: incomplete }] = await Promise.all([
    pagesTo(subject, new Set(known()?.explanations.map(({ event }) => event.id)), signal),
    api<{ readonly conversations: readonly IncompleteConversation[] }>('incomplete', { query, signal }),
  ]);
  // Earlier ones may have been loaded meanwhile.
  const before = known();
  const explanations = merged(before?.explanations ?? [], found);
  return { explanations, cursor: before === null ? cursor : before.cursor, incomplete };
}

/** The latest events, back to one of these ids; a page where there is none. */
async function pagesTo(subject: string, ids: ReadonlySet<string>, signal: AbortSignal) {
  const found: Explanation[] = [];
  let cursor: string | null = null;
  do {
    const page: ExplanationPage = await pageOf(subject, cursor, signal);
    found.unshift(...page.explanations);
    cursor = page.cursor;
  } while (cursor !== null && ids.size > 0 && !found.some(({ event }) => ids.has(event.id)));
  return { found, cursor };
}

/** With the events before those that are loaded. `known`: what is loaded, also after a wait. */
export async function withEarlier(subject: string, known: () => Conversation | null): Promise<Conversation | null> {
  const page = await pageOf(subject, known()?.cursor ?? null);
  const now = known();
  return now === null
    ? null
    : { ...now, explanations: merged(page.explanations, now.explanations), cursor: page.cursor };
}

/** Each once, as `newer` has it; oldest first. */
export function merged(older: readonly Explanation[], newer: readonly Explanation[]): readonly Explanation[] {
  const byId = new Map([...older, ...newer].map((one) => [one.event.id, one]));
  const place = ({ event }: Explanation) => `${event.receivedAt} ${event.id}`;
  return [...byId.values()].sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

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
