/** Calls that were answered: found among the events, newest first. */
import type { EventQuery, EventRecord, PhoneNormalizer, Store } from '@switchhook/sdk';
import { eventOf } from '../routing/event-record.js';

/** Which calls to list. All given conditions must hold. */
export interface CallQuery {
  /** Of the caller or of the called, however it is written. */
  readonly number?: string;
  /** Name of a source of calls. */
  readonly source?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit: number;
}

/** Some calls. */
export interface CallPage {
  /** Events of calls, newest first. */
  readonly calls: readonly EventRecord[];
  /** All that were received at this time or later are among them; null where there are no others. */
  readonly completeSinceMs: number | null;
}

/** Read at once, so that no phone waits while bodies are parsed. */
const pageSize = 100;
/** Of one source, for one list: numbers are not indexed. */
const mostRead = 20_000;

/** Looks through the events of these sources. */
export async function answeredCalls(
  store: Store,
  sources: readonly string[],
  read: PhoneNormalizer,
  query: CallQuery,
): Promise<CallPage> {
  const { source, number, limit } = query;
  const fits = number === undefined ? isAnswered : isAbout(read(number), read);
  const wanted = sources.filter((name) => source === undefined || name === source);
  const pages = await Promise.all(wanted.map((name) => callsOf(store, name, fits, query)));
  const calls = pages.flatMap((page) => page.calls).sort((a, b) => b.receivedAtMs - a.receivedAtMs);
  const since = pages.flatMap(({ completeSinceMs }) => completeSinceMs ?? []);
  if (calls.length > limit) since.push(afterAll(calls.slice(0, limit)));
  return { calls: calls.slice(0, limit), completeSinceMs: since.length === 0 ? null : Math.max(...since) };
}

async function callsOf(
  store: Store,
  source: string,
  fits: (event: EventRecord) => boolean,
  { sinceMs, untilMs, limit }: CallQuery,
): Promise<CallPage> {
  const calls: EventRecord[] = [];
  const period = { ...(sinceMs !== undefined && { sinceMs }), ...(untilMs !== undefined && { untilMs }) };
  let query: EventQuery = { source, ...period, limit: pageSize };
  for (let read = 0; ; read += pageSize) {
    const { items, cursor } = await store.events(query);
    const fitting = items.filter(fits);
    calls.push(...fitting);
    const shown = calls.slice(0, limit);
    if (calls.length > limit) return { calls: shown, completeSinceMs: afterAll(shown) };
    if (cursor === null) return { calls, completeSinceMs: null };
    if (read + pageSize >= mostRead) return { calls, completeSinceMs: afterAll(items) };
    query = { ...query, cursor };
  }
}

/** The first time after the last of them: others of its millisecond may be missing. */
function afterAll(events: readonly EventRecord[]): number {
  return (events.at(-1)?.receivedAtMs ?? 0) + 1;
}

/** Whether an event is a call whose answer is kept with it. */
function isAnswered(event: EventRecord): boolean {
  return numbersIn(event).length > 0;
}

/** Events from before numbers were read hold them as they were sent. */
function isAbout(number: string, read: PhoneNormalizer): typeof isAnswered {
  return (event) => numbersIn(event).some((one) => read(one) === number);
}

/** Who called, and who was called; none where no answer is kept. */
function numbersIn(event: EventRecord): readonly string[] {
  const { answer } = eventOf(event).data;
  if (typeof answer !== 'object' || answer === null || !('from' in answer)) return [];
  return [String(answer.from), String(answer.to)];
}
