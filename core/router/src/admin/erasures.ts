/** Erasures: of all that is kept about a number, a conversation or an agent. Counts first, then erases page by page, and keeps a record without the data. */
import { Clock, Log, type Page, type PhoneNormalizer, refuse, Store, token } from '@switchhook/sdk';
import { isWithheld, TimeoutError, withTimeout } from '@switchhook/sdk/internal';
import { Dispatcher } from '../delivery/dispatcher.js';
import { type Forgetful, ForgetfulParts, type Removed, removedKinds, saltedHash } from '../system/erasing.js';
import { newErasureId, newSalt } from '../system/ids.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { type Part, textsOf } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import { located } from '../system/thrown.js';
import { type DestinationErasure, DestinationErasures, type ErasurePlan, type Sent } from './destination-erasures.js';
import { type ErasureFilter, ErasureSearch, type FoundBy, type FoundEvent } from './erasure-search.js';

export interface ErasuresPlan extends ErasurePlan {
  readonly normalizePhone: PhoneNormalizer;
  readonly emitters: ReadonlySet<string>;
  /** How long settled events are kept. */
  readonly keepMs: number;
}

export const ErasuresPlan = token<Current<ErasuresPlan>>('switchhook.ErasuresPlan');

/** A request for an erasure. */
export interface ErasureRequest {
  readonly filter: ErasureFilter;
  /** Count only. */
  readonly dryRun: boolean;
  readonly by: string;
}

/** What is kept of an erasure: nothing that was erased. Times are milliseconds since the epoch. */
export interface ErasureRecord {
  readonly id: string;
  /** `running` in a record of an earlier process: it was interrupted. */
  readonly state: 'running' | 'done' | 'failed' | 'stopped';
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly by: string;
  /** Salted hashes of what was named; null = it was not. */
  readonly filter: {
    readonly number: string | null;
    readonly subject: string | null;
    readonly agent: string | null;
    readonly sinceMs: number | null;
    readonly untilMs: number | null;
  };
  readonly salt: string;
  readonly events: readonly { readonly type: string; readonly count: number }[];
  readonly foundBy: Readonly<Partial<Record<FoundBy, number>>>;
  readonly deliveries: readonly { readonly destination: string; readonly state: string; readonly count: number }[];
  /** Removed from memory and from lists. */
  readonly removed: Removed;
  /** Receipt of the oldest and of the newest event. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** Deliveries that were sent, or may have been. */
  readonly sentCount: number;
  readonly destinations: readonly DestinationErasure[];
  /** What may be left in the files of the store; null = nothing, or not known yet. */
  readonly left: string | null;
  /** Why it failed; null otherwise. */
  readonly reason: string | null;
}

/** An erasure of this process, with what is removed at its end. */
export interface Erasure extends ErasureRecord {
  readonly dryRun: boolean;
  /** At most ten thousand. */
  readonly sent: readonly Sent[];
  /** Some of the events, in a dry run. */
  readonly examples: readonly FoundEvent[];
}

type Progress = { -readonly [K in keyof Erasure]: Erasure[K] };

/** Keys of the records of erasures in the store begin with it. */
export const erasuresPrefix = 'switchhook.erasures:';
/** Erasures whose lists of deliveries are kept in memory. */
const keptErasures = 20;
const mostSent = 10_000;
const mostExamples = 5;
/** One that ends sooner is answered with its end. */
const patienceMs = 1_000;
const closingMs = 5_000;
/** An event is committed some seconds after it was received. */
const overlapMs = 60_000;
/** Attempts under way take as long as the timeout of their destination, mostly seconds. */
const attemptsMs = 60_000;

@injectable()
export class Erasures {
  /** Oldest first. */
  readonly #kept: Progress[] = [];
  /** One at a time. */
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    @inject(ErasuresPlan) private readonly plan: Current<ErasuresPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(ForgetfulParts) private readonly parts: readonly Forgetful[],
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /** A number or an address as the router reads it. Refused where it stands for a withheld one. */
  numberOf(text: string): string {
    const number = this.plan.value.normalizePhone(text);
    if (isWithheld(number)) throw refuse('MALFORMED', 'number: it stands for a withheld number, which is that of many');
    return number;
  }

  /** Starts one, and resolves when it is done or has run for a second; `get` returns its progress. Several run one after another. */
  async start(request: ErasureRequest): Promise<Erasure> {
    if (this.#closed) throw refuse('SHUTTING_DOWN', 'the router is closing');
    const { erase, purge, state, setState, stateKeys } = this.store;
    if (!erase || !purge || !state || !setState || !stateKeys)
      throw refuse('STORE_CANNOT_ERASE', 'the store has no erase, purge, state, setState and stateKeys');
    const erasure = this.#begun(request);
    this.#last = this.#last.then(() => this.#run(erasure, request));
    await this.#waitFor(this.#last, patienceMs);
    return { ...erasure };
  }

  /** One of this process. Refused as `NOT_KEPT` where it is not known. */
  get(id: string): Erasure {
    const erasure = this.#kept.find((one) => one.id === id);
    if (erasure === undefined) throw refuse('NOT_KEPT', `there is no erasure ${id} of this run of the router`);
    return { ...erasure };
  }

  /** Records, newest first. */
  list(part: Part): Promise<Page<ErasureRecord>> {
    return textsOf<ErasureRecord>(this.store, erasuresPrefix, part);
  }

  /** Resolves when the one that runs has stopped, after its page; or soon, where the store hangs. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#waitFor(this.#last, closingMs);
  }

  async #waitFor(running: Promise<void>, ms: number): Promise<void> {
    await withTimeout(this.clock, ms, () => running).catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error;
    });
  }

  #begun({ filter, dryRun, by }: ErasureRequest): Progress {
    const salt = newSalt();
    const hashOf = (value: string | undefined) => (value === undefined ? null : saltedHash(salt, value));
    const { number, subject, agent, sinceMs = null, untilMs = null } = filter;
    const erasure: Progress = {
      ...{ id: newErasureId(), state: 'running', dryRun, by, salt, startedAtMs: this.clock.now(), endedAtMs: null },
      filter: { number: hashOf(number), subject: hashOf(subject), agent: hashOf(agent), sinceMs, untilMs },
      ...{ events: [], foundBy: {}, deliveries: [], removed: {}, oldestMs: null, newestMs: null },
      ...{ sent: [], sentCount: 0, destinations: [], examples: [], left: null, reason: null },
    };
    this.#kept.push(erasure);
    if (this.#kept.length > keptErasures) this.#kept.shift();
    return erasure;
  }

  /** Never rejects. */
  async #run(erasure: Progress, { filter, dryRun, by }: ErasureRequest): Promise<void> {
    const { clock, log } = this;
    const named = (['number', 'subject', 'agent'] as const).filter((one) => filter[one] !== undefined);
    log.info('erasure.started', { id: erasure.id, by, dryRun, named });
    try {
      if (!dryRun) await this.#keep(erasure);
      await this.#sweep(erasure, filter);
      erasure.state = this.#closed ? 'stopped' : 'done';
    } catch (error) {
      erasure.state = 'failed';
      erasure.reason = located(error, this.mask);
      log.error('erasure.failed', { id: erasure.id, error });
    }
    erasure.endedAtMs = clock.now();
    if (!dryRun) {
      // Dry runs hold examples of what is erased now.
      for (const one of this.#kept.filter((kept) => kept.dryRun)) one.examples = [];
      await this.#keep(erasure).catch((error: unknown) => log.error('erasure.failed', { id: erasure.id, error }));
    }
    const { id, state, removed, sentCount, left } = erasure;
    log.info('erasure.ended', { id, by, dryRun, state, events: totalOf(erasure.events), removed, sentCount, left });
  }

  async #sweep(erasure: Progress, filter: ErasureFilter): Promise<void> {
    const { store, plan, dispatcher } = this;
    const { normalizePhone, emitters } = plan.value;
    const search = new ErasureSearch(filter, { store, normalizePhone, emitters });
    const destinations = new DestinationErasures(plan, { store, clock: this.clock, mask: this.mask });
    // Once more for what has arrived meanwhile, until a pass finds nothing.
    for (let pass = 0, before = -1; pass < 2 || search.eventIds.size > before; pass += 1) {
      before = search.eventIds.size;
      for await (const page of search.pages(pass === 0 ? 0 : erasure.startedAtMs - overlapMs)) {
        if (this.#closed) return;
        await this.#apply(erasure, page, destinations);
      }
      if (erasure.dryRun) break;
    }
    for (const part of this.parts) {
      const removed = await part.forget(search, erasure.dryRun);
      erasure.removed = sumOf(erasure.removed, removed);
    }
    if (erasure.dryRun) return;
    dispatcher.expectAll();
    erasure.left = (await store.purge?.()) ?? null;
  }

  /** One page of events. */
  async #apply(erasure: Progress, page: readonly FoundEvent[], destinations: DestinationErasures): Promise<void> {
    const { erased } = this.dispatcher;
    const ids = page.map(({ event }) => event.id);
    if (!erasure.dryRun) erased.add(ids);
    const idsOfPage = new Set(ids);
    const attempted = new Set(erased.running(idsOfPage).deliveries);
    try {
      const { deliveries, sent } = await destinations.deliveriesOf(ids, (id) => attempted.has(id));
      const prepared = erasure.dryRun ? [] : await destinations.prepared(sent);
      destinations.note(sent);
      if (prepared.length > 0) await this.#keep({ ...erasure, destinations: destinations.interrupted(prepared) });
      if (!erasure.dryRun) await this.store.erase?.({ eventIds: ids, keysUntilMs: this.#keysUntilMs });
      count(erasure, page, deliveries);
      erasure.sentCount += sent.length;
      erasure.sent = [...erasure.sent, ...sent.map(({ sent: one }) => one)].slice(0, mostSent);
      erasure.destinations = destinations.results;
      if (erasure.dryRun) {
        erasure.examples = [...erasure.examples, ...page].slice(0, mostExamples);
        return;
      }
      // Their destinations are asked when nothing can arrive there any more.
      const { ended } = erased.running(idsOfPage);
      await this.#waitFor(ended, attemptsMs);
      await destinations.erase(prepared);
      erasure.destinations = destinations.results;
    } catch (error) {
      erased.remove(ids);
      throw error;
    }
  }

  get #keysUntilMs(): number {
    return this.clock.now() + this.plan.value.keepMs;
  }

  async #keep({ dryRun: _, sent: __, examples: ___, ...record }: Progress): Promise<void> {
    const key = erasuresPrefix + record.id;
    const before = (await this.store.state?.(key)) ?? null;
    await this.store.setState?.(key, JSON.stringify(record), before);
  }
}

function count(erasure: Progress, page: readonly FoundEvent[], deliveries: readonly (readonly [string, string])[]) {
  const types = new Map(erasure.events.map(({ type, count }) => [type, count]));
  const foundBy = { ...erasure.foundBy };
  for (const { event, by } of page) {
    types.set(event.type, (types.get(event.type) ?? 0) + 1);
    foundBy[by] = (foundBy[by] ?? 0) + 1;
    erasure.oldestMs = Math.min(erasure.oldestMs ?? event.receivedAtMs, event.receivedAtMs);
    erasure.newestMs = Math.max(erasure.newestMs ?? event.receivedAtMs, event.receivedAtMs);
  }
  const states = new Map(erasure.deliveries.map((row) => [`${row.destination} ${row.state}`, row]));
  for (const [destination, state] of deliveries) {
    const key = `${destination} ${state}`;
    states.set(key, { destination, state, count: (states.get(key)?.count ?? 0) + 1 });
  }
  erasure.foundBy = foundBy;
  erasure.events = [...types].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count);
  erasure.deliveries = [...states.values()];
}

function totalOf(rows: readonly { readonly count: number }[]): number {
  return rows.reduce((sum, { count }) => sum + count, 0);
}

function sumOf(a: Removed, b: Removed): Removed {
  return Object.fromEntries(removedKinds.map((kind) => [kind, (a[kind] ?? 0) + (b[kind] ?? 0)]));
}
