/** Messages between the router's thread and the store's: operations as flat lists and one block of bytes, which copy fastest. */
import type {
  Appended,
  Attempt,
  Backlog,
  Change,
  Claim,
  ClaimRequest,
  DeadGroup,
  DeadGroupQuery,
  DeliveryQuery,
  DeliveryRecord,
  Entry,
  EraseRequest,
  EventQuery,
  EventRecord,
  Gather,
  NewDelivery,
  PruneRequest,
  Settled,
  Settlement,
  StoredEvent,
  StoredOthers,
} from '@switchhook/sdk';
import type { Purged } from './purge.js';
import type { Place } from './sql.js';

/** An operation that changes the store. `nowMs` is read from the router's clock: the worker has none. */
export type Write =
  | { readonly kind: 'append'; readonly entries: readonly Entry[]; readonly nowMs: number }
  | { readonly kind: 'settle'; readonly settled: readonly Settled[]; readonly nowMs: number }
  | { readonly kind: 'claim'; readonly request: ClaimRequest }
  | { readonly kind: 'replay'; readonly ids: readonly string[]; readonly dueMs: number }
  | {
      readonly kind: 'extend';
      readonly eventId: string;
      readonly deliveries: readonly NewDelivery[];
      readonly nowMs: number;
    }
  | { readonly kind: 'discard'; readonly ids: readonly string[]; readonly nowMs: number }
  | { readonly kind: 'prune'; readonly request: PruneRequest; readonly nowMs: number }
  | { readonly kind: 'erase'; readonly request: EraseRequest }
  | { readonly kind: 'restore'; readonly events: readonly StoredEvent[]; readonly others: StoredOthers }
  | { readonly kind: 'clear'; readonly keep: StoredOthers }
  | {
      readonly kind: 'setState';
      readonly key: string;
      readonly value: string | null;
      readonly expected: string | null;
      readonly expiresAtMs: number | null;
      readonly nowMs: number;
    };

/** An operation that only reads. */
export type Read =
  /** Overwrites what was removed: changes nothing that can be read. */
  | { readonly kind: 'purge' }
  | { readonly kind: 'event'; readonly id: string }
  | { readonly kind: 'events'; readonly query: EventQuery; readonly start: Place }
  | { readonly kind: 'delivery'; readonly id: string }
  | { readonly kind: 'deliveries'; readonly query: DeliveryQuery; readonly start: Place }
  | { readonly kind: 'deadGroups'; readonly query: DeadGroupQuery; readonly start: Place }
  | { readonly kind: 'attempts'; readonly id: string }
  | { readonly kind: 'changes'; readonly after: ChangesPlace | null; readonly limit: number; readonly counted: number }
  | { readonly kind: 'backlog' }
  | { readonly kind: 'state'; readonly key: string; readonly nowMs: number }
  | { readonly kind: 'stateKeys'; readonly prefix: string; readonly limit: number; readonly nowMs: number };

/** The last event and the last attempt that were read. */
export interface ChangesPlace {
  readonly seq: number;
  readonly change: number;
}

/** Part of what happened, and where it ends. */
export interface ChangesPart {
  readonly changes: readonly Change[];
  readonly more: number;
  readonly place: ChangesPlace;
}

/** Part of a list; `next` is null at its end. */
export interface Segment<T> {
  readonly items: readonly T[];
  readonly next: Place | null;
}

/** The result of each kind of operation. */
export interface Results {
  /** Per entry: null = stored, else the event that has this key already. */
  append: readonly (Pick<Appended, 'eventId' | 'erased'> | null)[];
  settle: null;
  claim: Claim;
  replay: readonly string[];
  extend: readonly string[];
  discard: readonly string[];
  prune: { readonly removed: number; readonly more: boolean };
  erase: readonly string[];
  restore: null;
  clear: null;
  setState: boolean;
  event: EventRecord | null;
  events: Segment<EventRecord>;
  delivery: DeliveryRecord | null;
  deliveries: Segment<DeliveryRecord>;
  deadGroups: Segment<DeadGroup>;
  attempts: readonly Attempt[];
  changes: ChangesPart;
  backlog: readonly Backlog[];
  state: string | null;
  stateKeys: readonly string[];
  purge: Purged;
}
export type Result = Results[keyof Results];

/** How the worker opens the file. */
export interface Settings {
  readonly path: string;
  readonly synchronous: 'full' | 'normal';
  readonly maxBytes: number | null;
  /** Set when a router starts: leases belong to a process that has ended, and end at this time. */
  readonly leasesEndMs: number | null;
  /** Of the file that an earlier thread of this router had open; null = any. */
  readonly identity: string | null;
}

/** A failure in a form that can be sent to another thread. */
export interface Failure {
  readonly message: string;
  readonly code: string;
}

export type Request =
  | { readonly kind: 'write'; readonly packed: Packed }
  | { readonly kind: 'read'; readonly read: Read }
  /** Look whether the file is still there. */
  | { readonly kind: 'check' }
  | { readonly kind: 'close' };

/** A message of the worker. `ending`: its connection cannot be used any more, so the worker ends after this reply. */
export type Reply =
  | { readonly kind: 'opened'; readonly identity: string }
  /** The file was deleted or replaced: no further write succeeds. */
  | { readonly kind: 'gone'; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'written' | 'read'; readonly replies: readonly Replied[]; readonly ending: boolean };
export type Replied = { readonly result: Result } | { readonly failure: Failure };

/** Operations, packed. */
export interface Packed {
  readonly values: readonly unknown[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Packs operations; `bytes.buffer` is to be transferred. */
export function pack(writes: readonly Write[]): Packed {
  const values: unknown[] = [];
  const bodies: Uint8Array[] = [];
  for (const write of writes) {
    if (write.kind === 'append') packEntries(write.entries, write.nowMs, values, bodies);
    else if (write.kind === 'settle') packSettled(write.settled, write.nowMs, values);
    else values.push(write);
  }
  const bytes = new Uint8Array(bodies.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const body of bodies) {
    bytes.set(body, offset);
    offset += body.byteLength;
  }
  return { values, bytes };
}

function packEntries(entries: readonly Entry[], nowMs: number, values: unknown[], bodies: Uint8Array[]): void {
  values.push('append', nowMs, entries.length);
  for (const { event: e, deliveries } of entries) {
    values.push(e.id, e.key, e.source, e.type, e.subject, e.agent, e.party, e.trace ?? null, e.verified ?? null);
    values.push(whole(e.occurredAtMs), whole(e.receivedAtMs), e.body.byteLength);
    bodies.push(e.body);
    values.push(deliveries.length);
    for (const { route, destination, transforms, state, dueMs, gather = null } of deliveries)
      values.push(route, destination, transforms.length === 0 ? null : transforms, state, whole(dueMs), gather);
  }
}

function packSettled(settled: readonly Settled[], nowMs: number, values: unknown[]): void {
  values.push('settle', nowMs, settled.length);
  for (const { deliveryId, lease, settlement, attempt } of settled) {
    values.push(
      deliveryId,
      lease,
      settlement.state === 'delivered' ? null : withWholeTime(settlement),
      attempt !== null,
    );
    if (attempt === null) continue;
    values.push(whole(attempt.startedAtMs), attempt.durationMs, attempt.outcome, attempt.reason, attempt.response);
  }
}

function withWholeTime(settlement: Settlement): Settlement {
  return settlement.state === 'waiting' ? { ...settlement, untilMs: whole(settlement.untilMs) } : settlement;
}

/** Columns hold whole milliseconds; a computed time with a fraction would be refused on every retry. */
export function whole(ms: number): number {
  return Math.ceil(ms);
}

/** Unpacks operations. */
export function unpack({ values, bytes }: Packed): readonly Write[] {
  const reader = new Reader(values, bytes);
  const writes: Write[] = [];
  while (!reader.atEnd) {
    const first = reader.next<'append' | 'settle' | Write>();
    if (first === 'append') writes.push({ kind: first, nowMs: reader.next(), entries: reader.list(entryFrom) });
    else if (first === 'settle') writes.push({ kind: first, nowMs: reader.next(), settled: reader.list(settledFrom) });
    else writes.push(first);
  }
  return writes;
}

function entryFrom(reader: Reader): Entry {
  const event = {
    id: reader.next<string>(),
    key: reader.next<string>(),
    source: reader.next<string>(),
    type: reader.next<string>(),
    subject: reader.next<string | null>(),
    agent: reader.next<string | null>(),
    party: reader.next<string | null>(),
    trace: reader.next<string | null>(),
    verified: reader.next<string | null>(),
    occurredAtMs: reader.next<number>(),
    receivedAtMs: reader.next<number>(),
    body: reader.body(),
  };
  return { event, deliveries: reader.list(deliveryFrom) };
}

function deliveryFrom(reader: Reader): NewDelivery {
  const delivery = {
    route: reader.next<string>(),
    destination: reader.next<string>(),
    transforms: reader.next<readonly string[] | null>() ?? [],
    state: reader.next<NewDelivery['state']>(),
    dueMs: reader.next<number>(),
  };
  const gather = reader.next<Gather | null>();
  return gather === null ? delivery : { ...delivery, gather };
}

function settledFrom(reader: Reader): Settled {
  return {
    deliveryId: reader.next(),
    lease: reader.next(),
    settlement: reader.next<Settlement | null>() ?? { state: 'delivered' },
    attempt: reader.next<boolean>() ? attemptFrom(reader) : null,
  };
}

function attemptFrom(reader: Reader): Omit<Attempt, 'number'> {
  return {
    startedAtMs: reader.next(),
    durationMs: reader.next(),
    outcome: reader.next(),
    reason: reader.next(),
    response: reader.next(),
  };
}

class Reader {
  readonly #values: readonly unknown[];
  readonly #bytes: Uint8Array;
  #at = 0;
  #offset = 0;

  constructor(values: readonly unknown[], bytes: Uint8Array) {
    this.#values = values;
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#values.length;
  }

  /** The next value. Its type is what `pack` put there: both are in this file, in the same order. */
  next<T>(): T {
    return this.#values[this.#at++] as T;
  }

  list<T>(item: (reader: Reader) => T): T[] {
    return Array.from({ length: this.next<number>() }, () => item(this));
  }

  body(): Uint8Array {
    const start = this.#offset;
    this.#offset += this.next<number>();
    return this.#bytes.subarray(start, this.#offset);
  }
}
