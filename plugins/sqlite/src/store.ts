/** The store of the contract: each call becomes an operation for the store's thread. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type {
  Appended,
  Attempt,
  Backlog,
  Changes,
  Claim,
  ClaimRequest,
  Clock,
  DeadGroup,
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
  StoreSize,
} from '@switchhook/sdk';
import { changesPlaceOf, pageOf, segmentPage } from './cursors.js';
import { DamageWatch } from './damage-watch.js';
import { GroupCommit } from './group-commit.js';
import { probeFile, sizeOf } from './probe.js';
import { pack, type Read, type Replied, type Results, type Settings, type Write, whole } from './protocol.js';
import { purgeRepeatedly } from './purge.js';
import { snapshotOf } from './snapshot.js';
import { checkSqlite } from './sql-connection.js';
import { WorkerClient } from './worker-client.js';

/** Most operations in one transaction: with more, the first would wait too long for the last. */
const batchLimit = 512;
/** Measured at 64 connections: with 16 to 32 the router's thread stands still for a fifth of the time, without for 30 %. */
const earlyBatch = 24;
const operationBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, batchLimit];

/** Between two looks whether the file is still there. */
const betweenChecksMs = 500;
export type FileSettings = Omit<Settings, 'leasesEndMs' | 'identity'>;

interface StoreServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class SqliteStore implements Store {
  readonly #settings: FileSettings;
  readonly #services: StoreServices;
  readonly #writes = new GroupCommit<Write>(
    { limit: batchLimit, earlyBatch },
    (writes) => this.#commit(writes),
    (replied) => this.#errorOf(replied),
  );
  readonly #reads = new GroupCommit<Read>(
    { limit: 1, earlyBatch: Number.POSITIVE_INFINITY },
    ([read]) => this.#ask(read),
    (replied) => this.#errorOf(replied),
  );
  #client: Promise<WorkerClient> | null = null;
  /** A thread that has not opened the file yet. */
  #prepared: WorkerClient | null = null;
  /** Of the file, from its first opening on: another one at its place is not written. */
  #identity: string | null = null;
  #isOpen = false;
  readonly eventConditions = ['state', 'ids'] as const;
  #cancelCheck = (): void => {};
  readonly #damage: DamageWatch;

  constructor(settings: FileSettings, services: StoreServices) {
    this.#settings = settings;
    this.#services = services;
    this.#damage = new DamageWatch(settings.path, services);
  }

  async prepare(): Promise<void> {
    this.#prepared = WorkerClient.start(this.#settings.path);
  }

  async open(): Promise<void> {
    await Promise.all([mkdir(dirname(this.#settings.path), { recursive: true }), this.#damage.prepare()]);
    // This process holds the lock, so the owners of earlier leases have ended.
    await this.#start(this.#services.clock.now());
    this.#isOpen = true;
    this.#checkLater();
    this.#damage.look();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#cancelCheck();
    await Promise.all([this.#damage.close(), this.#writes.idle(), this.#reads.idle()]);
    await this.#endThread();
    this.#identity = null;
  }

  async probe(): Promise<void> {
    checkSqlite();
    await probeFile(this.#settings.path);
  }

  async append(entries: readonly Entry[]): Promise<readonly Appended[]> {
    const earlier = await this.#write({ kind: 'append', entries, nowMs: this.#now() });
    if (entries.length === 0 && this.#damage.found !== null) throw this.#errorOf({ failure: this.#damage.found });
    return entries.map(({ event }, index) => {
      const known = earlier[index] ?? null;
      return known === null ? { eventId: event.id, duplicate: false } : { ...known, duplicate: true };
    });
  }

  claim(request: ClaimRequest): Promise<Claim> {
    return this.#write({ kind: 'claim', request: { ...request, leaseUntilMs: whole(request.leaseUntilMs) } });
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    await this.#write({ kind: 'settle', settled, nowMs: this.#now() });
  }

  readonly replay = (ids: readonly string[], dueMs: number) =>
    this.#write({ kind: 'replay', ids, dueMs: whole(dueMs) });

  extend(eventId: string, deliveries: readonly NewDelivery[]): Promise<readonly string[]> {
    const due = deliveries.map((delivery) => ({ ...delivery, dueMs: whole(delivery.dueMs) }));
    return this.#write({ kind: 'extend', eventId, deliveries: due, nowMs: this.#now() });
  }

  readonly discard = (ids: readonly string[]) => this.#write({ kind: 'discard', ids, nowMs: this.#now() });

  /** Skips events that must be kept until it finds some to remove. Each step is a transaction of its own. */
  async prune(request: PruneRequest): Promise<number> {
    for (;;) {
      const { removed, more } = await this.#write({ kind: 'prune', request, nowMs: this.#now() });
      if (removed > 0 || !more) return removed;
    }
  }

  erase({ eventIds, keysUntilMs }: EraseRequest): Promise<readonly string[]> {
    return this.#write({ kind: 'erase', request: { eventIds, keysUntilMs: whole(keysUntilMs) } });
  }

  purge(): Promise<string | null> {
    return purgeRepeatedly(() => this.#read({ kind: 'purge' }), this.#services.clock);
  }

  async restore(events: readonly StoredEvent[], others: StoredOthers = {}): Promise<void> {
    await this.#write({ kind: 'restore', events, others });
  }

  /** The thread ends afterwards: what it holds in memory is of the events that are gone. */
  async clear(keep: StoredOthers = {}): Promise<void> {
    await this.#write({ kind: 'clear', keep });
    await this.#endThread();
  }

  readonly snapshot = () => snapshotOf({ path: this.#settings.path, nowMs: this.#now() });

  readonly event = (id: string): Promise<EventRecord | null> => this.#read({ kind: 'event', id });

  events(query: EventQuery): Promise<Page<EventRecord>> {
    return pageOf(query, (start, limit) => this.#read({ kind: 'events', query: { ...query, limit }, start }));
  }

  readonly delivery = (id: string): Promise<DeliveryRecord | null> => this.#read({ kind: 'delivery', id });

  deliveries(query: DeliveryQuery): Promise<Page<DeliveryRecord>> {
    return pageOf(query, (start, limit) => this.#read({ kind: 'deliveries', query: { ...query, limit }, start }));
  }

  readonly deadGroups = (query: DeadGroupQuery): Promise<Page<DeadGroup>> =>
    segmentPage(query, (start) => this.#read({ kind: 'deadGroups', query, start }));

  readonly attempts = (id: string): Promise<readonly Attempt[]> => this.#read({ kind: 'attempts', id });

  readonly backlog = (): Promise<readonly Backlog[]> => this.#read({ kind: 'backlog' });

  async changes(after: string | null, limit: number, counted = 0): Promise<Changes> {
    const { place, ...part } = await this.#read({ kind: 'changes', after: changesPlaceOf(after), limit, counted });
    return { ...part, cursor: `${place.seq}_${place.change}` };
  }

  /** Of the database and its write-ahead log. */
  readonly size = (): Promise<StoreSize> => sizeOf(this.#settings.path);

  readonly state = (key: string) => this.#read({ kind: 'state', key, nowMs: this.#now() });

  readonly stateKeys = (prefix: string, limit: number) =>
    this.#read({ kind: 'stateKeys', prefix, limit, nowMs: this.#now() });

  setState(
    key: string,
    value: string | null,
    expected: string | null,
    expiresAtMs: number | null = null,
  ): Promise<boolean> {
    const end = expiresAtMs === null ? null : whole(expiresAtMs);
    return this.#write({ kind: 'setState', key, value, expected, expiresAtMs: end, nowMs: this.#now() });
  }

  // The worker replies to each kind of operation with its own kind of result: writes.ts and reads.ts are checked against `Results`.
  async #write<K extends Write['kind']>(write: Extract<Write, { kind: K }>): Promise<Results[K]> {
    this.#refuseUnlessOpen();
    return (await this.#writes.add(write)) as Results[K];
  }

  async #read<K extends Read['kind']>(read: Extract<Read, { kind: K }>): Promise<Results[K]> {
    this.#refuseUnlessOpen();
    return (await this.#reads.add(read)) as Results[K];
  }

  async #commit(writes: readonly Write[]): Promise<readonly Replied[]> {
    const { clock, metrics } = this.#services;
    const client = await this.#start(null);
    const startedAt = clock.elapsed();
    const replies = await client.request({ kind: 'write', packed: pack(writes) });
    metrics.observe('store_commit_seconds', 'Duration of commits', (clock.elapsed() - startedAt) / 1_000);
    metrics.observe('store_commit_operations', 'Operations in a commit', writes.length, {}, operationBuckets);
    return replies;
  }

  async #ask(read: Read | undefined): Promise<readonly Replied[]> {
    if (read === undefined) return [];
    const client = await this.#start(null);
    const replies = await client.request({ kind: 'read', read });
    for (const replied of replies)
      if ('failure' in replied)
        this.#services.metrics.count('store_read_failures_total', 'Reads of the store that failed');
    return replies;
  }

  /** The running thread, or a new one when there is none or it has ended. */
  #start(leasesEndMs: number | null): Promise<WorkerClient> {
    this.#client ??= this.#openClient(leasesEndMs);
    return this.#client;
  }

  async #openClient(leasesEndMs: number | null): Promise<WorkerClient> {
    try {
      const settings = { ...this.#settings, leasesEndMs, identity: this.#identity };
      const thread = this.#prepared ?? WorkerClient.start(settings.path);
      this.#prepared = null;
      const client = await thread.open(settings, (error) =>
        this.#services.log.error('store.file-gone', { path: this.#settings.path, error }),
      );
      this.#identity = client.identity;
      void client.ended.then(() => {
        if (this.#client === null) return;
        this.#client = null;
        this.#services.log.warn('store.thread-ended', { path: this.#settings.path });
      });
      return client;
    } catch (error) {
      this.#client = null;
      throw error;
    }
  }

  async #endThread(): Promise<void> {
    const client = await this.#client;
    this.#client = null;
    await client?.close();
    await this.#prepared?.end();
    this.#prepared = null;
  }

  /** Also while nothing is written. */
  #checkLater(): void {
    this.#cancelCheck = this.#services.clock.after(betweenChecksMs, () => {
      void this.#client?.then(
        (client) => client.check(),
        () => {},
      );
      this.#checkLater();
    });
  }

  #errorOf(replied: Replied | undefined): Error {
    const noReply = { message: 'no reply', code: 'FAILED' };
    const failure = replied !== undefined && 'failure' in replied ? replied.failure : noReply;
    this.#damage.note(failure);
    return Object.assign(new Error(`${this.#settings.path}: ${failure.message}`), { code: failure.code });
  }

  #now(): number {
    return this.#services.clock.now();
  }

  #refuseUnlessOpen(): void {
    if (!this.#isOpen) throw this.#errorOf({ failure: { message: 'the store is not open', code: 'STORE_CLOSED' } });
  }
}
