/** The delivery queue of one destination: accepts deliveries and starts attempts, independent of other queues. */
import type { ClaimedDelivery, NewDelivery, Settled } from '@switchhook/sdk';
import { Capacity } from '../resilience/capacity.js';
import { type AttemptResult, runAttempt } from './attempt.js';
import { type Claimed, Claims } from './claims.js';
import { Due } from './due.js';
import { type Held, HeldDeliveries } from './held.js';
import { heldPerAttempt, leaseMsOf, type QueuePolicy } from './policy.js';
import { QueueEnding } from './queue-ending.js';
import type { QueueLoad, QueueParts } from './queue-parts.js';
import { SettlementWriter } from './settlement-writer.js';
import { Throttle } from './throttle.js';
import { WakeTimer } from './wake-timer.js';

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
  readonly throttle: Throttle;
  readonly #batchMax: number;
  readonly #settlementWriter: SettlementWriter;
  readonly #claims: Claims;
  readonly #timer: WakeTimer;
  /** Taken by what is running or held, and by what is promised to a commit or a claim under way. */
  readonly #capacity: Capacity;
  readonly #held = new HeldDeliveries();
  /** Attempts under way, and the deliveries in them. */
  #attempts = 0;
  #running = 0;
  readonly #due = new Due();
  readonly #ending = new QueueEnding();
  #claiming = false;

  constructor(parts: QueueParts) {
    const { rateLimit, breaker, retry, batch, concurrency } = parts.open.policy;
    const { isPaused, clock, limits } = parts;
    this.#parts = parts;
    this.#policy = parts.open.policy;
    const bucket = rateLimit === null ? null : limits.bucket(rateLimit, () => this.#advance());
    this.throttle = new Throttle({ bucket, breaker, longestWaitMs: retry.maxMs, isPaused });
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
  admit(waiting: NewDelivery, nowMs: number): NewDelivery {
    const { clock } = this.#parts;
    this.#ending.promised += 1;
    if (waiting.dueMs <= nowMs && this.#mayStart()) this.throttle.want(clock.elapsed());
    // What is already due goes first, so new deliveries wait in the store, which keeps the order.
    const isBehind = this.#policy.ordered || this.#due.isNow(nowMs) || waiting.gather !== undefined;
    if (this.#ending.isClosed || isBehind || this.#room <= 0) return waiting;
    if (this.throttle.allowance(clock.elapsed()) === 0) return waiting;
    this.#capacity.take(1);
    return { ...waiting, state: 'running', dueMs: nowMs + leaseMsOf(this.#policy) };
  }

  /** Takes over a delivery that `admit` promised to hand over, now that it is committed. */
  take(delivery: ClaimedDelivery, leaseUntilMs: number): void {
    this.#ending.promised -= 1;
    this.#held.add([delivery], leaseUntilMs, this.#parts.clock.elapsed());
    this.#advance();
  }

  /** A delivery that `admit` left to the store is committed. */
  queued(dueMs: number): void {
    this.#ending.promised -= 1;
    this.#parts.expect(dueMs);
    this.#announceIdle();
  }

  /** Takes back the promise of `admit`: the event was not committed, or was a duplicate. */
  release(wasRunning: boolean): void {
    this.#ending.promised -= 1;
    if (wasRunning) this.#capacity.free(1);
    this.#advance();
    this.#announceIdle();
  }

  /** The store has something for this queue, due at this time. */
  expect(dueMs: number): void {
    this.#due.expect(dueMs);
    this.#advance();
  }

  /** One attempt now, whatever the throttle allows, with the delivery that is due first; null where none is. Success resets. */
  async probe(): Promise<AttemptResult | 'busy' | null> {
    if (this.#ending.isClosed || this.#claiming || !this.#mayStart(1)) return 'busy';
    this.#giveBack(this.#held.takeLapsed(this.#parts.clock.now()));
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
    this.throttle.reset();
    this.#advance();
  }

  /** Starts nothing more, gives back what is held, and resolves when the running attempts are settled. */
  close(): Promise<void> {
    return this.#stopped(this.#ending.close());
  }

  /** As `close`, and resolves only when no event with a delivery for this queue is being committed either. */
  end(): Promise<void> {
    return this.#stopped(this.#ending.end());
  }

  /** Goes on until the store has nothing left for this queue, then ends. False where it was stopped before. */
  drain(): Promise<boolean> {
    const ended = this.#ending.drain();
    this.expect(this.#parts.clock.now());
    return ended;
  }

  /** After `close`, where it took too long: what is not settled now is left to the next start. */
  abandon(): void {
    this.#settlementWriter.abandon();
  }

  get load(): QueueLoad {
    const nowMs = this.#parts.clock.elapsed();
    const counts = { attempts: this.#attempts, running: this.#running, held: this.#held.count };
    const standing = this.throttle.standing(nowMs, this.#parts.clock.now() - nowMs);
    return { ...counts, unsettled: this.#settlementWriter.pending, ...standing };
  }

  /** Does whatever can be done now, and sets the timer for what can be done later. */
  #advance(): void {
    if (this.#ending.isClosed) {
      this.#timer.cancel();
      this.#giveBack(this.#held.takeAll());
      this.#announceIdle();
      return;
    }
    const nowMs = this.#parts.clock.now();
    // While no attempt may start, tokens of a common rate limit would expire here unused.
    const want = this.#mayStart() && (this.#held.count > 0 || this.#due.isNow(nowMs));
    if (want) this.throttle.want(this.#parts.clock.elapsed());
    this.#startHeld();
    if (this.#due.isNow(nowMs) && !this.#claiming && this.#claimable() > 0) void this.#claim();
    // What could start now but does not, waits for an attempt to end, not for a time.
    const dueMs = this.#due.waitMs(nowMs);
    const openMs = () => [this.#heldWaitMs(), dueMs || this.throttle.waitMs(this.#parts.clock.elapsed())];
    this.#timer.within(Math.min(pollMs, ...(this.#mayStart() ? openMs() : [dueMs]).filter((ms) => ms > 0)));
  }

  /** Starts attempts with what is held, as far as concurrency and throttle allow. */
  #startHeld(): void {
    const { clock, erased } = this.#parts;
    const isLong = this.throttle.waitMs(this.#parts.clock.elapsed()) > longestHoldMs;
    if (isLong || this.#concurrency === 0) this.#giveBack(this.#held.takeAll());
    while (this.#mayStart() && this.#heldWaitMs() <= 0) {
      // A lease that could end during the attempt is not used: another router might start the same attempt.
      const { usable, lapsing } = this.#held.take(this.#batchMax, clock.now() + this.#policy.timeoutMs, erased);
      this.#giveBack(lapsing);
      if (usable.length > 0) void this.#run(usable);
    }
  }

  /** This router's share of the concurrency of all routers. */
  get #concurrency(): number {
    return this.#parts.limits.share(this.#policy.concurrency);
  }

  /** How many further deliveries may be in memory. */
  get #room(): number {
    const most = this.#concurrency * this.#batchMax * (1 + heldPerAttempt);
    return Math.min(this.#capacity.left, most - this.#capacity.taken);
  }

  #mayStart(least = 0): boolean {
    return this.#attempts < Math.max(least, this.#concurrency) && this.#settlementWriter.pending < unsettledLimit;
  }

  /** Time until what is held can start: its batch is complete and the throttle is open. */
  #heldWaitMs(): number {
    const { sinceMs, count } = this.#held;
    if (sinceMs === null) return Number.POSITIVE_INFINITY;
    const batchWaitMs = sinceMs + (this.#policy.batch?.waitMs ?? 0) - this.#parts.clock.elapsed();
    return Math.max(this.throttle.waitMs(this.#parts.clock.elapsed()), count < this.#batchMax ? batchWaitMs : 0);
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
    this.throttle.started(clock.elapsed());
    try {
      const ends = await this.#parts.erased.during(deliveries, () => runAttempt(this.#parts, deliveries));
      this.throttle.ended(
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
    for (const { settlement } of settled) if (settlement.state === 'waiting') this.#parts.expect(settlement.untilMs);
    // The next of its subject can go now; and a queue that is drained asks whether that was the last one.
    if (this.#policy.ordered || this.#ending.isDraining) this.#parts.expect(this.#parts.clock.now());
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

  async #claim(): Promise<void> {
    this.#giveBack(this.#held.takeLapsed(this.#parts.clock.now()));
    const limit = this.#claimable();
    this.#claiming = true;
    this.#capacity.take(limit);
    this.#due.clear();
    const claimed = await this.#claims.next(limit);
    this.#capacity.take(claimed.deliveries.length);
    this.#held.add(claimed.deliveries, claimed.leaseUntilMs, this.#parts.clock.elapsed());
    this.#capacity.free(limit);
    this.#claimed(claimed);
  }

  /** The store has answered a claim, and what it brought has its place. */
  #claimed({ nextDueMs, exhausted }: Claimed): void {
    const { deliveryTelemetry, destination } = this.#parts;
    this.#due.expect(nextDueMs);
    this.#claiming = false;
    this.#advance();
    this.#announceIdle();
    if (exhausted.length > 0) deliveryTelemetry.exhausted(destination, exhausted);
  }

  /** How many to claim: not for little capacity, and no more than the throttle allows. */
  #claimable(): number {
    const room = this.#room;
    const allowed = this.throttle.allowance(this.#parts.clock.elapsed()) * this.#batchMax - this.#held.count;
    return room < this.#concurrency ? 0 : Math.max(0, Math.min(this.#claims.limit(room), allowed));
  }

  #stopped(ended: Promise<void>): Promise<void> {
    this.#claims.end();
    this.#advance();
    return ended;
  }

  #announceIdle(): void {
    if (this.#attempts > 0 || this.#settlementWriter.pending > 0 || this.#claiming) return;
    this.#ending.idle(this.#held.count === 0 && this.#due.atMs === null);
    if (this.#ending.isClosed) this.#timer.cancel();
  }
}
