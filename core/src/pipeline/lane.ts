/** The lane of one destination: takes deliveries in, makes its attempts, and takes nothing from other lanes. */
import type { ClaimedDelivery, NewDelivery, Settled, Store } from '../contract/store.js';
import type { Clock, Log } from '../contract/tools.js';
import type { RetryPolicy } from './retry.js';

/** How a destination may be used. */
export interface LanePolicy {
  /** Attempts at the same time. */
  readonly concurrency: number;
  /** How long one attempt may take. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
}

/** What a lane works with. */
export interface LaneParts {
  readonly destination: string;
  readonly policy: LanePolicy;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes one attempt. Never rejects. */
  readonly attempt: (delivery: ClaimedDelivery) => Promise<Settled>;
  /** Told of deliveries that ended because their last attempt never came back. */
  readonly onExhausted: (deliveryIds: readonly string[]) => void;
}

/** A delivery in memory whose attempt has not started. */
interface Held {
  readonly delivery: ClaimedDelivery;
  readonly leaseUntilMs: number;
}

/** Deliveries held in memory per running attempt: enough that the next one starts without a query. */
const heldPerAttempt = 4;
/** Attempts whose settlement is not committed yet; more would be repeated after a crash. */
const unsettledLimit = 256;
/** How often the store is asked although nothing is known to be due: finds what another router left behind. */
const pollMs = 15_000;
/** Pauses after the store has failed. */
const firstPauseMs = 250;
const longestPauseMs = 30_000;

/** What moves a delivery between its states; they are drawn in docs/pipeline.md. */
export class Lane {
  readonly #parts: LaneParts;
  readonly #capacity: number;
  readonly #held: Held[] = [];
  /** Places promised to events that are being committed, or to a claim that is under way. */
  #reserved = 0;
  #running = 0;
  #unsettled = 0;
  /** When the store has something due, as far as is known; null = nothing. */
  #dueMs: number | null = null;
  #claiming = false;
  #storeFailures = 0;
  #closed = false;
  #cancelTimer = (): void => {};
  #whenIdle: (() => void)[] = [];

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#capacity = parts.policy.concurrency * (1 + heldPerAttempt);
  }

  /** Starts with what the store has left from before. */
  open(): void {
    this.expect(this.#parts.clock.now());
  }

  /** Decides, before the commit, whether a new delivery is handed over in memory or waits in the store. */
  admit(route: string, transforms: readonly string[], nowMs: number): NewDelivery {
    const { destination } = this.#parts;
    // What is due already goes first, so newcomers queue behind it in the store.
    if (this.#closed || this.#isDue(nowMs) || this.#room() <= 0)
      return { route, destination, transforms, state: 'waiting', dueMs: nowMs };
    this.#reserved += 1;
    return { route, destination, transforms, state: 'running', dueMs: nowMs + this.#leaseMs() };
  }

  /** Takes over a delivery that `admit` promised to hand over, now that it is committed. */
  take(delivery: ClaimedDelivery, leaseUntilMs: number): void {
    this.#reserved -= 1;
    this.#held.push({ delivery, leaseUntilMs });
    this.#startHeld();
  }

  /** Takes back the promise of `admit`: the event was not committed, or was a duplicate. */
  forget(): void {
    this.#reserved -= 1;
    this.#claimIfDue();
  }

  /** The store has something for this lane, due at this time. */
  expect(dueMs: number): void {
    this.#dueMs = Math.min(dueMs, this.#dueMs ?? dueMs);
    this.#claimIfDue();
  }

  /** Starts nothing more, gives back what is held, and resolves when the running attempts are settled. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer();
    this.#giveBack(this.#held.splice(0));
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** What the lane is doing. */
  get load(): { readonly running: number; readonly held: number; readonly unsettled: number } {
    return { running: this.#running, held: this.#held.length, unsettled: this.#unsettled };
  }

  #startHeld(): void {
    const { policy, clock } = this.#parts;
    if (this.#closed) return this.#giveBack(this.#held.splice(0));
    while (this.#held.length > 0 && this.#running < policy.concurrency && this.#unsettled < unsettledLimit) {
      const held = this.#held.shift();
      if (held === undefined) return;
      // A lease that could end during the attempt is not used: somebody else might start the same attempt.
      if (held.leaseUntilMs < clock.now() + policy.timeoutMs) this.#giveBack([held]);
      else void this.#run(held.delivery);
    }
    this.#claimIfDue();
  }

  async #run(delivery: ClaimedDelivery): Promise<void> {
    this.#running += 1;
    this.#unsettled += 1;
    const settled = await this.#parts.attempt(delivery);
    this.#running -= 1;
    this.#startHeld();
    await this.#settle([settled]);
  }

  /** Settles until the store has it: an outcome that is known must not be forgotten, however long the store is away. */
  async #settle(settled: readonly Settled[]): Promise<void> {
    while (!(await this.#settledNow(settled))) await this.#pause();
    this.#unsettled -= settled.length;
    for (const { settlement } of settled) if (settlement.state === 'waiting') this.expect(settlement.untilMs);
    this.#startHeld();
    this.#announceIdle();
  }

  async #settledNow(settled: readonly Settled[]): Promise<boolean> {
    try {
      await this.#parts.store.settle(settled);
      this.#storeFailures = 0;
      return true;
    } catch (error) {
      this.#parts.log.warn('lane.settle-failed', { destination: this.#parts.destination, error });
      return false;
    }
  }

  #giveBack(held: readonly Held[]): void {
    if (held.length === 0) return;
    this.#unsettled += held.length;
    const settlement = { state: 'waiting', untilMs: this.#parts.clock.now(), counted: false } as const;
    void this.#settle(
      held.map(({ delivery }) => ({ deliveryId: delivery.id, lease: delivery.lease, settlement, attempt: null })),
    );
  }

  #claimIfDue(): void {
    if (this.#closed || this.#claiming) return;
    this.#cancelTimer();
    const nowMs = this.#parts.clock.now();
    if (!this.#isDue(nowMs)) {
      const waitMs = Math.min(pollMs, (this.#dueMs ?? nowMs + pollMs) - nowMs);
      this.#cancelTimer = this.#parts.clock.after(waitMs, () => this.expect(this.#parts.clock.now()));
    } else if (this.#room() >= this.#parts.policy.concurrency) void this.#claim(nowMs);
  }

  async #claim(nowMs: number): Promise<void> {
    const limit = this.#room();
    const leaseUntilMs = nowMs + this.#leaseMs();
    this.#claiming = true;
    this.#reserved += limit;
    this.#dueMs = null;
    try {
      const claim = await this.#parts.store.claim({
        destination: this.#parts.destination,
        nowMs,
        leaseUntilMs,
        limit,
        maxAttempts: this.#parts.policy.retry.attempts,
        ordered: false,
      });
      this.#storeFailures = 0;
      this.#held.push(...claim.deliveries.map((delivery) => ({ delivery, leaseUntilMs })));
      if (claim.nextDueMs !== null) this.#dueMs = Math.min(claim.nextDueMs, this.#dueMs ?? claim.nextDueMs);
      if (claim.exhausted.length > 0) this.#parts.onExhausted(claim.exhausted);
    } catch (error) {
      this.#parts.log.warn('lane.claim-failed', { destination: this.#parts.destination, error });
      await this.#pause();
      this.#dueMs = this.#parts.clock.now();
    }
    this.#reserved -= limit;
    this.#claiming = false;
    this.#startHeld();
    this.#announceIdle();
  }

  async #pause(): Promise<void> {
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, this.#storeFailures));
    this.#storeFailures += 1;
    await new Promise<void>((resolve) => this.#parts.clock.after(ms, resolve));
  }

  #isDue(nowMs: number): boolean {
    return this.#dueMs !== null && this.#dueMs <= nowMs;
  }

  #room(): number {
    return this.#capacity - this.#held.length - this.#running - this.#reserved;
  }

  /** Long enough for everything held before it to time out, and then itself. */
  #leaseMs(): number {
    return this.#parts.policy.timeoutMs * (2 + heldPerAttempt) + 30_000;
  }

  #isIdle(): boolean {
    return this.#running === 0 && this.#unsettled === 0 && !this.#claiming;
  }

  #announceIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
