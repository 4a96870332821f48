/** The store's own thread: runs each batch in one transaction, so that the router's thread never waits for the disk. */
import { parentPort } from 'node:worker_threads';
import { BacklogCounters } from './backlog-counters.js';
import { type OpenDatabase, openDatabase } from './database.js';
import { concernsAll, failureOf, isFatal, isUnchanged } from './failure.js';
import { type Failure, type Replied, type Reply, type Request, type Settings, unpack, type Write } from './protocol.js';
import { purge } from './purge.js';
import { Reads } from './reads.js';
import { backlogStatements, transactionStatements } from './sql.js';
import { Writes } from './writes.js';

/** Time between deliveries that may have ended the process: see `Store`. */
const suspectsApartMs = 2_000;
/** No suspect waits for longer, however many there are. */
const longestApartMs = 120_000;

class Worker {
  readonly #database: OpenDatabase;
  readonly #sql: ReturnType<typeof transactionStatements>;
  readonly #writes: Writes;
  readonly #reads: Reads;
  #gone: Failure | null = null;

  constructor(settings: Settings) {
    this.#database = openDatabase(settings);
    const { db } = this.#database;
    this.#sql = transactionStatements(db);
    if (settings.leasesEndMs !== null) endLeases(this.#database, settings.leasesEndMs);
    const counters = new BacklogCounters(db);
    this.#writes = new Writes(db, counters, settings.maxBytes !== null);
    this.#reads = new Reads(db, counters);
  }

  /** Runs all in one transaction. If one of them fails it, each gets a transaction of its own, so that only that one fails. */
  write(writes: readonly Write[]): readonly Replied[] {
    if (this.checkFile() !== null) return this.#goneFor(writes);
    const replies = this.#written(writes);
    // Deleted meanwhile: the commit may have gone to the file that is no more.
    return this.checkFile() === null ? replies : this.#goneFor(writes);
  }

  get identity(): string {
    return this.#database.identity;
  }

  /** Null while the file is where it was opened; otherwise saves what it has, and reports that once. */
  checkFile(): Failure | null {
    if (this.#gone === null && this.#database.isGone()) {
      this.#gone = this.#saved();
      send({ kind: 'gone', failure: this.#gone });
    }
    return this.#gone;
  }

  #saved(): Failure {
    const code = 'STORE_FILE_GONE';
    const what = 'the file or its write-ahead log was deleted or replaced while the router was running';
    try {
      return {
        code,
        message: `${what}; all its events are in ${this.#database.save()}: stop the router and put it back`,
      };
    } catch (error) {
      return { code, message: `${what}, and its events could not be saved: ${failureOf(error).message}` };
    }
  }

  #goneFor(writes: readonly Write[]): readonly Replied[] {
    return writes.map(() => ({ failure: this.#gone ?? { code: 'FAILED', message: 'the file is there' } }));
  }

  #written(writes: readonly Write[]): readonly Replied[] {
    try {
      return this.#inTransaction(writes);
    } catch (error) {
      if (writes.length === 1 || concernsAll(error)) return writes.map(() => ({ failure: failureOf(error) }));
      return writes.map((write) => this.#alone(write));
    }
  }

  read({ read }: Extract<Request, { kind: 'read' }>): Replied {
    try {
      return { result: read.kind === 'purge' ? purge(this.#database.db) : this.#reads.answer(read) };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  close(): void {
    this.#database.close();
  }

  #alone(write: Write): Replied {
    try {
      const [replied] = this.#inTransaction([write]);
      return replied ?? { failure: { code: 'FAILED', message: 'the operation returned no reply' } };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  #inTransaction(writes: readonly Write[]): readonly Replied[] {
    try {
      this.#sql.begin.run();
      const replies = writes.map((write) => this.#perform(write));
      this.#sql.commit.run();
      this.#writes.commit();
      return replies;
    } catch (error) {
      this.#database.db.rollback();
      this.#writes.rollback();
      throw error;
    }
  }

  #perform(write: Write): Replied {
    try {
      return { result: this.#writes.perform(write) };
    } catch (error) {
      if (!isUnchanged(error)) throw error;
      return { failure: failureOf(error) };
    }
  }
}

function endLeases({ db }: OpenDatabase, atMs: number): void {
  const { leftRunning, endLease } = backlogStatements(db);
  db.transact(() => {
    let suspects = 0;
    const left = leftRunning.all();
    const count = left.filter(({ unanswered }) => unanswered > 1).length;
    const apartMs = Math.min(suspectsApartMs, Math.floor(longestApartMs / Math.max(1, count)));
    for (const { id, unanswered } of left) {
      const isSuspect = unanswered > 1;
      const dueMs = isSuspect ? atMs + suspects * apartMs : atMs;
      if (isSuspect) suspects += 1;
      endLease.run(dueMs, id, dueMs);
    }
  });
}

const port = parentPort;
if (port === null) throw new Error('worker.js must run in a worker thread');
const send = (reply: Reply): void => port.postMessage(reply);

/** Sends the replies, and ends the thread if one of them is a failure after which the connection cannot be used. */
function reply(kind: 'written' | 'read', replies: readonly Replied[], worker: Worker): void {
  const ending = replies.some((replied) => 'failure' in replied && isFatal(replied.failure));
  send({ kind, replies, ending });
  if (ending) end(worker);
}

function end(worker: Worker): void {
  worker.close();
  port?.close();
}

// Another process may have the file until they come.
port.once('message', (settings: Settings) => {
  try {
    const worker = new Worker(settings);
    port.on('message', (request: Request) => {
      switch (request.kind) {
        case 'write':
          return reply('written', worker.write(unpack(request.packed)), worker);
        case 'read':
          return reply('read', [worker.read(request)], worker);
        case 'check':
          return void worker.checkFile();
        case 'close':
          return end(worker);
      }
    });
    send({ kind: 'opened', identity: worker.identity });
  } catch (error) {
    send({ kind: 'failed', failure: failureOf(error) });
  }
});
