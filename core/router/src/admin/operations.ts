/** What an operator may ask and decide: lists, stories, replay, discard, explain, status. */
import {
  type Attempt,
  type Backlog,
  type Clock,
  type DeliveryQuery,
  type DeliveryRecord,
  type EventQuery,
  type EventRecord,
  type JsonObject,
  type Log,
  type Page,
  type PhoneNormalizer,
  refuse,
  type Source,
  type Store,
} from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import type { QueueLoad } from '../delivery/queue.js';
import type { DeliveryTelemetry } from '../delivery/telemetry.js';
import type { RecentDuplicate } from '../ingest/duplicates.js';
import { Replays } from './bulk-replay.js';
import { answeredCalls, type CallPage, type CallQuery } from './call-history.js';
import { draftedEvents } from './dry-run.js';
import { type ExplainParts, explainRoutes, type RouteExplanation } from './explain.js';
import type { Status } from './status.js';

/** What operations work with. */
export interface OperationsParts extends ExplainParts {
  readonly store: Store;
  readonly queues: DeliveryQueues;
  readonly sources: ReadonlyMap<string, Source>;
  /** Names of the sources whose requests are calls. */
  readonly callSources: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly deliveryTelemetry: DeliveryTelemetry;
  readonly numbers: PhoneNormalizer;
}

/** The lanes, as far as operations need them. */
export interface DeliveryQueues {
  readonly loads: ReadonlyMap<string, QueueLoad>;
  readonly recentDuplicates: readonly RecentDuplicate[];
  expect(destination: string, dueMs: number): void;
  canCommit(): Promise<void>;
}

/** A delivery in a list. */
export interface DeliveryLine {
  readonly delivery: DeliveryRecord;
  /** Why its last attempt was no success; null where there was none, or it was one. */
  readonly failure: string | null;
}

/** A delivery with all its attempts, oldest first. */
export interface DeliveryDetails extends DeliveryLine {
  readonly attempts: readonly Attempt[];
}

/** An event with all its deliveries, in the order they were made. */
export interface EventDetails {
  readonly event: EventRecord;
  readonly deliveries: readonly DeliveryDetails[];
}

/** What to explain: an event that is kept, the latest ones of a subject, or a body as if a source received it now. */
export type ExplainQuestion =
  | { readonly event: string }
  | { readonly subject: string }
  | { readonly source: string; readonly body: JsonObject };

/** An event, what became of it, and what today's routes say of it. */
export interface Explanation extends EventDetails {
  /** False where it is only made from a body. */
  readonly kept: boolean;
  readonly routes: readonly RouteExplanation[];
}

/** Which repeated events; undefined = any. */
export interface DuplicateQuery {
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
  readonly limit: number;
}

/** What one event may have. */
const mostDeliveries = 1_000;

/** Of one subject, explained at once. */
const explainedEvents = 20;

/** Questions to the store under way at the same time, for one list. */
const questionsAtOnce = 20;

/** A status is wanted most when the store hangs. */
const statusMs = 2_000;

export class Operations {
  readonly replays: Replays;
  readonly #parts: OperationsParts;
  readonly #startedAt: number;

  constructor(parts: OperationsParts) {
    const { store, routes, destinations, queues, clock, log, deliveryTelemetry } = parts;
    this.#parts = parts;
    this.#startedAt = clock.elapsed();
    this.replays = new Replays({
      store,
      routes,
      destinations: new Set(destinations.keys()),
      expect: (destination, dueMs) => queues.expect(destination, dueMs),
      replayed: (deliveries) => deliveryTelemetry.replayed(deliveries),
      clock,
      log,
    });
  }

  /** Stops what runs in the background. */
  close(): Promise<void> {
    return this.replays.close();
  }

  /** Events that came again since the start, the latest first. */
  duplicates({ source, type, subject, limit }: DuplicateQuery): readonly RecentDuplicate[] {
    const fits = (wanted: string | undefined, found: string | null): boolean =>
      wanted === undefined || wanted === found;
    return this.#parts.queues.recentDuplicates
      .filter((one) => fits(source, one.source) && fits(type, one.type) && fits(subject, one.subject))
      .slice(0, limit);
  }

  events(query: EventQuery): Promise<Page<EventRecord>> {
    const { store, numbers } = this.#parts;
    return store.events(query.party === undefined ? query : { ...query, party: numbers(query.party) });
  }

  calls(query: CallQuery): Promise<CallPage> {
    const { store, callSources, numbers } = this.#parts;
    return answeredCalls(store, callSources, numbers, query);
  }

  /** Refused as `NOT_KEPT` where it is not kept. */
  async event(id: string): Promise<EventDetails> {
    const event = await this.#parts.store.event(id);
    if (event === null) throw refuse('NOT_KEPT', `there is no event ${id}`);
    return this.#loadEvent(event);
  }

  async deliveries(query: DeliveryQuery): Promise<Page<DeliveryLine>> {
    const { items, cursor } = await this.#parts.store.deliveries(query);
    return { items: await gathered(items, (delivery) => this.#lineOf(delivery)), cursor };
  }

  /** Refused as `NOT_KEPT` where it is not kept. */
  async delivery(id: string): Promise<DeliveryDetails> {
    return this.#loadDelivery(await this.#kept(id));
  }

  /** Makes one delivery due now. Refused while it is running, and where nobody would make it. */
  async replay(id: string): Promise<DeliveryDetails> {
    const { store, destinations, queues, clock, log, deliveryTelemetry } = this.#parts;
    const { destination } = await this.#kept(id);
    if (!destinations.has(destination)) throw refuse('DESTINATION_GONE', `there is no destination ${destination}`);
    const dueMs = clock.now();
    const changed = await store.replay([id], dueMs);
    if (changed.length === 0) throw refuse('WRONG_STATE', 'it is running: its attempt comes to an end first');
    log.info('delivery.replayed', { id, destination });
    deliveryTelemetry.replayed(changed.length);
    queues.expect(destination, dueMs);
    return this.delivery(id);
  }

  /** Ends one delivery. Refused where it is running, or settled otherwise. */
  async discard(id: string): Promise<DeliveryDetails> {
    const { store, deliveryTelemetry, queues, clock } = this.#parts;
    const { destination } = await this.#kept(id);
    const changed = await store.discard([id]);
    if (changed.length === 0) {
      const { state, reason } = await this.#kept(id);
      throw refuse('WRONG_STATE', `it is ${reason ?? state}`);
    }
    deliveryTelemetry.discarded(destination, changed);
    // The next of its subject may go now.
    queues.expect(destination, clock.now());
    return this.delivery(id);
  }

  /** Oldest first. Refused where there is nothing to explain. */
  async explain(question: ExplainQuestion): Promise<readonly Explanation[]> {
    const { store, sources, clock, numbers } = this.#parts;
    if ('event' in question) return [this.#explained(await this.event(question.event), true)];
    if ('subject' in question) {
      const { items } = await store.events({ subject: question.subject, limit: explainedEvents });
      if (items.length === 0) throw refuse('NOT_KEPT', `there is no event with the subject ${question.subject}`);
      const details = await gathered(items.toReversed(), (event) => this.#loadEvent(event));
      return details.map((details) => this.#explained(details, true));
    }
    const { source: name, body } = question;
    const events = await draftedEvents({ name, source: sources.get(name), body, nowMs: clock.now(), numbers });
    return events.map((event) => this.#explained({ event, deliveries: [] }, false));
  }

  async status(): Promise<Status> {
    const { store, queues, destinations, clock } = this.#parts;
    const [backlogs, storeFailure] = await Promise.all([
      withTimeout(clock, statusMs, () => store.backlog()).catch(() => null),
      withTimeout(clock, statusMs, () => queues.canCommit()).then(() => null, errorMessage),
    ]);
    const { loads } = queues;
    const names = new Set([...destinations.keys(), ...(backlogs ?? []).map(({ destination }) => destination)]);
    return {
      nowMs: clock.now(),
      uptimeMs: clock.elapsed() - this.#startedAt,
      storeFailure,
      destinations: [...names].map((destination) => ({
        destination,
        policy: destinations.get(destination)?.policy ?? null,
        load: loads.get(destination) ?? null,
        backlog:
          backlogs === null ? null : (backlogs.find((one) => one.destination === destination) ?? empty(destination)),
      })),
    };
  }

  #explained(details: EventDetails, kept: boolean): Explanation {
    const deliveries = details.deliveries.map(({ delivery }) => delivery);
    return { ...details, kept, routes: explainRoutes(details.event, deliveries, this.#parts) };
  }

  async #kept(id: string): Promise<DeliveryRecord> {
    const delivery = await this.#parts.store.delivery(id);
    if (delivery === null) throw refuse('NOT_KEPT', `there is no delivery ${id}`);
    return delivery;
  }

  async #loadEvent(event: EventRecord): Promise<EventDetails> {
    const { items } = await this.#parts.store.deliveries({ eventId: event.id, limit: mostDeliveries });
    return { event, deliveries: await gathered(items.toReversed(), (delivery) => this.#loadDelivery(delivery)) };
  }

  async #loadDelivery(delivery: DeliveryRecord): Promise<DeliveryDetails> {
    const attempts = await this.#parts.store.attempts(delivery.id);
    return { delivery, failure: attempts.at(-1)?.reason ?? null, attempts };
  }

  async #lineOf(delivery: DeliveryRecord): Promise<DeliveryLine> {
    const { failure } = delivery.state === 'delivered' ? { failure: null } : await this.#loadDelivery(delivery);
    return { delivery, failure };
  }
}

function empty(destination: string): Backlog {
  return { destination, waiting: 0, running: 0, dead: 0, oldestOpenMs: null };
}

/** One answer per item, in order, a few at a time. */
async function gathered<T, R>(items: readonly T[], answer: (item: T) => Promise<R>): Promise<readonly R[]> {
  const answers: R[] = [];
  for (let start = 0; start < items.length; start += questionsAtOnce)
    answers.push(...(await Promise.all(items.slice(start, start + questionsAtOnce).map(answer))));
  return answers;
}
