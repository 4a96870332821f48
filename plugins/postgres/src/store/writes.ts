/** The operations that change the store: builds the parameters of their statements, and reads their rows. */
import {
  type Appended,
  type Claim,
  type ClaimedDelivery,
  type ClaimRequest,
  type Clock,
  deliveryId,
  type Entry,
  type NewDelivery,
  type RouterBeat,
  type Settled,
} from '@switchhook/sdk';
import { DatabaseFailure, diskFull, failureOf } from '../failure.js';
import { type Connection, type Database, inTransaction } from './database.js';
import { DueWindow } from './due-window.js';
import { gather, gatheredEvents, gatheringIn } from './gatherings.js';
import { LostAnswers } from './lost-answers.js';
import { digestOf, type EventRow, eventRecord, lineOf, maxDeliveries, partsOf, transformsOf, whole } from './rows.js';
import { claimsPerRouter } from './sql-leases.js';
import type { Statement } from './sql-schema.js';
import { firstOpen, type writeStatements } from './sql-writes.js';
import { appendValues, deliveryValues, settleValues } from './write-values.js';

/** See `Store`: between deliveries that may have ended the process. */
const suspectsApartMs = 2_000;
/** None waits for longer, however many there are. */
const longestApartMs = 120_000;

interface ClaimRow extends Omit<EventRow, 'seq'> {
  readonly idx: number;
  readonly route: string;
  readonly transforms: string | null;
  readonly attempts: number;
  readonly lease: number;
  readonly exhausted: boolean;
  /** Before it was taken. */
  readonly due_at: number;
  /** Null where it does not gather. */
  readonly gathering: string | null;
}

/** The event that has a key. */
interface Known {
  readonly id: string;
  readonly erased: boolean;
}

export class Writes {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof writeStatements>;
  readonly #clock: Clock;
  readonly #lost: LostAnswers;
  readonly #due: DueWindow;
  /** The number of what is handed over in memory; claims have the numbers after it. */
  readonly #handOver: number;
  #claims = 0;
  /** Whether the disk was full at the last commit. */
  #isFull = false;

  constructor(database: Database, sql: ReturnType<typeof writeStatements>, clock: Clock, routerNumber: number) {
    this.#database = database;
    this.#sql = sql;
    this.#clock = clock;
    this.#handOver = routerNumber * claimsPerRouter;
    this.#due = new DueWindow(clock);
    this.#lost = new LostAnswers(database, sql.leases, clock, this.#handOver);
  }

  /** One result per entry, in order. */
  async append(entries: readonly Entry[]): Promise<readonly Appended[]> {
    try {
      const appended = await this.#append(entries);
      this.#isFull = false;
      for (const { deliveries } of entries) this.#expectAll(deliveries);
      // What cannot be returned now is returned by a later commit.
      await this.returnLost().catch(() => null);
      return appended;
    } catch (error) {
      this.#isFull ||= failureOf(error).code === diskFull;
      const ids = entries.map(({ event }) => event.id);
      this.#lost.noteEvents(ids, error);
      throw error;
    }
  }

  #append(entries: readonly Entry[]): Promise<readonly Appended[]> {
    const digests = entries.map(({ event }) => digestOf(event.source, event.key));
    const values = appendValues(entries, digests, this.#clock.now(), this.#handOver);
    const gathering = gatheringIn(
      entries.map(({ event: { id, subject, body }, deliveries }) => ({
        event: { id, subject, bytes: body.length },
        deliveries,
      })),
    );
    const append = async (connection: Connection, isRepeated: boolean) => {
      if (entries.length === 0) await connection.run(this.#isFull ? this.#sql.proveSpace : this.#sql.prove);
      const added = entries.length === 0 ? [] : await connection.run<{ place: number }>(this.#sql.append, values);
      const places = new Set(added.map(({ place }) => place));
      const isAdded = ({ id }: { readonly id: string }) => added.some(({ place }) => entries[place]?.event.id === id);
      await gather(connection, this.#sql.gatherings, gathering.filter(isAdded), this.#clock.now());
      const known = places.size === entries.length ? new Map<string, Known>() : await this.#known(connection, digests);
      return entries.map(({ event }, place) => {
        if (places.has(place)) return { eventId: event.id, duplicate: false };
        const { id: eventId, erased } = known.get(digests[place] ?? '') ?? { id: event.id, erased: false };
        if (erased) return { eventId, duplicate: true, erased };
        // The first run was committed, although its answer was lost.
        return { eventId, duplicate: !(isRepeated && eventId === event.id) };
      });
    };
    if (gathering.length === 0) return this.#database.repeat(append);
    return this.#database.repeat((connection, isRepeated) =>
      inTransaction(connection, () => append(connection, isRepeated)),
    );
  }

  async #known(connection: Connection, digests: readonly string[]): Promise<ReadonlyMap<string, Known>> {
    const rows = await connection.run<Known & { readonly digest: string }>(this.#sql.known, [digests]);
    return new Map(rows.map(({ digest, ...known }) => [digest.replaceAll('-', ''), known]));
  }

  /** Returns what commits have taken whose answer was lost. */
  returnLost(): Promise<void> {
    return this.#lost.returnAll();
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    await this.returnLost();
    if (request.ordered) return this.#claimInOrder(request);
    const { destination, nowMs, limit } = request;
    const {
      claimedMs: _,
      isFull,
      ...taken
    } = await this.#due.claim(destination, nowMs, async (fromMs) => {
      const { lastDueMs, ...claim } = await this.#take(this.#sql.claim, request, [Math.floor(fromMs)]);
      const isFull = claim.deliveries.length + claim.exhausted.length === limit;
      return { ...claim, isFull, claimedMs: isFull && lastDueMs !== null ? lastDueMs : nowMs };
    });
    const nextDueMs = await this.#due.next(
      destination,
      { nowMs, isFull },
      async (fromMs, untilMs) =>
        (await this.#next(this.#sql.nextDue, request, [Math.floor(fromMs), Math.floor(untilMs)])).due_at,
    );
    return { ...taken, nextDueMs };
  }

  async #claimInOrder(request: ClaimRequest): Promise<Claim> {
    const { destination, limit, nowMs } = request;
    // Deliveries that wait behind others of their subject stay where they are: the oldest one is where the next claim begins.
    const { first, head } = await this.#due.claim(destination, nowMs, async (fromMs, untilMs) => {
      const range = [Math.floor(fromMs), Math.floor(untilMs)];
      const { lastDueMs: _, ...first } = await this.#take(this.#sql.claimHeads, request, range.slice(0, 1));
      const head = await this.#next(this.#sql.nextHead, request, range);
      // What is due after that was not looked for.
      const later = untilMs < Number.MAX_SAFE_INTEGER ? untilMs : null;
      return { first, head: { ...head, due_at: head.due_at ?? later }, claimedMs: head.oldest ?? nowMs };
    });
    const isFull = first.deliveries.length + first.exhausted.length === limit;
    if (head.scanned < firstOpen || isFull || (head.due_at !== null && head.due_at <= nowMs))
      return { ...first, nextDueMs: head.due_at };
    // What was taken already must be returned, so the rest has a claim of its own.
    if (first.deliveries.length > 0) return { ...first, nextDueMs: nowMs };
    const rest = await this.#take(this.#sql.claimHeadsBySubject, request);
    return {
      deliveries: rest.deliveries,
      exhausted: [...first.exhausted, ...rest.exhausted],
      nextDueMs: (await this.#next(this.#sql.nextHeadBySubject, request)).due_at,
    };
  }

  /** When the next delivery is due. Where that cannot be read, what was taken is delivered all the same: the next claim is due now. */
  async #next(statement: Statement, { destination, nowMs }: ClaimRequest, more: readonly number[] = []) {
    type Next = { readonly due_at: number | null; readonly scanned: number; readonly oldest?: number | null };
    const rows = await this.#database
      .run<Next>(statement, [destination, ...more])
      .catch((): readonly Next[] => [{ due_at: nowMs, scanned: 0, oldest: 0 }]);
    return rows[0] ?? { due_at: null, scanned: 0 };
  }

  async #take(statement: Statement, request: ClaimRequest, more: readonly number[] = []) {
    const { destination, nowMs, leaseUntilMs, limit, maxAttempts } = request;
    // After so many claims their numbers begin anew: a lost one is known by the time at which its lease ends, too.
    this.#claims = (this.#claims % (claimsPerRouter - 1)) + 1;
    const claim = { destination, leaseUntilMs: whole(leaseUntilMs), number: this.#handOver + this.#claims };
    const values = [destination, Math.floor(nowMs), claim.leaseUntilMs, limit, maxAttempts, claim.number, ...more];
    let isTaken = false;
    const take = async (connection: Connection) => {
      const rows = await connection.run<ClaimRow>(statement, values);
      isTaken = true;
      // A statement of its own: what was gathered until the claim had its lock may be newer than what the claim saw.
      const gatherings = rows.flatMap(({ gathering, exhausted }) => (gathering === null || exhausted ? [] : gathering));
      return { rows, events: await gatheredEvents(connection, this.#sql.gatherings, gatherings) };
    };
    const { rows, events } = await this.#database.use(take).catch((error: unknown) => {
      this.#lost.noteClaim(claim, error, isTaken);
      throw error;
    });
    return {
      deliveries: rows
        .filter(({ exhausted }) => !exhausted)
        .map((row) => ({ ...claimed(row, destination), ...events.get(row.gathering ?? '') })),
      exhausted: rows.filter(({ exhausted }) => exhausted).map(({ id, idx }) => deliveryId(id, idx)),
      lastDueMs: rows.at(-1)?.due_at ?? null,
    };
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    const values = settleValues(settled, this.#clock.now());
    await this.#database.repeat((connection) => connection.run(this.#sql.settle, values));
    for (const { settlement } of settled) if (settlement.state === 'waiting') this.#due.expect(settlement.untilMs);
  }

  /** A delivery that waits in the store is due at this time: claims find it, however late it was committed. */
  expect(dueMs: number, destination?: string): void {
    this.#due.expect(dueMs, destination);
  }

  #expectAll(deliveries: readonly NewDelivery[]): void {
    for (const { dueMs, destination } of deliveries) this.#due.expect(dueMs, destination);
  }

  async replay(ids: readonly string[], dueMs: number): Promise<readonly string[]> {
    const replayed = await this.#change(this.#sql.replay, ids, whole(dueMs));
    this.#due.expect(dueMs);
    return replayed;
  }

  discard(ids: readonly string[]): Promise<readonly string[]> {
    return this.#change(this.#sql.discard, ids, this.#clock.now());
  }

  async #change(statement: Statement, ids: readonly string[], atMs: number): Promise<readonly string[]> {
    const parts = ids.flatMap((id) => partsOf(id) ?? []);
    const values = [parts.map(({ eventId }) => eventId), parts.map(({ index }) => index), atMs];
    const rows = await this.#database.run<{ id: string; idx: number }>(statement, values);
    const changed = new Set(rows.map(({ id, idx }) => deliveryId(id, idx)));
    return [...new Set(ids)].filter((id) => changed.has(id));
  }

  async extend(eventId: string, deliveries: readonly NewDelivery[]): Promise<readonly string[]> {
    const nowMs = this.#clock.now();
    const extended = await this.#database.transaction(async (connection) => {
      type Found = {
        readonly seq: number;
        readonly subject: string | null;
        readonly routed: boolean;
        readonly bytes: number;
      };
      const [event] = await connection.run<Found>(this.#sql.lockEvent, [eventId]);
      if (event === undefined || deliveries.length === 0) return [];
      const [next] = await connection.run<{ idx: number }>(this.#sql.nextIndex, [event.seq]);
      const first = next?.idx ?? 0;
      refuseTooMany(eventId, first + deliveries.length);
      const indexes = deliveries.map((_, index) => first + index);
      await connection.run(this.#sql.extend, [
        ...[event.seq, lineOf(event.subject), nowMs, indexes],
        ...deliveryValues(deliveries),
        this.#handOver,
      ]);
      const gathering = gatheringIn([{ event: { ...event, id: eventId }, deliveries }], first);
      await gather(connection, this.#sql.gatherings, gathering, nowMs);
      if (!event.routed) await connection.run(this.#sql.markRouted, [event.seq]);
      return indexes.map((index) => deliveryId(eventId, index));
    });
    this.#expectAll(deliveries);
    return extended;
  }

  /** Ends all leases: no other router has the store open. */
  async endAllLeases(): Promise<void> {
    await this.#database.run(this.#sql.leases.endAll, [this.#clock.now(), suspectsApartMs, longestApartMs]);
  }

  /** Ends the leases of routers that are gone, and returns how many these were. */
  async endLeases(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<number> {
    const routers = [gone.map(({ id }) => id), gone.map(({ beat }) => beat)];
    const nowMs = this.#clock.now();
    const values = [nowMs, suspectsApartMs, longestApartMs, ...routers];
    const [row] = await this.#database.run<{ ended: number }>(this.#sql.leases.endOf, values);
    this.#due.expect(nowMs);
    return row?.ended ?? 0;
  }
}

/** Rejects before anything is sent. */
export function refuseTooMany(eventId: string, count: number): void {
  if (count > maxDeliveries)
    throw new DatabaseFailure('data', `event ${eventId} would have more than ${maxDeliveries} deliveries`);
}

function claimed(row: ClaimRow, destination: string): ClaimedDelivery {
  const { id, idx, route, attempts: attempt, lease } = row;
  const [transforms, event] = [transformsOf(row.transforms), eventRecord(row)];
  return { id: deliveryId(id, idx), route, destination, transforms, attempt, lease, event };
}
