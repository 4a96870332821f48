/** What an operator does to a destination or a resolver: pause, resume, probe, reset. */
import { Clock, type DeliveryRecord, Log, Store, token } from '@switchhook/sdk';
import { Answers } from '../calls/answer.js';
import type { OpenResolver } from '../calls/resolver-bulkhead.js';
import type { AttemptResult, OpenDestination } from '../delivery/attempt.js';
import { Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import type { ComponentProbe } from '../resilience/hold.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { noSuchRow } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import { type PausableKind, type Pause, Pauses } from '../system/pauses.js';

/** What controls take from the configuration; both by name. */
export interface ControlPlan {
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  readonly resolvers: ReadonlyMap<string, OpenResolver>;
}

export const ControlPlan = token<Current<ControlPlan>>('switchhook.ControlPlan');

/** What came of a probe. */
export interface ProbeResult {
  /** `delivery`: a waiting delivery was attempted. `component`: nothing waits, so what it depends on was reached. */
  readonly tried: 'delivery' | 'component' | 'nothing';
  /** Null where nothing is known: nothing was tried, or a transform kept the delivery back. */
  readonly succeeded: boolean | null;
  /** Id of the delivery; null where none was attempted. */
  readonly delivery: string | null;
  /** Why it failed or was not tried, or what a component remarks; null otherwise. */
  readonly reason: string | null;
  readonly ms: number;
  /** Whether an operator has paused it: it stays paused, and the attempt is made all the same. */
  readonly paused: boolean;
}

type Tried = Omit<ProbeResult, 'paused'>;

/** A resolver's own limit is shorter; a destination's is that of an attempt. */
const longestProbeMs = 10_000;
/** Of those that wait, so many are looked at for the next one. */
const lookedAt = 1_000;
const untried = { tried: 'nothing', succeeded: null, delivery: null, ms: 0 } as const;

@injectable()
export class Controls {
  constructor(
    @inject(ControlPlan) private readonly plan: Current<ControlPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Pauses) private readonly pauses: Pauses,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(Answers) private readonly answers: Answers,
    @inject(DeliveryTelemetry) private readonly telemetry: DeliveryTelemetry,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /** Kept over restarts. Refused as `NO_SUCH_ROW` where it is not configured. */
  async pause(pause: Omit<Pause, 'sinceMs'>): Promise<void> {
    this.#find(pause);
    await this.pauses.pause({ ...pause, sinceMs: this.clock.now() });
  }

  /** Also of a row that was removed while it was paused. */
  async resume(row: Row): Promise<void> {
    if (this.pauses.of(row.kind, row.name) === null) this.#find(row);
    await this.pauses.resume(row.kind, row.name);
  }

  /** Closes the circuit breaker; of a destination, it also ends the wait that the other side has asked for. */
  reset(row: Row): void {
    this.#find(row);
    if (row.kind === 'destination') this.dispatcher.reset(row.name);
    else this.answers.reset(row.name);
    this.log.info('component.reset', { kind: row.kind, name: row.name });
  }

  /** One attempt now, through a pause, an open circuit breaker and a wait. */
  async probe(row: Row): Promise<ProbeResult> {
    const { probe } = this.#find(row);
    const paused = this.pauses.of(row.kind, row.name) !== null;
    const result =
      (row.kind === 'destination' ? await this.#attempted(row.name) : null) ?? (await this.#reached(probe));
    const { tried, succeeded, delivery, reason } = result;
    this.log.info('component.probed', { kind: row.kind, name: row.name, tried, succeeded, delivery, reason });
    return { ...result, paused };
  }

  /** An attempt with the delivery that waits for it; null where none does. */
  async #attempted(destination: string): Promise<Tried | null> {
    const attempted = await this.dispatcher.probe(destination);
    if (attempted === 'busy')
      return { ...untried, reason: 'its queue is busy: with attempts, or with a store that does not reply' };
    if (attempted !== null) return resultOf(attempted);
    const next = await this.#next(destination);
    if (next === null) return null;
    const dueMs = this.clock.now();
    this.telemetry.replayedByHand(destination, await this.store.replay([next.id], dueMs));
    const second = await this.dispatcher.probe(destination);
    return second === null || second === 'busy' ? null : resultOf(second);
  }

  /** The delivery whose retry comes first, where none is due; in order, the oldest. */
  async #next(destination: string): Promise<DeliveryRecord | null> {
    const page = await this.store.deliveries({ destination, state: 'waiting', limit: lookedAt });
    // What still gathers events is not complete.
    const items = page.items.filter(({ gathered, attempts }) => gathered == null || attempts > 0);
    if (this.plan.value.destinations.get(destination)?.policy.ordered) return items.at(-1) ?? null;
    const due = (delivery: DeliveryRecord): number => delivery.dueMs ?? 0;
    return items.reduce<DeliveryRecord | null>((a, b) => (a === null || due(b) <= due(a) ? b : a), null);
  }

  async #reached(probe: ComponentProbe | null | undefined): Promise<Tried> {
    if (probe === null || probe === undefined)
      return { ...untried, reason: 'nothing waits for it, and it has no probe' };
    const startedMs = this.clock.elapsed();
    const { failure, note } = await probe(longestProbeMs);
    const ms = this.clock.elapsed() - startedMs;
    const said = failure ?? note;
    const reason = said === null ? null : this.mask(said);
    return { tried: 'component', succeeded: failure === null, delivery: null, reason, ms };
  }

  #find({ kind, name }: Row): { readonly probe?: ComponentProbe | null } {
    const { destinations, resolvers } = this.plan.value;
    const rows: ReadonlyMap<string, OpenDestination | OpenResolver> = kind === 'destination' ? destinations : resolvers;
    const row = rows.get(name);
    if (row !== undefined) return row;
    throw noSuchRow(kind, name, [...rows.keys()]);
  }
}

/** A row of the configuration. */
interface Row {
  readonly kind: PausableKind;
  readonly name: string;
}

function resultOf({ delivery, outcome, called, time }: AttemptResult): Tried {
  const reason = 'reason' in outcome ? outcome.reason : called ? null : 'a transform kept it back: nothing was sent';
  return {
    tried: 'delivery',
    succeeded: called ? outcome.kind === 'delivered' : null,
    delivery: delivery.id,
    reason,
    ms: time.durationMs,
  };
}
