/** What `replay` and `discard` have in common for many deliveries: the count, the question, the progress, the list and the cancelling. */
import type { Replay } from '@switchhook/core/api';
import type { z } from 'zod';
import { ended, type Query, type RouterClient, type RouterOptions } from '../api-client.js';
import { type DeliveryFilter, type DiedPeriod, type EventFilter, filterOf, type Period } from '../filters.js';
import { clockTime } from '../format/event.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { confirm, deliveries, printJson, printTable } from '../print.js';
import { timeCut } from '../table.js';

export interface BulkOptions extends RouterOptions, EventFilter, DeliveryFilter, Period, DiedPeriod {
  readonly dryRun?: true;
  readonly perSecond: string;
  readonly yes?: true;
  readonly list?: true;
  readonly cancel?: true;
}

type Change = Pick<Replay, 'id' | 'state' | 'dryRun' | 'filter' | 'startedAt' | 'matched' | 'destinations' | 'reason'>;

/** A kind of change. */
export interface BulkKind<T extends Change> {
  readonly verb: 'replay' | 'discard';
  /** The replies of one, and of all. */
  readonly one: z.ZodType<T>;
  readonly all: z.ZodType<readonly T[]>;
  /** How many were changed, and how that is said. */
  changed(change: T): number;
  readonly past: string;
  /** What would happen to deliveries, for a dry run. */
  would(change: T): string;
  /** Sentences on what would hold them back. */
  heldBack?(change: T): readonly string[];
  /** What became of those that were changed since, for the list; empty where it is not known. */
  became?(change: T): string;
  /** Sentences on what was skipped. */
  skipped(change: T): readonly string[];
}

/** The conditions that were given. Refuses none at all. */
export function conditionsOf(options: BulkOptions, more: Query | { readonly unrouted?: true | undefined } = {}) {
  const filter = { ...filterOf(options), ...more };
  if (Object.values(filter).some((condition) => condition !== undefined)) return filter;
  throw new CommandFailure(
    exitCodes.usage,
    'name deliveries: by id, or by options such as --destination crm or --state dead',
  );
}

/** Counts, asks unless `yes`, and changes all that fit; the change at its end, or null where nothing was to be changed. */
export async function changeMany<T extends Change>(
  router: RouterClient,
  kind: BulkKind<T>,
  request: object,
  options: BulkOptions & { readonly asks?: boolean },
  output: Output,
): Promise<T | null> {
  const { verb, one } = kind;
  const post = async (dryRun: boolean) =>
    followed(router, kind, await router.post(`/api/${verb}`, one, { ...request, dryRun }), output);
  const counted = await post(true);
  const nothingToDo = counted.matched === 0;
  if (nothingToDo && !options.dryRun && counted.state === 'done' && !options.json) {
    output.line(`Nothing fits: 0 deliveries ${kind.past}.`);
    return null;
  }
  if (options.dryRun || counted.state !== 'done' || nothingToDo) {
    report(kind, counted, options, output);
    return null;
  }
  const question = `${verb === 'replay' ? 'Replay' : 'Discard'} ${deliveries(counted.matched)}?`;
  if (options.yes !== true && options.asks !== false) await confirm(question, output);
  const result = await post(false);
  report(kind, result, options, output);
  return result;
}

function followed<T extends Change>(router: RouterClient, kind: BulkKind<T>, started: T, output: Output): Promise<T> {
  return ended(started, output, {
    again: (id) => router.get(`/api/${kind.verb}s/${id}`, kind.one),
    text: (change) => (change.dryRun ? `${change.matched} found` : `${kind.changed(change)} of ${change.matched}`),
  });
}

function report<T extends Change>(kind: BulkKind<T>, change: T, { json }: BulkOptions, output: Output): void {
  const { state, dryRun, matched, reason } = change;
  if (json) printJson(output, change);
  else if (dryRun) {
    output.line(`${deliveries(matched)} would be ${kind.would(change)}`);
    for (const sentence of kind.heldBack?.(change) ?? []) output.line(sentence);
  } else {
    output.line(`${styled(output, 'green', deliveries(kind.changed(change)))} ${kind.past}`);
    for (const sentence of kind.skipped(change)) output.line(sentence);
  }
  if (state === 'done') return;
  const why = reason === null ? '' : `: ${reason}`;
  throw new CommandFailure(
    exitCodes.failed,
    `the ${kind.verb} ${state === 'cancelled' ? 'was cancelled' : state}${why}`,
  );
}

/** The latest changes of this kind, or the end of the one that runs. */
export async function listOrCancel<T extends Change>(
  router: RouterClient,
  kind: BulkKind<T>,
  options: BulkOptions,
  output: Output,
): Promise<void> {
  const { verb, one, all } = kind;
  const known = await router.get(`/api/${verb}s`, all);
  if (options.cancel) {
    const running = known.find(({ state }) => state === 'running');
    if (running === undefined) throw new CommandFailure(exitCodes.failed, `no ${verb} is running`);
    const ended = await router.post(`/api/${verb}s/${running.id}/cancel`, one);
    if (options.json) return printJson(output, ended);
    return output.line(
      `The ${verb} was cancelled: ${kind.changed(ended)} of ${deliveries(ended.matched)} ${kind.past}.`,
    );
  }
  if (options.json) return printJson(output, { [`${verb}s`]: known });
  const rows = known.map((change) => [
    clockTime(change.startedAt, options.utc),
    change.dryRun ? `${change.state}, dry run` : change.state,
    String(change.matched),
    String(kind.changed(change)),
    ...(kind.became === undefined ? [] : [kind.became(change) || '-']),
    Object.entries(change.filter)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    change.id,
  ]);
  const columns = [
    ...[{ heading: 'started', cut: timeCut }, { heading: 'state' }, { heading: 'matched' }, { heading: kind.past }],
    ...(kind.became === undefined ? [] : [{ heading: 'of these' }]),
    ...[
      { heading: 'filter', cut: 16 },
      { heading: 'id', below: true as const },
    ],
  ];
  printTable(output, columns, rows);
}
