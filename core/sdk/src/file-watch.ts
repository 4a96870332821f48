/**
 * Notices that a file has become another one: written anew, replaced by a rename, or behind a link that was turned.
 * It looks again and again, because notifications of the system miss links, network drives and some containers.
 */
import { stat } from 'node:fs/promises';
import type { Clock } from './contract/services.js';
import { notReady } from './errors/typed-errors.js';

const usualMs = 1_000;

/** Calls back when the file is another one, and was the same in two looks, one second apart by default. `open` begins, `close` ends. */
export class FileWatch {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #everyMs: number;
  /** Marks of the version in use, and of the one seen last. */
  #current = '';
  #seen = '';
  #isOpen = false;
  #cancel = (): void => {};

  constructor(file: string, clock: Clock, changed: () => void, everyMs = usualMs) {
    this.#file = file;
    this.#clock = clock;
    this.#changed = changed;
    this.#everyMs = everyMs;
  }

  /** Takes the file as it is now for the version in use. Once is enough. */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#current = await markOf(this.#file);
    this.#lookLater();
  }

  close(): void {
    this.#isOpen = false;
    this.#cancel();
  }

  #lookLater(): void {
    if (this.#isOpen) this.#cancel = this.#clock.after(this.#everyMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const mark = await markOf(this.#file);
    // The same twice: writing has ended.
    if (this.#isOpen && mark === this.#seen && mark !== this.#current) {
      this.#current = mark;
      this.#changed();
    }
    this.#seen = mark;
    this.#lookLater();
  }
}

/** While nothing is loaded: what kept the file from being read may end without a change of the file. */
const retryMs = 60_000;

/** How a file is read, and what is done about it. */
export interface FileReader<T> {
  /** Reads the file. Throws where it cannot be used; the message is the reason. */
  read(): Promise<T>;
  /** A version is in use from now on. */
  loaded(content: T, ms: number): void;
  /** A version is not used. What was loaded before stays in use. */
  rejected(reason: string): void;
}

/** What is in a file that may change at any time. An invalid file is no failure of `open`: the file is watched, so that saving a valid one is enough. */
export class WatchedFile<T> {
  readonly #clock: Clock;
  readonly #reader: FileReader<T>;
  readonly #watch: FileWatch;
  #content: T | null = null;
  /** Why there is none. */
  #failure = 'the file is not read yet';
  /** The loads, one after the other. */
  #loads: Promise<void> = Promise.resolve();
  #isReloadDue = false;
  #cancelRetry = (): void => {};
  #closed = false;

  constructor(file: string, clock: Clock, reader: FileReader<T>) {
    this.#clock = clock;
    this.#reader = reader;
    this.#watch = new FileWatch(file, clock, () => this.#reload());
  }

  /** Throws `notReady` with the reason while no version could be loaded. */
  get content(): T {
    if (this.#content === null) throw notReady(this.#failure);
    return this.#content;
  }

  async open(): Promise<void> {
    await this.#watch.open();
    this.#reload();
    await this.#loads;
  }

  /** Ends watching at once; resolves when the load that runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    this.#cancelRetry();
    await this.#loads;
  }

  /** Loads the file anew once the load that runs has ended. */
  #reload(): void {
    if (this.#isReloadDue) return;
    this.#isReloadDue = true;
    this.#loads = this.#loads.then(async () => {
      this.#isReloadDue = false;
      if (!this.#closed) await this.#load();
    });
    this.#loads = this.#loads.catch((error: Error) => this.#rejected(error.message));
  }

  async #load(): Promise<void> {
    const startedAtMs = this.#clock.elapsed();
    const content = await this.#reader.read();
    this.#content = content;
    this.#cancelRetry();
    this.#reader.loaded(content, Math.round(this.#clock.elapsed() - startedAtMs));
  }

  #rejected(reason: string): void {
    if (this.#closed) return;
    this.#reader.rejected(reason);
    this.#failure = reason;
    this.#cancelRetry();
    if (this.#content === null) this.#cancelRetry = this.#clock.after(retryMs, () => this.#reload());
  }
}

async function markOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  return found === null ? 'missing' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}`;
}
