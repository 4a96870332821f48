/** The store of the contract: groups what arrives together, and sends each group as one transaction. */
import type {
  Appended,
  Changes,
  ClaimRequest,
  Clock,
  DeadGroupQuery,
  DeliveryQuery,
  DeliveryRecord,
  Entry,
  EraseRequest,
  EventQuery,
  EventRecord,
  Log,
  Metrics,
  NewDelivery,
  Page,
  PruneRequest,
  Settled,
  Store,
  StoredEvent,
  StoredOthers,
} from '@switchhook/sdk';
import { failureOf } from '../failure.js';
import { inSlot, Slots } from '../semaphore.js';
import { Database } from './database.js';
import { Days } from './days.js';
import { GroupCommit } from './group-commit.js';
import { Reads } from './reads.js';
import { Removals } from './removals.js';
import { clear, restore } from './restore.js';
import { Routers, type RoutersSettings } from './routers.js';
import { isEventId } from './rows.js';
import { checkServer, install, probe } from './schema.js';
import { Session } from './session.js';
import { snapshotOf } from './snapshot.js';
import { readStatements } from './sql-reads.js';
import { removalStatements } from './sql-removals.js';
import { schemaStatements } from './sql-schema.js';
import { stateStatements, writeStatements } from './sql-writes.js';
import { State } from './state.js';
import { usersOf } from './users.js';
import { refuseTooMany, Writes } from './writes.js';

export interface PostgresSettings extends RoutersSettings {
  /** Whether a connection waits for notifications. */
  readonly listen: boolean;
}

interface StoreServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Events or settlements in one transaction. */
const groupSize = 64;
const groupsRunning = 2;
const operationBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** The parts of an open store. */
interface Open {
  readonly database: Database;
  readonly writes: Writes;
  readonly removals: Removals;
  readonly reads: Reads;
  readonly state: State;
  readonly days: Days;
  readonly session: Session;
}

export class PostgresStore implements Store {
  readonly #settings: PostgresSettings;
  readonly #services: StoreServices;
  readonly #sql: ReturnType<typeof schemaStatements>;
  readonly #readSlots: Slots;
  readonly #workSlots: Slots;
  readonly #appends = new GroupCommit<readonly Entry[], readonly Appended[]>(
    { size: groupSize, running: groupsRunning },
    (calls) => this.#append(calls),
    isData,
  );
  readonly #settlements = new GroupCommit<readonly Settled[], void>(
    { size: groupSize, running: groupsRunning },
    (calls) => this.#settle(calls),
    isData,
  );
  /** What the routers of the schema exchange. */
  readonly coordination: Routers;
  readonly eventConditions = ['state', 'ids'] as const;
  #open: Open | null = null;

  constructor(settings: PostgresSettings, services: StoreServices) {
    this.#settings = settings;
    this.#services = services;
    this.#sql = schemaStatements(settings.schema);
    this.coordination = new Routers(settings, services);
    // Neither lists and counts nor the claims of many destinations ever use up the connections of commits.
    const share = (part: number) => new Slots(Math.max(1, Math.floor(settings.connections * part)), services.clock);
    this.#readSlots = share(1 / 4);
    this.#workSlots = share(1 / 4);
  }

  async open(): Promise<void> {
    const { schema } = this.#settings;
    const { clock, log } = this.#services;
    const database = new Database(this.#settings, this.#services);
    const session = new Session(this.#settings, database, this.#services);
    try {
      await install(database, this.#sql, schema);
      if (!(await checkServer(database, this.#sql)))
        log.warn('store.not-durable', { fix: 'set fsync and synchronous_commit to on' });
      const days = new Days(database, this.#sql, schema, this.#services);
      await days.begin();
      const [router] = await database.run<{ number: number }>(this.#sql.routerNumber);
      const number = router?.number ?? 0;
      const writes = new Writes(database, writeStatements(schema), clock, number);
      this.coordination.open(number, () => session.listens);
      await session.open(async () => {
        await writes.endAllLeases();
        await this.coordination.clear();
      });
      const reads = new Reads(database, readStatements(schema), clock);
      const state = new State(database, stateStatements(schema), clock);
      const removals = new Removals(database, removalStatements(schema), days, clock);
      this.#open = { database, writes, removals, reads, state, days, session };
    } catch (error) {
      await Promise.all([session.close(), this.coordination.close()]);
      await database.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#appends.idle(), this.#settlements.idle()]);
    const open = this.#open;
    this.#open = null;
    await Promise.all([open?.session.close(), this.coordination.close()]);
    await open?.database.close();
  }

  /** Rejects when a router could not use the database. */
  async probe(): Promise<void> {
    const database = new Database({ ...this.#settings, connections: 1 }, this.#services);
    try {
      await probe(database, this.#sql, this.#settings.schema);
    } finally {
      await database.close();
    }
  }

  async append(entries: readonly Entry[]): Promise<readonly Appended[]> {
    const { days, session } = this.#opened;
    for (const { event, deliveries } of entries) refuseTooMany(event.id, deliveries.length);
    await days.follow();
    const appended = await this.#appends.add(entries, Math.max(1, entries.length));
    if (entries.some(({ deliveries }) => deliveries.some(isWaiting))) session.announce();
    return appended;
  }

  readonly claim = (request: ClaimRequest) => this.#do(({ writes }) => writes.claim(request));

  async settle(settled: readonly Settled[]): Promise<void> {
    const { session } = this.#opened;
    await this.#settlements.add(settled, settled.length);
    if (settled.some(({ settlement }) => isWaiting(settlement))) session.announce();
  }

  replay(ids: readonly string[], dueMs: number): Promise<readonly string[]> {
    return this.#do(({ writes }) => writes.replay(ids, dueMs));
  }

  extend(eventId: string, deliveries: readonly NewDelivery[]): Promise<readonly string[]> {
    return this.#do(async ({ writes, session }) => {
      const ids = isEventId(eventId) ? await writes.extend(eventId, deliveries) : [];
      if (deliveries.some(isWaiting)) session.announce();
      return ids;
    });
  }

  readonly discard = (ids: readonly string[]) => this.#do(({ writes }) => writes.discard(ids));

  prune(request: PruneRequest): Promise<number> {
    return this.#do(async ({ state, removals }) => {
      if (request.remove === 'bodies') return removals.pruneBodies(request);
      return (await state.removeEnded(request.limit)) + (await removals.prune(request));
    });
  }

  endLeases(gone: Parameters<Writes['endLeases']>[0]): Promise<number> {
    return this.#do(async ({ writes, session }) => {
      const ended = await writes.endLeases(gone);
      if (ended > 0) session.announce();
      return ended;
    });
  }

  readonly erase = (request: EraseRequest) => this.#do(({ removals }) => removals.erase(request));

  async purge(): Promise<string> {
    return 'the rows are deleted; the files of the PostgreSQL server contain them until it has vacuumed the tables and reused the space, and its write-ahead log, its replicas and its backups for as long as they are kept';
  }

  readonly event = (id: string) => this.#read(({ reads }) => reads.event(id));

  readonly events = (query: EventQuery): Promise<Page<EventRecord>> => this.#read(({ reads }) => reads.events(query));

  readonly delivery = (id: string) => this.#read(({ reads }) => reads.delivery(id));

  readonly deliveries = (query: DeliveryQuery): Promise<Page<DeliveryRecord>> =>
    this.#read(({ reads }) => reads.deliveries(query));

  readonly deadGroups = (query: DeadGroupQuery) => this.#read(({ reads }) => reads.deadGroups(query));

  readonly attempts = (id: string) => this.#read(({ reads }) => reads.attempts(id));

  readonly size = () => this.#read(({ reads }) => reads.size());

  readonly backlog = () => this.#read(({ reads }) => reads.backlog());

  readonly changes = (after: string | null, limit: number, counted = 0): Promise<Changes> =>
    this.#read(({ reads }) => reads.changes(after, limit, counted));

  state(key: string): Promise<string | null> {
    return this.#read(({ state }) => state.get(key));
  }

  stateKeys(prefix: string, limit: number): Promise<readonly string[]> {
    return this.#read(({ state }) => state.keys(prefix, limit));
  }

  setState(...change: Parameters<State['set']>): Promise<boolean> {
    return this.#do(({ state }) => state.set(...change));
  }

  restore(events: readonly StoredEvent[], others: StoredOthers = {}): Promise<void> {
    const { schema } = this.#settings;
    return this.#do(({ database, days }) => restore({ database, days, schema }, events, others));
  }

  readonly clear = (keep?: StoredOthers) => this.#do(({ database }) => clear(database, this.#settings.schema, keep));

  readonly users = () => usersOf(this.#settings, this.#sql, this.#services, this.#open?.session.processId ?? 0);

  readonly snapshot = () => snapshotOf(this.#settings, this.#sql, this.#services);

  onDue(wake: (destination: string) => void): () => void {
    const { session, writes } = this.#opened;
    return session.onDue((destination, dueMs) => {
      writes.expect(dueMs, destination);
      wake(destination);
    });
  }

  get #opened(): Open {
    if (this.#open === null) throw Object.assign(new Error('the store is not open'), { code: 'STORE_CLOSED' });
    return this.#open;
  }

  async #append(calls: readonly (readonly Entry[])[]): Promise<readonly (readonly Appended[])[]> {
    const { days, writes } = this.#opened;
    const appended = await this.#measured(calls.length, () => days.holding(() => writes.append(calls.flat())));
    let start = 0;
    return calls.map(({ length }) => {
      start += length;
      return appended.slice(start - length, start);
    });
  }

  async #settle(calls: readonly (readonly Settled[])[]): Promise<readonly undefined[]> {
    await this.#measured(calls.length, () => this.#opened.writes.settle(calls.flat()));
    return calls.map(() => undefined);
  }

  async #measured<T>(operations: number, commit: () => Promise<T>): Promise<T> {
    const { clock, metrics } = this.#services;
    const startedMs = clock.elapsed();
    const value = await commit();
    metrics.observe('store_commit_seconds', 'Duration of commits', (clock.elapsed() - startedMs) / 1_000);
    metrics.observe('store_commit_operations', 'Operations in a commit', operations, {}, operationBuckets);
    return value;
  }

  #do<T>(work: (open: Open) => Promise<T>): Promise<T> {
    return inSlot(this.#workSlots, () => work(this.#opened));
  }

  #read<T>(work: (open: Open) => Promise<T>): Promise<T> {
    return inSlot(this.#readSlots, () => work(this.#opened));
  }
}

function isWaiting({ state }: { readonly state: string }): boolean {
  return state === 'waiting';
}

/** Whether the server refused the values of one of the operations: the others can be committed without it. */
function isData(error: unknown): boolean {
  return failureOf(error).kind === 'data';
}
