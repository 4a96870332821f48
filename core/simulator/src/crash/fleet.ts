/** The routers of a crash test. All have the same configuration; each that has ended is started again. */
import type { RouterProcess } from '../router-process.js';

export class Fleet {
  readonly #count: number;
  readonly #start: () => RouterProcess;
  readonly #onUrls: (urls: readonly string[]) => void;
  #running: readonly RouterProcess[] = [];

  /** `onUrls` is called with the addresses of all that listen, whenever they have changed. */
  constructor(count: number, start: () => RouterProcess, onUrls: (urls: readonly string[]) => void) {
    this.#count = count;
    this.#start = start;
    this.#onUrls = onUrls;
  }

  get running(): readonly RouterProcess[] {
    return this.#running;
  }

  /** Starts as many as are missing, and returns these. */
  fill(): readonly RouterProcess[] {
    const started = Array.from({ length: this.#count - this.#running.length }, () => this.#start());
    this.#running = [...this.#running, ...started];
    return started;
  }

  /** Throws, with the end of its log, where one has ended by itself. */
  verify(): void {
    for (const router of this.#running) if (router.failed) throw new Error(router.diagnostic);
  }

  /** SIGKILL. Until it is gone it stays in the list of addresses, as it does in the list of a load balancer. */
  async kill(router: RouterProcess): Promise<void> {
    await router.kill();
    this.#remove(router);
  }

  /** SIGTERM; throws, with the end of its log, where it does not end, or not with 0. */
  async stop(router: RouterProcess): Promise<void> {
    if ((await router.stop()) !== 0) throw new Error(router.diagnostic);
    this.#remove(router);
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#running.map((router) => this.kill(router)));
  }

  /** To be called when one listens. */
  announce(): void {
    this.#onUrls(this.#running.flatMap(({ url }) => url ?? []));
  }

  #remove(router: RouterProcess): void {
    this.#running = this.#running.filter((other) => other !== router);
    this.announce();
  }
}
