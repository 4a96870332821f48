/** The delivery queue of one destination: accepts deliveries and starts attempts, independent of other queues. */
import type { ClaimedDelivery, Log, NewDelivery, Settled, Store } from '@switchhook/sdk';
import { Capacity, type SharedCapacity } from '../resilience/capacity.js';
import { type AttemptParts, type AttemptResult, runAttempt } from './attempt.js';
import { type Claimed, Claims, type Held } from './claims.js';
import { heldPerAttempt, leaseMsOf, type QueuePolicy } from './policy.js';
import { SettlementWriter } from './settlement-writer.js';
import type { DeliveryTelemetry } from './telemetry.js';
import { type Standing, Throttle } from './throttle.js';
import { WakeTimer } from './wake-timer.js';

/** What a queue works with. */
export interface QueueParts extends AttemptParts {
  readonly destination: string;
  readonly store: Store;
  readonly log: Log;
  readonly deliveryTelemetry: DeliveryTelemetry;
  readonly sharedCapacity: SharedCapacity;
  /** Whether an operator has paused the destination. */
  isPaused(): boolean;
}

/** The load of a queue. */
export type QueueLoad = Standing & Readonly<Record<'running' | 'held' | 'unsettled', number>>;

/** Deliveries whose settlement is not committed yet; more would be repeated after a crash. */
const unsettledLimit = 256;
/** If the throttle stays closed for longer, held deliveries are returned to the store. */
const longestHoldMs = 1_000;
/** How often the store is polled although nothing is known to be due: finds what another router left. */
const pollMs = 15_000;

/** What moves a delivery between its states; they are drawn in docs/pipeline.md. */
export class DeliveryQueue {
  readonly #parts: QueueParts;
  readonly #policy: QueuePolicy;
  readonly #throttle: Throttle;
  readonly #batchMax: number;
  readonly #settlementWriter: SettlementWriter;
  readonly #claims: Claims;
  readonly #timer: WakeTimer;
  /** Taken by what is running or held, and by what is promised to a commit or a claim under way. */
  readonly #capacity: Capacity;
  readonly #held: Held[] = [];
  /** Attempts under way, and the deliveries in them. */
  #attempts = 0;
  #running = 0;
  /** When the store has something due, as far as is known; null = nothing. */
  #dueMs: number | null = null;
  #claiming = false;
  #closed = false;
  #whenIdle: (() => void)[] = [];

  constructor(parts: QueueParts) {
    const { rateLimit, breaker, retry, batch, concurrency } = parts.open.policy;
    const { isPaused, clock } = parts;
    this.#parts = parts;
    this.#policy = parts.open.policy;
    this.#throttle = new Throttle({ rateLimit, breaker, longestWaitMs: retry.maxMs, isPaused }, clock.elapsed());
    this.#batchMax = batch?.max ?? 1;
    this.#settlementWriter = new SettlementWriter(parts);
    this.#claims = new Claims(parts);
    // A claim once in a while is cheap, and finds deliveries that were not announced.
    this.#timer = new WakeTimer(clock, () => this.expect(clock.now()));
    const running = concurrency * this.#batchMax;
    this.#capacity = new Capacity(running * (1 + heldPerAttempt), running, parts.sharedCapacity);
  }

  /** Starts with what the store has left from before. */
  open(): void {
    this.#claims.wake();
    this.expect(this.#parts.clock.now());
  }

  /** Decides, before the commit, whether a new delivery is handed over in memory or waits in the store. */
  admit(route: string, transforms: readonly string[], nowMs: number): NewDelivery {
    const { destination, clock } = this.#parts;
    // What is already due goes first, so new deliveries wait in the store, which keeps the order.
    const queue = this.#closed || this.#policy.ordered || this.#isDue(nowMs) || this.#capacity.left <= 0;
    if (queue || this.#throttle.allowance(clock.elapsed()) === 0)
      return { route, destination, transforms, state: 'waiting', dueMs: nowMs };
    this.#capacity.take(1);
    return { route, destination, transforms, state: 'running', dueMs: nowMs + leaseMsOf(this.#policy) };
  }

  /** Takes over a delivery that `admit` promised to hand over, now that it is committed. */
  take(delivery: ClaimedDelivery, leaseUntilMs: number): void {
    this.#held.push({ delivery, leaseUntilMs, sinceMs: this.#parts.clock.elapsed() });
    this.#advance();
  }

  /** Takes back the promise of `admit`: the event was not committed, or was a duplicate. */
  forget(): void {
    this.#capacity.free(1);
    this.#advance();
  }

  /** The store has something for this queue, due at this time. */
  expect(dueMs: number): void {
    this.#dueMs = Math.min(dueMs, this.#dueMs ?? dueMs);
    this.#advance();
  }

  /** One attempt now, whatever the throttle allows, with the delivery that is due first; null where none is. Success resets. */
  async probe(): Promise<AttemptResult | 'busy' | null> {
    if (this.#closed || this.#claiming || !this.#mayStart()) return 'busy';
    this.#giveBackLapsed();
    this.#claiming = true;
    const claimed = await this.#claims.next(1);
    this.#capacity.take(claimed.deliveries.length);
    const running = claimed.deliveries.length === 0 ? [] : this.#run(claimed.deliveries);
    this.#claimed(claimed);
    const [result = null] = await running;
    if (result?.called && result.outcome.kind !== 'unavailable') this.reset();
    return result;
  }

  /** Closes the circuit breaker, and ends the wait that the other side has asked for. */
  reset(): void {
    this.#throttle.reset();
    this.#advance();
  }

  /** Starts nothing more, gives back what is held, and resolves when the running attempts are settled. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#claims.end();
    this.#advance();
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** After `close`, where it took too long: what is not settled now is left to the next start. */
  abandon(): void {
    this.#settlementWriter.abandon();
  }

  get load(): QueueLoad {
    const nowMs = this.#parts.clock.elapsed();
    const counts = { running: this.#running, held: this.#held.length, unsettled: this.#settlementWriter.pending };
    return { ...counts, ...this.#throttle.standing(nowMs, this.#parts.clock.now() - nowMs) };
  }

  /** Does whatever can be done now, and sets the timer for what can be done later. */
  #advance(): void {
    if (this.#closed) {
      this.#timer.cancel();
      this.#giveBack(this.#held.splice(0));
      this.#announceIdle();
      return;
    }
    this.#startHeld();
    const nowMs = this.#parts.clock.now();
    if (this.#isDue(nowMs) && !this.#claiming && this.#claimable() > 0) void this.#claim();
    // What could start now but does not, waits for an attempt to end, not for a time.
    const waits = [this.#heldWaitMs(), this.#dueWaitMs(nowMs)].filter((ms) => ms > 0);
    this.#timer.within(Math.min(pollMs, ...waits));
  }

  /** Starts attempts with what is held, as far as concurrency and throttle allow. */
  #startHeld(): void {
    const { clock } = this.#parts;
    if (this.#throttleWaitMs() > longestHoldMs) this.#giveBack(this.#held.splice(0));
    while (this.#mayStart() && this.#heldWaitMs() <= 0) {
      const group = this.#held.splice(0, this.#batchMax);
      // A lease that could end during the attempt is not used: another router might start the same attempt.
      const endsAtMs = clock.now() + this.#policy.timeoutMs;
      this.#giveBack(group.filter(({ leaseUntilMs }) => leaseUntilMs < endsAtMs));
      const usable = group.filter(({ leaseUntilMs }) => leaseUntilMs >= endsAtMs);
      if (usable.length > 0) void this.#run(usable.map(({ delivery }) => delivery));
    }
  }

  #mayStart(): boolean {
    return this.#attempts < this.#policy.concurrency && this.#settlementWriter.pending < unsettledLimit;
  }

  /** Time until what is held can start: its batch is complete and the throttle is open. */
  #heldWaitMs(): number {
    const [oldest] = this.#held;
    if (oldest === undefined) return Number.POSITIVE_INFINITY;
    const batchWaitMs = oldest.sinceMs + (this.#policy.batch?.waitMs ?? 0) - this.#parts.clock.elapsed();
    return Math.max(this.#throttleWaitMs(), this.#held.length < this.#batchMax ? batchWaitMs : 0);
  }

  /** Time until the next claim. */
  #dueWaitMs(nowMs: number): number {
    if (this.#dueMs === null) return Number.POSITIVE_INFINITY;
    return this.#isDue(nowMs) ? this.#throttleWaitMs() : this.#dueMs - nowMs;
  }

  #throttleWaitMs(): number {
    const nowMs = this.#parts.clock.elapsed();
    if (this.#throttle.allowance(nowMs) > 0) return 0;
    return (this.#throttle.opensAtMs(nowMs) ?? Number.POSITIVE_INFINITY) - nowMs;
  }

  async #run(deliveries: readonly ClaimedDelivery[]): Promise<readonly AttemptResult[]> {
    const ends = await this.#attempt(deliveries);
    // The store has the settlements before anything is logged or counted.
    const settling = this.#settle(ends.map(({ settled }) => settled));
    this.#advance();
    for (const end of ends) this.#parts.deliveryTelemetry.attempted(end);
    await settling;
    return ends;
  }

  /** Takes a slot for one attempt, and releases it whatever happens. */
  async #attempt(deliveries: readonly ClaimedDelivery[]): Promise<readonly AttemptResult[]> {
    const { clock } = this.#parts;
    this.#attempts += 1;
    this.#running += deliveries.length;
    this.#settlementWriter.expect(deliveries.length);
    this.#throttle.started(clock.elapsed());
    try {
      const ends = await runAttempt(this.#parts, deliveries);
      this.#throttle.ended(
        ends.filter(({ called }) => called).map(({ outcome }) => outcome),
        clock.elapsed(),
      );
      return ends;
    } finally {
      this.#attempts -= 1;
      this.#running -= deliveries.length;
      this.#capacity.free(deliveries.length);
    }
  }

  async #settle(settled: readonly Settled[]): Promise<void> {
    await this.#settlementWriter.settle(settled);
    for (const { settlement } of settled)
      if (settlement.state === 'waiting') this.#dueMs = Math.min(settlement.untilMs, this.#dueMs ?? settlement.untilMs);
    // The next of its subject can go now.
    if (this.#policy.ordered) this.#dueMs = this.#parts.clock.now();
    this.#advance();
    this.#announceIdle();
  }

  #giveBack(held: readonly Held[]): void {
    if (held.length === 0) return;
    this.#capacity.free(held.length);
    this.#settlementWriter.expect(held.length);
    const settlement = { state: 'waiting', untilMs: this.#parts.clock.now(), counted: false } as const;
    void this.#settle(
      held.map(({ delivery }) => ({ deliveryId: delivery.id, lease: delivery.lease, settlement, attempt: null })),
    );
  }

  /** The store may hand them out again, although a clock that jumps back makes their leases look good once more. */
  #giveBackLapsed(): void {
    const [held, nowMs] = [this.#held.splice(0), this.#parts.clock.now()];
    this.#held.push(...held.filter(({ leaseUntilMs }) => leaseUntilMs > nowMs));
    this.#giveBack(held.filter(({ leaseUntilMs }) => leaseUntilMs <= nowMs));
  }

  async #claim(): Promise<void> {
    this.#giveBackLapsed();
    const limit = this.#claimable();
    this.#claiming = true;
    this.#capacity.take(limit);
    this.#dueMs = null;
    const claimed = await this.#claims.next(limit);
    this.#capacity.take(claimed.deliveries.length);
    const [sinceMs, { leaseUntilMs }] = [this.#parts.clock.elapsed(), claimed];
    this.#held.push(...claimed.deliveries.map((delivery) => ({ delivery, leaseUntilMs, sinceMs })));
    this.#capacity.free(limit);
    this.#claimed(claimed);
  }

  /** The store has answered a claim, and what it brought has its place. */
  #claimed({ nextDueMs, exhausted }: Claimed): void {
    const { deliveryTelemetry, destination } = this.#parts;
    if (nextDueMs !== null) this.#dueMs = Math.min(nextDueMs, this.#dueMs ?? nextDueMs);
    this.#claiming = false;
    this.#advance();
    this.#announceIdle();
    if (exhausted.length > 0) deliveryTelemetry.exhausted(destination, exhausted);
  }

  #isDue(nowMs: number): boolean {
    return this.#dueMs !== null && this.#dueMs <= nowMs;
  }

  /** How many to claim: not for little capacity, and no more than the throttle allows. */
  #claimable(): number {
    const room = this.#capacity.left;
    const allowed = this.#throttle.allowance(this.#parts.clock.elapsed()) * this.#batchMax - this.#held.length;
    return room < this.#policy.concurrency ? 0 : Math.max(0, Math.min(room, allowed));
  }

  #isIdle(): boolean {
    return this.#attempts === 0 && this.#settlementWriter.pending === 0 && !this.#claiming;
  }

  #announceIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
