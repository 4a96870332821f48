/** Values that are read when somebody asks: what waits and for how long, what each lane is doing, whether the store is there. */
import type { Backlog, Store } from '../contract/store.js';
import type { Clock, Labels, Log } from '../contract/tools.js';
import type { BreakerState } from './breaker.js';
import { within } from './deadline.js';
import type { Pipeline } from './pipeline.js';

/** What a gauge shows now. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
  readonly value: number;
}

interface Parts {
  readonly store: Store;
  readonly pipeline: Pick<Pipeline, 'loads' | 'committing' | 'canCommit'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who reads metrics has patience for seconds, and wants them most when the store hangs. */
const patienceMs = 2_000;
const breakerStates: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

export class Gauges {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Never rejects. What the store cannot say is left out. */
  async read(): Promise<readonly Reading[]> {
    const { store, pipeline } = this.#parts;
    const [backlogs, committed] = await Promise.all([
      this.#answerOf(() => store.backlog()),
      this.#answerOf(async () => {
        await pipeline.canCommit();
        return true;
      }),
    ]);
    return [
      reading('store_up', '1 if the store answers and can commit', committed === null || backlogs === null ? 0 : 1),
      reading('events_committing', 'Events that wait for their commit', pipeline.committing),
      ...[...pipeline.loads].flatMap(([destination, { running, held, breaker }]) => [
        reading('lane_running', 'Deliveries whose attempt is under way in this router', running, { destination }),
        reading('lane_held', 'Deliveries in the memory of this router, before their attempt', held, { destination }),
        reading('breaker_state', 'Circuit breaker: 0 closed, 1 half-open, 2 open', breakerStates[breaker], {
          destination,
        }),
      ]),
      ...(backlogs === null ? [] : this.#backlogReadings(backlogs)),
    ];
  }

  #backlogReadings(backlogs: readonly Backlog[]): readonly Reading[] {
    const { clock, pipeline } = this.#parts;
    const known = new Map(backlogs.map((backlog) => [backlog.destination, backlog]));
    const destinations = new Set([...pipeline.loads.keys(), ...known.keys()]);
    return [...destinations].flatMap((destination) => {
      const { waiting = 0, running = 0, dead = 0, oldestOpenMs = null } = known.get(destination) ?? {};
      const ageMs = oldestOpenMs === null ? 0 : Math.max(0, clock.now() - oldestOpenMs);
      return [
        ...Object.entries({ waiting, running, dead }).map(([state, value]) =>
          reading('deliveries', 'Deliveries in the store that are not done, by state', value, { destination, state }),
        ),
        reading('oldest_waiting_age_seconds', 'Age of the oldest delivery that is waiting or running', ageMs / 1_000, {
          destination,
        }),
      ];
    });
  }

  /** Null where there is none, in time. */
  async #answerOf<T>(ask: () => Promise<T>): Promise<T | null> {
    const { clock, log } = this.#parts;
    try {
      return await within(clock, patienceMs, ask);
    } catch (error) {
      log.warn('store.failed', { error });
      return null;
    }
  }
}

function reading(name: string, help: string, value: number, labels: Labels = {}): Reading {
  return { name, help, labels, value };
}
