/** Watches the router itself: makes events of the source `router`, of the types that a route takes, and of no others. */
import { Clock, type EventRecord, Log, partsOfDeliveryId, Store, token } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import { type DeliveryPlan, Dispatcher } from '../delivery/dispatcher.js';
import { Ingest } from '../ingest/ingest.js';
import { type RouterEventType, routerEventData, routerEventTypes, routerSource } from '../routing/router-events.js';
import { concerns, longestWaitMs, type Route, type Routes } from '../routing/routes.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { type Observation, Observations } from '../system/observations.js';
import { Pauses } from '../system/pauses.js';
import { emit } from './emission.js';
import { type AlertPolicy, type Occurrence, occurrence, Tally } from './tally.js';

/** What the monitor takes from the configuration. */
export interface MonitorPlan {
  readonly routes: readonly Route[];
  readonly routeTable: Routes;
  /** By name. */
  readonly destinations: DeliveryPlan['destinations'];
  readonly alerts: AlertPolicy;
}

export const MonitorPlan = token<Current<MonitorPlan>>('switchhook.MonitorPlan');

/** Between two looks. */
const betweenLooksMs = 15_000;
/** A store takes no longer, unless it hangs. */
const longestLookMs = 60_000;
/** A store that hangs must not keep the router from ending. */
const lastLookMs = 5_000;
/** How far back reports of failing destinations are looked for, at the start. */
const reportedWithinMs = 86_400_000;
/** Deliveries that are looked at to find out whether one of another source waits. */
const mostWaiting = 100;
/** Deliveries whose last attempt never came back: more in one look come from one crash. */
const mostExhausted = 100;

@injectable()
export class Monitor {
  readonly #tally: Tally;
  #taken: ReadonlySet<RouterEventType> = new Set();
  #state: 'new' | 'open' | 'closed' = 'new';
  #look: Promise<void> | null = null;
  #cancel = (): void => {};
  /** For the next look. */
  #isWaiting = false;
  #exhausted: Extract<Observation, { kind: 'exhausted' }>[] = [];
  /** By type and cause: in which time it was reported, or could not be stored. */
  readonly #reported = new Map<string, string>();
  readonly #unstored = new Map<string, string>();
  #isPastKnown = false;

  constructor(
    @inject(MonitorPlan) private readonly plan: Current<MonitorPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(Pauses) private readonly pauses: Pauses,
    @inject(Observations) private readonly observations: Observations,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {
    this.#tally = new Tally(() => plan.value.alerts, clock);
  }

  /** Begins to watch, also where the store is not open yet: that it could not be used is reported later. */
  open(): void {
    this.#state = 'open';
    this.follow();
  }

  /** Follows the configuration. Without a route that takes events of the router, nothing is measured or asked for them. */
  follow(): void {
    if (this.#state !== 'open') return;
    const { routes } = this.plan.value;
    const isTaken = (type: RouterEventType) => routes.some((route) => concerns(route, { source: routerSource, type }));
    this.#taken = new Set(routerEventTypes.filter(isTaken));
    this.observations.watcher = this.#taken.size === 0 ? null : (observation) => this.#note(observation);
    if (this.#taken.size === 0) this.#cancel();
    // A reload must not put off the next look.
    if (this.#taken.size === 0 || this.#isWaiting || this.#look !== null) return;
    this.#isWaiting = true;
    const stop = this.clock.after(betweenLooksMs, () => void this.#again());
    this.#cancel = () => {
      this.#isWaiting = false;
      stop();
    };
  }

  /** Reports what has happened since the last look, and ends. Never rejects. */
  async close(): Promise<void> {
    const wasUsed = this.#taken.size > 0;
    this.#state = 'closed';
    this.observations.watcher = null;
    this.#cancel();
    if (!wasUsed) return;
    await withTimeout(this.clock, lastLookMs, async () => {
      await this.#look;
      await this.#report();
    }).catch((error: unknown) => this.log.warn('monitor.failed', { error }));
  }

  /** What it has not reported yet is reported without what was erased. */
  async forget({ eventIds }: ErasedThings, isDryRun: boolean): Promise<Removed> {
    if (isDryRun) return {};
    // What a look under way reports was counted before.
    await this.#look;
    this.#tally.forget(eventIds);
    return {};
  }

  #note(observation: Observation): void {
    if (observation.kind === 'attempted' && this.dispatcher.erased.has(observation.event.id)) return;
    if (observation.kind === 'exhausted') this.#exhausted.push(observation);
    else this.#tally.note(observation);
  }

  async #again(): Promise<void> {
    this.#isWaiting = false;
    // One that hangs must not be the last. What it still reports has the key of what the next one reports.
    this.#look ??= withTimeout(this.clock, longestLookMs, this.#report()).catch((error: unknown) =>
      this.log.warn('monitor.failed', { error }),
    );
    await this.#look;
    this.#look = null;
    this.follow();
  }

  async #report(): Promise<void> {
    const failure = await this.#storeFailure();
    this.#tally.storeChecked(failure);
    if (failure === null) await this.#askStore();
    const behind = failure === null ? await this.#behind() : [];
    for (const each of [...this.#tally.occurrences(this.plan.value.destinations), ...behind]) await this.#emit(each);
  }

  /** Once in its time, if a route takes it. What the store does not take is tried again at the next look. */
  async #emit({ type, cause, subject, atMs, fields, done }: Occurrence): Promise<void> {
    if (!this.#taken.has(type)) return done?.(false);
    const [id, nowMs] = [`${type}:${cause}`, this.clock.now()];
    const { routeTable, alerts } = this.plan.value;
    const period = new Date(Math.floor(nowMs / alerts.everyMs) * alerts.everyMs).toISOString();
    if (this.#reported.get(id) === period) return;
    const event = { type, key: `${id}:${period}`, subject, atMs, fields };
    try {
      const result = await emit(event, { routeTable, ingest: this.ingest, nowMs });
      if (result !== 'untaken') this.#reported.set(id, period);
      done?.(result === 'duplicate');
    } catch (error) {
      if (this.#unstored.get(id) === period) return;
      this.#unstored.set(id, period);
      this.log.error('alert.unstored', { type, cause, what: routerEventData(type, fields).what, error });
    }
  }

  async #storeFailure(): Promise<{ readonly failure: string; readonly isFull: boolean } | null> {
    try {
      await this.ingest.canCommit();
      return null;
    } catch (error) {
      return { failure: errorMessage(error), isFull: isFull(error) };
    }
  }

  /** What only the store knows. */
  async #askStore(): Promise<void> {
    if (!this.#isPastKnown) await this.#readPast();
    for (const { destination, deliveryIds } of this.#exhausted.splice(0))
      for (const deliveryId of deliveryIds.slice(0, mostExhausted)) {
        const eventId = partsOfDeliveryId(deliveryId)?.eventId ?? '';
        if (this.dispatcher.erased.has(eventId)) continue;
        const event = await this.store.event(eventId);
        const failure = 'its last attempt never came back';
        if (event?.source !== routerSource)
          this.#tally.died(destination, { reason: 'exhausted', failure, deliveryId, eventId });
      }
  }

  /** Which destinations were reported as failing before the router was started, and not as recovered. */
  async #readPast(): Promise<void> {
    if (this.#taken.has('destination.recovered')) {
      const query = { source: routerSource, sinceMs: this.clock.now() - reportedWithinMs, limit: 1_000, bodies: false };
      const reports = async (type: RouterEventType) => (await this.store.events({ ...query, type })).items;
      const recovered = await reports('destination.recovered');
      const isLater = (one: EventRecord, than: EventRecord): boolean =>
        one.subject === than.subject && one.receivedAtMs > than.receivedAtMs;
      for (const failing of await reports('destination.failing'))
        if (failing.subject !== null && !recovered.some((one) => isLater(one, failing)))
          this.#tally.wasFailing(failing.subject, failing.occurredAtMs);
    }
    this.#isPastKnown = true;
  }

  /** Destinations whose oldest delivery waits for too long. */
  async #behind(): Promise<readonly Occurrence[]> {
    if (!this.#taken.has('queue.behind')) return [];
    const [nowMs, { alerts, destinations, routes }] = [this.clock.now(), this.plan.value];
    const found: Occurrence[] = [];
    for (const { destination, oldestOpenMs, waiting, running } of await this.store.backlog()) {
      const ageMs = oldestOpenMs === null ? 0 : nowMs - oldestOpenMs;
      const allowedMs = alerts.queueBehindMs + longestWaitMs(routes, destination);
      if (ageMs < allowedMs || !destinations.has(destination)) continue;
      if (!(await this.#hasOthers(destination, nowMs - allowedMs))) continue;
      const load = this.dispatcher.loads.get(destination);
      const isPaused = this.pauses.of('destination', destination) !== null;
      const why = isPaused ? 'paused' : load !== undefined && load.breaker !== 'closed' ? 'breaker-open' : null;
      const failure = load?.lastFailure?.reason ?? null;
      const numbers = { oldestSeconds: Math.round(ageMs / 1_000), waiting: waiting + running };
      const about = { cause: destination, subject: destination, atMs: nowMs };
      found.push(occurrence({ type: 'queue.behind', ...about, fields: { destination, ...numbers, why, failure } }));
    }
    return found;
  }

  /** Whether what waits has other events than those of the router, which must not cause further ones. */
  async #hasOthers(destination: string, untilMs: number): Promise<boolean> {
    const query = { destination, untilMs, limit: mostWaiting };
    for (const state of ['waiting', 'running'] as const)
      for (const { eventId, type } of (await this.store.deliveries({ ...query, state })).items) {
        const isLikeOurs = routerEventTypes.some((each) => each === type);
        if (!isLikeOurs || (await this.store.event(eventId))?.source !== routerSource) return true;
      }
    return false;
  }
}

/** By the codes of SQLite, of PostgreSQL (53100, `disk_full`) and of the system. */
function isFull(error: unknown): boolean {
  const { code, cause } = Object(error);
  return ['SQLITE_FULL', '53100', 'ENOSPC', 'EDQUOT'].includes(code) || (cause !== undefined && isFull(cause));
}
