/** Calls that are acknowledged and wait for their answer: kept in the store, so that a restart finds them. */
import { type Call, Clock, type EventDraft, type JsonObject, parseJson, Store, stringifyJson } from '@switchhook/sdk';
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
  /** Without its body. */
  readonly event: EventDraft;
  readonly call: Call;
}

const prefixes = { open: 'switchhook.calls.open:', known: 'switchhook.calls.known:' };
/** Calls that one crash has interrupted: more than any router answers within a deadline. */
const mostFound = 10_000;

/** Two texts for each call: the call until it is answered, and a mark for as long as the platform may repeat its request. */
@injectable()
export class OpenCalls {
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

  async #set(...change: Parameters<NonNullable<Store['setState']>>): Promise<boolean> {
    return (await this.store.setState?.(...change)) ?? false;
  }
}

function textOf({ event: { body: _, ...event }, ...call }: OpenCall): string {
  return stringifyJson({ ...call, event });
}
