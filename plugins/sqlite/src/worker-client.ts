/** The client of the store's thread: starts it, sends it requests, and detects its end. */
import { Worker } from 'node:worker_threads';
import type { Failure, Replied, Reply, Request, Settings } from './protocol.js';

interface Pending {
  resolve(replies: readonly Replied[]): void;
  reject(error: Error): void;
}

/** Threads run plain JavaScript: loaders of the router's process (tsx) would only slow their start. Node 22 warns that node:sqlite is experimental. */
export const execArgv = ['--disable-warning=ExperimentalWarning'];

export class WorkerClient {
  readonly #worker: Worker;
  readonly #path: string;
  /** In the order of their requests, which is the order of the replies. */
  readonly #pending = { written: [] as Pending[], read: [] as Pending[] };
  readonly #ended: Promise<void>;
  #identity = '';

  private constructor(worker: Worker, path: string) {
    this.#worker = worker;
    this.#path = path;
    this.#ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    void this.#ended.then(() => this.#rejectPending('its thread has ended'));
    worker.on('error', (error) => this.#rejectPending(`its thread failed: ${error.message}`));
  }

  /** Starts the thread for a file, which is not opened yet. Until then, the thread keeps no process from ending. */
  static start(path: string): WorkerClient {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv });
    worker.unref();
    return new WorkerClient(worker, path);
  }

  /** Called once. Resolves when the file is open and migrated; rejects with the reason why it is not, and the thread has ended then. */
  async open(settings: Settings, onGone: (error: Error) => void): Promise<this> {
    const worker = this.#worker;
    worker.ref();
    const reply = await new Promise<Reply>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      void this.#ended.then(() => reject(this.errorOf({ message: 'its thread has ended', code: 'STORE_ENDED' })));
      worker.postMessage(settings);
    });
    if (reply.kind === 'opened') return this.#listen(reply.identity, onGone);
    await this.end();
    throw this.errorOf('failure' in reply ? reply.failure : { message: 'no reply', code: 'FAILED' });
  }

  /** Ends a thread that has not opened its file. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Of the open file. */
  get identity(): string {
    return this.#identity;
  }

  /** Resolves when the thread has ended, for whatever reason. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Sends a batch of writes, or a read. */
  request(request: Extract<Request, { kind: 'write' | 'read' }>): Promise<readonly Replied[]> {
    return new Promise((resolve, reject) => {
      this.#pending[request.kind === 'write' ? 'written' : 'read'].push({ resolve, reject });
      this.#worker.postMessage(request, request.kind === 'write' ? [request.packed.bytes.buffer] : []);
    });
  }

  /** Lets the thread look whether the file is still there. */
  check(): void {
    this.#worker.postMessage({ kind: 'check' } satisfies Request);
  }

  async close(): Promise<void> {
    this.#worker.postMessage({ kind: 'close' } satisfies Request);
    await this.#ended;
  }

  /** A failure as an error that names the file. */
  errorOf({ message, code }: Failure): Error {
    return Object.assign(new Error(`${this.#path}: ${message}`), { code });
  }

  #listen(identity: string, onGone: (error: Error) => void): this {
    this.#identity = identity;
    this.#worker.on('message', (reply: Reply) => {
      if (reply.kind === 'gone') onGone(this.errorOf(reply.failure));
      if (reply.kind !== 'written' && reply.kind !== 'read') return;
      const pending = this.#pending[reply.kind].shift();
      // The caller may retry at once, which must use a new thread, not this one that is ending.
      if (reply.ending) void this.#ended.then(() => pending?.resolve(reply.replies));
      else pending?.resolve(reply.replies);
    });
    return this;
  }

  #rejectPending(message: string): void {
    const { written, read } = this.#pending;
    for (const { reject } of [...written.splice(0), ...read.splice(0)])
      reject(this.errorOf({ message, code: 'STORE_ENDED' }));
  }
}
