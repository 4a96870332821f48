/** Runs the sources that pull: again after they fail, and in one router at a time. */
import {
  Clock,
  type EmitPulled,
  Log,
  type NamedToken,
  type PhoneNormalizer,
  type Source,
  type State,
  token,
} from '@switchhook/sdk';
import { errorMessage, Sleep, withTimeout } from '@switchhook/sdk/internal';
import { recordFrom } from '../routing/event-record.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { newVersion } from '../system/ids.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { inSpan } from '../system/tracing.js';
import type { DraftMask } from './draft-mask.js';
import { Ingest } from './ingest.js';
import { readDrafts } from './reception.js';

/** A source with `start`. */
export interface Pulling {
  readonly name: string;
  readonly source: Source;
  /** Of its plugin, for checkpoints. */
  readonly state: State;
  /** Where leases are kept; null where no other router can have the store open. */
  readonly leases: State | null;
}

/** What the router takes from the configuration to pull. */
export interface PullPlan {
  readonly pulling: readonly Pulling[];
  readonly normalizePhone: PhoneNormalizer;
  /** By the name of a source. */
  readonly masks?: ReadonlyMap<string, DraftMask>;
}

export const PullPlan: NamedToken<Current<PullPlan>> = token('switchhook.PullPlan');

/** How a source that pulls stands. */
export interface PullStatus {
  readonly source: string;
  /** `standby`: another router runs it, or the lease cannot be read. `waiting`: until it is started again. */
  readonly state: 'running' | 'standby' | 'waiting';
  readonly sinceMs: number;
  /** Why it ended last, since the router started. */
  readonly lastFailure: { readonly atMs: number; readonly reason: string } | null;
}

const leaseMs = 30_000;
const renewMs = 10_000;
const firstPauseMs = 1_000;
const longestPauseMs = 300_000;
/** What has run for so long has recovered: its next pause is the first one again. */
const healthyMs = 300_000;
/** A source that ignores its signal must not keep the router from ending. */
const endMs = 5_000;

@injectable()
export class Pullers {
  /** By source. */
  readonly #pullers = new Map<string, Puller>();
  #state: 'new' | 'open' | 'closed' = 'new';
  #following: Promise<unknown> = Promise.resolve();

  constructor(
    @inject(PullPlan) private readonly plan: Current<PullPlan>,
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {}

  /** The router and its store are open. */
  open(): void {
    // A store may open while the router is closing.
    if (this.#state !== 'new') return;
    this.#state = 'open';
    void this.follow();
  }

  /**
   * Ends those that the plan does not have any more, and starts its new ones, each after an earlier one of its name has ended.
   * Resolves when those that end have ended.
   */
  async follow(): Promise<void> {
    if (this.#state !== 'open') return;
    const { pulling } = this.plan.value;
    const ending = new Map([...this.#pullers].filter(([, { pulling: one }]) => !pulling.includes(one)));
    const ends = new Map([...ending].map(([name, puller]) => [name, puller.close()]));
    for (const name of ending.keys()) this.#pullers.delete(name);
    for (const one of pulling) {
      if (this.#pullers.has(one.name)) continue;
      const { clock, log } = this;
      const after = ends.get(one.name) ?? null;
      this.#pullers.set(one.name, new Puller(one, { commit: this.#commitOf(one), clock, log, after }));
    }
    this.#following = Promise.all([this.#following, ...ends.values()]);
    await this.#following;
  }

  /** Ends all of them and gives their leases back; waits for each no longer than 5 s. Never rejects. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await Promise.all([this.#following, ...[...this.#pullers.values()].map((puller) => puller.close())]);
  }

  /** Drops the reasons of the last failures, which may repeat what was pulled. */
  forget(_: ErasedThings, isDryRun: boolean): Removed {
    if (!isDryRun) for (const puller of this.#pullers.values()) puller.forget();
    return {};
  }

  /** In the order of the file. */
  get statuses(): readonly PullStatus[] {
    return this.plan.value.pulling.flatMap(({ name }) => this.#pullers.get(name)?.status ?? []);
  }

  #commitOf(one: Pulling): EmitPulled {
    return async (drafts, { checkpoint } = {}) => {
      const nowMs = this.clock.now();
      const { normalizePhone, masks } = this.plan.value;
      const mask = masks?.get(one.name);
      const read = readDrafts(drafts, normalizePhone, one.source).map((draft) => mask?.(draft) ?? draft);
      const start = { attributes: { 'switchhook.source': one.name }, parent: {} };
      if (read.length > 0)
        await inSpan(`pull ${one.name}`, start, () =>
          this.ingest.commit(read.map((draft) => recordFrom(draft, one.name, nowMs))),
        );
      if (checkpoint !== undefined) await one.state.set(checkpoint.key, checkpoint.value);
    };
  }
}

interface PullerParts {
  readonly commit: EmitPulled;
  readonly clock: Clock;
  readonly log: Log;
  /** Nothing is started before it resolves; null = at once. */
  readonly after: Promise<void> | null;
}

class Puller {
  readonly pulling: Pulling;
  readonly #commit: EmitPulled;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sleep: Sleep;
  readonly #holder = newVersion();
  readonly #running: Promise<void>;
  #run: AbortController | null = null;
  #isClosed = false;
  #state: PullStatus['state'] = 'standby';
  #sinceMs: number;
  #lastFailure: PullStatus['lastFailure'] = null;

  constructor(pulling: Pulling, { commit, clock, log, after }: PullerParts) {
    this.pulling = pulling;
    this.#commit = commit;
    this.#clock = clock;
    this.#log = log;
    this.#sleep = new Sleep(clock);
    this.#sinceMs = clock.now();
    this.#running = after === null ? this.#repeat() : after.then(() => this.#repeat());
  }

  forget(): void {
    this.#lastFailure = null;
  }

  get status(): PullStatus {
    const [source, state, sinceMs, lastFailure] = [this.pulling.name, this.#state, this.#sinceMs, this.#lastFailure];
    return { source, state, sinceMs, lastFailure };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#run?.abort(new Error('the router is closing'));
    this.#sleep.end();
    await withTimeout(this.#clock, endMs, this.#running).catch((error: unknown) =>
      this.#log.warn('pull.unended', { source: this.pulling.name, error }),
    );
  }

  async #repeat(): Promise<void> {
    for (let pauseMs = firstPauseMs; !this.#isClosed; ) {
      if (!(await this.#lease())) {
        this.#become('standby');
        await this.#sleep.for(renewMs);
        continue;
      }
      const startedAt = this.#clock.elapsed();
      const failure = await this.#once();
      await this.#giveBack();
      if (failure === null) continue;
      if (this.#clock.elapsed() - startedAt >= healthyMs) pauseMs = firstPauseMs;
      this.#lastFailure = { atMs: this.#clock.now(), reason: errorMessage(failure) };
      this.#become('waiting');
      this.#log.error('pull.failed', { source: this.pulling.name, error: failure, waitMs: pauseMs });
      await this.#sleep.for(pauseMs);
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
  }

  /** Why it has ended; null where it was aborted. */
  async #once(): Promise<unknown> {
    const { name, source } = this.pulling;
    if (this.#isClosed) return null;
    const run = new AbortController();
    this.#run = run;
    const stopRenewing = this.#renew(run);
    this.#become('running');
    this.#log.info('pull.started', { source: name });
    try {
      await source.start?.(async (...emitted) => {
        run.signal.throwIfAborted();
        await this.#commit(...emitted);
      }, run.signal);
      return run.signal.aborted ? null : new Error('start returned, although its signal was not aborted');
    } catch (error) {
      return run.signal.aborted ? null : error;
    } finally {
      stopRenewing();
      run.abort(new Error('start has ended'));
      this.#run = null;
    }
  }

  /** Renews the lease until it is called back; aborts the run where the lease is lost, or could not be renewed for too long. */
  #renew(run: AbortController): () => void {
    if (this.pulling.leases === null) return () => {};
    let leftMs = leaseMs;
    let cancel = (): void => {};
    const next = (): void => {
      cancel = this.#clock.after(renewMs, async () => {
        leftMs -= renewMs;
        const renewed = await this.#asked(leaseMs).catch((error: unknown) => {
          this.#log.warn('pull.lease-failed', { source: this.pulling.name, error });
          return null;
        });
        if (run.signal.aborted) return;
        if (renewed === true) leftMs = leaseMs;
        // Two renewals that fail leave time to end before the lease does.
        if (renewed === false || leftMs <= renewMs) {
          this.#log.warn('pull.lease-lost', { source: this.pulling.name });
          run.abort(new Error('another router may run the source now'));
        } else next();
      });
    };
    next();
    return () => cancel();
  }

  async #lease(): Promise<boolean> {
    try {
      return await this.#asked(leaseMs);
    } catch (error) {
      this.#log.warn('pull.lease-failed', { source: this.pulling.name, error });
      return false;
    }
  }

  /** What cannot be given back expires. */
  async #giveBack(): Promise<void> {
    await this.#asked(null).catch((error: unknown) =>
      this.#log.warn('pull.lease-failed', { source: this.pulling.name, error }),
    );
  }

  /** A store that hangs must not keep the source from ending before its lease does. */
  #asked(expiresInMs: number | null): Promise<boolean> {
    return withTimeout(this.#clock, renewMs / 2, this.#set(expiresInMs));
  }

  /** Takes, renews or gives back the lease; false where another router holds it. */
  async #set(expiresInMs: number | null): Promise<boolean> {
    const { leases, name } = this.pulling;
    if (leases === null) return true;
    const held = await leases.get(name);
    if (held !== null && held.value !== this.#holder) return false;
    const ifVersion = held?.version ?? null;
    if (expiresInMs !== null) return leases.set(name, this.#holder, { ifVersion, expiresInMs });
    return held === null || leases.set(name, null, { ifVersion });
  }

  #become(state: PullStatus['state']): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#sinceMs = this.#clock.now();
  }
}
