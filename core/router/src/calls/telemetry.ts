/** Telemetry of calls: one log line per answer, and its metrics. */
import { type Call, type EventRecord, type Labels, Log, Metrics } from '@switchhook/sdk';
import { inject, injectable } from '../system/injection.js';
import { Observations } from '../system/observations.js';
import type { AnswerRow, AnswerStep, AnswerTrace, CallAnswer, SentAnswer } from './answer.js';

/** What is counted or measured; each is described in docs/operating/metrics.md. */
const help = {
  call_answer_seconds: 'Time from request to reply of a call',
  calls_answered_total: 'Calls by answer and by the last step that a part of it came from',
  calls_sent_total: 'Answers that sources send by requests of their own, by outcome',
  calls_repeated_total: 'Requests about a call that had its answer, or was getting it',
  calls_unrecorded_total: 'Calls that were answered but could not be stored',
  answer_variables_total: 'Variables by the step that supplied them',
  resolver_lookups_total: 'Look-ups by outcome',
  resolver_seconds: 'Duration of look-ups',
  resolver_breaker_open: '1 while the circuit breaker of a resolver is open',
} as const;
type Name = keyof typeof help;

const steps: readonly AnswerStep[] = ['fresh', 'cached', 'stale', 'default', 'none'];
/** Fine where the phone still rings: `within` is some seconds, and platforms wait about ten. */
const ringSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10];

@injectable()
export class CallTelemetry {
  constructor(
    @inject(Log) private readonly log: Log,
    @inject(Metrics) private readonly metrics: Metrics,
    @inject(Observations) private readonly observations: Observations,
  ) {}

  /** Counters that alerts are about begin at 0: to Prometheus, one that is not there yet does not increase. */
  expect(answers: readonly Pick<AnswerRow, 'name' | 'from'>[]): void {
    for (const { name, from } of answers)
      for (const source of from) {
        for (const step of steps) this.#count('calls_answered_total', { source, answer: name, step }, 0);
        for (const step of ['minimum', 'unanswered'])
          this.#count('calls_answered_total', { source, answer: '', step }, 0);
        this.#count('calls_unrecorded_total', { source }, 0);
      }
  }

  /** The same for sources that answer by requests of their own. */
  expectSent(source: string): void {
    for (const outcome of ['sent', 'failed', 'late']) this.#count('calls_sent_total', { source, outcome }, 0);
  }

  /** A request about a call was received whose answer is sent by a request of the source. */
  repeated(source: string, { to }: Call, requests: number): void {
    this.log.info('call.repeated', { source, to, requests });
    this.#count('calls_repeated_total', { source });
  }

  /** A source has sent an answer, or could not. */
  sent(source: string, { to }: Call, eventId: string, { outcome, attempts, ms, reason }: SentAnswer): void {
    const fields = { source, to, eventId, attempts, ms: Math.round(ms) };
    if (outcome === 'sent') this.log.info('call.sent', fields);
    else this.log.error('call.unsent', { ...fields, outcome, reason });
    this.#count('calls_sent_total', { source, outcome });
    if (outcome !== 'sent')
      this.observations.watcher?.({ kind: 'answered', source, answer: null, step: 'unsent', failure: reason });
  }

  /** A request about a call has its answer. */
  answered(source: string, call: Call, { trace, requests, repeated, ms, sent }: CallAnswer): void {
    const { name, step, answer, lookups } = trace;
    const fields = { source, to: call.to, answer: name, step, ms: Math.round(ms) };
    if (sent?.outcome !== 'late') {
      const repliedMs = sent?.ms ?? ms;
      this.#observe('call_answer_seconds', repliedMs / 1_000, { source }, ringSeconds);
      this.observations.watcher?.({ kind: 'replied', source, ms: repliedMs });
    }
    if (repeated) {
      this.log.info('call.repeated', { ...fields, requests });
      this.#count('calls_repeated_total', { source });
      return;
    }
    const failures = lookups.filter(({ outcome }) => !['found', 'not-found', 'cached'].includes(outcome));
    const failed = failures.length;
    const variables = Object.keys(answer.variables).length;
    this.log.info('call.answered', { ...fields, variables, lookups: lookups.length, failed, requests });
    this.#count('calls_answered_total', { source, answer: name ?? '', step });
    this.#lookups(trace);
    this.observations.watcher?.({
      ...{ kind: 'answered', source, answer: name, step },
      failure: failures.map(({ resolver, outcome }) => `${resolver}: ${outcome}`).join(', ') || null,
    });
  }

  /** A call's request could not be read by its source; the platform got the least it accepts. */
  unread(source: string): void {
    this.#count('calls_answered_total', { source, answer: '', step: 'minimum' });
    this.observations.watcher?.({ kind: 'answered', source, answer: null, step: 'minimum', failure: null });
  }

  /** A call was answered, but never became an event. */
  unrecorded({ source, key }: EventRecord, reason: string): void {
    this.log.error('call.unrecorded', { source, key, reason });
    this.#count('calls_unrecorded_total', { source });
  }

  #lookups({ lookups, openBreakers, origins, name }: AnswerTrace): void {
    for (const { resolver, outcome, ms } of lookups) {
      this.#count('resolver_lookups_total', { resolver, outcome });
      if (outcome !== 'cached' && outcome !== 'skipped' && outcome !== 'busy')
        this.#observe('resolver_seconds', ms / 1_000, { resolver }, ringSeconds);
      const isOpen = openBreakers.includes(resolver) ? 1 : 0;
      this.metrics.gauge('resolver_breaker_open', help.resolver_breaker_open, isOpen, { resolver });
    }
    for (const { step } of Object.values(origins)) this.#count('answer_variables_total', { answer: name ?? '', step });
  }

  #count(name: Name, labels: Labels, by = 1): void {
    this.metrics.count(name, help[name], labels, by);
  }

  #observe(name: Name, value: number, labels: Labels, buckets: readonly number[]): void {
    this.metrics.observe(name, help[name], value, labels, buckets);
  }
}
