/** A router: opened in one order, closed in the reverse one. */
import type { RequestListener } from 'node:http';
import { Clock, type JsonObject, Log, Metrics, refuse, type SignedRequest, type Token } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import { ChangeFeed } from '../admin/change-feed.js';
import { Comparison } from '../admin/comparison.js';
import type { CallDryRun } from '../admin/dry-run.js';
import { EventSearches } from '../admin/event-search.js';
import { History } from '../admin/history.js';
import { Operations } from '../admin/operations.js';
import { Trials } from '../admin/trials.js';
import { explanationJson } from '../api/mapping.js';
import type { ReloadReport, RestartReport } from '../api/reload-responses.js';
import type { ReloadRequest } from '../api/requests.js';
import type { Config } from '../config/config.js';
import { type ListeningServer, listen } from '../http/server.js';
import { Ingest } from '../ingest/ingest.js';
import { Pullers } from '../ingest/pulling.js';
import { RefusedRequests } from '../ingest/refused-requests.js';
import { Incomplete } from '../monitor/incomplete.js';
import { Monitor } from '../monitor/monitor.js';
import { Pipeline } from '../pipeline.js';
import { systemClock } from '../system/clock.js';
import { Network } from '../system/http-client.js';
import { isLoopback } from '../system/http-url.js';
import { Mask } from '../system/mask.js';
import { openWatchdog } from '../system/watchdog.js';
import type { Probe } from './component-lifecycle.js';
import { type Composition, composeRouter, type RouterOptions } from './composition.js';
import { ConfigWatch } from './config-watch.js';
import { type Closing, type ClosingTimes, drain, usualLingerMs } from './drain.js';
import { loadConfig } from './load-config.js';
import { OpenComponents } from './open-components.js';
import { logWarnings, Reloader, refusedReload } from './reload.js';
import { restart } from './restart.js';
import { Retention } from './retention.js';

/** Calls are not answered meanwhile; a table of half a million callers is read in less. */
const patienceMs = 5_000;
/** Between two tries to open the store, which calls can do without. */
const longestPauseMs = 30_000;

/** Runs a configuration, and after `reload` another one. `open` first, then `listen` or mount `listener`; `close` ends it. */
export class Router {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #composition: Composition;
  readonly #components = new OpenComponents();
  readonly #reloader: Reloader;
  readonly #options: RouterOptions;
  #watch: ConfigWatch | null = null;
  /** In the order they were opened. */
  readonly #opened: (() => Promise<void>)[] = [];
  #isPrepared = false;
  #closing: Closing & Required<ClosingTimes> = { graceMs: 0, attemptsMs: 0 };
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new';
  #server: ListeningServer | null = null;

  /** Makes all components; nothing is opened yet. Throws a `ComponentFailure`. */
  constructor(config: Config, options: RouterOptions = {}) {
    this.#composition = composeRouter(config, options, {
      ready: () => this.#ready(),
      reload: (request) => refusedReload(config.file, () => this.reload(request)),
      restart: () => this.restart(),
    });
    const { container } = this.#composition;
    this.#options = options;
    this.#clock = container.get(Clock);
    this.#log = container.get(Log);
    this.#reloader = new Reloader({
      ...this.#composition,
      components: this.#components,
      load: options.load ?? (() => loadConfig(config.file)),
      checkOpen: () => this.#checkOpen(),
    });
    this.#opened.push(() => container.get(Network).close());
  }

  /** Serves hooks, health and metrics in an HTTP server of one's own, in place of `listen`. */
  get listener(): RequestListener {
    return this.#composition.listener;
  }

  /** Where the router listens; null before `listen`. */
  get url(): string | null {
    return this.#server?.url ?? null;
  }

  /** Headers that sign a body for a source, with its secrets; null if there is no such source or it cannot sign. */
  signed(source: string, body: Uint8Array): SignedRequest | null {
    return this.#generation.sources.get(source)?.sign?.(body, this.#clock.now()) ?? null;
  }

  /** What would become of a body that a source receives now, by each route; nothing is sent. `answered`: of a call, also its answer; after `openComponents`. */
  async explain(source: string, body: JsonObject, { answered = false } = {}) {
    const trials = this.#composition.engine.get(Trials);
    return (await trials.explain({ source, body }, { answered })).map((one) => explanationJson(one, null));
  }

  /** The answer to a call: its resolvers run, nothing is recorded. After `openComponents`; the store need not be open. */
  ring(source: string, body: JsonObject): Promise<CallDryRun> {
    return this.#composition.engine.get(Trials).ring({ source, body });
  }

  /** Compares what was done with past events with what this configuration would do. Nothing is sent; the router need not be open. */
  comparison(): Comparison {
    return new Comparison({ ...this.#generation, positions: this.#generation.config.positions, mask: this.get(Mask) });
  }

  /** A service of this router, e.g. `router.get(Store)`. Throws where nothing provides it. */
  get<T>(token: Token<T>): T {
    return this.#composition.container.get(token);
  }

  /**
   * Opens all components but the store, so that `open` can take over from another router within moments. Throws a
   * `ComponentFailure`, but not for resolvers.
   */
  async prepare(): Promise<void> {
    await this.#orClosed(() => this.#openComponents(patienceMs));
    this.#isPrepared = true;
  }

  /**
   * Opens the store, then all other components side by side, then takes up what waits. Throws a `ComponentFailure`, but not
   * for resolvers, nor for the store where there are calls to answer: these are opened as soon as they can be.
   *
   * With `storeFree`, another router is about to release the store: `open` does not wait for it. The store is opened when
   * `storeFree` resolves; until then calls are answered, and whatever needs the store waits for up to 8 s.
   */
  async open({ storeFree }: { readonly storeFree?: Promise<void> } = {}): Promise<void> {
    const { store, engine } = this.#composition;
    const [pipeline, operations, refused] = [engine.get(Pipeline), engine.get(Operations), engine.get(RefusedRequests)];
    const [retention, history, pullers] = [engine.get(Retention), engine.get(History), engine.get(Pullers)];
    const [monitor, incomplete] = [engine.get(Monitor), engine.get(Incomplete)];
    await this.#orClosed(async () => {
      this.#opened.push(() => store.close());
      if (storeFree !== undefined) void store.persist({ longestPauseMs, patienceMs: null, after: storeFree });
      else if (this.#answersCalls) await store.persist({ longestPauseMs, patienceMs });
      else await store.once();
      if (!this.#isPrepared) await this.#openComponents(patienceMs);
    });
    for (const part of [operations, retention, history, refused]) this.#opened.push(async () => part.close());
    this.#opened.push(() => this.#drain());
    this.#opened.push(() => pullers.close());
    monitor.open();
    this.#opened.push(() => Promise.all([monitor.close(), incomplete.close()]).then(() => {}));
    let known = Promise.resolve();
    store.whenOpen(() => {
      known = pipeline.open();
      retention.open();
      incomplete.open();
      history.open();
      void known.then(() => pullers.open());
    });
    // A resolver that is paused gets no call, not even the first one.
    await withTimeout(this.#clock, patienceMs, known).catch((error: unknown) =>
      this.#log.warn('pauses.unread', { error }),
    );
    this.#watchLoop();
    this.#state = 'open';
    const { warnings, sources, destinations } = this.#generation.config;
    logWarnings(this.#log, warnings);
    this.#log.info('router.opened', { sources: sources.length, destinations: destinations.length });
  }

  /**
   * Opens all components but the store: enough for `probe` and `ring`. Throws a `ComponentFailure`, but not for resolvers: the
   * look-ups and the probe of one that could not be opened report why.
   */
  async openComponents(): Promise<void> {
    await this.#orClosed(() => this.#openComponents(null));
  }

  /**
   * Reads the configuration file anew, with what it refers to, and switches to it in one step: what is under way ends with the
   * components it began with. Throws a `ConfigurationError` or a `ComponentFailure`, and then nothing has changed. Two at the
   * same time run one after the other.
   */
  async reload({ dryRun = false, removed = 'drain' }: Partial<ReloadRequest> = {}): Promise<ReloadReport> {
    try {
      return await this.#reloader.reload({ dryRun, removed });
    } finally {
      const files = new Set([...this.#generation.config.files, ...this.#reloader.files]);
      if (this.#state === 'open') await this.#watch?.follow([...files]);
    }
  }

  /** Reloads whenever a file of the configuration was saved: its own, `.env`, those of `${file:…}` and local plugins. */
  async watch(): Promise<void> {
    this.#watch ??= new ConfigWatch(this.#clock, () => this.reload().catch(() => null /* It is in the log. */));
    await this.#watch.follow(this.#generation.config.files);
  }

  /**
   * Listens at `server.host` and `server.port`, or on a socket that is open already: `fd` is its file descriptor. Rejects if
   * the address is not available, or the descriptor is no listening socket.
   */
  async listen({ fd }: { readonly fd?: number } = {}): Promise<string> {
    const { host, port, keepAliveMs, adminToken } = this.#generation.config.server;
    const how = { fairness: this.#composition.fairness, keepAliveMs };
    this.#server = await listen(this.listener, fd === undefined ? { host, port } : { host, fd }, how);
    const { url } = this.#server;
    this.#log.info('router.listening', { url });
    if (adminToken === null && !isLoopback(host))
      this.#log.warn('api.token-missing', {
        host,
        fix: 'set server.admin.token; until then only this machine can use the API',
      });
    return url;
  }

  /**
   * Stops accepting, finishes what runs within `server.grace`, at most `graceMs`, and closes everything. What is left waits in
   * the store; so do deliveries whose attempts have not ended within `attemptsMs`, which are attempted again.
   */
  async close({ graceMs = Number.POSITIVE_INFINITY, attemptsMs = graceMs, ...rest }: Closing = {}): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#state = 'closing';
    this.#closing = { graceMs: Math.min(graceMs, this.#generation.config.server.graceMs), attemptsMs, ...rest };
    this.#watch?.close();
    for (const close of this.#opened.splice(0).reverse()) await close();
    this.#state = 'closed';
    this.#log.info('router.closed');
  }

  /** Probes the store, which need not be open, and every component that can reach what it depends on. */
  async probe(timeoutMs: number): Promise<readonly Probe[]> {
    const { store } = this.#composition;
    return Promise.all(
      [store, ...this.#generation.lifecycles.values()].map(async (component) => {
        const { kind, name, type } = component.made;
        return { kind, name, type, ...(await component.probe(timeoutMs)) };
      }),
    );
  }

  async #openComponents(patienceMs: number | null): Promise<void> {
    this.#opened.push(() => this.#closeComponents());
    await this.#components.open(this.#generation.lifecycles.values(), patienceMs);
  }

  async #closeComponents(): Promise<void> {
    const { storeReleased } = this.#closing;
    // One that hangs must not keep the store from the process that waits for it.
    if (storeReleased !== undefined) await this.#composition.store.close().then(storeReleased);
    await this.#components.closeAll();
  }

  get #generation(): Composition['current']['value'] {
    return this.#composition.current.value;
  }

  get #answersCalls(): boolean {
    return this.#generation.config.sources.some(({ component }) => component.calls === true);
  }

  async #orClosed(open: () => Promise<void>): Promise<void> {
    try {
      await open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #watchLoop(): void {
    const clock = this.#clock;
    // The thread beside reads the system's clock; of another clock it would see no beats.
    if (!this.#generation.config.server.watchdog || clock !== systemClock) return;
    const watchdog = openWatchdog(clock, this.#log, this.#composition.container.get(Metrics));
    this.#opened.push(() => watchdog.close());
  }

  #drain(): Promise<void> {
    const { engine } = this.#composition;
    const [pipeline, lasting] = [engine.get(Pipeline), [engine.get(ChangeFeed), engine.get(EventSearches)]];
    const parts = { pipeline, lasting, server: this.#server, clock: this.#clock, log: this.#log };
    return drain(parts, { ...this.#closing, lingerMs: this.#options.lingerMs ?? usualLingerMs });
  }

  /**
   * Has another process take over, by the `restart` of its options. Resolves when that one listens; this router is to be closed
   * then. Refuses as `NOT_REPLACEABLE`, or as `RESTART_FAILED` where the other process did not get ready: nothing has changed.
   */
  restart(): Promise<RestartReport> {
    this.#checkOpen();
    return restart(this.#options.restart, { clock: this.#clock, log: this.#log });
  }

  #checkOpen(): void {
    if (this.#state === 'closing') throw refuse('SHUTTING_DOWN', 'the router is closing');
    if (this.#state !== 'open') throw refuse('STORE_UNAVAILABLE', 'the router is not open');
  }

  async #ready(): Promise<void> {
    this.#checkOpen();
    await this.#composition.engine.get(Ingest).canCommit();
  }
}
