/** What happens around the routers of a crash test: events and calls that reach them, and the receiver of their deliveries. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { openNetwork } from '@switchhook/core/internal';
import type { Clock } from '@switchhook/sdk';
import { breakerTrial, type TrialParts } from './breaker-trial.js';
import { Callers } from './callers.js';
import { attempts, destinationsOf, fragile, isLimited, isOrdered, limitOf } from './configuration.js';
import { FaultyReceiver } from './faulty-receiver.js';
import { Ledger } from './ledger.js';
import type { Plan } from './plan.js';
import { RateGauge, type RateGaugeLimits } from './rate-gauge.js';
import { SeededRandom } from './seeded-random.js';
import { Senders } from './senders.js';
import { openSince } from './standing.js';

/** What it works with. */
export interface TrafficParts {
  readonly plan: Plan;
  readonly clock: Clock;
  /** What senders and callers sign with. */
  readonly secret: string;
}

export class Traffic {
  readonly ledger: Ledger;
  readonly #receiver: FaultyReceiver;
  readonly #gauge: RateGauge;
  readonly #senders: Senders;
  readonly #callers: Callers;
  readonly #written: WriteStream;
  readonly #network = openNetwork();
  readonly #clock: Clock;
  readonly #calls: () => number;
  /** Whether an event or a call that no router takes is a fault. */
  #mustTake = false;

  private constructor(
    { plan, clock, secret }: TrafficParts,
    ledger: Ledger,
    gauge: RateGauge,
    receiver: FaultyReceiver,
    calls: () => number,
  ) {
    this.ledger = ledger;
    this.#clock = clock;
    this.#calls = calls;
    this.#gauge = gauge;
    this.#receiver = receiver;
    this.#written = createWriteStream(join(plan.directory, 'acknowledged.txt'));
    const refusing = { mustTake: () => this.#mustTake, onRefused: () => ledger.refuse() };
    const post = { secret, network: this.#network, clock };
    this.#senders = new Senders({
      ...post,
      perSecond: plan.perSecond,
      onAcknowledged: (event) => {
        ledger.acknowledge(event);
        this.#written.write(`${event.id}\n`);
      },
      ...refusing,
    });
    this.#callers = new Callers({
      ...post,
      ...refusing,
      onAnswered: (ms) => ledger.answer(ms),
      onUnanswered: () => ledger.leaveUnanswered(),
      onAnsweredAnew: () => ledger.answerAnew(),
    });
  }

  /** Events and calls wait for routers: see `setTargets`. */
  static async open(parts: TrafficParts): Promise<Traffic> {
    const { plan, clock } = parts;
    const ledger = new Ledger(attempts, destinationsOf);
    const gauge = new RateGauge(toleranceOf(plan));
    let calls = 0;
    const receiver = await FaultyReceiver.open(new SeededRandom(plan.seed + 1), {
      arrive: (arrival) => {
        ledger.arrive(arrival);
        if (arrival.destination === fragile) calls += 1;
        if (isLimited(arrival.destination) && !gauge.arrive(clock.elapsed())) ledger.exceed();
      },
      accept: (arrival, event) => ledger.accept(arrival, event, isOrdered(arrival.destination)),
    });
    return new Traffic(parts, ledger, gauge, receiver, () => calls);
  }

  /** Of the receiver. */
  get url(): string {
    return this.#receiver.url;
  }

  /** Where the routers listen. */
  setTargets(urls: readonly string[]): void {
    this.#senders.setTargets(urls);
    this.#callers.setTargets(urls);
  }

  /** Works on routers that refuse nothing: an event or a call that none takes meanwhile is a fault. A router that is killed may refuse what comes next. */
  async whileAllIsTaken(work: () => Promise<void>): Promise<void> {
    this.#mustTake = true;
    try {
      await work();
    } finally {
      this.#mustTake = false;
    }
  }

  /** Lets the fragile destination fail until the routers at these addresses keep away from it, and recover. */
  async tryBreaker(urls: readonly string[], until: Pick<TrialParts, 'pause' | 'stop'>): Promise<void> {
    const trial = await breakerTrial({
      ...until,
      clock: this.#clock,
      calls: this.#calls,
      setDown: (isDown) => this.#receiver.setDown(isDown ? fragile : null),
      openSince: () =>
        Promise.all(urls.map((url) => openSince(url, fragile, { network: this.#network, clock: this.#clock }))),
    });
    if (trial !== null) this.ledger.noteTrial(trial);
  }

  /** The routers may not know what they have used of the rate limit. */
  forgiveLimit(): void {
    this.#gauge.forgive();
  }

  /** No further event, and no further call. */
  async stop(): Promise<void> {
    await Promise.all([this.#senders.stop(), this.#callers.stop()]);
  }

  /** The receiver takes everything from now on. */
  calmDown(): void {
    this.#receiver.calmDown();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#receiver.close();
    await this.#network.close();
    await new Promise<void>((resolve) => this.#written.end(() => resolve()));
  }
}

/**
 * What the limited destination may get: the limit, one second's worth at once, one block for each router, and as much again as one
 * second, by which attempts may be seen late.
 */
function toleranceOf({ perSecond, routers }: Plan): RateGaugeLimits {
  const limit = limitOf(perSecond);
  return { perSecond: limit, burst: 2 * limit + routers * Math.max(1, limit / 10) };
}
