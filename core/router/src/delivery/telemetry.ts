/** Telemetry of deliveries: one log line per attempt or decision, and its metrics. */
import { type ClaimedDelivery, type EndReason, type Labels, Log, Metrics } from '@switchhook/sdk';
import { inject, injectable } from '../system/injection.js';
import { Observations } from '../system/observations.js';
import { traceIdIn } from '../system/tracing.js';
import type { AttemptResult, AttemptTime } from './attempt.js';
import type { AttemptOutcome } from './retry.js';

/** What is counted or measured; each is described in docs/operating/metrics.md. */
const help = {
  attempts_total: 'Attempts by outcome',
  attempts_needing_operator_total: 'Attempts refused for a reason that an operator must fix (401, 403, 404)',
  attempt_seconds: 'Duration of attempts',
  delivery_seconds: 'Time from the arrival of an event to its delivery',
  deliveries_dead_total: 'Deliveries that ended without success (dead)',
  deliveries_skipped_total: 'Deliveries that a transform kept from their destination',
  deliveries_replayed_total: 'Deliveries that were made to wait again, or made anew, by a replay',
} as const;
type Name = keyof typeof help;

const endReasons: readonly EndReason[] = ['rejected', 'exhausted', 'discarded'];
/** From a neighbour on the same machine to what was down for a day. */
const deliverySeconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 10800, 21600, 86400,
];

@injectable()
export class DeliveryTelemetry {
  constructor(
    @inject(Log) private readonly log: Log,
    @inject(Metrics) private readonly metrics: Metrics,
    @inject(Observations) private readonly observations: Observations,
  ) {}

  /** Counters that alerts are about begin at 0: to Prometheus, one that is not there yet does not increase. */
  expect(destinations: readonly { readonly name: string }[]): void {
    for (const { name: destination } of destinations) {
      for (const outcome of ['delivered', 'rejected', 'unavailable'])
        this.#count('attempts_total', { destination, outcome }, 0);
      this.#count('attempts_needing_operator_total', { destination }, 0);
      for (const reason of endReasons) this.#dead(destination, reason, 0);
      this.#count('deliveries_skipped_total', { destination }, 0);
    }
    this.#count('deliveries_replayed_total', {}, 0);
  }

  /** An attempt has ended. */
  attempted({ delivery, outcome, time, settled: { settlement } }: AttemptResult): void {
    const { id, destination, route, attempt } = delivery;
    const needsOperator = 'needsOperator' in outcome && outcome.needsOperator === true;
    const fields = {
      id,
      route,
      destination,
      attempt,
      ...(delivery.events !== undefined && { events: delivery.events.length }),
      outcome: outcome.kind,
      state: settlement.state,
      ms: Math.round(time.durationMs),
      ...(delivery.event.trace != null && { traceId: traceIdIn(delivery.event.trace) }),
      ...('reason' in outcome && { reason: outcome.reason }),
      ...(settlement.state === 'waiting' && { until: new Date(settlement.untilMs).toISOString() }),
    };
    if (settlement.state === 'dead' || needsOperator) this.log.error('delivery.attempted', fields);
    else if (settlement.state === 'waiting') this.log.warn('delivery.attempted', fields);
    else this.log.info('delivery.attempted', fields);
    this.#measure(delivery, outcome, time);
    if (needsOperator) this.#count('attempts_needing_operator_total', { destination });
    if (settlement.state === 'dead') this.#dead(destination, settlement.reason);
    this.observations.watcher?.({
      ...{ kind: 'attempted', destination, deliveryId: id, event: delivery.event, outcome: outcome.kind },
      failure: 'reason' in outcome ? outcome.reason : null,
      dead: settlement.state === 'dead' ? settlement.reason : null,
    });
  }

  /** An operator has decided that deliveries are not to be made. */
  discarded(destination: string, ids: readonly string[]): void {
    for (const id of ids) {
      this.log.info('delivery.discarded', { id, destination });
      this.#dead(destination, 'discarded');
    }
  }

  /** An operator has discarded so many at once. */
  discardedMany(destination: string, deliveries: number): void {
    this.#dead(destination, 'discarded', deliveries);
  }

  /** An operator has made one delivery due again. */
  replayedByHand(destination: string, ids: readonly string[]): void {
    for (const id of ids) this.log.info('delivery.replayed', { id, destination });
    this.replayed(ids.length);
  }

  /** So many deliveries wait again, or for the first time, because an operator wants them made. */
  replayed(deliveries: number): void {
    this.#count('deliveries_replayed_total', {}, deliveries);
  }

  /** Deliveries ended because their last attempt never came back. */
  exhausted(destination: string, ids: readonly string[]): void {
    for (const id of ids) {
      const reason = 'its last attempt never came back';
      this.log.error('delivery.exhausted', { id, destination, reason });
      this.#dead(destination, 'exhausted');
    }
    this.observations.watcher?.({ kind: 'exhausted', destination, deliveryIds: ids });
  }

  #measure(
    { destination, event }: ClaimedDelivery,
    outcome: AttemptOutcome,
    { endedAtMs, durationMs }: AttemptTime,
  ): void {
    if (outcome.kind === 'skipped') {
      // The destination was not called.
      this.#count('deliveries_skipped_total', { destination });
      return;
    }
    this.#count('attempts_total', { destination, outcome: outcome.kind });
    this.#observe('attempt_seconds', durationMs / 1_000, { destination });
    if (outcome.kind !== 'delivered') return;
    const sinceMs = Math.max(0, endedAtMs - event.receivedAtMs);
    this.#observe('delivery_seconds', sinceMs / 1_000, { destination }, deliverySeconds);
  }

  #dead(destination: string, reason: EndReason, by = 1): void {
    this.#count('deliveries_dead_total', { destination, reason }, by);
  }

  #count(name: Name, labels: Labels, by = 1): void {
    this.metrics.count(name, help[name], labels, by);
  }

  #observe(name: Name, value: number, labels: Labels, buckets?: readonly number[]): void {
    this.metrics.observe(name, help[name], value, labels, buckets);
  }
}
