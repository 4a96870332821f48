/** Coordination in memory: what the stores of several routers in one test share. */
import type { Coordination, RouterBeat, Store } from '@switchhook/sdk';

export class MemoryCoordination implements Coordination {
  readonly #beats = new Map<string, RouterBeat>();

  async beat(beat: RouterBeat): Promise<readonly RouterBeat[]> {
    this.#beats.set(beat.id, beat);
    return [...this.#beats.values()];
  }

  async remove(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<void> {
    for (const { id, beat } of gone) if (this.#beats.get(id)?.beat === beat) this.#beats.delete(id);
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
