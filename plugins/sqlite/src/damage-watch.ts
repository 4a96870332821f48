/** Looks for damaged pages of the file: at the start, unless the file is made then, and again every minute while there are some. */
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { Clock, Log } from '@switchhook/sdk';
import { isDamage } from './failure.js';
import type { Failure } from './protocol.js';
import { execArgv } from './worker-client.js';

/** Between two looks: the file may be restored while the store is open. */
const againMs = 60_000;
/** Reading larger files takes seconds, during which their write-ahead log only grows. */
const mostBytes = 2 ** 30;

export class DamageWatch {
  readonly #path: string;
  readonly #services: { readonly clock: Clock; readonly log: Log };
  #isNew = false;
  #found: Failure | null = null;
  #look: { readonly ended: Promise<void>; readonly controller: AbortController } | null = null;
  #cancel = (): void => {};

  constructor(path: string, services: { readonly clock: Clock; readonly log: Log }) {
    this.#path = path;
    this.#services = services;
  }

  /** What is damaged, as far as it is known. The store goes on with what it can read and write. */
  get found(): Failure | null {
    return this.#found;
  }

  /** To be called before the file is opened: one that is made by that cannot be damaged yet. */
  async prepare(): Promise<void> {
    this.#isNew = await stat(this.#path).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
  }

  /** Begins to look, unless it does so already. Does not look at a file that has just been made. */
  look(): void {
    const isNew = this.#isNew;
    this.#isNew = false;
    this.#cancel();
    if (isNew || this.#look !== null) return;
    const controller = new AbortController();
    const ended = this.#looked(controller.signal).then(() => {
      this.#look = null;
      if (this.#found !== null && !controller.signal.aborted) this.#lookLater();
    });
    this.#look = { ended, controller };
  }

  /** An operation has failed: where damage is the reason, it is known from now on. */
  note(failure: Failure): void {
    if (!isDamage(failure) || this.#found !== null) return;
    this.#set(failure);
    this.#lookLater();
  }

  /** Resolves when it looks no more. */
  async close(): Promise<void> {
    this.#cancel();
    this.#look?.controller.abort();
    await this.#look?.ended;
  }

  #lookLater(): void {
    this.#cancel();
    this.#cancel = this.#services.clock.after(againMs, () => this.look());
  }

  /** Never rejects. */
  async #looked(signal: AbortSignal): Promise<void> {
    const { log } = this.#services;
    const path = this.#path;
    try {
      const { size } = await stat(path);
      if (size > mostBytes) log.warn('store.unchecked', { path, bytes: size });
      else this.#set(await damageOf(path, signal));
    } catch (error) {
      if (!signal.aborted) log.warn('store.unchecked', { path, error });
    }
  }

  #set(found: Failure | null): void {
    const { log } = this.#services;
    const before = this.#found;
    this.#found = found;
    if (found !== null && before === null) log.error('store.damaged', { path: this.#path, error: found.message });
    if (found === null && before !== null) log.info('store.undamaged', { path: this.#path });
  }
}

/** Searches a file in a thread of its own, a second for each 500 MB or so. Rejects where the signal has ended it. */
async function damageOf(path: string, signal: AbortSignal): Promise<Failure | null> {
  const worker = new Worker(new URL('./check-thread.js', import.meta.url), { workerData: path, execArgv });
  const end = (): void => void worker.terminate();
  signal.addEventListener('abort', end);
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', () => reject(new Error('the search was ended')));
    });
  } finally {
    signal.removeEventListener('abort', end);
    await worker.terminate();
  }
}
