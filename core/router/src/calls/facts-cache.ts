/** What was found about callers before: it spares a look-up while it is fresh, and stands in for one that fails while it is stale. */
import type { JsonObject } from '@switchhook/sdk';
import { LRUCache } from 'lru-cache';
import { type ErasedThings, removeFitting } from '../system/erasing.js';
import { isOfErasedCaller } from './call-key.js';
import type { Facts } from './facts.js';

/** How long facts of a caller are kept. */
export interface CachePolicy {
  /** No look-up is made while they are younger. */
  readonly forMs: number;
  /** They stand in for a look-up that fails while they are younger. Not less than `forMs`. */
  readonly staleMs: number;
}

/** What other resolvers had found when a resolver looked, by name: as JSON. */
export type KnownThen = Readonly<Record<string, string>>;

/** Facts as they are kept. */
export interface KeptFacts extends Facts {
  readonly known: KnownThen;
  /** When they were found. */
  readonly atMs: number;
}

/** Characters, in all. Some 100,000 callers with an ordinary record each. */
const mostCharacters = 32_000_000;
/** What an entry takes beside its facts. */
const overhead = 200;

/** Times are from a clock that never goes back. */
export class FactsCache {
  readonly #kept = new LRUCache<string, KeptFacts>({
    maxSize: mostCharacters,
    sizeCalculation: ({ size, known }, key) =>
      Object.values(known).reduce((sum, json) => sum + json.length, key.length + size + overhead),
  });

  readonly #below: FactsCache | null;

  /** `below`: what is not in this one is read from there, without a change of it. */
  constructor(below: FactsCache | null = null) {
    this.#below = below;
  }

  /** For a dry run: reads this one, and keeps what is new to itself. */
  copyOnWrite(): FactsCache {
    return new FactsCache(this);
  }

  keep(caller: string, resolver: string, facts: Facts, known: KnownThen, nowMs: number): void {
    this.#kept.set(keyOf(caller, resolver), { ...facts, known, atMs: nowMs });
  }

  /** Whether anything is kept of this resolver about this caller. */
  has(caller: string, resolver: string): boolean {
    return this.#kept.has(keyOf(caller, resolver)) || this.#below?.has(caller, resolver) === true;
  }

  /** Removes what is kept about an erased person, or the callers of an erased agent. In a dry run it only counts. */
  forget(erased: ErasedThings, isDryRun: boolean): number {
    const fits = (key: string): boolean => isOfErasedCaller(key.slice(key.indexOf(' ') + 1), erased);
    return removeFitting(this.#kept.entries(), fits, (key) => this.#kept.delete(key), isDryRun);
  }

  /**
   * What a resolver found about this caller, if that is not longer ago than `withinMs`. Not where it went by something that
   * has changed since: the number may belong to another person now.
   */
  of(caller: string, resolver: string, known: KnownThen, nowMs: number, withinMs: number): JsonObject | null {
    const kept = this.#get(keyOf(caller, resolver));
    if (kept === undefined || nowMs - kept.atMs >= withinMs) return null;
    return Object.entries(known).every(([name, json]) => kept.known[name] === json) ? kept.facts : null;
  }

  /** What was read is dropped later; not so where a copy reads it. */
  #get(key: string): KeptFacts | undefined {
    return this.#kept.get(key) ?? (this.#below === null ? undefined : this.#below.#kept.peek(key));
  }
}

function keyOf(caller: string, resolver: string): string {
  return `${resolver} ${caller}`;
}
