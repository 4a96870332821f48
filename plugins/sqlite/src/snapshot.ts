/** A snapshot of a file, read by a thread of its own over a connection of its own: neither intake nor a router's reads wait for it. */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Page, Snapshot, SnapshotCounts, StoredEvent, StoredKey, StoredText } from '@switchhook/sdk';
import type { Failure } from './protocol.js';
import { checkSqlite } from './sql-connection.js';
import type { ContentRow } from './sql-snapshot.js';
import { execArgv } from './worker-client.js';

/** What the thread is given. */
export interface SnapshotStart {
  readonly path: string;
  readonly nowMs: number;
}

export type SnapshotRequest =
  | { readonly kind: 'events' | 'texts' | 'keys'; readonly after: string | null; readonly limit: number }
  | { readonly kind: 'close' };

/** The first reply is a `ContentRow`, the others are in the order of the requests. */
export type SnapshotReply = { readonly result: unknown } | { readonly failure: Failure };

const endedReply: SnapshotReply = { failure: { code: 'STORE_ENDED', message: 'the thread has ended' } };

/** Rejects where the file is missing, or is not of this version. */
export async function snapshotOf(start: SnapshotStart): Promise<Snapshot> {
  checkSqlite();
  if (!existsSync(start.path)) throw failed(start.path, { code: 'SQLITE_CANTOPEN', message: 'there is no such file' });
  const thread = new SnapshotThread(start);
  try {
    // The thread's first message has what `SnapshotReads.content` is.
    const { oldestMs, newestMs, ...counts } = (await thread.reply()) as ContentRow;
    return new FileSnapshot(thread, counts, oldestMs, newestMs);
  } catch (error) {
    await thread.close();
    throw error;
  }
}

class FileSnapshot implements Snapshot {
  constructor(
    private readonly thread: SnapshotThread,
    readonly counts: SnapshotCounts,
    readonly oldestMs: number | null,
    readonly newestMs: number | null,
  ) {}

  // The thread answers with what `SnapshotReads` returns.
  async events(after: string | null, limit: number): Promise<Page<StoredEvent>> {
    return (await this.thread.ask({ kind: 'events', after, limit })) as Page<StoredEvent>;
  }

  async texts(after: string | null, limit: number): Promise<Page<StoredText>> {
    return (await this.thread.ask({ kind: 'texts', after, limit })) as Page<StoredText>;
  }

  /** Of erased events: other keys are removed with their events. */
  async keys(after: string | null, limit: number): Promise<Page<StoredKey>> {
    return (await this.thread.ask({ kind: 'keys', after, limit })) as Page<StoredKey>;
  }

  close(): Promise<void> {
    return this.thread.close();
  }
}

class SnapshotThread {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #ended: Promise<void>;
  #hasEnded = false;
  /** Takes the next reply. A race with the thread's end instead would hold all pages until then (measured: 1.1 GB for 200,000 events). */
  #pending: ((reply: SnapshotReply) => void) | null = null;

  constructor(start: SnapshotStart) {
    this.#path = start.path;
    this.#worker = new Worker(new URL('./snapshot-thread.js', import.meta.url), { workerData: start, execArgv });
    this.#worker.on('message', (reply: SnapshotReply) => this.#settle(reply));
    this.#worker.on('error', ({ message }) => this.#settle({ failure: { code: 'STORE_ENDED', message } }));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#hasEnded = true;
        this.#settle(endedReply);
        resolve();
      });
    });
  }

  ask(request: SnapshotRequest): Promise<unknown> {
    const reply = this.reply();
    this.#worker.postMessage(request);
    return reply;
  }

  /** The next reply. */
  async reply(): Promise<unknown> {
    const reply = await new Promise<SnapshotReply>((resolve) => {
      this.#pending = resolve;
      if (this.#hasEnded) this.#settle(endedReply);
    });
    if ('failure' in reply) throw failed(this.#path, reply.failure);
    return reply.result;
  }

  #settle(reply: SnapshotReply): void {
    this.#pending?.(reply);
    this.#pending = null;
  }

  async close(): Promise<void> {
    this.#worker.postMessage({ kind: 'close' } satisfies SnapshotRequest);
    await this.#ended;
  }
}

function failed(path: string, { code, message }: Failure): Error {
  return Object.assign(new Error(`${path}: ${message}`), { code });
}
