/** The routers that share the store: heartbeats, several times a second, and what follows from them. Without such a store, this router is alone. */
import { Clock, Log, Store, token } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import { LeasedBucket } from '../resilience/leased-bucket.js';
import { capacityOf, type Rate, type RateLimit, TokenBucket } from '../resilience/token-bucket.js';
import { newRouterId } from '../system/ids.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { version } from '../system/version.js';
import { beatMs, goneMs, type Member, Members } from './members.js';
import { type DestinationReport, type RouterReport, textOfReport, usualLeaseMs } from './report.js';

/** What the cluster takes from the configuration. */
export interface ClusterPlan {
  /** Name of this router. */
  readonly routerName: string;
  /** Short digest of its configuration. */
  readonly digest: string;
}

export const ClusterPlan = token<Current<ClusterPlan>>('switchhook.ClusterPlan');

/** One of the routers, as the status shows it. Times are milliseconds since the epoch. */
export interface RouterStanding {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly sinceMs: number;
  readonly configuration: string;
  /** The one that answers. */
  readonly isSelf: boolean;
  /** Null where it is there: otherwise when it last sent a heartbeat. */
  readonly goneSinceMs: number | null;
  /** Deliveries that it has taken over, by destination; without those of which it has none. */
  readonly deliveries: Readonly<Record<string, number>>;
}

/** What this router has of its destinations, by name. */
type Reports = () => Readonly<Record<string, DestinationReport>>;

/** The limit of a heartbeat: the next one follows. */
const replyMs = 2_000;
/** The limit of a lease of tokens: then this router goes on with its part of the rate. */
const tokensMs = 500;

@injectable()
export class Cluster {
  readonly #id = newRouterId();
  readonly #members = new Members(this.#id);
  readonly #sinceMs: number;
  readonly #listeners: (() => void)[] = [];
  #hear: (reports: readonly RouterReport[]) => void = () => {};
  #reports: Reports = () => ({});
  /** By destination, since the last heartbeat. */
  #shares = new Map<string, { readonly whole: number; readonly share: number }>();
  #beats = 0;
  /** When the last heartbeat that got through was sent, by the time of day, as leases are; null = none has. */
  #heardMs: number | null = null;
  #hasFailed = false;
  /** Since when heartbeats fail although the store answers; null where that is not so. */
  #unheardSinceMs: number | null = null;
  /** Why they fail, where this router goes on with shares of its own; null where it does not. */
  #failure: string | null = null;
  #isClosing = false;
  #isClosed = false;
  #cancel = (): void => {};
  #beating: Promise<void> = Promise.resolve();

  constructor(
    @inject(ClusterPlan) private readonly plan: Current<ClusterPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {
    this.#sinceMs = clock.now();
  }

  /** Where this router's reports come from. */
  reportBy(reports: Reports): void {
    this.#reports = reports;
  }

  /** Calls back after each heartbeat, with the reports of the other routers that are there. */
  hearBy(hear: (reports: readonly RouterReport[]) => void): void {
    this.#hear = hear;
  }

  /** Calls back when a share has changed, or deliveries of a router that is gone can be claimed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * The store is open. Until the first heartbeat has got through, and others have noticed it, this router has no share. If
   * heartbeats fail although the store answers, it goes on with shares of its own: what it accepts must not wait for them.
   */
  open(): void {
    if (this.store.coordination !== undefined && !this.#isClosed) this.#beating = this.#beat();
  }

  /** This router starts no further attempt: the others take over its shares. */
  closing(): void {
    this.#isClosing = true;
  }

  /** Reports to the others that this router is no longer there. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancel();
    await this.#beating;
    if (this.store.coordination !== undefined && this.#beats > 0) await this.#beat();
  }

  /**
   * This router's share of a whole, e.g. of the concurrency of a destination. The whole where it is alone. None where the others may
   * have ended its leases, because it was suspended or the store was away: what it holds is returned, and counts only if it is still its own.
   */
  share(destination: string, whole: number): number {
    if (this.store.coordination === undefined) return whole;
    if (this.#hasLapsed) return 0;
    const known = this.#shares.get(destination);
    if (known?.whole === whole) return known.share;
    const members = this.#members;
    const share = this.#failure === null ? members.shareOf(destination, whole) : members.ownShareOf(destination, whole);
    this.#shares.set(destination, { whole, share });
    return share;
  }

  /** The rate limit of a destination: of all routers together. `onLease` is called when its allowance has changed. */
  bucket(destination: string, rate: Rate, onLease: () => void): RateLimit {
    const { clock, store } = this;
    const { coordination } = store;
    if (coordination === undefined) return new TokenBucket(rate, clock.elapsed());
    const request = { key: destination, tokenMs: rate.perMs / rate.count, capacity: capacityOf(rate) };
    return new LeasedBucket(rate, {
      lease: (tokens) => withTimeout(clock, tokensMs, async () => coordination.take({ ...request, tokens })),
      sharers: () => this.#members.takersOf(destination),
      elapsed: () => clock.elapsed(),
      onLease,
    });
  }

  /** Whether no heartbeat has got through for so long that the others may have ended the leases of this router. Not while it goes on by itself. */
  get #hasLapsed(): boolean {
    return this.#heardMs !== null && this.#failure === null && this.clock.now() - this.#heardMs >= this.#leaseMs;
  }

  get #leaseMs(): number {
    return this.store.coordination?.leaseMs ?? usualLeaseMs;
  }

  /** Why this router goes on with shares of its own: heartbeats fail although the store answers. Null where they do not. */
  get failure(): string | null {
    return this.#failure;
  }

  /** All routers, this one first; empty where the store is not shared. */
  get routers(): readonly RouterStanding[] {
    if (this.store.coordination === undefined) return [];
    const aheadMs = this.clock.now() - this.clock.elapsed();
    const others = this.#members.shown(this.clock.elapsed()).map(({ id, report, seenMs, isGone }): RouterStanding => {
      const { name, sinceMs, configuration, destinations } = report;
      return {
        ...{ id, name, version: report.version, sinceMs, configuration, isSelf: false },
        goneSinceMs: isGone ? seenMs + aheadMs : null,
        deliveries: held(destinations),
      };
    });
    return [this.self, ...others];
  }

  /** This router, also where the store is not shared. */
  get self(): RouterStanding {
    return { ...this.#self, isSelf: true, goneSinceMs: null, deliveries: held(this.#reports()) };
  }

  get #self() {
    const { routerName, digest } = this.plan.value;
    return { id: this.#id, name: routerName, version, sinceMs: this.#sinceMs, configuration: digest };
  }

  /** One heartbeat; the next one follows. Never rejects. */
  async #beat(): Promise<void> {
    const { clock, log, store } = this;
    const { id, ...self } = this.#self;
    this.#beats += 1;
    const report = textOfReport({
      ...{ ...self, leaseMs: this.#leaseMs, left: this.#isClosed },
      destinations: this.#own,
    });
    const sentMs = clock.now();
    try {
      const sent = store.coordination?.beat({ id, beat: this.#beats, report });
      const beats = await withTimeout(clock, replyMs, sent ?? Promise.resolve([]));
      const changed = this.#members.observe(beats, clock.elapsed());
      if (this.#hasFailed) log.info('routers.found');
      const hadLapsed = this.#hasLapsed;
      [this.#hasFailed, this.#unheardSinceMs, this.#failure, this.#heardMs] = [false, null, null, sentMs];
      if (!this.#isClosed) this.#observe(changed, hadLapsed);
    } catch (error) {
      if (!this.#isClosed) await this.#fail(error);
    }
    if (this.#isClosed) return;
    this.#cancel = clock.after(beatMs, () => {
      this.#beating = this.#beat();
    });
  }

  /** A heartbeat has failed. If the store answers nevertheless, for as long as makes a router gone, this one goes on by itself. */
  async #fail(error: unknown): Promise<void> {
    const { clock, log, store } = this;
    if (!this.#hasFailed) log.warn('routers.unread', { error });
    this.#hasFailed = true;
    const doesAnswer = await withTimeout(clock, replyMs, answerOf(store)).then(
      () => true,
      () => false,
    );
    const nowMs = clock.elapsed();
    this.#unheardSinceMs = doesAnswer ? (this.#unheardSinceMs ?? nowMs) : null;
    const before = this.#failure;
    const isAlone = this.#unheardSinceMs !== null && nowMs - this.#unheardSinceMs >= goneMs;
    this.#failure = isAlone ? errorMessage(error) : null;
    if ((before === null) === (this.#failure === null) || this.#isClosed) return;
    if (isAlone) log.warn('shares.assumed', { error, routers: this.routers.length });
    this.#share();
  }

  get #own(): ReturnType<Reports> {
    const reports = this.#reports();
    if (!this.#isClosing) return reports;
    return Object.fromEntries(Object.entries(reports).map(([name, report]) => [name, { ...report, takes: false }]));
  }

  #observe({ joined, gone, left, over }: ReturnType<Members['observe']>, hadLapsed: boolean): void {
    const { log, store } = this;
    const fields = ({ id, report: { name, version: its, configuration } }: Member) => {
      return { router: name, id, version: its, configuration };
    };
    for (const member of joined) log.info('router.joined', fields(member));
    for (const member of left) log.info('router.left', fields(member));
    for (const member of gone) log.warn('router.gone', fields(member));
    if (over.length > 0)
      store.coordination?.remove(over).catch((error: unknown) => log.debug('routers.unremoved', { error }));
    void this.#endLeases();
    this.#share(hadLapsed);
    this.#hear(this.#members.others.filter(({ isGone }) => !isGone).map(({ report }) => report));
  }

  /** The deliveries of routers that have been gone for long enough can be claimed by all. Never rejects. */
  async #endLeases(): Promise<void> {
    const { clock, log, store } = this;
    const lost = store.endLeases === undefined ? [] : this.#members.lost(clock.elapsed());
    if (lost.length === 0) return;
    try {
      const deliveries = await store.endLeases?.(lost.map(({ id, beat }) => ({ id, beat })));
      if (deliveries === 0) return;
      log.info('leases.ended', { routers: lost.map(({ report }) => report.name), deliveries });
      this.#announce();
    } catch (error) {
      this.#members.undo(lost);
      log.debug('leases.unended', { error });
    }
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Divides anew. `isNew`: calls back in any case. */
  #share(isNew = false): void {
    const before = this.#shares;
    this.#shares = new Map();
    const isChanged =
      isNew || [...before].some(([destination, { whole, share }]) => this.share(destination, whole) !== share);
    if (isChanged) this.#announce();
  }
}

function held(destinations: ReturnType<Reports>): Readonly<Record<string, number>> {
  const rows = Object.entries(destinations).map(([name, { deliveries }]) => [name, deliveries] as const);
  return Object.fromEntries(rows.filter(([, deliveries]) => deliveries > 0));
}

/** Something small that the store reads each time: counts may be those of an earlier question. */
async function answerOf(store: Store): Promise<unknown> {
  return store.state === undefined ? store.backlog() : store.state('switchhook.presence');
}
