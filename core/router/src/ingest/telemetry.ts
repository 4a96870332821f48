/** Telemetry of ingest: one log line per event or refused request, and its metrics. */
import { Clock, type EventRecord, type Labels, Log, Metrics, type Refusal, type RefusalCode } from '@switchhook/sdk';
import { isFault, isServerError } from '@switchhook/sdk/internal';
import { inject, injectable } from '../system/injection.js';
import { Mask } from '../system/mask.js';
import { Observations } from '../system/observations.js';

/** What is counted or measured; each is described in docs/operating/metrics.md. */
const help = {
  events_received_total: 'Events committed, or found to be there already',
  route_events_total: 'Events committed, by the routes that they match',
  requests_refused_total: 'Requests that were refused',
  requests_verified_total: 'Requests by the position of the secret that has verified them',
  route_where_failures_total: 'Conditions that could not be evaluated',
} as const;
type Name = keyof typeof help;

/** Types are of the senders' making: further ones are counted together. */
const mostTypes = 100;
const refusals: readonly RefusalCode[] = [
  'UNVERIFIED',
  'SOURCE_FAILED',
  'INTERNAL',
  'STORE_BEHIND',
  'STORE_UNAVAILABLE',
];

/** Lines about requests that one source refuses with one code. */
const linesPerWindow = 10;
const windowMs = 10_000;
const longestReason = 500;

interface LineWindow {
  readonly untilMs: number;
  left: number;
  suppressed: number;
}

@injectable()
export class IngestTelemetry {
  readonly #types = new Set<string>();
  /** By source and code, of which there are few. */
  readonly #windows = new Map<string, LineWindow>();

  constructor(
    @inject(Log) private readonly log: Log,
    @inject(Metrics) private readonly metrics: Metrics,
    @inject(Clock) private readonly clock: Clock,
    @inject(Mask) private readonly mask: Mask,
    @inject(Observations) private readonly observations: Observations,
  ) {}

  /** Counters that alerts are about begin at 0: to Prometheus, one that is not there yet does not increase. */
  expect(sources: readonly { readonly name: string }[]): void {
    for (const { name: source } of sources)
      for (const code of refusals) this.#count('requests_refused_total', { source, code }, 0);
  }

  /** An event is committed, or was there already: `id` is that of the one that is kept. */
  received(event: EventRecord, id: string, duplicate: boolean, made: readonly { readonly route: string }[]): void {
    const { source, type, subject, agent } = event;
    const deliveries = made.length;
    const result = duplicate ? 'duplicate' : deliveries === 0 ? 'unrouted' : 'routed';
    this.log.info('event.received', {
      id,
      source,
      type,
      subject,
      agent,
      result,
      deliveries: duplicate ? 0 : deliveries,
    });
    this.#count('events_received_total', { source, type: this.#typeOf(type), result });
    if (duplicate) return;
    for (const route of new Set(made.map((one) => one.route))) this.#count('route_events_total', { route });
  }

  /** A request was verified by the secret at this position; 0 = it needs none. */
  verified(source: string, secret: number): void {
    this.#count('requests_verified_total', { source, secret: secret === 0 ? 'none' : String(secret) });
  }

  /** A request got no 2xx. The reason is for the log only; a cause, too, where it is not about what the sender sent. */
  refused(source: string, { code, message, cause }: Refusal, remoteAddress: string): void {
    this.#count('requests_refused_total', { source, code });
    const reason = (): string => this.mask(message).slice(0, longestReason);
    this.observations.watcher?.({ kind: 'refused', source, code, reason, remoteAddress });
    const suppressed = this.#suppressedBefore(`${source} ${code}`);
    if (suppressed === null) return;
    const isOurs = isServerError(code) && code !== 'INTERNAL' && cause !== undefined;
    const fields = {
      source,
      code,
      reason: reason(),
      remoteAddress,
      ...(isOurs && { error: cause }),
    };
    const line = suppressed === 0 ? fields : { ...fields, suppressed };
    if (isFault(code)) this.log.error('request.refused', line);
    else this.log.warn('request.refused', line);
  }

  /** How many lines were left out before this one; null where it is left out, too: senders without a secret can cause them. */
  #suppressedBefore(kind: string): number | null {
    const nowMs = this.clock.elapsed();
    const window = this.#windows.get(kind);
    if (window === undefined || nowMs >= window.untilMs) {
      this.#windows.set(kind, { untilMs: nowMs + windowMs, left: linesPerWindow - 1, suppressed: 0 });
      return window?.suppressed ?? 0;
    }
    if (window.left === 0) {
      window.suppressed += 1;
      return null;
    }
    window.left -= 1;
    return 0;
  }

  /** A route's `where` could not be evaluated for an event; it does not match. */
  unroutable(route: string, reason: string): void {
    this.log.debug('route.where-failed', { route, reason });
    this.#count('route_where_failures_total', { route });
  }

  #typeOf(type: string): string {
    if (this.#types.has(type)) return type;
    if (this.#types.size >= mostTypes) return 'other';
    this.#types.add(type);
    return type;
  }

  #count(name: Name, labels: Labels, by = 1): void {
    this.metrics.count(name, help[name], labels, by);
  }
}
