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
  type NumberReader,
  type Page,
  refuse,
  type Source,
  type Store,
} from '@switchhook/sdk';
import { messageOf, within } from '@switchhook/sdk/internal';
import type { LaneLoad } from '../delivery/queue.js';
import type { Repeat } from '../ingest/duplicates.js';
import type { Observer } from '../ingest/telemetry.js';
import { Replays } from './bulk-replay.js';
import { answeredCalls, type CallPage, type CallQuery } from './call-history.js';
import { draftedEvents } from './dry-run.js';
import { type ExplainParts, explainRoutes, type RouteExplanation } from './explain.js';
import type { Status } from './status.js';

/** What operations work with. */
export interface OperationsParts extends ExplainParts {
  readonly store: Store;
  readonly lanes: Lanes;
  readonly sources: ReadonlyMap<string, Source>;
  /** Names of the sources whose requests are calls. */
  readonly callSources: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  readonly numbers: NumberReader;
}

/** The lanes, as far as operations need them. */
export interface Lanes {
  readonly loads: ReadonlyMap<string, LaneLoad>;
  readonly repeats: readonly Repeat[];
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
export interface DeliveryStory extends DeliveryLine {
  readonly attempts: readonly Attempt[];
}

/** An event with all its deliveries, in the order they were made. */
export interface EventStory {
  readonly event: EventRecord;
  readonly deliveries: readonly DeliveryStory[];
}

/** What to explain: an event that is kept, the latest ones of a subject, or a body as if a source received it now. */
export type ExplainQuestion =
  | { readonly event: string }
  | { readonly subject: string }
  | { readonly source: string; readonly body: JsonObject };

/** An event, what became of it, and what today's routes say of it. */
export interface Explanation extends EventStory {
  /** False where it is only made from a body. */
  readonly kept: boolean;
  readonly routes: readonly RouteExplanation[];
}

/** Which repeated events; undefined = any. */
export interface RepeatQuery {
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
    const { store, routes, destinations, lanes, clock, log, observer } = parts;
    this.#parts = parts;
    this.#startedAt = clock.elapsed();
    this.replays = new Replays({
      store,
      routes,
      destinations: new Set(destinations.keys()),
      expect: (destination, dueMs) => lanes.expect(destination, dueMs),
      replayed: (deliveries) => observer.replayed(deliveries),
      clock,
      log,
    });
  }

  /** Stops what runs in the background. */
  close(): Promise<void> {
    return this.replays.close();
  }

  /** Events that came again since the start, the latest first. */
  duplicates({ source, type, subject, limit }: RepeatQuery): readonly Repeat[] {
    const fits = (wanted: string | undefined, found: string | null): boolean =>
      wanted === undefined || wanted === found;
    return this.#parts.lanes.repeats
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
  async event(id: string): Promise<EventStory> {
    const event = await this.#parts.store.event(id);
    if (event === null) throw refuse('NOT_KEPT', `there is no event ${id}`);
    return this.#storyOf(event);
  }

  async deliveries(query: DeliveryQuery): Promise<Page<DeliveryLine>> {
    const { items, cursor } = await this.#parts.store.deliveries(query);
    return { items: await gathered(items, (delivery) => this.#lineOf(delivery)), cursor };
  }

  /** Refused as `NOT_KEPT` where it is not kept. */
  async delivery(id: string): Promise<DeliveryStory> {
    return this.#toldBy(await this.#kept(id));
  }

  /** Makes one delivery due now. Refused while it is running, and where nobody would make it. */
  async replay(id: string): Promise<DeliveryStory> {
    const { store, destinations, lanes, clock, log, observer } = this.#parts;
    const { destination } = await this.#kept(id);
    if (!destinations.has(destination)) throw refuse('DESTINATION_GONE', `there is no destination ${destination}`);
    const dueMs = clock.now();
    const changed = await store.replay([id], dueMs);
    if (changed.length === 0) throw refuse('WRONG_STATE', 'it is running: its attempt comes to an end first');
    log.info('delivery.replayed', { id, destination });
    observer.replayed(changed.length);
    lanes.expect(destination, dueMs);
    return this.delivery(id);
  }

  /** Ends one delivery. Refused where it is running, or settled otherwise. */
  async discard(id: string): Promise<DeliveryStory> {
    const { store, observer, lanes, clock } = this.#parts;
    const { destination } = await this.#kept(id);
    const changed = await store.discard([id]);
    if (changed.length === 0) {
      const { state, reason } = await this.#kept(id);
      throw refuse('WRONG_STATE', `it is ${reason ?? state}`);
    }
    observer.discarded(destination, changed);
    // The next of its subject may go now.
    lanes.expect(destination, clock.now());
    return this.delivery(id);
  }

  /** Oldest first. Refused where there is nothing to explain. */
  async explain(question: ExplainQuestion): Promise<readonly Explanation[]> {
    const { store, sources, clock, numbers } = this.#parts;
    if ('event' in question) return [this.#explained(await this.event(question.event), true)];
    if ('subject' in question) {
      const { items } = await store.events({ subject: question.subject, limit: explainedEvents });
      if (items.length === 0) throw refuse('NOT_KEPT', `there is no event with the subject ${question.subject}`);
      const stories = await gathered(items.toReversed(), (event) => this.#storyOf(event));
      return stories.map((story) => this.#explained(story, true));
    }
    const { source: name, body } = question;
    const events = await draftedEvents({ name, source: sources.get(name), body, nowMs: clock.now(), numbers });
    return events.map((event) => this.#explained({ event, deliveries: [] }, false));
  }

  async status(): Promise<Status> {
    const { store, lanes, destinations, clock } = this.#parts;
    const [backlogs, storeFailure] = await Promise.all([
      within(clock, statusMs, () => store.backlog()).catch(() => null),
      within(clock, statusMs, () => lanes.canCommit()).then(() => null, messageOf),
    ]);
    const { loads } = lanes;
    const names = new Set([...destinations.keys(), ...(backlogs ?? []).map(({ destination }) => destination)]);
    return {
      nowMs: clock.now(),
      uptimeMs: clock.elapsed() - this.#startedAt,
      storeFailure,
      lanes: [...names].map((destination) => ({
        destination,
        policy: destinations.get(destination)?.policy ?? null,
        load: loads.get(destination) ?? null,
        backlog:
          backlogs === null ? null : (backlogs.find((one) => one.destination === destination) ?? empty(destination)),
      })),
    };
  }

  #explained(story: EventStory, kept: boolean): Explanation {
    const deliveries = story.deliveries.map(({ delivery }) => delivery);
    return { ...story, kept, routes: explainRoutes(story.event, deliveries, this.#parts) };
  }

  async #kept(id: string): Promise<DeliveryRecord> {
    const delivery = await this.#parts.store.delivery(id);
    if (delivery === null) throw refuse('NOT_KEPT', `there is no delivery ${id}`);
    return delivery;
  }

  async #storyOf(event: EventRecord): Promise<EventStory> {
    const { items } = await this.#parts.store.deliveries({ eventId: event.id, limit: mostDeliveries });
    return { event, deliveries: await gathered(items.toReversed(), (delivery) => this.#toldBy(delivery)) };
  }

  async #toldBy(delivery: DeliveryRecord): Promise<DeliveryStory> {
    const attempts = await this.#parts.store.attempts(delivery.id);
    return { delivery, failure: attempts.at(-1)?.reason ?? null, attempts };
  }

  async #lineOf(delivery: DeliveryRecord): Promise<DeliveryLine> {
    const { failure } = delivery.state === 'delivered' ? { failure: null } : await this.#toldBy(delivery);
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
