/** Coordination in memory: what the stores of several routers in one test share. */
import {
  type Clock,
  type Coordination,
  deliveryId,
  type RouterBeat,
  type SeenBeat,
  type SharedText,
  type Store,
  type TokenRequest,
} from '@switchhook/sdk';

/** By delivery. */
type Leases = Map<string, number>;

export class MemoryCoordination implements Coordination {
  readonly #beats = new Map<string, RouterBeat & { readonly atMs: number }>();
  readonly #freeAtMs = new Map<string, number>();
  readonly #texts = new Map<string, SharedText>();
  readonly #leases = new Map<string, { readonly beat: number; readonly leases: Leases }>();
  readonly clock: Pick<Clock, 'now'>;
  /** How many leases were given. */
  leases = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.clock = clock;
  }

  async beat(beat: RouterBeat): Promise<readonly SeenBeat[]> {
    const nowMs = this.clock.now();
    this.#beats.set(beat.id, { ...beat, atMs: nowMs });
    return [...this.#beats.values()].map(({ atMs, ...seen }) => ({ ...seen, ageMs: nowMs - atMs }));
  }

  async remove(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<void> {
    for (const { id, beat } of gone) if (this.#beats.get(id)?.beat === beat) this.#beats.delete(id);
  }

  /** A router has sent a heartbeat: these are its leases. */
  noteLeases({ id, beat }: RouterBeat, leases: Leases): void {
    this.#leases.set(id, { beat, leases });
  }

  /** Those of routers that are gone, once. */
  takeLeases(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): readonly (readonly [string, number])[] {
    return gone.flatMap(({ id, beat }) => {
      const known = this.#leases.get(id);
      if (known?.beat !== beat) return [];
      this.#leases.delete(id);
      const taken = [...known.leases];
      known.leases.clear();
      return taken;
    });
  }

  async take({ key, tokens, tokenMs, capacity }: TokenRequest): Promise<number> {
    const nowMs = this.clock.now();
    const freeAtMs = Math.max(nowMs, this.#freeAtMs.get(key) ?? 0) + tokens * tokenMs;
    this.#freeAtMs.set(key, freeAtMs);
    this.leases += 1;
    return Math.max(0, freeAtMs - capacity * tokenMs - nowMs);
  }

  async texts(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = keys.flatMap((key) => this.#texts.get(key) ?? []);
    const kept = found.filter(({ untilMs }) => untilMs > this.clock.now());
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

/** A store that routers share, as one of them sees it: with coordination, and with leases that the others can end. `leaseMs`: of this router. */
export function shared(store: Store, coordination: MemoryCoordination, leaseMs?: number): Store {
  const leases: Leases = new Map();
  const own: Partial<Store> = {
    coordination: withMethods<Coordination>(coordination, {
      ...(leaseMs !== undefined && { leaseMs }),
      beat: async (beat) => {
        const beats = await coordination.beat(beat);
        coordination.noteLeases(beat, leases);
        return beats;
      },
    }),
    append: async (entries) => {
      const appended = await store.append(entries);
      for (const [n, { event, deliveries }] of entries.entries())
        for (const [index, { state }] of deliveries.entries())
          if (state === 'running' && appended[n]?.duplicate === false) leases.set(deliveryId(event.id, index), 1);
      return appended;
    },
    claim: async (request) => {
      const claim = await store.claim(request);
      for (const { id, lease } of claim.deliveries) leases.set(id, lease);
      return claim;
    },
    endLeases: async (gone) => {
      const found = await Promise.all(
        coordination.takeLeases(gone).map(async ([id, lease]) => {
          const { state, attempts = 0 } = (await store.delivery(id)) ?? {};
          return { id, lease, isOpen: state === 'running', lost: attempts - (await store.attempts(id)).length };
        }),
      );
      const open = found.filter(({ isOpen }) => isOpen);
      const [suspects, nowMs] = [open.filter(({ lost }) => lost > 1), coordination.clock.now()];
      const dueMs = (one: (typeof open)[number]) => nowMs + 2_000 * Math.max(0, suspects.indexOf(one));
      await store.settle(
        open.map((one) => ({
          ...{ deliveryId: one.id, lease: one.lease, attempt: null },
          settlement: { state: 'waiting', untilMs: dueMs(one), counted: true },
        })),
      );
      return open.length;
    },
  };
  return withMethods(store, own);
}

/** The same, but for some methods. */
function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const own = methods[name as keyof T] ?? target[name as keyof T];
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}
