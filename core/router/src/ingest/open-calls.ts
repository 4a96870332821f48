/** Calls that are acknowledged and wait for their answer: kept in the store, so that a restart finds them. */
import { type Call, Clock, type EventDraft, type JsonObject, parseJson, Store, stringifyJson } from '@switchhook/sdk';
import { newVersion } from '../system/ids.js';
import { inject, injectable } from '../system/injection.js';

/** A call whose answer the platform has not got yet. Times are milliseconds since the epoch. */
export interface OpenCall {
  readonly source: string;
  /** Of the event that it becomes. */
  readonly eventId: string;
  readonly receivedAtMs: number;
  readonly deadlineMs: number;
  /** For how long the platform may repeat its request. */
  readonly retryMs: number;
  /** The run of a router that answers it. */
  readonly holder: string;
  /** Without its body. */
  readonly event: EventDraft;
  readonly call: Call;
}

const prefixes = {
  open: 'switchhook.calls.open:',
  known: 'switchhook.calls.known:',
  alive: 'switchhook.calls.alive:',
};
/** Where routers share a store: how long a run is taken to be alive after its last sign, and how often it gives one while it has calls open. */
const aliveMs = 5_000;
const betweenSignsMs = 2_000;
/** Calls that one crash has interrupted: more than any router answers within a deadline. */
const mostFound = 10_000;

/** Two texts for each call: the call until it is answered, and a mark for as long as the platform may repeat its request. */
@injectable()
export class OpenCalls {
  /** Of this run. */
  readonly holder = newVersion();
  #held = 0;
  #cancel = (): void => {};
  #lastSignMs = Number.NEGATIVE_INFINITY;

  constructor(
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** Whether other routers may have calls open in the same store. */
  get areShared(): boolean {
    return this.store.onDue !== undefined;
  }

  /** Resolves when the call is on disk. False: another request about it was there first, here or in another router. */
  async keep(id: string, call: OpenCall): Promise<boolean> {
    await this.#sign();
    // The call comes first: a mark without it would make the next request about it a repeated one of a call that nothing answers.
    if (!(await this.#set(prefixes.open + id, textOf(call), null))) return false;
    if (await this.mark(id, call)) return true;
    await this.remove(id, call);
    return false;
  }

  /** False where the mark is that of another request about the call. */
  async mark(id: string, { eventId, retryMs }: OpenCall): Promise<boolean> {
    const key = prefixes.known + id;
    if (await this.#set(key, eventId, null, Math.ceil(this.clock.now() + retryMs))) return true;
    return (await this.store.state?.(key)) === eventId;
  }

  /** A call is being answered until the returned function is called: other routers leave it to this one meanwhile. */
  hold(): () => void {
    this.#held += 1;
    if (this.#held === 1 && this.areShared) this.#signAgain();
    return () => {
      this.#held -= 1;
      if (this.#held === 0) this.#cancel();
    };
  }

  /** Takes over a call that another run has left open; null where that run is alive, or another one was faster. */
  async take(id: string, call: OpenCall): Promise<OpenCall | null> {
    // A store that is not shared has one run at a time.
    if (!this.areShared) return call;
    if ((await this.store.state?.(prefixes.alive + call.holder)) != null) return null;
    await this.#sign();
    const own = { ...call, holder: this.holder };
    return (await this.#set(prefixes.open + id, textOf(own), textOf(call))) ? own : null;
  }

  /** The call is recorded. */
  async remove(id: string, call: OpenCall): Promise<void> {
    await this.#set(prefixes.open + id, null, textOf(call));
  }

  /** Ids of all calls that are open. */
  async list(): Promise<readonly string[]> {
    const keys = (await this.store.stateKeys?.(prefixes.open, mostFound)) ?? [];
    return keys.map((key) => key.slice(prefixes.open.length));
  }

  /** Null where it is not open any more. */
  async get(id: string): Promise<OpenCall | null> {
    const text = (await this.store.state?.(prefixes.open + id)) ?? null;
    // What `textOf` wrote.
    return text === null ? null : (parseJson(text) as JsonObject & OpenCall);
  }

  #signAgain(): void {
    this.#cancel = this.clock.after(betweenSignsMs, () => {
      void this.#sign().catch(() => {
        // Without a sign another router answers the calls: once more is better than not at all.
      });
      this.#signAgain();
    });
  }

  async #sign(): Promise<void> {
    const nowMs = this.clock.elapsed();
    if (!this.areShared || nowMs - this.#lastSignMs < betweenSignsMs) return;
    const key = prefixes.alive + this.holder;
    const before = (await this.store.state?.(key)) ?? null;
    await this.#set(key, this.holder, before, Math.ceil(this.clock.now() + aliveMs));
    this.#lastSignMs = nowMs;
  }

  async #set(...change: Parameters<NonNullable<Store['setState']>>): Promise<boolean> {
    return (await this.store.setState?.(...change)) ?? false;
  }
}

function textOf({ event: { body: _, ...event }, ...call }: OpenCall): string {
  return stringifyJson({ ...call, event });
}
