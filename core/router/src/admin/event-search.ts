/** Searches for what no index has, such as in the data of events: reads them page by page, with their bodies where these are needed, and lets other work run in between. */
import { Clock, type EventQuery, type EventRecord, type Expression, type Page, refuse, Store } from '@switchhook/sdk';
import type { ExpressionProblem } from '@switchhook/sdk/internal';
import { compileExpression } from '../expressions/compile.js';
import { eventOf, hasBody, verifiedIn } from '../routing/event-record.js';
import { concerns, type Route, verdictOf } from '../routing/routes.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { checkConditions, noSuchRow } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import { unescaped } from './erasure-search.js';
import { AdminPlan } from './operations.js';

/** What to find: all must hold that are given. */
export interface EventSearch {
  /** Anywhere in the data as JSON, in upper or lower case. */
  readonly text?: string | undefined;
  /** CEL over `event`. */
  readonly where?: string | undefined;
  /** Position of the secret of its source that has verified the event, from 1; 0 = the source needed none. */
  readonly secret?: number | undefined;
  /** Name of a route that takes events of this source and type, and whose condition cannot be evaluated for the event. */
  readonly unevaluated?: string | undefined;
  /** How many events are looked at, at most. */
  readonly last: number;
}

/** What was found, with the cursor to look at older ones. */
export interface FoundEvents extends Page<EventRecord> {
  readonly examined: number;
  /** Receipt of the oldest event that was looked at; null where there was none. */
  readonly examinedSinceMs: number | null;
  /** False where it ended before it had looked at `last` events. */
  readonly isComplete: boolean;
  /** Events whose bodies retention has removed: they do not match where the search reads data. */
  readonly withoutData: number;
  /** Events for which the condition could not be evaluated, and why the newest of them. */
  readonly failed: number;
  readonly failure: string | null;
}

type Match = 'yes' | 'no' | { readonly failure: string };

/** Few, because a page holds bodies; without them, more. */
const [pageSize, bodilessPageSize] = [25, 500];
/** For so long nothing else runs: a phone may ring. One evaluation takes less, or 0.1 s at worst, as in a route. */
const sliceMs = 5;
/** Then it ends with what it has found. */
const longestMs = 5_000;
const mostAtOnce = 2;

@injectable()
export class EventSearches {
  #running = 0;
  #isClosed = false;

  constructor(
    @inject(AdminPlan) private readonly plan: Current<AdminPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /**
   * Looks at the newest events of a query, or at those from its cursor on, until `query.limit` match, `last` were looked at, 5 s are over, or the
   * client has gone. Refused as `MALFORMED` for a condition that cannot be read, as `NO_SUCH_ROW` for a route that is not configured, as
   * `STORE_CANNOT_FILTER`, and as `TOO_MANY_SEARCHES`.
   */
  async find(search: EventSearch, { party, ...query }: EventQuery, isWanted: () => boolean): Promise<FoundEvents> {
    const match = matcherFor(search, this.plan.value.routes);
    checkConditions(this.store, query);
    const number = party === undefined ? {} : { party: this.plan.value.normalizePhone(party) };
    if (this.#running >= mostAtOnce) throw refuse('TOO_MANY_SEARCHES', `${mostAtOnce} are running`);
    this.#running += 1;
    try {
      const bodies = [search.text, search.where, search.unevaluated].some((one) => one !== undefined);
      const goesOn = () => !this.#isClosed && isWanted();
      return await this.#found({ ...query, ...number, bodies }, search.last, match, goesOn);
    } finally {
      this.#running -= 1;
    }
  }

  /** Ends all searches with what they have found. */
  close(): void {
    this.#isClosed = true;
  }

  async #found(
    query: EventQuery,
    last: number,
    match: (record: EventRecord) => Match,
    goesOn: () => boolean,
  ): Promise<FoundEvents> {
    const { clock } = this;
    const items: EventRecord[] = [];
    const endMs = clock.elapsed() + longestMs;
    let [examined, withoutData, failed, sliceEndMs] = [0, 0, 0, clock.elapsed() + sliceMs];
    let examinedSinceMs: number | null = null;
    let failure: string | null = null;
    let cursor = query.cursor ?? null;
    do {
      // Never more than may match: the cursor of a page leads behind its last event.
      const limit = Math.min(query.bodies ? pageSize : bodilessPageSize, last - examined, query.limit - items.length);
      const page: Page<EventRecord> = await this.store.events({ ...query, limit, ...(cursor !== null && { cursor }) });
      for (const record of page.items) {
        if (clock.elapsed() >= sliceEndMs) {
          await new Promise((resolve) => setImmediate(resolve));
          sliceEndMs = clock.elapsed() + sliceMs;
        }
        const isRemoved = query.bodies === true && !hasBody(record);
        if (isRemoved) withoutData += 1;
        const matched = isRemoved ? 'no' : match(record);
        if (matched === 'yes') items.push({ ...record, body: new Uint8Array() });
        if (typeof matched === 'object') {
          failed += 1;
          failure ??= this.mask(matched.failure);
        }
        examinedSinceMs = record.receivedAtMs;
      }
      examined += page.items.length;
      cursor = page.cursor;
    } while (cursor !== null && examined < last && items.length < query.limit && clock.elapsed() < endMs && goesOn());
    const isComplete = cursor === null || examined >= last;
    return { items, cursor, examined, examinedSinceMs, isComplete, withoutData, failed, failure };
  }
}

function matcherFor(
  { text, where, secret, unevaluated }: EventSearch,
  routes: readonly Route[],
): (record: EventRecord) => Match {
  const fails = unevaluated === undefined ? () => true : failureMatcher(unevaluated, routes);
  const contains = text === undefined ? () => true : textMatcher(text);
  const condition = where === undefined ? null : conditionOf(where);
  return (record) => {
    if (secret !== undefined && verifiedIn(record)?.secret !== secret) return 'no';
    if (!contains(new TextDecoder().decode(record.body))) return 'no';
    if (!fails(record)) return 'no';
    const verdict = condition === null ? null : verdictOf({ where: condition }, eventOf(record));
    if (verdict?.kind === 'failed') return { failure: verdict.reason };
    return verdict?.kind === 'unmatched' ? 'no' : 'yes';
  };
}

/** As the route counts it, if the event came today. */
function failureMatcher(name: string, routes: readonly Route[]): (record: EventRecord) => boolean {
  const route = routes.find((one) => one.name === name);
  if (route === undefined) {
    const known = routes.map((one) => one.name);
    throw noSuchRow('route', name, known);
  }
  return (record) => {
    const event = eventOf(record);
    return route.from.includes(event.source) && concerns(route, event) && verdictOf(route, event).kind === 'failed';
  };
}

/** A text is found as it is read, and as JSON writes it: with a quotation mark in it, or with the name of a field. */
function textMatcher(text: string): (body: string) => boolean {
  const wanted = [text, JSON.stringify(text).slice(1, -1)].map((one) => one.toLowerCase());
  const isIn = (body: string): boolean => wanted.some((one) => body.includes(one));
  return (body) => isIn(body.toLowerCase()) || (/\\[u/]/.test(body) && isIn(unescaped(body).toLowerCase()));
}

function conditionOf(text: string): Expression {
  try {
    return compileExpression(text, ['event'], 'bool');
  } catch (error) {
    const { code, message, offset } = error as ExpressionProblem;
    if (offset === undefined) throw error;
    const position = offset + 1;
    const refusal = refuse('MALFORMED', `where: ${code} at character ${position}: ${message}`, { cause: error });
    throw Object.assign(refusal, { errors: [{ path: 'where', message, code, position }] });
  }
}
