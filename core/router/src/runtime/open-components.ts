/** The components that are open, or being opened, whatever configuration they are of. */
import type { ComponentLifecycle } from './component-lifecycle.js';

/** Between two tries to open what calls can do without. */
const longestPauseMs = 60_000;

export class OpenComponents {
  /** In the order they were opened. */
  readonly #open = new Set<ComponentLifecycle>();
  readonly #closing = new Set<Promise<void>>();

  /** Opens them side by side. Throws a `ComponentFailure`, but not for resolvers, which are tried again. `patienceMs`: see `Persistence`. */
  async open(lifecycles: Iterable<ComponentLifecycle>, patienceMs: number | null): Promise<void> {
    const opened = [...lifecycles].map((component) => {
      this.#open.add(component);
      return component.made.kind === 'resolver' ? component.persist({ longestPauseMs, patienceMs }) : component.once();
    });
    await Promise.all(opened);
  }

  /** Closes those of them that are open, side by side. Never rejects. */
  async close(lifecycles: Iterable<ComponentLifecycle>): Promise<void> {
    const closing = [...lifecycles].map((one) => (this.#open.delete(one) ? one.close() : null));
    const closed = Promise.all(closing).then(() => void this.#closing.delete(closed));
    this.#closing.add(closed);
    await closed;
  }

  /** Closes all, the last one first, and waits for those that are being closed. Never rejects. */
  async closeAll(): Promise<void> {
    for (const component of [...this.#open].reverse()) await this.close([component]);
    await Promise.all(this.#closing);
  }
}
