/** The bulkhead of a resolver: its time limit, its concurrency, and a circuit breaker so that a failing resolver costs no ring time. */
import {
  type Call,
  type Clock,
  type ExpressionError,
  isBusy,
  isExpressionError,
  isNotReady,
  type JsonObject,
  type Log,
  type Resolver,
} from '@switchhook/sdk';
import { TimeoutError, withTimeout } from '@switchhook/sdk/internal';
import { Breaker, type BreakerPolicy, type BreakerState } from '../resilience/breaker.js';
import { type ComponentProbe, type Failure, type Hold, shifted } from '../resilience/hold.js';
import { noLog } from '../system/log.js';
import type { Mask } from '../system/mask.js';
import type { Pause } from '../system/pauses.js';
import { excerptOf, locatedOf, placeField } from '../system/thrown.js';
import { type Facts, plainFacts } from './facts.js';

/** A resolver, ready to look, and how it may be used. */
export interface OpenResolver {
  readonly name: string;
  readonly resolver: Resolver;
  /** Its own limit; null = as long as the answer has. */
  readonly timeoutMs: number | null;
  /** Resolvers whose facts it needs first; without cycles. */
  readonly after: readonly string[];
  /** Look-ups at the same time; one more is `busy`. */
  readonly concurrency: number;
  /** Null = no breaker. */
  readonly breaker: BreakerPolicy | null;
  /** The same for the same row of the same version: where routers have the same, they share facts. Missing: they are not shared. */
  readonly digest?: string;
  /** Null or missing where it has none. */
  readonly probe?: ComponentProbe | null;
}

/**
 * The outcome of a look-up. `cached` = cached facts replaced the look-up. `late`: no result in time. `failed`: it
 * threw an error. `skipped`: an operator has paused it, its circuit breaker is open, or it depends on one that failed. `busy`: too many look-ups were running.
 */
export type LookupOutcome = 'found' | 'not-found' | 'cached' | 'late' | 'failed' | 'skipped' | 'busy';

/** How a resolver fared. */
export interface Lookup {
  readonly resolver: string;
  readonly outcome: LookupOutcome;
  /** Milliseconds after the request. */
  readonly startMs: number;
  readonly ms: number;
  /** Why there are no facts, in one line; null if there are some, or there is no record. */
  readonly reason: string | null;
}

/** How a look-up went, and what it brought; null = nothing that could be relied on, also where it is `not-found`. */
export interface ResolverResult {
  readonly outcome: Exclude<LookupOutcome, 'cached'>;
  readonly reason: string | null;
  readonly facts: Facts | null;
}

/** What a look-up may take. */
export interface LookupTerms {
  /** By the clock's `elapsed`. */
  readonly endMs: number;
  /** What the answer had when it began. */
  readonly budgetMs: number;
  /** True where something it needs is missing: then a failure is not its own. */
  readonly incomplete: boolean;
}

/** How a resolver stands. */
export interface ResolverLoad {
  /** Null where it has none. */
  readonly breaker: BreakerState | null;
  /** Why it is skipped, beside a pause. */
  readonly holds: readonly Hold[];
  /** Null where no look-up has failed since the start. */
  readonly lastFailure: Failure | null;
}

/** What a bulkhead works with. */
export interface BulkheadParts {
  readonly factsKey: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly mask: Mask;
  /** Null where no operator has paused it. */
  pauseOf(): Pause | null;
  /** Of a bulkhead for dry runs: that of calls. What this one skips, it skips, too. */
  readonly ofCalls?: ResolverBulkhead;
}

/** A caller can be the probe of a broken resolver no less often than this. */
const longestCooldownMs = 120_000;
const longestReason = 500;
/** Why a resolver with an open circuit breaker did not run. */
export const breakerOpenReason = 'circuit breaker open after repeated failures';

export class ResolverBulkhead {
  /** Under which facts of this resolver are cached: another one of the same name, of a later configuration, has another key. */
  readonly factsKey: string;
  readonly #open: OpenResolver;
  readonly #breaker: Breaker | null;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #mask: Mask;
  #running = 0;
  #left = false;
  #hasMissed = false;
  #lastFailure: Failure | null = null;
  readonly #parts: BulkheadParts;
  #dryRuns: ResolverBulkhead | null = null;

  constructor(open: OpenResolver, parts: BulkheadParts) {
    const { factsKey, clock, log, mask } = parts;
    this.#parts = parts;
    this.factsKey = factsKey;
    this.#mask = mask;
    this.#open = open;
    this.#breaker = open.breaker === null ? null : new Breaker(open.breaker, longestCooldownMs);
    this.#clock = clock;
    this.#log = log;
  }

  /** Under which its facts are shared; null = they are not. */
  get digest(): string | null {
    return this.#open.digest ?? null;
  }

  get after(): readonly string[] {
    return this.#open.after;
  }

  /** True while its circuit breaker is open or half-open. */
  get isBreakerOpen(): boolean {
    return this.#left;
  }

  get load(): ResolverLoad {
    const nowMs = this.#clock.elapsed();
    const hold = this.#breaker?.hold ?? null;
    return {
      breaker: this.#breaker?.state(nowMs) ?? null,
      holds: shifted(hold === null ? [] : [hold], this.#clock.now() - nowMs),
      lastFailure: this.#lastFailure,
    };
  }

  /**
   * The same resolver for dry runs: skipped like this one, with a limit of its own and as many look-ups at the same time. They are not
   * logged, and this one's circuit breaker, last failure and places do not change.
   */
  get dryRuns(): ResolverBulkhead {
    this.#dryRuns ??= new ResolverBulkhead(
      { ...this.#open, breaker: null },
      { ...this.#parts, log: noLog, ofCalls: this },
    );
    return this.#dryRuns;
  }

  /** Drops the reason of the last failure, which may repeat what was asked or found. */
  forget(): void {
    this.#lastFailure = null;
    this.#dryRuns = null;
  }

  /** Closes the circuit breaker. */
  reset(): void {
    this.#breaker?.succeeded();
    this.#tell();
  }

  /** Runs the resolver. Never rejects; resolves by `endMs`. */
  async look(call: Call, known: JsonObject, terms: LookupTerms): Promise<ResolverResult> {
    const { resolver, timeoutMs, concurrency } = this.#open;
    const pause = this.#parts.pauseOf();
    if (pause !== null) return this.#miss('skipped', `paused by ${pause.by}: ${pause.reason}`);
    const nowMs = this.#clock.elapsed();
    const leftMs = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, terms.endMs - nowMs);
    if (leftMs <= 0) return miss('late', 'no time was left for it');
    const { ofCalls = this } = this.#parts;
    if (ofCalls.#breaker?.allowance(nowMs) === 0) return miss('skipped', breakerOpenReason);
    if (this.#running >= concurrency) return miss('busy', `${concurrency} look-ups were under way already`);
    this.#running += 1;
    this.#breaker?.started(nowMs);
    try {
      const looking = withTimeout(this.#clock, leftMs, (signal) =>
        resolver.resolve(call, known, signal, Math.ceil(leftMs)),
      );
      const facts = plainFacts(await looking, resolver);
      this.#breaker?.succeeded();
      return { outcome: Object.keys(facts.facts).length === 0 ? 'not-found' : 'found', reason: null, facts };
    } catch (error) {
      if (isBusy(error)) return this.#cancelled(this.#miss('busy', error.message));
      if (isExpressionError(error) && error.missing) return this.#cancelled(this.#missed(error, known));
      const outcome = error instanceof TimeoutError ? 'late' : 'failed';
      this.#lastFailure = { atMs: this.#clock.now(), reason: locatedOf(resolver, error, this.#mask) };
      this.#log.warn('resolver.failed', {
        resolver: this.#open.name,
        ...{ outcome, error },
        ...placeField(resolver, error),
      });
      if (isNotReady(error)) return this.#cancelled(this.#miss(outcome, error.message));
      const hadItsTime = leftMs * 2 >= Math.min(timeoutMs ?? terms.budgetMs, terms.budgetMs);
      this.#failed(!terms.incomplete && (outcome === 'failed' || hadItsTime));
      return this.#miss(outcome, locatedOf(resolver, error, this.#mask));
    } finally {
      this.#running -= 1;
      this.#tell();
    }
  }

  /** An expression in its options has no value. If the caller has no record, there is nothing to look for; if a reply lacks a field, the caller may still have one. */
  #missed({ message, place }: ExpressionError, known: JsonObject): ResolverResult {
    const [, needed] = /^known\W+(\w+)/.exec(place) ?? [];
    if (needed !== undefined && !Object.hasOwn(known, needed))
      return miss('skipped', `depends on ${needed}, which failed`);
    if (/^(known|call)\b/.test(place))
      return { outcome: 'not-found', reason: this.#mask(message), facts: plainFacts({}, this.#open.resolver) };
    this.#log[this.#hasMissed ? 'debug' : 'warn']('resolver.missed', { resolver: this.#open.name, reason: message });
    this.#hasMissed = true;
    return { ...this.#miss('failed', message), outcome: 'not-found' };
  }

  /** A text of the plugin's: masked before its lines are joined and it is cut. */
  #miss(outcome: Miss, reason: string): ResolverResult {
    return miss(outcome, this.#mask(reason));
  }

  /** A resolver that had to wait for another one is not counted as failed, unless it is the breaker's probe: a probe must end. */
  #failed(isToBlame: boolean): void {
    const nowMs = this.#clock.elapsed();
    if (isToBlame || this.#breaker?.state(nowMs) !== 'closed') this.#breaker?.failed(nowMs);
  }

  /** The resolver was not reached: the breaker learns nothing. */
  #cancelled(looked: ResolverResult): ResolverResult {
    this.#breaker?.cancelled();
    return looked;
  }

  #tell(): void {
    const left = this.#breaker !== null && this.#breaker.state(this.#clock.elapsed()) !== 'closed';
    if (left === this.#left) return;
    this.#left = left;
    if (left) this.#log.error('resolver.breaker-opened', { resolver: this.#open.name });
    else this.#log.info('resolver.recovered', { resolver: this.#open.name });
  }
}

type Miss = 'late' | 'failed' | 'skipped' | 'busy';

function miss(outcome: Miss, reason: string): ResolverResult {
  return { outcome, reason: excerptOf(reason.replace(/\s+/g, ' '), longestReason), facts: null };
}
