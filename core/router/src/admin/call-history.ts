/** Calls that were answered: found among the events, newest first. */
import type { EventRecord, Page, PhoneNormalizer, Store } from '@switchhook/sdk';
import { eventOf } from '../routing/event-record.js';
import { type Part, pageOf, pagesOf, timeIn, timeKey } from '../system/lists.js';

/** Which calls to list. All given conditions must hold. */
export interface CallQuery extends Part {
  /** Of the caller or of the called, however it is written. */
  readonly number?: string;
  /** Name of a source of calls. */
  readonly source?: string;
  /** Name of the answer that was given. */
  readonly answer?: string;
  /** The last step that a part of the answer came from. */
  readonly step?: string;
  /** Name of a resolver that was looked up, or whose facts were there already. */
  readonly resolver?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Calls of one source. */
interface SourceCalls {
  readonly calls: readonly EventRecord[];
  /** All that were received at this time or later are among them. */
  readonly sinceMs: number;
}

/** Read at once, so that no phone waits while bodies are parsed; more where most of them are not. */
const pageSizes = { all: 100, ofNumber: 250 };
/** For one page, of all sources: numbers and answers are not indexed, and 6,000 take about 120 ms. */
const mostRead = 6_000;

/** Events of calls of these sources, newest first. A page may be empty before the end: only so many events are read for it. */
export async function answeredCalls(
  store: Store,
  sources: readonly string[],
  read: PhoneNormalizer,
  query: CallQuery,
): Promise<Page<EventRecord>> {
  const { source, number, answer, step, resolver, limit, cursor } = query;
  // Others of the cursor's millisecond may follow it.
  const untils = [query.untilMs ?? [], cursor === undefined ? [] : timeIn(cursor) + 1].flat();
  const until = untils.length === 0 ? {} : { untilMs: Math.min(...untils) };
  const isOfNumber = number === undefined ? isAnswered : isAbout(read(number), read);
  const row = { name: answer, step, resolver };
  const isOfRow = Object.values(row).every((one) => one === undefined) ? () => true : isAnsweredBy(row);
  const fits = (event: EventRecord) => isOfRow(event) && isOfNumber(event);
  const wanted = sources.filter((name) => source === undefined || name === source);
  const most = Math.ceil(mostRead / wanted.length);
  const found = await Promise.all(wanted.map((name) => callsOf(store, name, fits, most, { ...query, ...until })));
  const sinceMs = Math.max(0, ...found.map((one) => one.sinceMs));
  const calls = found.flatMap((one) => one.calls).filter(({ receivedAtMs }) => receivedAtMs >= sinceMs);
  const page = pageOf(calls, ({ receivedAtMs, id }) => timeKey(receivedAtMs, id), { limit, cursor });
  return { ...page, cursor: page.cursor ?? (sinceMs === 0 ? null : timeKey(sinceMs, '')) };
}

async function callsOf(
  store: Store,
  source: string,
  fits: (event: EventRecord) => boolean,
  most: number,
  { number, sinceMs, untilMs, limit, cursor }: CallQuery,
): Promise<SourceCalls> {
  const calls: EventRecord[] = [];
  const period = { ...(sinceMs !== undefined && { sinceMs }), ...(untilMs !== undefined && { untilMs }) };
  const pageSize = number === undefined ? pageSizes.all : pageSizes.ofNumber;
  let read = 0;
  for await (const page of pagesOf(pageSize, (part) => store.events({ source, ...period, ...part }))) {
    calls.push(...page.items.filter(fits));
    read += pageSize;
    if (page.cursor === null) break;
    // Of the last millisecond, others may follow.
    const completeMs = (page.items.at(-1)?.receivedAtMs ?? 0) + 1;
    const isBefore = ({ receivedAtMs, id }: EventRecord) => cursor === undefined || timeKey(receivedAtMs, id) < cursor;
    const complete = calls.filter((call) => call.receivedAtMs >= completeMs && isBefore(call));
    if (complete.length > limit || read >= most) return { calls, sinceMs: completeMs };
  }
  return { calls, sinceMs: 0 };
}

/** Whether an event is a call whose answer is kept with it. */
function isAnswered(event: EventRecord): boolean {
  return numbersIn(event).length > 0;
}

/** Events from before numbers were read hold them as they were sent. */
function isAbout(number: string, read: PhoneNormalizer): typeof isAnswered {
  const fits = (one: string) => read(one) === number;
  return (event) => mayBeAbout(event, fits) && numbersIn(event).some(fits);
}

/** An answer as the router writes it. */
const writtenAnswer = /"answer":\{"from"\s*:"([^"\\]*)","to":"([^"\\]*)"/g;

/** False where a record is not about such a number, found without parsing it: of 20,000, few are. What is written otherwise may be. */
function mayBeAbout(event: EventRecord, fits: (number: string) => boolean): boolean {
  const text = bytesOf(event).toString();
  const written = [...text.matchAll(writtenAnswer)];
  // A body of others may have a field of the same name anywhere.
  if (written.length !== text.split('"answer":').length - 1) return true;
  return written.some(([, from = '', to = '']) => fits(from) || fits(to));
}

/** How a call was answered; undefined: in any way. */
interface AnsweredBy {
  readonly name: string | undefined;
  readonly step: string | undefined;
  readonly resolver: string | undefined;
}

/** Without parsing what has the names nowhere. */
function isAnsweredBy({ name, step, resolver }: AnsweredBy): typeof isAnswered {
  const written = [name ?? [], step ?? [], resolver ?? []].flat().map((one) => JSON.stringify(one));
  return (event) => {
    if (!written.every((one) => bytesOf(event).includes(one))) return false;
    const answer = Object(eventOf(event).data.answer);
    const lookups: readonly unknown[] = Array.isArray(answer.lookups) ? answer.lookups : [];
    return (
      (name === undefined || answer.name === name) &&
      (step === undefined || answer.step === step) &&
      (resolver === undefined || lookups.some((lookup) => Object(lookup).resolver === resolver))
    );
  };
}

function bytesOf({ body }: EventRecord): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** Who called, and who was called; none where no answer is kept. */
function numbersIn(event: EventRecord): readonly string[] {
  const { answer } = eventOf(event).data;
  if (typeof answer !== 'object' || answer === null || !('from' in answer)) return [];
  return [String(answer.from), String(answer.to)];
}
