/** A ledger of what was done for a key, so that a retry, a repeated event or another router does not do it again. */
import type { Delivery, Outcome } from './contract/delivery.js';
import type { JsonValue } from './contract/json.js';
import type { Clock, State } from './contract/services.js';
import { isFetchError } from './errors/typed-errors.js';
import { isOutcomeError, OutcomeError, rejected, wasSent } from './http/outcome.js';
import { fingerprint } from './http/signature.js';

/** What is kept for a key. */
interface Entry {
  readonly owner: string;
  /** Until then no other delivery takes over, in milliseconds since the epoch. */
  readonly untilMs: number;
  readonly finished: boolean;
  /** What each step came to. A step that has begun and not ended is null. */
  readonly steps: Readonly<Record<string, { readonly result: JsonValue } | null>>;
}

/**
 * Does a step unless it was done before; returns what it came to, then or now. `action` gets true where an earlier attempt has begun the step
 * and its end is not known: look first whether it was done.
 */
export type Step = <T extends JsonValue>(name: string, action: (isUnsure: boolean) => Promise<T>) => Promise<T>;

/** For how long another delivery with the same key waits before it looks again. */
const retryMs = 1_000;
const month = 30 * 86_400_000;

/** What was done for which key, in the `State` of the plugin. */
export class Ledger {
  readonly #state: State;
  readonly #clock: Clock;

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /**
   * Does the work for a key once: `delivered` at once where it was finished within the last 30 days, `unavailable` while another delivery
   * does it, for `holdMs` at most. `owner` is the id of the delivery: after a failed attempt, the next one goes on behind the steps that
   * are done. Rejects as `work` does, where the store fails, and with an `OutcomeError` where another delivery has taken over.
   */
  async once(
    key: string,
    { owner, holdMs }: { readonly owner: string; readonly holdMs: number },
    work: (step: Step) => Promise<Outcome>,
  ): Promise<Outcome> {
    const id = `once:${fingerprint(key)}`;
    const known = await this.#state.get(id);
    const earlier = known === null ? null : (known.value as unknown as Entry);
    if (earlier?.finished === true) return { kind: 'delivered', response: 'done before, for the same key' };
    const busy: Outcome = {
      kind: 'unavailable',
      reason: 'another delivery with the same key is in progress',
      retryAfterMs: retryMs,
    };
    if (earlier !== null && earlier.owner !== owner && earlier.untilMs > this.#clock.now()) return busy;
    let entry: Entry = { owner, untilMs: this.#clock.now() + holdMs, finished: false, steps: earlier?.steps ?? {} };
    const keep = (ifVersion: string | null): Promise<boolean> =>
      this.#state.set(id, entry as unknown as JsonValue, { expiresInMs: month, ifVersion });
    if (!(await keep(known?.version ?? null))) return busy;
    const change = async (changes: Partial<Entry>): Promise<void> => {
      const now = await this.#state.get(id);
      entry = { ...entry, ...changes };
      if (now !== null && (now.value as unknown as Entry).owner === owner && (await keep(now.version))) return;
      throw new OutcomeError({ kind: 'unavailable', reason: 'another delivery with the same key has taken over' });
    };
    const release = () =>
      change({ untilMs: 0 }).catch(() => {
        // What cannot be released is free when its time is over.
      });
    const step: Step = async (name, action) => {
      const before = entry.steps[name];
      // A step's result has the type of its action.
      if (before !== undefined && before !== null) return before.result as Awaited<ReturnType<typeof action>>;
      const isUnsure = before === null;
      if (!isUnsure) await change({ steps: { ...entry.steps, [name]: null } });
      const result = await action(isUnsure).catch(async (error: unknown) => {
        // Refused or never sent: it was not done, unless an earlier attempt did it.
        const { [name]: _, ...others } = entry.steps;
        const isSure = isOutcomeError(error) ? !error.isUnsure : isFetchError(error) && !wasSent(error);
        if (isSure && !isUnsure) await change({ steps: others });
        throw error;
      });
      await change({ steps: { ...entry.steps, [name]: { result } } });
      return result;
    };
    try {
      const outcome = await work(step);
      await (outcome.kind === 'delivered' ? change({ finished: true, steps: {} }) : release());
      return outcome;
    } catch (error) {
      await release();
      throw error;
    }
  }
}

/**
 * Rejects a delivery whose work may be done already, so that it is not done twice: throws `rejected(reason)`, and returns once an operator
 * has replayed the delivery. Another delivery of the same key is rejected, too. `name` is that of a step, for each thing that may be done.
 */
export async function rejectOnce(
  step: Step,
  { id, attempt }: Pick<Delivery, 'id' | 'attempt'>,
  name: string,
  reason: string,
): Promise<void> {
  let isFirst = false;
  const rejectedAt = await step(`${name}, rejected ${id}`, async () => {
    isFirst = true;
    return attempt;
  });
  // A replay counts its attempts from 1. If the rejection was not settled, because the process died, the next attempt has a higher number.
  await step(`${name}, replayed ${id}`, async () => {
    if (isFirst || attempt > rejectedAt) throw rejected(reason);
    return null;
  });
}
