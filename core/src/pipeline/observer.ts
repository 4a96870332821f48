/** What is said about what happens: one log line per stage, and its metrics. */
import type { Settlement } from '../contract/delivery.js';
import type { Call } from '../contract/source.js';
import type { ClaimedDelivery, EventRecord } from '../contract/store.js';
import type { Log, Metrics } from '../contract/tools.js';
import type { Told } from './answer.js';
import type { Attempted } from './retry.js';

export class Observer {
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /** An event is committed, or was there already. */
  received(event: EventRecord, duplicate: boolean, deliveries: number): void {
    const { id, source, type, subject, agent } = event;
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
    this.#metrics.count('events_received_total', 'Events committed, or found to be there already', { source, result });
  }

  /** A request got no 2xx. The reason is for us only. */
  refused(source: string, code: string, reason: string, remoteAddress: string): void {
    this.#log.warn('request.refused', { source, code, reason, remoteAddress });
    this.#metrics.count('requests_refused_total', 'Requests that were refused', { source, code });
  }

  /** A route's `where` could not be evaluated for an event; it does not match. */
  unroutable(route: string, reason: string): void {
    this.#log.debug('route.where-failed', { route, reason });
    this.#metrics.count('route_where_failures_total', 'Conditions that could not be evaluated', { route });
  }

  /** An attempt has ended. */
  attempted(delivery: ClaimedDelivery, outcome: Attempted, settlement: Settlement, ms: number): void {
    const { id, destination, route, attempt } = delivery;
    const fields = {
      id,
      route,
      destination,
      attempt,
      outcome: outcome.kind,
      state: settlement.state,
      ms: Math.round(ms),
      ...('reason' in outcome && { reason: outcome.reason }),
      ...(settlement.state === 'waiting' && { until: new Date(settlement.untilMs).toISOString() }),
    };
    const help = 'Attempts by outcome';
    this.#metrics.count('attempts_total', help, { destination, outcome: outcome.kind });
    this.#metrics.observe('attempt_seconds', 'Duration of attempts', ms / 1_000, { destination });
    if (settlement.state === 'dead') this.#dead(destination, settlement.reason);
    if (settlement.state === 'dead' || ('needsOperator' in outcome && outcome.needsOperator === true))
      this.#log.error('delivery.attempted', fields);
    else if (settlement.state === 'waiting') this.#log.warn('delivery.attempted', fields);
    else this.#log.info('delivery.attempted', fields);
  }

  /** An operator has decided that deliveries are not to be made. */
  discarded(destination: string, ids: readonly string[]): void {
    for (const id of ids) {
      this.#log.info('delivery.discarded', { id, destination });
      this.#dead(destination, 'discarded');
    }
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
    this.#metrics.observe('call_answer_seconds', 'Time from request to reply of a call', ms / 1_000, { source });
    if (again) {
      this.#log.info('call.asked-again', { ...fields, asked });
      this.#metrics.count('calls_repeated_total', 'Requests about a call that had its answer, or was getting it', {
        source,
      });
      return;
    }
    const failed = lookups.filter(({ outcome }) => !['found', 'not-found', 'cached'].includes(outcome)).length;
    const variables = Object.keys(answer.variables).length;
    this.#log.info('call.answered', { ...fields, variables, lookups: lookups.length, failed, asked });
    const help = 'Calls by the answer they got and the lowest step of the ladder it came from';
    this.#metrics.count('calls_answered_total', help, { source, answer: name ?? '', step });
    this.#lookedUp(answered);
  }

  /** A call's request could not be read by its source; the platform got the least it accepts. */
  unread(source: string): void {
    const help = 'Calls by the answer they got and the lowest step of the ladder it came from';
    this.#metrics.count('calls_answered_total', help, { source, answer: '', step: 'minimum' });
  }

  /** A call was answered, but never became an event. */
  unrecorded({ source, key }: EventRecord, reason: string): void {
    this.#log.error('call.unrecorded', { source, key, reason });
    this.#metrics.count('calls_unrecorded_total', 'Calls that were answered but could not be stored', { source });
  }

  #lookedUp({ lookups, leftAlone, origins, name }: Told['answered']): void {
    for (const { resolver, outcome, ms } of lookups) {
      this.#metrics.count('resolver_lookups_total', 'Look-ups by outcome', { resolver, outcome });
      if (outcome !== 'cached' && outcome !== 'skipped' && outcome !== 'busy')
        this.#metrics.observe('resolver_seconds', 'Duration of look-ups', ms / 1_000, { resolver });
      const isOpen = leftAlone.includes(resolver) ? 1 : 0;
      this.#metrics.gauge('resolver_breaker_open', '1 while a resolver is left alone', isOpen, { resolver });
    }
    for (const { step } of Object.values(origins))
      this.#metrics.count('answer_variables_total', 'Variables by the step of the ladder they came from', {
        answer: name ?? '',
        step,
      });
  }

  #dead(destination: string, reason: string): void {
    this.#metrics.count('deliveries_dead_total', 'Deliveries given up', { destination, reason });
  }
}
