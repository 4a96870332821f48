/** The look-ups of one call: side by side, each after those it needs, all within what is left of the ring. */
import { type Call, type Clock, type JsonObject, stringifyJson } from '@switchhook/sdk';
import { OpenSpan } from '../system/tracing.js';
import type { CachePolicy, FactsCache, KnownThen } from './facts-cache.js';
import type { Lookup, ResolverBulkhead, ResolverResult } from './resolver-bulkhead.js';
import type { SharedCalls } from './shared-calls.js';

/** Where facts come from: this call's own look-up, one that was spared, or an earlier one that stands in for a failed one. */
export type FactsOrigin = 'fresh' | 'cached' | 'stale';

/** What is known by one resolver. */
export interface ResolverFacts {
  readonly facts: JsonObject;
  readonly origin: FactsOrigin;
}

/** What all the look-ups of a call came to. */
export interface ResolvedFacts {
  /** By resolver. One without a record has `{}`; one that failed is missing. */
  readonly known: ReadonlyMap<string, ResolverFacts>;
  readonly lookups: readonly Lookup[];
}

export const noFacts: ResolvedFacts = { known: new Map(), lookups: [] };

/** For which call, and until when. Times are by the clock's `elapsed`. */
export interface LookupRequest {
  /** Names of resolvers. */
  readonly resolve: readonly string[];
  readonly call: Call;
  readonly startedAtMs: number;
  readonly endMs: number;
  /** Null where the answer keeps nothing, or it is not known who calls. */
  readonly cache: { readonly policy: CachePolicy; readonly caller: string } | null;
}

/** What look-ups are made with. */
export interface ResolveParts {
  readonly bulkheads: ReadonlyMap<string, ResolverBulkhead>;
  readonly factsCache: FactsCache;
  readonly sharedCalls: Pick<SharedCalls, 'isOn' | 'loadFacts' | 'keepFacts'>;
  readonly clock: Clock;
}

/** Looks everything up. Never rejects; resolves when all are done, at `endMs` at the latest. */
export async function resolveFacts(request: LookupRequest, parts: ResolveParts): Promise<ResolvedFacts> {
  const { cache } = request;
  if (cache !== null && parts.sharedCalls.isOn)
    await parts.sharedCalls.loadFacts(cache.caller, withNeeded(request.resolve, parts.bulkheads), parts.factsCache);
  const looking = new LookupRun(request, parts);
  await Promise.all(request.resolve.map((name) => looking.look(name)));
  return looking;
}

/** These resolvers, and all that they need. */
function withNeeded(names: readonly string[], bulkheads: ResolveParts['bulkheads']): readonly ResolverBulkhead[] {
  const found = new Set<ResolverBulkhead>();
  const add = (name: string): void => {
    const bulkhead = bulkheads.get(name);
    if (bulkhead === undefined || found.has(bulkhead)) return;
    found.add(bulkhead);
    for (const needed of bulkhead.after) add(needed);
  };
  for (const name of names) add(name);
  return [...found];
}

class LookupRun implements ResolvedFacts {
  readonly known = new Map<string, ResolverFacts>();
  readonly lookups: Lookup[] = [];
  readonly #request: LookupRequest;
  readonly #parts: ResolveParts;
  readonly #runs = new Map<string, Promise<void>>();
  readonly #budgetMs: number;

  constructor(request: LookupRequest, parts: ResolveParts) {
    this.#request = request;
    this.#parts = parts;
    this.#budgetMs = request.endMs - parts.clock.elapsed();
  }

  /** Once per resolver, also if several depend on it. */
  look(name: string): Promise<void> {
    const started = this.#runs.get(name);
    if (started !== undefined) return started;
    const run = this.#run(name);
    this.#runs.set(name, run);
    return run;
  }

  async #run(name: string): Promise<void> {
    const bulkhead = this.#parts.bulkheads.get(name);
    if (bulkhead === undefined) return;
    await Promise.all(bulkhead.after.map((needed) => this.look(needed)));
    const needed = this.#knownOf(bulkhead.after);
    const spared = this.#factsCache(bulkhead, needed, 'forMs');
    if (spared !== null) {
      this.known.set(name, { facts: spared, origin: 'cached' });
      this.#done(name, this.#parts.clock.elapsed(), 'cached', null);
      return;
    }
    const atMs = this.#parts.clock.elapsed();
    const span = new OpenSpan(`resolve ${name}`, { kind: 'CLIENT', attributes: { 'switchhook.resolver': name } });
    const { outcome, reason, facts } = await span.run(() => this.#fresh(bulkhead, needed));
    span.end({ 'switchhook.outcome': outcome }, outcome === 'not-found' ? null : reason);
    this.#done(name, atMs, outcome, reason);
    if (facts === null) {
      const stale = this.#factsCache(bulkhead, needed, 'staleMs');
      if (stale !== null) this.known.set(name, { facts: stale, origin: 'stale' });
      else if (outcome === 'not-found') this.known.set(name, { facts: {}, origin: 'fresh' });
      return;
    }
    this.known.set(name, { facts: facts.facts, origin: 'fresh' });
    const { cache } = this.#request;
    if (cache === null) return;
    const { factsCache, sharedCalls, clock } = this.#parts;
    const then = asJson(needed);
    factsCache.keep(cache.caller, bulkhead.factsKey, facts, then, clock.elapsed());
    sharedCalls.keepFacts(cache.caller, bulkhead, { ...facts, known: then }, cache.policy.staleMs);
  }

  /** What is known by these resolvers. Who could not look is not in it. */
  #knownOf(resolvers: readonly string[]): JsonObject {
    const known = resolvers.flatMap((name) => {
      const facts = this.known.get(name)?.facts;
      return facts === undefined ? [] : [[name, facts] as const];
    });
    return Object.freeze(Object.fromEntries(known));
  }

  async #fresh(bulkhead: ResolverBulkhead, needed: JsonObject): Promise<ResolverResult> {
    const incomplete = Object.keys(needed).length < bulkhead.after.length;
    const terms = { endMs: this.#request.endMs, budgetMs: this.#budgetMs, incomplete };
    try {
      return await bulkhead.look(this.#request.call, needed, terms);
    } catch {
      // A thrown value that cannot even be read, or a log that cannot write it: one more way to fail.
      return { outcome: 'failed', reason: 'it threw an error that cannot be read', facts: null };
    }
  }

  #done(resolver: string, atMs: number, outcome: Lookup['outcome'], reason: string | null): void {
    const ms = this.#parts.clock.elapsed() - atMs;
    this.lookups.push({ resolver, outcome, startMs: atMs - this.#request.startedAtMs, ms, reason });
  }

  #factsCache({ factsKey }: ResolverBulkhead, needed: JsonObject, within: keyof CachePolicy): JsonObject | null {
    const { cache } = this.#request;
    if (cache === null) return null;
    return this.#parts.factsCache.of(
      cache.caller,
      factsKey,
      asJson(needed),
      this.#parts.clock.elapsed(),
      cache.policy[within],
    );
  }
}

function asJson(known: JsonObject): KnownThen {
  return Object.fromEntries(Object.entries(known).map(([name, facts]) => [name, stringifyJson(facts)]));
}
