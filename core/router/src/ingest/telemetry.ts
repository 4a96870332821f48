/** What is said about what happens: one log line per stage, and its metrics. */
import type {
  Call,
  ClaimedDelivery,
  EndReason,
  EventRecord,
  Labels,
  Log,
  Metrics,
  RefusalCode,
  Settlement,
} from '@switchhook/sdk';
import type { AnswerRow, AnswerStep, Told } from '../calls/answer.js';
import type { Attempted } from '../delivery/retry.js';

/** When an attempt ended, and how long it took. */
export interface AttemptTime {
  readonly endedAtMs: number;
  readonly durationMs: number;
}

/** Of whom there will be something to say. */
export interface Observed {
  readonly sources: readonly { readonly name: string }[];
  readonly destinations: readonly { readonly name: string }[];
  readonly answers: readonly Pick<AnswerRow, 'name' | 'from'>[];
}

/** What is counted or measured; each is described in docs/operating/metrics.md. */
const help = {
  events_received_total: 'Events committed, or found to be there already',
  requests_refused_total: 'Requests that were refused',
  route_where_failures_total: 'Conditions that could not be evaluated',
  attempts_total: 'Attempts by outcome',
  attempts_needing_operator_total: 'Attempts after which somebody must act before another can succeed',
  attempt_seconds: 'Duration of attempts',
  delivery_seconds: 'Time from the arrival of an event to its delivery',
  deliveries_dead_total: 'Deliveries given up',
  deliveries_skipped_total: 'Deliveries that a transform kept from their destination',
  deliveries_replayed_total: 'Deliveries that were made to wait again, or made anew, by a replay',
  call_answer_seconds: 'Time from request to reply of a call',
  calls_answered_total: 'Calls by the answer they got and the lowest step of the ladder it came from',
  calls_repeated_total: 'Requests about a call that had its answer, or was getting it',
  calls_unrecorded_total: 'Calls that were answered but could not be stored',
  answer_variables_total: 'Variables by the step of the ladder they came from',
  resolver_lookups_total: 'Look-ups by outcome',
  resolver_seconds: 'Duration of look-ups',
  resolver_breaker_open: '1 while a resolver is left alone',
} as const;
type Name = keyof typeof help;

/** Types are of the senders' making: further ones are counted together. */
const mostTypes = 100;
const refusals: readonly RefusalCode[] = ['UNVERIFIED', 'SOURCE_FAILED', 'STORE_BEHIND', 'STORE_UNAVAILABLE'];
const endReasons: readonly EndReason[] = ['rejected', 'exhausted', 'discarded'];
const steps: readonly AnswerStep[] = ['fresh', 'cached', 'stale', 'default', 'none'];
/** From a neighbour on the same machine to what was down for a day. */
const deliverySeconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 10800, 21600, 86400,
];
/** Fine where the phone still rings: `within` is some seconds, and platforms wait about ten. */
const ringSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10];

export class Observer {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #types = new Set<string>();

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /** Counters that alerts are about begin at 0: to Prometheus, one that is not there yet does not increase. */
  expect({ sources, destinations, answers }: Observed): void {
    for (const { name: source } of sources)
      for (const code of refusals) this.#count('requests_refused_total', { source, code }, 0);
    for (const { name: destination } of destinations) {
      for (const outcome of ['delivered', 'rejected', 'unavailable'])
        this.#count('attempts_total', { destination, outcome }, 0);
      this.#count('attempts_needing_operator_total', { destination }, 0);
      for (const reason of endReasons) this.#dead(destination, reason, 0);
      this.#count('deliveries_skipped_total', { destination }, 0);
    }
    this.#count('deliveries_replayed_total', {}, 0);
    for (const { name, from } of answers)
      for (const source of from) {
        for (const step of steps) this.#count('calls_answered_total', { source, answer: name, step }, 0);
        for (const step of ['minimum', 'unanswered'])
          this.#count('calls_answered_total', { source, answer: '', step }, 0);
        this.#count('calls_unrecorded_total', { source }, 0);
      }
  }

  /** An event is committed, or was there already: `id` is that of the one that is kept. */
  received(event: EventRecord, id: string, duplicate: boolean, deliveries: number): void {
    const { source, type, subject, agent } = event;
    const result = duplicate ? 'duplicate' : deliveries === 0 ? 'unrouted' : 'routed';
    this.#log.info('event.received', {
      id,
      source,
      type,
      subject,
      agent,
      result,
      deliveries: duplicate ? 0 : deliveries,
    });
    this.#count('events_received_total', { source, type: this.#typeOf(type), result });
  }

  /** A request got no 2xx. The reason is for us only. */
  refused(source: string, code: string, reason: string, remoteAddress: string): void {
    this.#log.warn('request.refused', { source, code, reason, remoteAddress });
    this.#count('requests_refused_total', { source, code });
  }

  /** A route's `where` could not be evaluated for an event; it does not match. */
  unroutable(route: string, reason: string): void {
    this.#log.debug('route.where-failed', { route, reason });
    this.#count('route_where_failures_total', { route });
  }

  /** An attempt has ended. */
  attempted(delivery: ClaimedDelivery, outcome: Attempted, settlement: Settlement, time: AttemptTime): void {
    const { id, destination, route, attempt } = delivery;
    const needsOperator = 'needsOperator' in outcome && outcome.needsOperator === true;
    const fields = {
      id,
      route,
      destination,
      attempt,
      outcome: outcome.kind,
      state: settlement.state,
      ms: Math.round(time.durationMs),
      ...('reason' in outcome && { reason: outcome.reason }),
      ...(settlement.state === 'waiting' && { until: new Date(settlement.untilMs).toISOString() }),
    };
    if (settlement.state === 'dead' || needsOperator) this.#log.error('delivery.attempted', fields);
    else if (settlement.state === 'waiting') this.#log.warn('delivery.attempted', fields);
    else this.#log.info('delivery.attempted', fields);
    this.#measure(delivery, outcome, time);
    if (needsOperator) this.#count('attempts_needing_operator_total', { destination });
    if (settlement.state === 'dead') this.#dead(destination, settlement.reason);
  }

  /** An operator has decided that deliveries are not to be made. */
  discarded(destination: string, ids: readonly string[]): void {
    for (const id of ids) {
      this.#log.info('delivery.discarded', { id, destination });
      this.#dead(destination, 'discarded');
    }
  }

  /** So many deliveries wait again, or for the first time, because an operator wants them made. */
  replayed(deliveries: number): void {
    this.#count('deliveries_replayed_total', {}, deliveries);
  }

  /** Deliveries ended because their last attempt never came back. */
  exhausted(destination: string, ids: readonly string[]): void {
    for (const id of ids) {
      const reason = 'its last attempt never came back';
      this.#log.error('delivery.exhausted', { id, destination, reason });
      this.#dead(destination, 'exhausted');
    }
  }

  /** A request about a call has its answer. */
  answered(source: string, call: Call, { answered, asked, again, ms }: Told): void {
    const { name, step, answer, lookups } = answered;
    const fields = { source, to: call.to, answer: name, step, ms: Math.round(ms) };
    this.#observe('call_answer_seconds', ms / 1_000, { source }, ringSeconds);
    if (again) {
      this.#log.info('call.asked-again', { ...fields, asked });
      this.#count('calls_repeated_total', { source });
      return;
    }
    const failed = lookups.filter(({ outcome }) => !['found', 'not-found', 'cached'].includes(outcome)).length;
    const variables = Object.keys(answer.variables).length;
    this.#log.info('call.answered', { ...fields, variables, lookups: lookups.length, failed, asked });
    this.#count('calls_answered_total', { source, answer: name ?? '', step });
    this.#lookedUp(answered);
  }

  /** A call's request could not be read by its source; the platform got the least it accepts. */
  unread(source: string): void {
    this.#count('calls_answered_total', { source, answer: '', step: 'minimum' });
  }

  /** A call was answered, but never became an event. */
  unrecorded({ source, key }: EventRecord, reason: string): void {
    this.#log.error('call.unrecorded', { source, key, reason });
    this.#count('calls_unrecorded_total', { source });
  }

  #lookedUp({ lookups, leftAlone, origins, name }: Told['answered']): void {
    for (const { resolver, outcome, ms } of lookups) {
      this.#count('resolver_lookups_total', { resolver, outcome });
      if (outcome !== 'cached' && outcome !== 'skipped' && outcome !== 'busy')
        this.#observe('resolver_seconds', ms / 1_000, { resolver }, ringSeconds);
      const isOpen = leftAlone.includes(resolver) ? 1 : 0;
      this.#metrics.gauge('resolver_breaker_open', help.resolver_breaker_open, isOpen, { resolver });
    }
    for (const { step } of Object.values(origins)) this.#count('answer_variables_total', { answer: name ?? '', step });
  }

  #measure({ destination, event }: ClaimedDelivery, outcome: Attempted, { endedAtMs, durationMs }: AttemptTime): void {
    if (outcome.kind === 'skipped') {
      // Nothing was asked of the destination.
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

  #typeOf(type: string): string {
    if (this.#types.has(type)) return type;
    if (this.#types.size >= mostTypes) return 'other';
    this.#types.add(type);
    return type;
  }

  #count(name: Name, labels: Labels, by = 1): void {
    this.#metrics.count(name, help[name], labels, by);
  }

  #observe(name: Name, value: number, labels: Labels, buckets?: readonly number[]): void {
    this.#metrics.observe(name, help[name], value, labels, buckets);
  }
}
