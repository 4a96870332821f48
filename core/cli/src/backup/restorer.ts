/** Fills a store with the content of a verified backup. While it does, all destinations are paused in the store: a router that is started too early delivers nothing of a part. */
import { erasuresPrefix, type Pause, pausesKey } from '@switchhook/core/internal';
import type { Store, StoredEvent, StoredKey, StoredText } from '@switchhook/sdk';
import { CommandFailure, exitCodes } from '../output.js';
import type { Counts } from './format.js';
import { counter, openBackup } from './reader.js';

/** Under which key the store keeps which backup it is being filled with, by its SHA-256, until all of it is there. */
export const restoringKey = 'switchhook.restoring';

/** A step is one transaction. */
const step = { items: 200, bytes: 4 * 1_048_576 };

/** What is restored, and how. */
export interface RestorePlan {
  readonly path: string;
  readonly sha256: string;
  readonly takenAt: string;
  /** Destinations that are paused meanwhile. */
  readonly destinations: readonly string[];
  /** Whether they stay paused. */
  readonly paused: boolean;
  /** Ids of events that were erased in the store: it passes over them. */
  readonly erased: ReadonlySet<string>;
  readonly nowMs: number;
  readonly onProgress: (events: number) => void;
}

/** What a restore needs of a store. */
export type RestorableStore = Store & Required<Pick<Store, 'restore' | 'clear' | 'snapshot' | 'state' | 'setState'>>;

export function isRestorable(store: Store): store is RestorableStore {
  const { restore, clear, snapshot, state, setState } = store;
  return [restore, clear, snapshot, state, setState].every((method) => method !== undefined);
}

/** What of a backup is not restored. */
export interface LeftOut {
  /** Texts that had ended since the backup. */
  readonly ended: number;
  /** Events that were erased in the store, with their deliveries. */
  readonly passedOver: Pick<Counts, 'events' | 'deliveries' | 'attempts'>;
}

/** May be repeated after a failure. */
export async function restoreInto(store: RestorableStore, plan: RestorePlan): Promise<LeftOut> {
  const { path, sha256, takenAt, destinations, nowMs } = plan;
  const hold = pausesText(destinations, `the restore of a backup of ${takenAt} is not complete`, nowMs, null);
  await store.restore([], { texts: [lasting(restoringKey, sha256), lasting(pausesKey, hold)] });
  const batch = new Batch(store);
  let [ended, events, pauses]: [number, number, string | null] = [0, 0, null];
  const passedOver = counter();
  const backup = await openBackup(path);
  for await (const content of backup.contents) {
    if (content.kind === 'event') {
      if (plan.erased.has(content.event.event.id)) passedOver.add(content);
      await batch.addEvent(content.event);
      events += 1;
      if (events % step.items === 0) plan.onProgress(events);
    } else if (content.kind === 'key') await batch.addKey(content.key);
    else if (content.text.key === pausesKey) pauses = content.text.value;
    else if (hasEnded(content.text, nowMs)) ended += 1;
    else if (!(await isKeptErasure(store, content.text.key))) await batch.addText(content.text);
  }
  await batch.flush();
  if (backup.sha256() !== sha256)
    throw new CommandFailure(
      exitCodes.failed,
      `${path} was replaced by another file while it was restored: restore again, with --force`,
    );
  const kept = plan.paused ? pausesText(destinations, `restored from a backup of ${takenAt}`, nowMs, pauses) : pauses;
  if (!(await store.setState(pausesKey, kept, hold)) || !(await store.setState(restoringKey, null, sha256)))
    throw new CommandFailure(
      exitCodes.failed,
      'Another process changed the store while it was restored. Stop all routers and other restores that use it.',
    );
  return { ended, passedOver: passedOver.counts };
}

/** The store has what an erasure has become since the backup. */
async function isKeptErasure(store: RestorableStore, key: string): Promise<boolean> {
  return key.startsWith(erasuresPrefix) && (await store.state(key)) !== null;
}

/** Collects what is written in one step. */
class Batch {
  #events: StoredEvent[] = [];
  #texts: StoredText[] = [];
  #keys: StoredKey[] = [];
  #bytes = 0;

  constructor(private readonly store: RestorableStore) {}

  async addEvent(event: StoredEvent): Promise<void> {
    this.#events.push(event);
    await this.#grown(event.event.body.byteLength);
  }

  async addText(text: StoredText): Promise<void> {
    this.#texts.push(text);
    await this.#grown(text.value.length);
  }

  async addKey(key: StoredKey): Promise<void> {
    this.#keys.push(key);
    await this.#grown(0);
  }

  async flush(): Promise<void> {
    const [events, texts, keys] = [this.#events, this.#texts, this.#keys];
    [this.#events, this.#texts, this.#keys, this.#bytes] = [[], [], [], 0];
    await this.store.restore(events, { texts, keys });
  }

  async #grown(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const items = this.#events.length + this.#texts.length + this.#keys.length;
    if (items >= step.items || this.#bytes >= step.bytes) await this.flush();
  }
}

/** Also the mark of a restore that was not complete at the time of the backup. */
function hasEnded({ key, expiresAtMs }: StoredText, nowMs: number): boolean {
  return key === restoringKey || (expiresAtMs !== null && expiresAtMs <= nowMs);
}

function lasting(key: string, value: string): StoredText {
  return { key, value, expiresAtMs: null };
}

/** The text of pauses: those of a backup, and of each destination that it does not pause. */
function pausesText(destinations: readonly string[], reason: string, sinceMs: number, earlier: string | null): string {
  // What the router has written there itself, see `Pauses`.
  const kept = (earlier === null ? [] : JSON.parse(earlier)) as readonly Pause[];
  const isPaused = (name: string): boolean => kept.some((one) => one.kind === 'destination' && one.name === name);
  const added = destinations
    .filter((name) => !isPaused(name))
    .map((name): Pause => ({ kind: 'destination', name, by: 'switchhook restore', reason, sinceMs }));
  return JSON.stringify([...kept, ...added]);
}
