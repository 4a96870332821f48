/** What became of the deliveries of the latest replays: each is asked about until it has ended, and counts no longer where it is replayed again. */
import type { DeliveryRecord, Store } from '@switchhook/sdk';
import pMap from 'p-map';

/** How the replayed deliveries have ended since the replay. */
export interface ReplayOutcomes {
  readonly delivered: number;
  readonly dead: number;
  /** Kept back by a transform, or taken along by another delivery. */
  readonly skipped: number;
  /** Replayed again since, by this router: what they come to then is not of this replay. */
  readonly again: number;
  /** They wait or are running, as far as this was read. */
  readonly open: number;
  /** The destinations of those that were open when they were read. */
  readonly openTo: readonly string[];
  /** They are not followed, because there are too many, or are not kept any more. */
  readonly unknown: number;
}

type End = 'delivered' | 'dead' | 'skipped';

interface Followed {
  /** With their destinations; null = not read yet. */
  readonly open: Map<string, string | null>;
  readonly ended: Map<string, End>;
  readonly counts: Record<End | 'again' | 'unknown', number>;
}

/** Replays that are followed, and deliveries of each: some 100 bytes each. */
const [mostReplays, mostDeliveries] = [5, 10_000];
/** Deliveries that are read for one look; so many take a few milliseconds in a file. */
const readAtOnce = 500;
const atOnce = { concurrency: 20 };

/** Follows the latest replays, in memory. */
export class OutcomesOfReplays {
  /** By the id of the replay, the oldest first. */
  readonly #followed = new Map<string, Followed>();

  constructor(private readonly store: Pick<Store, 'delivery'>) {}

  /** Deliveries that a replay has made wait again. */
  add(replay: string, deliveries: readonly string[]): void {
    if (deliveries.length === 0) return;
    this.replayedAgain(deliveries, replay);
    const followed = this.#followed.get(replay) ?? this.#begin(replay);
    for (const id of deliveries)
      if (followed.open.size < mostDeliveries) followed.open.set(id, null);
      else followed.counts.unknown += 1;
  }

  /** Deliveries that were made to wait again, by the replay of that id or one by one: they are not of the replays before. */
  replayedAgain(deliveries: readonly string[], by: string | null = null): void {
    for (const [replay, { open, ended, counts }] of this.#followed)
      for (const id of replay === by ? [] : deliveries) {
        const end = ended.get(id);
        if (end === undefined && !open.has(id)) continue;
        if (end !== undefined) counts[end] -= 1;
        counts.again += 1;
        open.delete(id);
        ended.delete(id);
      }
  }

  /** What is known now; null where the replay is not followed. Those that are open are read again, so many at a time. */
  async read(replay: string): Promise<ReplayOutcomes | null> {
    const followed = this.#followed.get(replay);
    if (followed === undefined) return null;
    const { open, counts } = followed;
    await pMap([...open.keys()].slice(0, readAtOnce), (id) => this.#look(followed, id), atOnce);
    const openTo = [...new Set(open.values())].filter((destination) => destination !== null);
    return { ...counts, open: open.size, openTo };
  }

  async #look({ open, ended, counts }: Followed, id: string): Promise<void> {
    const delivery = await this.store.delivery(id);
    // Two requests may ask at the same time, and it may have been replayed again meanwhile.
    if (!open.delete(id)) return;
    const end = endOf(delivery);
    // To the end of the line, so that the next look is at others.
    if (end === null) open.set(id, delivery?.destination ?? null);
    else counts[end] += 1;
    if (end !== null && end !== 'unknown') ended.set(id, end);
  }

  #begin(replay: string): Followed {
    const counts = { delivered: 0, dead: 0, skipped: 0, again: 0, unknown: 0 };
    const followed = { open: new Map<string, string | null>(), ended: new Map<string, End>(), counts };
    this.#followed.set(replay, followed);
    const [oldest] = this.#followed.keys();
    if (this.#followed.size > mostReplays && oldest !== undefined) this.#followed.delete(oldest);
    return followed;
  }
}

/** Null where it is open. */
function endOf(delivery: DeliveryRecord | null): End | 'unknown' | null {
  switch (delivery?.state) {
    case undefined:
      return 'unknown';
    case 'waiting':
    case 'running':
      return null;
    case 'gathered':
      return 'skipped';
    default:
      return delivery?.state ?? 'unknown';
  }
}
