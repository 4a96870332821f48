/** What was found about callers before: it spares a look-up while it is fresh, and stands in for one that fails while it is stale. */
import type { JsonObject } from '../contract/json.js';
import { BoundedMap } from './bounded-map.js';
import type { Facts } from './facts.js';

/** How long facts of a caller are kept. */
export interface CachePolicy {
  /** No look-up is made while they are younger. */
  readonly forMs: number;
  /** They stand in for a look-up that fails while they are younger. Not less than `forMs`. */
  readonly staleMs: number;
}

interface Kept extends Facts {
  readonly atMs: number;
}

/** Characters, in all. Some 100,000 callers with an ordinary record each. */
const mostCharacters = 32_000_000;
/** What an entry takes beside its facts. */
const overhead = 200;

/** Times are from a clock that never goes back. */
export class EarlierFacts {
  readonly #kept = new BoundedMap<Kept>(mostCharacters, ({ size }) => size + overhead);

  keep(caller: string, resolver: string, facts: Facts, nowMs: number): void {
    this.#kept.set(keyOf(caller, resolver), { ...facts, atMs: nowMs });
  }

  /** What a resolver found about this caller, if that is not longer ago than `withinMs`. */
  of(caller: string, resolver: string, nowMs: number, withinMs: number): JsonObject | null {
    const kept = this.#kept.get(keyOf(caller, resolver));
    return kept === undefined || nowMs - kept.atMs >= withinMs ? null : kept.facts;
  }
}

function keyOf(caller: string, resolver: string): string {
  return `${resolver} ${caller}`;
}
