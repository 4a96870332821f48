/** The lane of one destination: takes deliveries in, starts its attempts, and takes nothing from other lanes. */
import type { ClaimedDelivery, Clock, Log, NewDelivery, Settled, Store } from '@switchhook/sdk';
import { Pauses, pauseAfter } from '@switchhook/sdk/internal';
import type { BreakerState } from '../resilience/breaker.js';
import { Places, type SharedPlaces } from '../resilience/capacity.js';
import type { LanePolicy } from './policy.js';
import type { Attempted } from './retry.js';
import { Settler } from './settlement-writer.js';
import { Gate } from './throttle.js';

/** What a lane works with. */
export interface LaneParts {
  readonly destination: string;
  readonly policy: LanePolicy;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly sharedPlaces: SharedPlaces;
  /** Makes one attempt for one delivery, or for a batch; one result for each. Never rejects. */
  readonly attempt: (deliveries: readonly ClaimedDelivery[]) => Promise<readonly AttemptEnd[]>;
  /** Told of deliveries that ended because their last attempt never came back. */
  readonly onExhausted: (deliveryIds: readonly string[]) => void;
}

/** What an attempt came to, and what is settled about it. */
export interface AttemptEnd {
  readonly outcome: Attempted;
  /** False where the destination was not asked. */
  readonly asked: boolean;
  readonly settled: Settled;
}

/** What a lane is doing. */
export interface LaneLoad {
  readonly running: number;
  readonly held: number;
  readonly unsettled: number;
  readonly breaker: BreakerState;
}

/** A delivery in memory whose attempt has not started. */
interface Held {
  readonly delivery: ClaimedDelivery;
  readonly leaseUntilMs: number;
  /** By the clock that never goes back. */
  readonly sinceMs: number;
}

/** Attempts' worth of deliveries held in memory per running one: enough that the next starts without a query. */
const heldPerAttempt = 4;
/** Deliveries whose settlement is not committed yet; more would be repeated after a crash. */
const unsettledLimit = 256;
/** While the gate stays closed for longer, held deliveries are given back. */
const longestHoldMs = 1_000;
/** How often the store is asked although nothing is known to be due: finds what another router left behind. */
const pollMs = 15_000;

/** What moves a delivery between its states; they are drawn in docs/pipeline.md. */
export class Lane {
  readonly #parts: LaneParts;
  readonly #gate: Gate;
  readonly #batchMax: number;
  readonly #settler: Settler;
  readonly #pauses: Pauses;
  /** Taken by what is running or held, and by what is promised to a commit or a claim under way. */
  readonly #places: Places;
  readonly #held: Held[] = [];
  /** Attempts, and the deliveries in them. */
  #running = { attempts: 0, deliveries: 0 };
  /** When the store has something due, as far as is known; null = nothing. */
  #dueMs: number | null = null;
  #claiming = false;
  #failedClaims = 0;
  #closed = false;
  #timer: { readonly atMs: number; readonly cancel: () => void } | null = null;
  #whenIdle: (() => void)[] = [];

  constructor(parts: LaneParts) {
    const { rateLimit, breaker, retry, batch, concurrency } = parts.policy;
    this.#parts = parts;
    this.#gate = new Gate({ rateLimit, breaker, longestPauseMs: retry.maxMs }, parts.clock.elapsed());
    this.#batchMax = batch?.max ?? 1;
    this.#settler = new Settler(parts);
    this.#pauses = new Pauses(parts.clock);
    const running = concurrency * this.#batchMax;
    this.#places = new Places(running * (1 + heldPerAttempt), running, parts.sharedPlaces);
  }

  /** Starts with what the store has left from before. */
  open(): void {
    this.#pauses.cut();
    this.expect(this.#parts.clock.now());
  }

  /** Decides, before the commit, whether a new delivery is handed over in memory or waits in the store. */
  admit(route: string, transforms: readonly string[], nowMs: number): NewDelivery {
    const { destination, policy, clock } = this.#parts;
    // What is due already goes first, so newcomers queue behind it in the store; and only the store knows the order.
    const queue = this.#closed || policy.ordered || this.#isDue(nowMs) || this.#places.left <= 0;
    if (queue || this.#gate.allowance(clock.elapsed()) === 0)
      return { route, destination, transforms, state: 'waiting', dueMs: nowMs };
    this.#places.take(1);
    return { route, destination, transforms, state: 'running', dueMs: nowMs + this.#leaseMs() };
  }

  /** Takes over a delivery that `admit` promised to hand over, now that it is committed. */
  take(delivery: ClaimedDelivery, leaseUntilMs: number): void {
    this.#held.push({ delivery, leaseUntilMs, sinceMs: this.#parts.clock.elapsed() });
    this.#advance();
  }

  /** Takes back the promise of `admit`: the event was not committed, or was a duplicate. */
  forget(): void {
    this.#places.free(1);
    this.#advance();
  }

  /** The store has something for this lane, due at this time. */
  expect(dueMs: number): void {
    this.#dueMs = Math.min(dueMs, this.#dueMs ?? dueMs);
    this.#advance();
  }

  /** Starts nothing more, gives back what is held, and resolves when the running attempts are settled. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pauses.end();
    this.#advance();
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** After `close`, where it took too long: what is not settled now is left to the next start. */
  abandon(): void {
    this.#settler.abandon();
  }

  get load(): LaneLoad {
    const breaker = this.#gate.breakerState(this.#parts.clock.elapsed());
    return { running: this.#running.deliveries, held: this.#held.length, unsettled: this.#settler.pending, breaker };
  }

  /** Does whatever can be done now, and sets the timer for what can be done later. */
  #advance(): void {
    if (this.#closed) {
      this.#timer?.cancel();
      this.#giveBack(this.#held.splice(0));
      this.#announceIdle();
      return;
    }
    this.#startHeld();
    const nowMs = this.#parts.clock.now();
    if (this.#isDue(nowMs) && !this.#claiming && this.#claimable() > 0) void this.#claim(nowMs);
    // What could start now but does not, waits for an attempt to end, not for a time.
    const waits = [this.#heldWaitMs(), this.#dueWaitMs(nowMs)].filter((ms) => ms > 0);
    this.#wakeAfter(Math.min(pollMs, ...waits));
  }

  /** Starts attempts with what is held, as far as concurrency and gate allow. */
  #startHeld(): void {
    const { policy, clock } = this.#parts;
    if (this.#gateWaitMs() > longestHoldMs) this.#giveBack(this.#held.splice(0));
    while (this.#mayStart() && this.#heldWaitMs() <= 0) {
      const group = this.#held.splice(0, this.#batchMax);
      // A lease that could end during the attempt is not used: somebody else might start the same attempt.
      const endsAtMs = clock.now() + policy.timeoutMs;
      this.#giveBack(group.filter(({ leaseUntilMs }) => leaseUntilMs < endsAtMs));
      const usable = group.filter(({ leaseUntilMs }) => leaseUntilMs >= endsAtMs);
      if (usable.length > 0) void this.#run(usable.map(({ delivery }) => delivery));
    }
  }

  #mayStart(): boolean {
    return this.#running.attempts < this.#parts.policy.concurrency && this.#settler.pending < unsettledLimit;
  }

  /** How long until what is held can start, as far as time decides: its batch is complete and the gate is open. */
  #heldWaitMs(): number {
    const [oldest] = this.#held;
    if (oldest === undefined) return Number.POSITIVE_INFINITY;
    const batchWaitMs = oldest.sinceMs + (this.#parts.policy.batch?.waitMs ?? 0) - this.#parts.clock.elapsed();
    return Math.max(this.#gateWaitMs(), this.#held.length < this.#batchMax ? batchWaitMs : 0);
  }

  /** How long until the store is to be asked, as far as time decides. */
  #dueWaitMs(nowMs: number): number {
    if (this.#dueMs === null) return Number.POSITIVE_INFINITY;
    return this.#isDue(nowMs) ? this.#gateWaitMs() : this.#dueMs - nowMs;
  }

  #gateWaitMs(): number {
    const nowMs = this.#parts.clock.elapsed();
    if (this.#gate.allowance(nowMs) > 0) return 0;
    return (this.#gate.opensAtMs(nowMs) ?? Number.POSITIVE_INFINITY) - nowMs;
  }

  async #run(deliveries: readonly ClaimedDelivery[]): Promise<void> {
    const { clock, attempt } = this.#parts;
    this.#running = { attempts: this.#running.attempts + 1, deliveries: this.#running.deliveries + deliveries.length };
    this.#settler.expect(deliveries.length);
    this.#gate.started(clock.elapsed());
    const ends = await attempt(deliveries);
    const outcomes = ends.filter(({ asked }) => asked).map(({ outcome }) => outcome);
    this.#gate.ended(outcomes, clock.elapsed());
    this.#running = { attempts: this.#running.attempts - 1, deliveries: this.#running.deliveries - deliveries.length };
    this.#places.free(deliveries.length);
    this.#advance();
    await this.#settle(ends.map(({ settled }) => settled));
  }

  async #settle(settled: readonly Settled[]): Promise<void> {
    await this.#settler.settle(settled);
    for (const { settlement } of settled)
      if (settlement.state === 'waiting') this.#dueMs = Math.min(settlement.untilMs, this.#dueMs ?? settlement.untilMs);
    // The next of its subject can go now.
    if (this.#parts.policy.ordered) this.#dueMs = this.#parts.clock.now();
    this.#advance();
    this.#announceIdle();
  }

  #giveBack(held: readonly Held[]): void {
    if (held.length === 0) return;
    this.#places.free(held.length);
    this.#settler.expect(held.length);
    const settlement = { state: 'waiting', untilMs: this.#parts.clock.now(), counted: false } as const;
    void this.#settle(
      held.map(({ delivery }) => ({ deliveryId: delivery.id, lease: delivery.lease, settlement, attempt: null })),
    );
  }

  async #claim(nowMs: number): Promise<void> {
    const { store, destination, policy, clock, log, onExhausted } = this.#parts;
    const limit = this.#claimable();
    const leaseUntilMs = nowMs + this.#leaseMs();
    const { ordered, retry } = policy;
    this.#claiming = true;
    this.#places.take(limit);
    this.#dueMs = null;
    try {
      const maxAttempts = retry.attempts;
      const claim = await store.claim({ destination, nowMs, leaseUntilMs, limit, maxAttempts, ordered });
      this.#failedClaims = 0;
      this.#places.take(claim.deliveries.length);
      const sinceMs = clock.elapsed();
      this.#held.push(...claim.deliveries.map((delivery) => ({ delivery, leaseUntilMs, sinceMs })));
      if (claim.nextDueMs !== null) this.#dueMs = Math.min(claim.nextDueMs, this.#dueMs ?? claim.nextDueMs);
      if (claim.exhausted.length > 0) onExhausted(claim.exhausted);
    } catch (error) {
      log.warn('lane.claim-failed', { destination, error });
      this.#failedClaims += 1;
      await this.#pauses.wait(pauseAfter(this.#failedClaims));
      this.#dueMs = clock.now();
    }
    this.#places.free(limit);
    this.#claiming = false;
    this.#advance();
    this.#announceIdle();
  }

  #wakeAfter(ms: number): void {
    const atMs = this.#parts.clock.elapsed() + ms;
    // An earlier wake-up does no harm, and setting a timer for every delivery would cost more than it.
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const cancel = this.#parts.clock.after(ms, () => {
      this.#timer = null;
      // Whatever woke it: asking the store once in a while is cheap, and finds what nobody announced.
      this.expect(this.#parts.clock.now());
    });
    this.#timer = { atMs, cancel };
  }

  #isDue(nowMs: number): boolean {
    return this.#dueMs !== null && this.#dueMs <= nowMs;
  }

  /** How many to claim: not for a handful of places, and no more than the gate lets through. */
  #claimable(): number {
    const room = this.#places.left;
    const allowed = this.#gate.allowance(this.#parts.clock.elapsed()) * this.#batchMax - this.#held.length;
    return room < this.#parts.policy.concurrency ? 0 : Math.max(0, Math.min(room, allowed));
  }

  /** Long enough for everything held before it to time out, and then itself. */
  #leaseMs(): number {
    return this.#parts.policy.timeoutMs * (2 + heldPerAttempt) + (this.#parts.policy.batch?.waitMs ?? 0) + 30_000;
  }

  #isIdle(): boolean {
    return this.#running.attempts === 0 && this.#settler.pending === 0 && !this.#claiming;
  }

  #announceIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
