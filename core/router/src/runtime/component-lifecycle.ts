/** Opens, probes and closes one component. It opens at the first try or not at all, or is tried again until it does. */
import { type Clock, type Log, notReady, type Resolver, refuse, type Store } from '@switchhook/sdk';
import { Sleep, withTimeout } from '@switchhook/sdk/internal';
import type { Mask } from '../system/mask.js';
import { nameLike } from '../system/returned.js';
import { located } from '../system/thrown.js';
import { ComponentFailure, type CreatedComponent } from './component-factory.js';

/** No component may take longer to open or to close. */
const lifecycleMs = 30_000;
/** What is asked of a store that another process is about to release waits no longer than this. Senders wait for 10 s and more. */
const longestWaitMs = 8_000;
/** What hangs while it is opened keeps a router that ends no longer. */
const lastTryMs = 5_000;
const firstPauseMs = 1_000;

/** How patient to be with a component that does not open. */
export interface Persistence {
  /** The first pause is a second; each is twice as long as the one before, up to this. */
  readonly longestPauseMs: number;
  /** How long the start waits for the first try; null = until it has ended. */
  readonly patienceMs: number | null;
  /** The first try is made when this has resolved; default: at once. */
  readonly after?: Promise<void>;
}

/** What came of a probe. */
export interface Probed {
  /** Null = it can be reached, or has nothing to reach. */
  readonly failure: string | null;
  /** A remark of the component, e.g. that nothing was tried; `nothing to reach` where it has no probe. */
  readonly note: string | null;
}

/** What `check --connect` found out about one component. */
export interface Probe extends Probed {
  readonly kind: string;
  readonly name: string;
  readonly type: string;
}

export class ComponentLifecycle {
  readonly made: CreatedComponent;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #mask: Mask;
  readonly #sleep: Sleep;
  #failure: string | null = 'is not open yet';
  #isLate = false;
  #isPrepared = false;
  #isClosing = false;
  #closed: Promise<void> | null = null;
  /** What opens from now on is closed at once. */
  #isClosed = false;
  /** The try under way, or the last one. Never rejects. */
  #trying: Promise<ComponentFailure | null> = Promise.resolve(null);
  #begin = (): void => {};
  /** Resolves when it is open, or is not waited for any longer. */
  #awaited: Promise<void> = Promise.resolve();

  constructor(made: CreatedComponent, clock: Clock, log: Log, mask: Mask) {
    this.made = made;
    this.#mask = mask;
    this.#clock = clock;
    this.#log = log;
    this.#sleep = new Sleep(clock);
  }

  /** Why it cannot be used, as the end of a sentence about it; null while it is open. */
  get failure(): string | null {
    return this.#failure;
  }

  /** What is asked of it meanwhile waits for this. It resolves at once, unless the component is about to be released by another process. */
  get awaited(): Promise<void> {
    return this.#awaited;
  }

  /** Calls back when it is open: now, where it is. */
  whenOpen(begin: () => void): void {
    if (this.#failure === null) begin();
    else this.#begin = begin;
  }

  /** One try. Throws a `ComponentFailure`. */
  async once(): Promise<void> {
    const failure = await this.#try();
    if (failure !== null) throw failure;
  }

  /** Tries until it is open, or closed. Resolves when the first try has ended, or is waited for no longer; never rejects. */
  async persist({ longestPauseMs, patienceMs, after }: Persistence): Promise<void> {
    const first = after === undefined ? this.#try() : after.then(() => this.#try());
    if (after !== undefined) this.#prepare();
    if (after !== undefined)
      this.#awaited = withTimeout(this.#clock, longestWaitMs, first).then(
        () => {},
        () => {},
      );
    void this.#persist(first, longestPauseMs);
    if (patienceMs === null) await first;
    else await withTimeout(this.#clock, patienceMs, first).catch(() => this.#delayed());
  }

  /** Whether it can reach what it depends on. A store need not be open. */
  async probe(timeoutMs: number): Promise<Probed> {
    if (this.#failure !== null && this.made.kind !== 'store') return { failure: this.#failure, note: null };
    const { lifecycle } = this.made;
    if (lifecycle.probe === undefined) return { failure: null, note: 'nothing to reach' };
    return withTimeout(this.#clock, timeoutMs, async (signal) => lifecycle.probe?.(signal)).then(
      (said) => ({ failure: null, note: typeof said === 'string' ? this.#mask(said) : null }),
      (error: unknown) => ({ failure: located(error, this.#mask), note: null }),
    );
  }

  /** In every state: ends the tries, and closes what is open, once. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#isClosing = true;
    this.#sleep.end();
    await withTimeout(this.#clock, lastTryMs, this.#trying).catch((error: unknown) => this.#closeFailed(error));
    this.#isClosed = true;
    if (this.#failure === null || this.#isPrepared) await this.#close();
  }

  #prepare(): void {
    const { lifecycle } = this.made;
    if (lifecycle.prepare === undefined) return;
    this.#isPrepared = true;
    // Where it is not prepared, `open` takes longer, or reports what is wrong.
    withTimeout(this.#clock, lifecycleMs, async () => lifecycle.prepare?.()).catch(() => null);
  }

  async #close(): Promise<void> {
    const { lifecycle } = this.made;
    await withTimeout(this.#clock, lifecycleMs, async () => lifecycle.close?.()).catch((error: unknown) =>
      this.#closeFailed(error),
    );
  }

  #closeFailed(error: unknown): void {
    this.#log.error('component.close-failed', { ...this.#named, error });
  }

  async #persist(first: Promise<ComponentFailure | null>, longestPauseMs: number): Promise<void> {
    let failure = await first;
    for (
      let waitMs = firstPauseMs;
      failure !== null && !this.#isClosing;
      waitMs = Math.min(longestPauseMs, waitMs * 2)
    ) {
      this.#isLate = true;
      this.#log.error('component.unopened', { ...this.#named, error: failure.cause, waitMs });
      await this.#sleep.for(waitMs);
      if (this.#failure === null || this.#isClosing) return;
      failure = await this.#try();
    }
  }

  /** One that comes back after its time has opened it all the same. */
  #try(): Promise<ComponentFailure | null> {
    const { lifecycle } = this.made;
    const open = async (): Promise<void> => {
      await lifecycle.open?.();
      this.#opened();
    };
    this.#trying = withTimeout(this.#clock, lifecycleMs, open).then(
      () => null,
      (error: unknown) => this.#failed(error),
    );
    return this.#trying;
  }

  #opened(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#sleep.end();
    if (this.#isClosed) {
      void this.#close();
      return;
    }
    if (this.#isLate) this.#log.info('component.opened', this.#named);
    this.#begin();
  }

  /** Null where an earlier try has opened it meanwhile. */
  #failed(error: unknown): ComponentFailure | null {
    if (this.#failure === null) return null;
    const failure = new ComponentFailure(this.made, 'could not be opened', error, this.#mask);
    this.#failure = `could not be opened: ${located(error, this.#mask)}`;
    return failure;
  }

  #delayed(): void {
    this.#isLate = true;
    this.#log.warn('component.delayed', this.#named);
  }

  get #named(): Pick<CreatedComponent, 'kind' | 'name' | 'type'> {
    const { kind, name, type } = this.made;
    return { kind, name, type };
  }
}

/** The resolver; until it is open every look-up fails. */
export function resolverUntilOpen(resolver: Resolver, opening: ComponentLifecycle): Resolver {
  const guarded: Resolver = {
    resolve: (...asked) =>
      opening.failure === null ? resolver.resolve(...asked) : Promise.reject(notReady(`it ${opening.failure}`)),
  };
  return nameLike(guarded, resolver);
}

/** The store; until it is open, every method is refused as `STORE_UNAVAILABLE`, or waits where another process is about to release it. */
export function storeUntilOpen(store: Store, opening: ComponentLifecycle): Store {
  const guarded = <Given extends unknown[], Answer>(ask: (...given: Given) => Promise<Answer>) => {
    const whenOpen = async (given: Given): Promise<Answer> => {
      await opening.awaited;
      if (opening.failure !== null) throw refuse('STORE_UNAVAILABLE', `the store ${opening.failure}`);
      return ask.apply(store, given);
    };
    return (...given: Given): Promise<Answer> => (opening.failure === null ? ask.apply(store, given) : whenOpen(given));
  };
  const untilOpen: Store = {
    append: guarded(store.append),
    claim: guarded(store.claim),
    settle: guarded(store.settle),
    event: guarded(store.event),
    events: guarded(store.events),
    ...(store.eventConditions && { eventConditions: store.eventConditions }),
    delivery: guarded(store.delivery),
    deliveries: guarded(store.deliveries),
    ...(store.deadGroups && { deadGroups: guarded(store.deadGroups) }),
    attempts: guarded(store.attempts),
    replay: guarded(store.replay),
    extend: guarded(store.extend),
    discard: guarded(store.discard),
    prune: guarded(store.prune),
    backlog: guarded(store.backlog),
    ...(store.erase && { erase: guarded(store.erase) }),
    ...(store.purge && { purge: guarded(store.purge) }),
    ...(store.size && { size: guarded(store.size) }),
    ...(store.state && { state: guarded(store.state) }),
    ...(store.setState && { setState: guarded(store.setState) }),
    ...(store.stateKeys && { stateKeys: guarded(store.stateKeys) }),
    ...(store.changes && { changes: guarded(store.changes) }),
    ...(store.onDue && { onDue: store.onDue.bind(store) }),
    ...(store.endLeases && { endLeases: guarded(store.endLeases) }),
    ...(store.coordination && { coordination: store.coordination }),
  };
  return nameLike(untilOpen, store);
}
