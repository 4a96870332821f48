/** Replays and discards of all that match: the router makes them, the page follows them. */
import { signal } from '@preact/signals';
import { ApiFailure, api } from './api.js';
import type { BulkChange, Discard, Replay } from './bulk-replies.js';
import { pause } from './clock.js';
import { linkTo } from './location.js';

export type Verb = 'replay' | 'discard';
/** Conditions of a change. A failure that is null: no attempt came back. */
export type Conditions = Readonly<Record<string, string | null>>;

/** So many each second, unless the operator chooses. */
export const usualPace: Readonly<Record<Verb, number>> = { replay: 50, discard: 1_000 };

/** Counts the changes that this page has begun or cancelled: lists of them are then read again. */
export const changesMade = signal(0);

/** A change, with its verb. */
export interface Made {
  readonly verb: Verb;
  readonly change: BulkChange;
}

/** How many it has changed. */
export function changedBy(change: BulkChange): number {
  return 'replayed' in change ? change.replayed : change.discarded;
}

/** How many it has passed over. */
export function skippedBy({ skipped }: BulkChange): number {
  return Object.values(skipped).reduce((sum, one) => sum + one, 0);
}

/** What a change does to those that match. */
export function willBe(verb: Verb, matched: number): string {
  if (matched === 1) return verb === 'discard' ? 'It is not made, until a replay brings it back.' : 'It is sent again.';
  return verb === 'discard'
    ? 'They are not made, until a replay brings them back.'
    : 'They are sent again, the oldest first.';
}

/** The body of a change for the conditions of a list. */
export function bulkBodyOf(filter: Conditions): { readonly filter: Conditions; readonly all?: true } {
  return Object.keys(filter).length === 0 ? { filter, all: true } : { filter };
}

/** How soon its progress is read again. */
const progressMs = 500;

/** How soon it is read what became of replayed deliveries: of many, less often. */
const outcomesMs = (replayed: number): number => (replayed <= 100 ? progressMs : 4 * progressMs);

/** How many of the replayed ones have not ended. */
export function openOf(change: BulkChange): number {
  return 'outcomes' in change ? (change.outcomes?.open ?? 0) : 0;
}

const levels = { running: 'busy', done: 'well', failed: 'bad', cancelled: 'off', stopped: 'warn' } as const;

/** How good a change is: a replay only as good as what became of its deliveries. */
export function levelOf(change: BulkChange): (typeof levels)[keyof typeof levels] {
  if (change.state !== 'done') return levels[change.state];
  if ('outcomes' in change && (change.outcomes?.dead ?? 0) > 0) return 'warn';
  return openOf(change) > 0 ? 'busy' : 'well';
}

/**
 * Starts a change and follows it to its end, and a replay until its deliveries have ended, too; what the signal aborts is the following,
 * not the change.
 */
export async function changeAll(
  verb: Verb,
  body: object,
  signal: AbortSignal,
  show: (change: BulkChange) => void,
): Promise<BulkChange> {
  let change = await api<BulkChange>(verb, { method: 'POST', body, signal });
  if (!change.dryRun) changesMade.value += 1;
  show(change);
  while (change.state === 'running') {
    await pause(progressMs);
    change = await api<BulkChange>(`${verb}s/${encodeURIComponent(change.id)}`, { signal });
    show(change);
  }
  if (!change.dryRun) changesMade.value += 1;
  if (change.state === 'failed' || change.state === 'stopped')
    throw new ApiFailure(
      `The ${verb} has ${change.state === 'failed' ? 'failed' : 'stopped'}: ${change.reason ?? 'the router was closed'}`,
      'BULK_CHANGE',
    );
  while (openOf(change) > 0) {
    await pause(outcomesMs(changedBy(change)));
    change = await api<BulkChange>(`${verb}s/${encodeURIComponent(change.id)}`, { signal });
    show(change);
    if (openOf(change) === 0) changesMade.value += 1;
  }
  return change;
}

/** Ends a change that runs. */
export async function cancel({ verb, change }: Made): Promise<BulkChange> {
  const ended = await api<BulkChange>(`${verb}s/${encodeURIComponent(change.id)}/cancel`, { method: 'POST' });
  changesMade.value += 1;
  return ended;
}

/** The latest changes since the router started, newest first; counts alone are left out. */
export async function changesOf(signal: AbortSignal): Promise<readonly Made[]> {
  const [{ replays }, { discards }] = await Promise.all([
    api<{ readonly replays: readonly Replay[] }>('replays', { signal }),
    api<{ readonly discards: readonly Discard[] }>('discards', { signal }),
  ]);
  const all: readonly Made[] = [
    ...replays.map((change) => ({ verb: 'replay' as const, change })),
    ...discards.map((change) => ({ verb: 'discard' as const, change })),
  ];
  return all.filter(({ change }) => !change.dryRun).sort((a, b) => (a.change.startedAt < b.change.startedAt ? 1 : -1));
}

/** What the deliveries of a replay came to, as `1 delivered`, each with the list that shows them where there is one. None where it is not known. */
export function outcomesOf({ change }: Made): readonly (readonly [link: string | null, text: string])[] {
  const outcomes = 'outcomes' in change ? change.outcomes : null;
  if (outcomes === null) return [];
  const { filter, startedAt } = change;
  const { destination, route, event, since, until, source, type, subject, agent } = filter;
  const isOfEvents = [source, type, subject, agent].some((condition) => condition !== undefined);
  const same = { destination, route, event, since, until };
  const list = (path: string, more: Readonly<Record<string, string>>) =>
    isOfEvents ? null : linkTo([path], { ...same, ...more });
  const ends = [
    [outcomes.delivered, 'delivered', list('deliveries', { state: 'delivered', settledSince: startedAt })],
    [outcomes.dead, 'dead again', list('dead', { settledSince: startedAt })],
    [outcomes.skipped, 'skipped', list('deliveries', { state: 'skipped', settledSince: startedAt })],
    [outcomes.again, 'replayed again', null],
    [outcomes.open, 'not ended yet', list('deliveries', { state: 'waiting' })],
    [outcomes.unknown, 'not followed', null],
  ] as const;
  return ends
    .filter(([number]) => number > 0)
    .map(([number, text, link]) => [link, `${number.toLocaleString('en')} ${text}`]);
}

/** Lists that show what became of the deliveries of a change; that of the events where only they have its conditions. */
export function becameOf({
  verb,
  change: { filter, startedAt },
}: Made): readonly (readonly [link: string, text: string])[] {
  const { destination, route, event, since, until, source, type, subject, agent } = filter;
  const same = { destination, route, event, since, until };
  const ofEvents = { source, type, subject, agent };
  if (Object.values(ofEvents).some((condition) => condition !== undefined))
    return [[linkTo(['events'], { ...ofEvents, since, until }), 'See the events that it chose from']];
  if (verb === 'discard')
    return [[linkTo(['dead'], { ...same, reason: 'discarded', settledSince: startedAt }), 'See what was discarded']];
  return [
    [linkTo(['deliveries'], { ...same, settledSince: startedAt }), 'See what becomes of them'],
    [linkTo(['deliveries'], { ...same, state: 'waiting' }), 'those that still wait'],
    [linkTo(['dead'], { ...same, settledSince: startedAt }), 'those that are dead again'],
  ];
}
