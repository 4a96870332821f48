/**
 * Notices that a file has become another one: written anew, replaced by a rename, or behind a link that was turned.
 * It looks once a second, because notifications of the system miss links, network drives and some containers.
 */
import { stat } from 'node:fs/promises';
import type { Clock } from './contract/services.js';

const lookMs = 1_000;

/** Calls back when the file is another one, and has been the same for a second. `open` begins, `close` ends. */
export class FileWatch {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #changed: () => void;
  /** Marks of the version in use, and of the one seen last. */
  #current = '';
  #seen = '';
  #isOpen = false;
  #cancel = (): void => {};

  constructor(file: string, clock: Clock, changed: () => void) {
    this.#file = file;
    this.#clock = clock;
    this.#changed = changed;
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
    if (this.#isOpen) this.#cancel = this.#clock.after(lookMs, () => void this.#look());
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

async function markOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  return found === null ? 'missing' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}`;
}
