/** The store as the router sees it: every call becomes an operation for the store's thread. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type Appended,
  type Attempt,
  type Backlog,
  type Claim,
  type ClaimRequest,
  type DeliveryQuery,
  type DeliveryRecord,
  type Entry,
  type EventQuery,
  type EventRecord,
  type NewDelivery,
  type Page,
  type PruneRequest,
  refuse,
  type Settled,
  type Store,
  type Tools,
} from '@switchhook/sdk';
import { Batches } from './group-commit.js';
import { probeFile } from './probe.js';
import {
  pack,
  type Read,
  type Replied,
  type Results,
  type Settings,
  type Stretch,
  type Write,
  whole,
} from './protocol.js';
import type { Place } from './sql.js';
import { Link } from './worker-client.js';

/** Operations in one transaction: more would make the first of them wait for the last. */
const batchLimit = 512;
/** Measured at 64 connections: with 16 to 32 the router's thread stands still for a fifth of the time, without for 30 %. */
const worthwhile = 24;
const operationBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, batchLimit];

export type FileSettings = Omit<Settings, 'leasesEndMs'>;

export class SqliteStore implements Store {
  readonly #settings: FileSettings;
  readonly #tools: Pick<Tools, 'clock' | 'log' | 'metrics'>;
  readonly #writes = new Batches<Write>(
    { limit: batchLimit, worthwhile },
    (writes) => this.#commit(writes),
    (replied) => this.#errorOf(replied),
  );
  readonly #reads = new Batches<Read>(
    { limit: 1, worthwhile: Number.POSITIVE_INFINITY },
    ([read]) => this.#ask(read),
    (replied) => this.#errorOf(replied),
  );
  #link: Promise<Link> | null = null;
  #isOpen = false;

  constructor(settings: FileSettings, tools: Pick<Tools, 'clock' | 'log' | 'metrics'>) {
    this.#settings = settings;
    this.#tools = tools;
  }

  async open(): Promise<void> {
    await mkdir(dirname(this.#settings.path), { recursive: true });
    // Nobody else has the file, so whoever held a lease is gone.
    await this.#start(this.#tools.clock.now());
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await Promise.all([this.#writes.idle(), this.#reads.idle()]);
    const link = await this.#link;
    this.#link = null;
    await link?.close();
  }

  async probe(): Promise<void> {
    await probeFile(this.#settings.path);
  }

  async append(entries: readonly Entry[]): Promise<readonly Appended[]> {
    const earlier = await this.#write({ kind: 'append', entries, nowMs: this.#now() });
    return entries.map(({ event }, index) => {
      const eventId = earlier[index] ?? event.id;
      return { eventId, duplicate: earlier[index] !== null };
    });
  }

  claim(request: ClaimRequest): Promise<Claim> {
    return this.#write({ kind: 'claim', request: { ...request, leaseUntilMs: whole(request.leaseUntilMs) } });
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    await this.#write({ kind: 'settle', settled, nowMs: this.#now() });
  }

  replay(ids: readonly string[], dueMs: number): Promise<readonly string[]> {
    return this.#write({ kind: 'replay', ids, dueMs: whole(dueMs) });
  }

  extend(eventId: string, deliveries: readonly NewDelivery[]): Promise<readonly string[]> {
    const due = deliveries.map((delivery) => ({ ...delivery, dueMs: whole(delivery.dueMs) }));
    return this.#write({ kind: 'extend', eventId, deliveries: due, nowMs: this.#now() });
  }

  discard(ids: readonly string[]): Promise<readonly string[]> {
    return this.#write({ kind: 'discard', ids, nowMs: this.#now() });
  }

  /** Goes on through what has to be kept until something is found to remove: each step is a transaction of its own. */
  async prune(request: PruneRequest): Promise<number> {
    for (;;) {
      const { removed, more } = await this.#write({ kind: 'prune', request });
      if (removed > 0 || !more) return removed;
    }
  }

  event(id: string): Promise<EventRecord | null> {
    return this.#read({ kind: 'event', id });
  }

  events(query: EventQuery): Promise<Page<EventRecord>> {
    return pageOf(query, (start, limit) => this.#read({ kind: 'events', query: { ...query, limit }, start }));
  }

  delivery(id: string): Promise<DeliveryRecord | null> {
    return this.#read({ kind: 'delivery', id });
  }

  deliveries(query: DeliveryQuery): Promise<Page<DeliveryRecord>> {
    return pageOf(query, (start, limit) => this.#read({ kind: 'deliveries', query: { ...query, limit }, start }));
  }

  attempts(id: string): Promise<readonly Attempt[]> {
    return this.#read({ kind: 'attempts', id });
  }

  backlog(): Promise<readonly Backlog[]> {
    return this.#read({ kind: 'backlog' });
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
    const { clock, metrics } = this.#tools;
    const link = await this.#start(null);
    const startedAt = clock.elapsed();
    const replies = await link.request({ kind: 'write', packed: pack(writes) });
    metrics.observe('store_commit_seconds', 'Duration of commits', (clock.elapsed() - startedAt) / 1_000);
    metrics.observe('store_commit_operations', 'Operations in a commit', writes.length, {}, operationBuckets);
    return replies;
  }

  async #ask(read: Read | undefined): Promise<readonly Replied[]> {
    if (read === undefined) return [];
    const link = await this.#start(null);
    return link.request({ kind: 'read', read });
  }

  /** The thread; a new one where there is none, or where it has ended. */
  #start(leasesEndMs: number | null): Promise<Link> {
    this.#link ??= this.#openLink(leasesEndMs);
    return this.#link;
  }

  async #openLink(leasesEndMs: number | null): Promise<Link> {
    try {
      const link = await Link.open({ ...this.#settings, leasesEndMs });
      void link.ended.then(() => this.#onEnd());
      return link;
    } catch (error) {
      this.#link = null;
      throw error;
    }
  }

  #onEnd(): void {
    if (this.#link === null) return;
    this.#link = null;
    this.#tools.log.warn('store.thread-ended', { path: this.#settings.path });
  }

  #errorOf(replied: Replied | undefined): Error {
    const failure =
      replied !== undefined && 'failure' in replied ? replied.failure : { message: 'no reply', code: 'FAILED' };
    return Object.assign(new Error(`${this.#settings.path}: ${failure.message}`), { code: failure.code });
  }

  #now(): number {
    return this.#tools.clock.now();
  }

  #refuseUnlessOpen(): void {
    if (!this.#isOpen) throw this.#errorOf({ failure: { message: 'the store is not open', code: 'STORE_CLOSED' } });
  }
}

/** Fills a page from stretches of the list. */
async function pageOf<T>(
  query: { readonly limit: number; readonly untilMs?: number; readonly cursor?: string },
  read: (start: Place, limit: number) => Promise<Stretch<T>>,
): Promise<Page<T>> {
  const items: T[] = [];
  let next: Place | null = startOf(query);
  while (next !== null && items.length < query.limit) {
    const stretch: Stretch<T> = await read(next, query.limit - items.length);
    items.push(...stretch.items);
    next = stretch.next;
  }
  return { items, cursor: next === null ? null : `${next.atMs}_${next.order}` };
}

function startOf({ untilMs, cursor }: { readonly untilMs?: number; readonly cursor?: string }): Place {
  const until = { atMs: untilMs ?? Number.MAX_SAFE_INTEGER, order: -1 };
  if (cursor === undefined) return until;
  const [atMs, order] = cursor.split('_').map(Number);
  if (!Number.isSafeInteger(atMs) || !Number.isSafeInteger(order) || atMs === undefined || order === undefined)
    throw refuse('MALFORMED', 'the cursor is not one of this list');
  return atMs < until.atMs ? { atMs, order } : until;
}
