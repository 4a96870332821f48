/** Retention: removes what is settled and old, or its bodies, in small steps between which others get their turn. */
import { Clock, Log, Store, token } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import { type RetentionPolicy, stepsOf } from '../routing/retention-policy.js';
import { type Current, inject, injectable } from '../system/injection.js';

/** What retention takes from the configuration. */
export interface RetentionPlan {
  readonly retention: RetentionPolicy;
}

export const RetentionPlan = token<Current<RetentionPlan>>('switchhook.RetentionPlan');

/** Events or bodies, and texts of plugins, removed in one step: some milliseconds of the store's time. */
const stepLimit = 200;
/** Between two steps, while there is more. */
const betweenStepsMs = 100;
/** Between two looks, when nothing was left, or the store has failed. */
const betweenLooksMs = 60_000;
/** Before anything is removed, the clock must have gone steadily for so long: at a start it may be weeks ahead. */
const steadyMs = 3_600_000;
/** How far the clock may drift from the time that has passed. */
const driftMs = 60_000;
/** A store that hangs must not keep the router from ending. */
const lastStepMs = 5_000;

/** The last look for what is old, and how much it removed: events with texts, and bodies of others. */
export interface Pruned {
  readonly atMs: number;
  readonly removed: number;
  readonly bodies: number;
}

@injectable()
export class Retention {
  /** Null before the first one. */
  last: Pruned | null = null;
  /** By the look under way, and the step at which it is. */
  #found = { removed: 0, bodies: 0 };
  #step = 0;
  #cancel = (): void => {};
  #closed = false;
  #running: Promise<void> = Promise.resolve();
  /** Of the clock to the time that has passed. */
  #offsetMs = Number.NaN;
  #steadySinceMs = 0;

  constructor(
    @inject(RetentionPlan) private readonly plan: Current<RetentionPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {}

  open(): void {
    this.#after(0);
  }

  /** Resolves when the step under way, if any, has ended, or takes too long: what it has not removed is removed later. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await withTimeout(this.clock, lastStepMs, this.#running).catch((error: unknown) =>
      this.log.warn('store.prune-failed', { error }),
    );
  }

  #after(ms: number): void {
    if (this.#closed) return;
    this.#cancel = this.clock.after(ms, () => {
      this.#running = this.#prune();
    });
  }

  #isClockSteady(): boolean {
    const elapsedMs = this.clock.elapsed();
    const offsetMs = this.clock.now() - elapsedMs;
    if (!(Math.abs(offsetMs - this.#offsetMs) <= driftMs)) {
      this.#offsetMs = offsetMs;
      this.#steadySinceMs = elapsedMs;
    }
    return elapsedMs - this.#steadySinceMs >= steadyMs;
  }

  async #prune(): Promise<void> {
    if (!this.#isClockSteady()) return this.#after(betweenLooksMs);
    const steps = stepsOf(this.plan.value.retention, this.clock.now());
    // A reload may have changed how many there are.
    const step = steps[this.#step % steps.length] ?? steps[0];
    try {
      const removed = await this.store.prune({ ...step, limit: stepLimit });
      const what = step.remove === 'bodies' ? 'bodies' : 'removed';
      if (removed > 0) this.log.debug('store.pruned', { [what]: removed });
      this.#found = { ...this.#found, [what]: this.#found[what] + removed };
      if (removed < stepLimit) this.#step = (this.#step + 1) % steps.length;
      this.last = { atMs: this.clock.now(), ...this.#found };
      const isLast = removed < stepLimit && this.#step === 0;
      if (isLast) this.#found = { removed: 0, bodies: 0 };
      this.#after(isLast ? betweenLooksMs : betweenStepsMs);
    } catch (error) {
      this.log.warn('store.prune-failed', { error });
      this.#after(betweenLooksMs);
    }
  }
}
