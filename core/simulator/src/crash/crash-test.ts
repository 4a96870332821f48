/** The crash test: kills real routers again and again, and counts what was lost. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RouterProcess } from '../router-process.js';
import { configuration, longestLeaseMs } from './configuration.js';
import { DatabaseGate, type Outage } from './database-gate.js';
import { drained } from './drain.js';
import { Fleet } from './fleet.js';
import { empty, verifyEmpty } from './kept-store.js';
import { isKept } from './ledger.js';
import type { CrashtestParts, Findings, Plan, Progress } from './plan.js';
import { restartServer } from './restart-server.js';
import { SeededRandom } from './seeded-random.js';
import { Traffic } from './traffic.js';

/** How a router's life ends: before it is ready, after some time, right after an acknowledgement, or after a freeze. */
type End = 'early' | 'some-time' | 'some-events' | 'freeze';
const readyEnds: readonly (readonly [End, number])[] = [
  ['some-time', 40],
  ['some-events', 45],
];
const ends: readonly (readonly [End, number])[] = [['early', 15], ...readyEnds];
const longestStartMs = 60_000;
/** Of a router that waits for events to be killed after. */
const longestLifeMs = 5_000;

/** Events that are taken between the replacements of two routers: as many as come in this time. */
const betweenDeploysMs = 200;

/** How connections to the database break, in turn, and for how long at most. */
const outages: readonly Outage[] = ['exhausted', 'silence', 'restart', 'reset'];
const longestOutageMs = 3_000;

/** Runs the plan. Throws where a router ends without having been killed, or the store is not empty. */
export async function crashtest(plan: Plan, parts: CrashtestParts): Promise<Findings> {
  const run = await Run.open(plan, parts);
  try {
    await run.killAgainAndAgain();
    const dead = await run.drain();
    const findings = run.findings(dead);
    if (plan.storeIsElsewhere && isKept(findings)) await run.emptyStore();
    return findings;
  } finally {
    await run.close();
  }
}

class Run {
  readonly #plan: Plan;
  readonly #parts: CrashtestParts;
  readonly #config: string;
  readonly #traffic: Traffic;
  readonly #random: SeededRandom;
  readonly #fleet: Fleet;
  readonly #gate: DatabaseGate | null;
  #done = { kills: 0, early: 0, freezes: 0, deploys: 0, outages: 0 };

  private constructor(plan: Plan, parts: CrashtestParts, config: string, traffic: Traffic, gate: DatabaseGate | null) {
    this.#plan = plan;
    this.#parts = parts;
    this.#config = config;
    this.#traffic = traffic;
    this.#gate = gate;
    this.#random = new SeededRandom(plan.seed);
    this.#fleet = new Fleet(
      plan.routers,
      () => new RouterProcess(plan.command, config, this.#logFile),
      (urls) => traffic.setTargets(urls),
    );
    parts.abandon.addEventListener('abort', () => void this.#fleet.killAll());
  }

  static async open(plan: Plan, parts: CrashtestParts): Promise<Run> {
    const secret = `secret-of-crash-test-${plan.seed}`;
    const traffic = await Traffic.open({ plan, clock: parts.clock, secret });
    const config = join(plan.directory, 'switchhook.yaml');
    const { database } = plan;
    const gate = database === null ? null : await DatabaseGate.open(database, parts.clock);
    const store = plan.store(gate?.urlOf(database ?? '') ?? '');
    await writeFile(config, configuration({ ...plan, store, secret, receiver: traffic.url }));
    const run = new Run(plan, parts, config, traffic, gate);
    try {
      if (plan.storeIsElsewhere) await verifyEmpty(config);
    } catch (error) {
      await run.close();
      throw error;
    }
    return run;
  }

  async killAgainAndAgain(): Promise<void> {
    const { kills, freezes, deploys, outages: times, breakers } = this.#plan;
    for (let kill = 0; kill < kills && !this.#parts.stop.aborted; kill += 1) {
      const isDue = (times: number): boolean =>
        Math.floor(((kill + 1) * times) / kills) > Math.floor((kill * times) / kills);
      if (isDue(deploys)) await this.#replaceAll();
      if (isDue(times)) await this.#disconnect();
      if (isDue(breakers)) await this.#failDestination();
      // The first one must come up, to distinguish a router that cannot start from one that was killed before it could.
      await this.#live(isDue(freezes) ? 'freeze' : this.#random.among(kill === 0 ? readyEnds : ends));
    }
  }

  /** Starts what is missing, and lets one router run until it is killed. */
  async #live(end: End): Promise<void> {
    this.#report('killing');
    const started = this.#fleet.fill();
    // A router alone keeps its limit in memory, and begins anew.
    if (this.#plan.routers === 1) this.#traffic.forgiveLimit();
    const early = end === 'early' ? started.at(-1) : undefined;
    await this.#untilReady(started.filter((router) => router !== early));
    const victim = early ?? this.#anyOf(this.#fleet.running);
    await this.#untilTheEnd(end, victim);
    this.#fleet.verify();
    await this.#fleet.kill(victim);
    const { kills, freezes } = this.#done;
    this.#done = {
      ...this.#done,
      kills: kills + 1,
      early: this.#done.early + Number(early !== undefined),
      freezes: freezes + Number(end === 'freeze'),
    };
  }

  #anyOf(routers: readonly RouterProcess[]): RouterProcess {
    const [only] = routers;
    return routers.length === 1 && only !== undefined
      ? only
      : this.#random.among(routers.map((router) => [router, 1] as const));
  }

  /** A rolling deployment: each router gets a SIGTERM, and a new one takes its place before the next gets one. */
  async #replaceAll(): Promise<void> {
    await this.#untilReady(this.#fleet.fill());
    this.#report('replacing');
    await this.#traffic.whileAllIsTaken(async () => {
      for (const router of this.#fleet.running) {
        if (this.#parts.stop.aborted) break;
        await this.#fleet.stop(router);
        await this.#untilReady(this.#fleet.fill());
        await this.#pauseOrStop(betweenDeploysMs);
      }
    });
    this.#done = { ...this.#done, deploys: this.#done.deploys + 1 };
  }

  /** The connections of all routers to the database break; afterwards they accept events again, without a restart. */
  async #disconnect(): Promise<void> {
    await this.#untilReady(this.#fleet.fill());
    this.#report('disconnected');
    await this.#breakDown();
    // During an outage each router has a limit of its own, and then the database one that may not know what was used.
    this.#traffic.forgiveLimit();
    let isAccepting = false;
    const accepted = this.#traffic.ledger.more(1).then(() => {
      isAccepting = true;
    });
    await this.#pauseOrStop(longestStartMs, accepted);
    this.#fleet.verify();
    if (!isAccepting && !this.#parts.stop.aborted)
      throw new Error(
        `no router has accepted an event for ${longestStartMs / 1_000} s, although the database can be reached again`,
      );
    this.#done = { ...this.#done, outages: this.#done.outages + 1 };
  }

  async #breakDown(): Promise<void> {
    const { restartCommand } = this.#plan;
    const kinds = [...(restartCommand === null ? [] : (['server'] as const)), ...outages];
    const kind = kinds[this.#done.outages % kinds.length] ?? 'reset';
    if (kind !== 'server') await this.#gate?.breakDown(kind, this.#random.between(500, longestOutageMs));
    else if (restartCommand !== null) await restartServer(restartCommand, this.#parts.abandon);
  }

  /** One destination fails until its circuit breaker opens in all routers, and recovers. */
  async #failDestination(): Promise<void> {
    await this.#untilReady(this.#fleet.fill());
    this.#report('failing');
    const urls = this.#fleet.running.flatMap(({ url }) => url ?? []);
    const { stop } = this.#parts;
    await this.#traffic.tryBreaker(urls, { stop, pause: (ms) => this.#pauseOrStop(ms) });
    this.#fleet.verify();
  }

  async #untilReady(routers: readonly RouterProcess[]): Promise<void> {
    for (const router of routers) {
      await this.#pauseOrStop(longestStartMs, router.listening);
      if (router.url === null && !this.#parts.stop.aborted) throw new Error(router.diagnostic);
      this.#fleet.announce();
    }
  }

  async #untilTheEnd(end: End, router: RouterProcess): Promise<void> {
    switch (end) {
      case 'early':
        return this.#pauseOrStop(this.#random.between(0, 400));
      case 'some-time':
        return this.#pauseOrStop(this.#random.between(20, 800));
      case 'some-events':
        return this.#pauseOrStop(
          longestLifeMs,
          this.#traffic.ledger.more(this.#random.between(0, this.#plan.perSecond / 2)),
        );
      case 'freeze':
        await this.#pauseOrStop(this.#random.between(100, 400));
        return this.#freeze(router);
    }
  }

  async #freeze(router: RouterProcess): Promise<void> {
    router.freeze();
    this.#report('freezing');
    await this.#pauseOrStop(longestLeaseMs + 1_000);
    router.resume();
    // What it had begun arrives now.
    this.#traffic.forgiveLimit();
    // It wakes up with leases that have ended, and goes on with them.
    await this.#pauseOrStop(this.#random.between(200, 800));
  }

  /** Lets a last router deliver all there is to receivers that take it; gives what it could not deliver. */
  async drain(): Promise<ReadonlySet<string>> {
    await this.#traffic.stop();
    await this.#fleet.killAll();
    this.#traffic.calmDown();
    this.#traffic.forgiveLimit();
    const onOpen = (open: number): void => this.#report('draining', open);
    return drained({ config: this.#config, logFile: this.#logFile, clock: this.#parts.clock, onOpen });
  }

  /** Removes what the test has stored. */
  emptyStore(): Promise<void> {
    return empty(this.#config);
  }

  findings(dead: ReadonlySet<string>): Findings {
    return { ...this.#done, ...this.#traffic.ledger.verdict(dead) };
  }

  async close(): Promise<void> {
    await this.#traffic.stop();
    await this.#fleet.killAll();
    await this.#traffic.close();
    await this.#gate?.close();
  }

  get #logFile(): string {
    return join(this.#plan.directory, 'router.log');
  }

  #report(phase: Progress['phase'], open = 0): void {
    this.#parts.onProgress({ phase, open, ...this.#done, acknowledged: this.#traffic.ledger.acknowledged });
  }

  /** Until the time is over, what ends it sooner has come, or the test is to stop. */
  #pauseOrStop(ms: number, sooner?: Promise<unknown>): Promise<void> {
    const { clock, stop } = this.#parts;
    if (stop.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        stop.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(ms, end);
      stop.addEventListener('abort', end);
      void sooner?.then(end);
    });
  }
}
