/** The pauses that operators have set: kept in the store, so that a restart and every router that shares it has them. */
import { Clock, Log, refuse, Store } from '@switchhook/sdk';
import type { Hold } from '../resilience/hold.js';
import { inject, injectable } from './injection.js';

/** What can be paused. */
export type PausableKind = 'destination' | 'resolver';

/** One pause. */
export interface Pause {
  readonly kind: PausableKind;
  readonly name: string;
  /** Who paused it. */
  readonly by: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** Under which key the store keeps them. */
export const pausesKey = 'switchhook.pauses';

/** Between two looks for the pauses of other routers, and between two tries to read them. */
const betweenReadsMs = 1_000;

@injectable()
export class Pauses {
  #pauses: readonly Pause[] = [];
  #areKnown: boolean;
  #changes = 0;
  #hasFailed = false;
  #isClosed = false;
  #cancel = (): void => {};
  readonly #listeners: (() => void)[] = [];

  constructor(
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {
    this.#areKnown = store.state === undefined;
  }

  /** False until they have been read from the store. */
  get areKnown(): boolean {
    return this.#areKnown;
  }

  /** Null where it is not paused, as far as is known. */
  of(kind: PausableKind, name: string): Pause | null {
    return this.#pauses.find((pause) => pause.kind === kind && pause.name === name) ?? null;
  }

  /** Calls back after every change, and when they have become known. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Reads them: again each second where other routers share the store, or until it can be read. Never rejects. */
  async open(): Promise<void> {
    const { store, log, clock } = this;
    if (store.state === undefined) return;
    const changes = this.#changes;
    try {
      const text = await store.state(pausesKey);
      // What was changed here meanwhile is newer.
      if (changes === this.#changes) this.#apply(pausesIn(text));
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) log.warn('pauses.unread', { error });
      this.#hasFailed = true;
    }
    if (this.#isClosed || (this.#areKnown && store.onDue === undefined)) return;
    this.#cancel();
    this.#cancel = clock.after(betweenReadsMs, () => void this.open());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  /** Pauses, or changes who paused and why; the time of an earlier pause stays. Refused where the store cannot keep it. */
  async pause({ sinceMs, ...pause }: Pause): Promise<void> {
    await this.#change(pause, (earlier) => ({ ...pause, sinceMs: earlier?.sinceMs ?? sinceMs }));
  }

  /** Resumes; no change where it is not paused. */
  async resume(kind: PausableKind, name: string): Promise<void> {
    await this.#change({ kind, name }, () => null);
  }

  async #change(
    { kind, name }: Pick<Pause, 'kind' | 'name'>,
    changed: (earlier: Pause | undefined) => Pause | null,
  ): Promise<void> {
    const { store } = this;
    if (store.state === undefined || store.setState === undefined)
      throw refuse('PAUSE_NOT_KEPT', 'the store has no state and setState');
    for (;;) {
      const text = await store.state(pausesKey);
      const all = pausesIn(text);
      const earlier = all.find((one) => one.kind === kind && one.name === name);
      const pause = changed(earlier);
      const pauses = [...all.filter((one) => one !== earlier), ...(pause === null ? [] : [pause])];
      if (!(await store.setState(pausesKey, pauses.length === 0 ? null : JSON.stringify(pauses), text))) continue;
      this.#changes += 1;
      this.#apply(pauses);
      return;
    }
  }

  #apply(pauses: readonly Pause[]): void {
    const before = this.#pauses;
    const wereKnown = this.#areKnown;
    this.#pauses = pauses;
    this.#areKnown = true;
    const isIn = (list: readonly Pause[], pause: Pause): boolean => list.some((one) => textOf(one) === textOf(pause));
    const added = pauses.filter((pause) => !isIn(before, pause));
    const ended = before.filter(({ kind, name }) => this.of(kind, name) === null);
    for (const { sinceMs: _, ...pause } of added) this.log.warn('component.paused', pause);
    for (const { kind, name } of ended) this.log.info('component.resumed', { kind, name });
    if (wereKnown && added.length + ended.length === 0) return;
    for (const listener of this.#listeners) listener();
  }
}

/** A pause as the status shows it. */
export function holdOfPause({ sinceMs, by, reason }: Pause): Hold {
  return { kind: 'paused', sinceMs, untilMs: null, by, reason };
}

/** A text that a newer version wrote in another form throws: the pauses that are known stay. */
function pausesIn(text: string | null): readonly Pause[] {
  const pauses: unknown = text === null ? [] : JSON.parse(text);
  if (!Array.isArray(pauses) || !pauses.every(isPause)) throw new Error(`the store's ${pausesKey} cannot be read`);
  return pauses;
}

function isPause(value: Partial<Pause> | null): value is Pause {
  const { kind, name, by, reason, sinceMs } = value ?? {};
  return [kind, name, by, reason].every((text) => typeof text === 'string') && typeof sinceMs === 'number';
}

function textOf({ kind, name, by, reason, sinceMs }: Pause): string {
  return JSON.stringify([kind, name, by, reason, sinceMs]);
}
