/** Coordination in memory: what the stores of several routers in one test share. */
import type { Clock, Coordination, RouterBeat, SharedText, Store, TokenRequest } from '@switchhook/sdk';

export class MemoryCoordination implements Coordination {
  readonly #beats = new Map<string, RouterBeat>();
  readonly #freeAtMs = new Map<string, number>();
  readonly #texts = new Map<string, SharedText>();
  readonly #clock: Pick<Clock, 'now'>;
  /** How many leases were given. */
  leases = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async beat(beat: RouterBeat): Promise<readonly RouterBeat[]> {
    this.#beats.set(beat.id, beat);
    return [...this.#beats.values()];
  }

  async remove(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<void> {
    for (const { id, beat } of gone) if (this.#beats.get(id)?.beat === beat) this.#beats.delete(id);
  }

  async take({ key, tokens, tokenMs, capacity }: TokenRequest): Promise<number> {
    const nowMs = this.#clock.now();
    const freeAtMs = Math.max(nowMs, this.#freeAtMs.get(key) ?? 0) + tokens * tokenMs;
    this.#freeAtMs.set(key, freeAtMs);
    this.leases += 1;
    return Math.max(0, freeAtMs - capacity * tokenMs - nowMs);
  }

  async texts(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = keys.flatMap((key) => this.#texts.get(key) ?? []);
    const kept = found.filter(({ untilMs }) => untilMs > this.#clock.now());
    return new Map(kept.map(({ key, text }) => [key, text]));
  }

  async keepTexts(texts: readonly SharedText[]): Promise<void> {
    for (const text of texts) this.#texts.set(text.key, text);
  }

  async textKeys(after: string | null, limit: number): Promise<readonly string[]> {
    const keys = [...this.#texts.keys()].sort();
    return keys.filter((key) => after === null || key > after).slice(0, limit);
  }

  async dropTexts(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#texts.delete(key);
  }
}

/** A store that routers share: with coordination, and as one of them sees it. */
export function shared(store: Store, coordination: Coordination): Store {
  return new Proxy(store, {
    get: (target, name: keyof Store) => {
      const own = name === 'coordination' ? coordination : target[name];
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}
