/** Watches all files of a configuration. */
import { type Clock, FileWatch } from '@switchhook/sdk';

export class ConfigWatch {
  readonly #clock: Clock;
  readonly #changed: () => Promise<unknown>;
  readonly #everyMs: number | undefined;
  readonly #watches = new Map<string, FileWatch>();
  #isDue = false;

  /** `changed` is called once for files that change together, and must not reject; it may begin while what it did last is under way. */
  constructor(clock: Clock, changed: () => Promise<unknown>, everyMs?: number) {
    this.#clock = clock;
    this.#changed = changed;
    this.#everyMs = everyMs;
  }

  /** Watches these files, and no others. */
  async follow(files: readonly string[]): Promise<void> {
    for (const [file, watch] of this.#watches) {
      if (files.includes(file)) continue;
      watch.close();
      this.#watches.delete(file);
    }
    const opened = files
      .filter((file) => !this.#watches.has(file))
      .map((file) => {
        const watch = new FileWatch(file, this.#clock, () => this.#due(), this.#everyMs);
        this.#watches.set(file, watch);
        return watch.open();
      });
    await Promise.all(opened);
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  #due(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    // The other files that were saved with this one are noticed by then.
    this.#clock.after(100, () => {
      this.#isDue = false;
      void this.#changed();
    });
  }
}
