/** Fills a store with the content of a verified backup. While it does, all destinations are paused in the store: a router that is started too early delivers nothing of a part. */
import { erasuresPrefix, type Pause, pausesKey } from '@switchhook/core/internal';
import {
  partsOfDeliveryId,
  type Store,
  type StoredDelivery,
  type StoredEvent,
  type StoredKey,
  type StoredText,
} from '@switchhook/sdk';
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
  /** Those of its deliveries that were open. */
  readonly cancelled: number;
  /** Deliveries of other events that those would have taken along: they are skipped. */
  readonly leftBehind: number;
}

/** Why a delivery is skipped that an erased event would have taken along. */
const leftReason = 'the event with which it was to be delivered was erased: a replay delivers it alone';

/** What erased events had gathered and not delivered: it is skipped with a reason, so that an operator finds it and can replay it. */
class LeftBehind {
  /** Deliveries of erased events that had ended: what they had gathered was delivered with them, or discarded. */
  readonly #ended = new Set<string>();
  deliveries = 0;
  /** Open deliveries of erased events. */
  cancelled = 0;

  constructor(private readonly plan: Pick<RestorePlan, 'erased' | 'nowMs'>) {}

  noteErased({ deliveries }: StoredEvent): void {
    this.cancelled += deliveries.filter(({ record: { state } }) => state === 'waiting' || state === 'running').length;
    for (const { record } of deliveries)
      if (['delivered', 'skipped'].includes(record.state) || record.reason === 'discarded') this.#ended.add(record.id);
  }

  /** The event as it is restored. */
  restored({ event, deliveries }: StoredEvent): StoredEvent {
    return { event, deliveries: deliveries.map((one) => (this.#isLeft(one) ? this.#skipped(one) : one)) };
  }

  #isLeft({ record: { state, gathered } }: StoredDelivery): boolean {
    if (state !== 'gathered' || gathered == null || this.#ended.has(gathered.by)) return false;
    return this.plan.erased.has(partsOfDeliveryId(gathered.by)?.eventId ?? '');
  }

  #skipped({ record }: StoredDelivery): StoredDelivery {
    this.deliveries += 1;
    const { nowMs } = this.plan;
    const attempt = { number: 1, startedAtMs: nowMs, durationMs: 0, outcome: 'skipped', reason: leftReason } as const;
    const ended = { state: 'skipped', attempts: 1, settledAtMs: nowMs, failure: leftReason, gathered: null } as const;
    return { record: { ...record, ...ended }, attempts: [{ ...attempt, response: null }] };
  }
}

/** May be repeated after a failure. */
export async function restoreInto(store: RestorableStore, plan: RestorePlan): Promise<LeftOut> {
  const { path, sha256, takenAt, destinations, nowMs } = plan;
  const hold = pausesText(destinations, `the restore of a backup of ${takenAt} is not complete`, nowMs, null);
  await store.restore([], { texts: [lasting(restoringKey, sha256), lasting(pausesKey, hold)] });
  const batch = new Batch(store);
  let [ended, events, pauses]: [number, number, string | null] = [0, 0, null];
  const [passedOver, left] = [counter(), new LeftBehind(plan)];
  const backup = await openBackup(path);
  for await (const content of backup.contents) {
    if (content.kind === 'event') {
      const isErased = plan.erased.has(content.event.event.id);
      if (isErased) passedOver.add(content);
      if (isErased) left.noteErased(content.event);
      await batch.addEvent(left.restored(content.event));
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
  return { ended, passedOver: passedOver.counts, cancelled: left.cancelled, leftBehind: left.deliveries };
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
