/** Services that several components use: opened with the first user, closed with the last. */
import type { Lifecycle } from '@switchhook/sdk';

/** One object that several components use. */
export class SharedInstance {
  readonly instance: Lifecycle;
  readonly #needs: readonly SharedInstance[];
  #users = 0;
  #opening: Promise<void> | null = null;

  constructor(instance: Lifecycle, needs: readonly SharedInstance[]) {
    this.instance = instance;
    this.#needs = needs;
  }

  /** For one more user. Opened where it is not open; where that fails, the next user tries again. */
  async open(): Promise<void> {
    this.#users += 1;
    const opening = this.#opening ?? this.#open();
    this.#opening = opening;
    try {
      await opening;
    } catch (error) {
      this.#users -= 1;
      if (this.#opening === opening) this.#opening = null;
      throw error;
    }
  }

  /** For one user that had it open; the last one closes it. */
  async close(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#opening = null;
    try {
      await this.instance.close?.();
    } finally {
      await closeAll(this.#needs);
    }
  }

  async #open(): Promise<void> {
    await openAll(this.#needs);
    try {
      await this.instance.open?.();
    } catch (error) {
      await closeAll(this.#needs);
      throw error;
    }
  }
}

/**
 * The lifecycle of a component together with the services it shares: these are opened before it and closed after it. A try to
 * open it may begin while an earlier one, which took too long, is still under way; the services are held once all the same.
 */
export function withServices(component: Lifecycle, shared: readonly SharedInstance[]): Lifecycle {
  if (shared.length === 0) return component;
  let held: Promise<void> | null = null;
  let tries = 0;
  let isOpen = false;
  const release = async (): Promise<void> => {
    if (held === null) return;
    held = null;
    await closeAll(shared);
  };
  return {
    async open() {
      tries += 1;
      const holding = held ?? openAll(shared);
      held = holding;
      try {
        await holding;
      } catch (error) {
        tries -= 1;
        if (held === holding) held = null;
        throw error;
      }
      try {
        await component.open?.();
        isOpen = true;
      } catch (error) {
        if (tries === 1 && !isOpen) await release();
        throw error;
      } finally {
        tries -= 1;
      }
    },
    async close() {
      isOpen = false;
      try {
        await component.close?.();
      } finally {
        await release();
      }
    },
    async probe(signal) {
      let note: string | null = null;
      for (const one of [...shared.map(({ instance }) => instance), component])
        note = (await one.probe?.(signal)) ?? note;
      return note;
    },
  };
}

/** One after the other, in order; where one fails, those before it are closed. */
async function openAll(services: readonly SharedInstance[]): Promise<void> {
  for (const [index, service] of services.entries())
    try {
      await service.open();
    } catch (error) {
      await closeAll(services.slice(0, index));
      throw error;
    }
}

/** All of them, in reverse order; throws the first failure afterwards. */
async function closeAll(services: readonly SharedInstance[]): Promise<void> {
  const failures: unknown[] = [];
  for (const service of services.toReversed()) await service.close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
