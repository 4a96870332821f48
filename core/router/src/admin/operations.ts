/** Queries and actions of an operator: lists, details, replay, discard, explain. */
import {
  type Attempt,
  Clock,
  type DeliveryQuery,
  type DeliveryRecord,
  durationText,
  type EventQuery,
  type EventRecord,
  type Page,
  type PhoneNormalizer,
  refuse,
  type Source,
  Store,
  token,
} from '@switchhook/sdk';
import pMap from 'p-map';
import type { AnswerPlan } from '../calls/answer.js';
import { Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import type { CaptureFile } from '../ingest/captured-requests.js';
import type { DraftMask } from '../ingest/draft-mask.js';
import type { RefusalFilter } from '../ingest/refusal-counts.js';
import { type AdvisedGroup, type RefusedQuery, RefusedRequests } from '../ingest/refused-requests.js';
import { hasBody } from '../routing/event-record.js';
import { type RetentionPolicy, windowsOf } from '../routing/retention-policy.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { checkConditions, noSuchRow } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import { Discards } from './bulk-discard.js';
import { Replays } from './bulk-replay.js';
import { answeredCalls, type CallQuery } from './call-history.js';
import { type DeadGroups, type DeadQuery, deadGroups, failedAs } from './dead-groups.js';
import { type Failed, listedDeliveries } from './delivery-list.js';
import { Erasures } from './erasures.js';
import {
  type AnswerExplanation,
  type ExplainParts,
  explainKeptCall,
  explainRoutes,
  type RouteExplanation,
} from './explain.js';
import { gatheredEvents } from './gathered.js';
import { eventWithoutBody, notKept } from './missing-bodies.js';

/** What operations take from the configuration. */
export interface AdminPlan extends Omit<ExplainParts, 'mask'>, Pick<AnswerPlan, 'answers'> {
  readonly sources: ReadonlyMap<string, Source>;
  /** Names of the sources whose requests are calls. */
  readonly callSources: readonly string[];
  readonly normalizePhone: PhoneNormalizer;
  /** By the name of a source. */
  readonly masks?: ReadonlyMap<string, DraftMask>;
  readonly retention: RetentionPolicy;
}

export const AdminPlan = token<Current<AdminPlan>>('switchhook.AdminPlan');

/** A delivery with all its attempts, oldest first. */
export interface DeliveryDetails {
  readonly delivery: DeliveryRecord;
  readonly attempts: readonly Attempt[];
}

/** An event with all its deliveries, in the order they were made. */
export interface EventDetails {
  readonly event: EventRecord;
  readonly deliveries: readonly DeliveryDetails[];
}

/** A page of the events of a subject. */
export interface ConversationPart {
  readonly subject: string;
  /** Of the page with later ones. */
  readonly cursor?: string | undefined;
}

/** What to explain: an event that is kept, or the latest ones of a subject. */
export type ExplainQuestion = { readonly event: string } | { readonly subject: string };

/** An event, its deliveries, and the result of today's routes. */
export interface Explanation extends EventDetails {
  /** False where it is only made from a body. */
  readonly kept: boolean;
  readonly routes: readonly RouteExplanation[];
  /** Of a call: the result of each of today's answers; none where it is no call. */
  readonly answers: readonly AnswerExplanation[];
}

/** What one event may have. */
const mostDeliveries = 1_000;

/** Of one subject, explained at once. */
const explainedEvents = 20;

/** Questions to the store under way at the same time, for one list. */
const atOnce = { concurrency: 20 };

@injectable()
export class Operations {
  constructor(
    @inject(AdminPlan) private readonly plan: Current<AdminPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(DeliveryTelemetry) private readonly telemetry: DeliveryTelemetry,
    @inject(Clock) private readonly clock: Clock,
    @inject(Replays) readonly replays: Replays,
    @inject(Discards) readonly discards: Discards,
    @inject(Erasures) readonly erasures: Erasures,
    @inject(RefusedRequests) private readonly refusedRequests: RefusedRequests,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /** Stops what runs in the background. */
  async close(): Promise<void> {
    await Promise.all([this.replays.close(), this.discards.close(), this.erasures.close()]);
  }

  /** Without their bodies: a thousand may have a gigabyte. Refused as `STORE_CANNOT_FILTER` where the store does not know a condition. */
  async events({ party, ...query }: EventQuery): Promise<Page<EventRecord>> {
    checkConditions(this.store, query);
    const number = party === undefined ? {} : { party: this.plan.value.normalizePhone(party) };
    const page = await this.store.events({ ...query, ...number, bodies: false });
    if (page.items.length === 0) this.checkNames(query);
    return page;
  }

  calls(query: CallQuery): Promise<Page<EventRecord>> {
    const { callSources, normalizePhone } = this.plan.value;
    return answeredCalls(this.store, callSources, normalizePhone, query);
  }

  /** Refused as `NOT_KEPT` where it is not kept. */
  async event(id: string): Promise<EventDetails> {
    const event = await this.store.event(id);
    if (event === null) throw notKept(`event ${id}`, this.plan.value.retention);
    return this.#loadEvent(event);
  }

  /** The data of an event as they are kept, byte by byte. Refused as `NOT_KEPT` or `BODY_REMOVED`. */
  async body(id: string): Promise<string> {
    const event = await this.store.event(id);
    if (event === null) throw notKept(`event ${id}`, this.plan.value.retention);
    if (!hasBody(event)) throw this.#bodyRemoved(event);
    return new TextDecoder().decode(event.body);
  }

  /** Refused as `NO_SUCH_ROW` where it finds nothing and names a destination or a route that is not configured. */
  async deliveries(query: DeliveryQuery & Failed): Promise<Page<DeliveryRecord>> {
    const page = await listedDeliveries(this.store, query);
    if (page.items.length === 0) this.checkNames(query);
    return page;
  }

  /** What is dead, in groups. Refused like a list. */
  async deadGroups({ failure, ...query }: DeadQuery & Failed): Promise<DeadGroups> {
    const found = await deadGroups(this.store, query);
    if (found.groups.length === 0) this.checkNames(query);
    if (failure === undefined) return found;
    return { ...found, groups: found.groups.filter((group) => failedAs(group, failure)) };
  }

  /** Requests that were refused. Refused like a list. */
  refused(query: RefusedQuery): ReturnType<RefusedRequests['list']> {
    const page = this.refusedRequests.list(query);
    if (page.items.length === 0) this.checkNames(query);
    return page;
  }

  /** A refused request that was kept whole. Refused as `NOT_KEPT` where it was not. */
  capture(id: string): CaptureFile {
    const found = this.refusedRequests.capture(id);
    if (found !== null) return found;
    throw refuse('NOT_KEPT', `request ${id} is not kept whole; with capture: true, a source keeps the next ones`);
  }

  /** Requests that were refused, in groups. Refused like a list. */
  refusedGroups(filter: RefusalFilter): readonly AdvisedGroup[] {
    const groups = this.refusedRequests.groups(filter);
    if (groups.length === 0) this.checkNames(filter);
    return groups;
  }

  /** Refused as `NOT_KEPT` where it is not kept. */
  async delivery(id: string): Promise<DeliveryDetails> {
    return this.#loadDelivery(await this.#kept(id));
  }

  /** Makes one delivery due now; for one that is gathered, that which has gathered it. Refused while it is running, and if its destination is not configured. */
  async replay(id: string): Promise<DeliveryDetails> {
    const delivery = await this.#kept(id);
    const { destination, state, gathered } = delivery;
    if (state === 'gathered' && gathered != null) return this.replay(gathered.by);
    if (state === 'gathered') throw refuse('WRONG_STATE', 'the delivery that has gathered it is not kept any more');
    if (!this.plan.value.destinations.has(destination))
      throw refuse('DESTINATION_GONE', `there is no destination ${destination}`);
    const dueMs = this.clock.now();
    const changed = await this.store.replay([id], dueMs);
    if (changed.length === 0) throw await this.#notReplayed(delivery);
    this.telemetry.replayedByHand(destination, changed);
    this.replays.replayedByHand(changed);
    this.dispatcher.expect(destination, dueMs);
    return this.delivery(id);
  }

  async #notReplayed(delivery: DeliveryRecord): Promise<Error> {
    const event = await eventWithoutBody(this.store, delivery);
    if (event === null) return refuse('WRONG_STATE', 'it is running: its attempt comes to an end first');
    return this.#bodyRemoved(event);
  }

  #bodyRemoved(event: EventRecord): Error {
    const { bodiesMs } = windowsOf(this.plan.value.retention, event);
    return refuse('BODY_REMOVED', `the body of event ${event.id} was removed after ${durationText(bodiesMs)}`);
  }

  /** Ends one delivery. Refused where it is running, or settled otherwise. */
  async discard(id: string): Promise<DeliveryDetails> {
    const { destination } = await this.#kept(id);
    const changed = await this.store.discard([id]);
    if (changed.length === 0) {
      const { state, reason, gathered } = await this.#kept(id);
      const isGathered = state === 'gathered' && gathered != null;
      const advice = isGathered ? `: discard ${gathered.by}, which takes its event along` : '';
      throw refuse('WRONG_STATE', `it is ${reason ?? state}${advice}`);
    }
    this.telemetry.discarded(destination, changed);
    // The next of its subject may go now.
    this.dispatcher.expect(destination, this.clock.now());
    return this.delivery(id);
  }

  /** Oldest first. Refused where there is nothing to explain. */
  async explain(question: ExplainQuestion): Promise<readonly Explanation[]> {
    if ('event' in question) return [await this.#explained(await this.event(question.event))];
    return (await this.conversation(question)).items;
  }

  /** The latest events of a subject, or those before a cursor, explained, oldest first. Refused as `NOT_KEPT` where there is none. */
  async conversation({ subject, cursor }: ConversationPart): Promise<Page<Explanation>> {
    const part = { limit: explainedEvents, ...(cursor !== undefined && { cursor }) };
    const page = await this.store.events({ subject, ...part });
    if (page.items.length === 0 && cursor === undefined)
      throw notKept(`event with the subject ${subject}`, this.plan.value.retention);
    const explain = async (event: EventRecord) => this.#explained(await this.#loadEvent(event));
    return { items: await pMap(page.items.toReversed(), explain, atOnce), cursor: page.cursor };
  }

  async #explained(details: EventDetails): Promise<Explanation> {
    const deliveries = details.deliveries.map(({ delivery }) => delivery);
    if (!hasBody(details.event)) return { ...details, kept: true, routes: [], answers: [] };
    const found = deliveries.map(async (one) => [one.id, await gatheredEvents(this.store, one)] as const);
    const gathered = (await Promise.all(found)).flatMap(([id, events]) =>
      events === null ? [] : [[id, events] as const],
    );
    const { event } = details;
    const { answers: rows, callSources } = this.plan.value;
    const routes = explainRoutes(event, deliveries, { ...this.plan.value, mask: this.mask }, new Map(gathered));
    const answers = callSources.includes(event.source) ? explainKeptCall(rows, event) : [];
    return { ...details, kept: true, routes, answers };
  }

  /** Refused as `NO_SUCH_ROW`: an empty list for a misspelt name would look as if all were well. */
  checkNames(query: { readonly destination?: string; readonly route?: string; readonly source?: string }): void {
    const { destinations, routes, sources } = this.plan.value;
    const known = {
      destination: [...destinations.keys()],
      route: routes.map(({ name }) => name),
      source: [...sources.keys()],
    };
    for (const kind of ['destination', 'route', 'source'] as const) {
      const name = query[kind];
      if (name !== undefined && !known[kind].includes(name)) throw noSuchRow(kind, name, known[kind]);
    }
  }

  async #kept(id: string): Promise<DeliveryRecord> {
    const delivery = await this.store.delivery(id);
    if (delivery === null) throw notKept(`delivery ${id}`, this.plan.value.retention);
    return delivery;
  }

  async #loadEvent(event: EventRecord): Promise<EventDetails> {
    const { items } = await this.store.deliveries({ eventId: event.id, limit: mostDeliveries });
    return { event, deliveries: await pMap(items.toReversed(), (delivery) => this.#loadDelivery(delivery), atOnce) };
  }

  async #loadDelivery(delivery: DeliveryRecord): Promise<DeliveryDetails> {
    const attempts = await this.store.attempts(delivery.id);
    return { delivery, attempts };
  }
}
