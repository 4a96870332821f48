/** Replays and discards of many deliveries as the API takes and returns them. */
import type { DeliveryQuery, EventQuery } from '@switchhook/sdk';
import { z } from 'zod';
import type { BulkChange, BulkFilter } from '../admin/bulk-changes.js';
import type { ReplayOutcomes } from '../admin/replay-outcomes.js';
import type { Standings } from '../admin/status.js';
import { heldBackJson } from './mapping.js';
import { deliveryFilter, eventFilter, period, settledPeriod, timed } from './requests.js';
import { count, iso, isoOrNull, list, named, time } from './responses.js';

const conditions = {
  ...{ ...deliveryFilter, ...eventFilter, ...period, ...settledPeriod },
  failure: z.string().nullable().optional().meta({
    description:
      'Failure of the last attempt, as `GET /api/dead` has it; that of one delivery stands for its group. Null: no attempt came back.',
  }),
};
const filterText = { description: 'All given conditions must hold.' };
const everything = {
  all: z.boolean().default(false).meta({ description: 'Required where the filter has no condition.' }),
  dryRun: z.boolean().default(false).meta({ description: 'Count only.' }),
};

interface Filtered {
  readonly filter: Readonly<Record<string, unknown>>;
  readonly all: boolean;
  readonly dryRun: boolean;
}

/** What holds for the body of every change of many. */
function checkFilter({ filter, all, dryRun }: Filtered, ctx: z.RefinementCtx): void {
  const isUnlimited = Object.values(filter).every((condition) => condition === undefined);
  if (isUnlimited && !all && !dryRun)
    ctx.addIssue({ code: 'custom', path: ['filter'], message: 'expected a condition, or all: true' });
  if (filter.event !== undefined)
    for (const key of [...Object.keys(eventFilter), 'unrouted'])
      refuseIn({ filter }, key, 'not together with event', ctx);
}

function refuseIn({ filter }: Pick<Filtered, 'filter'>, key: string, message: string, ctx: z.RefinementCtx): void {
  if (filter[key] !== undefined) ctx.addIssue({ code: 'custom', path: ['filter', key], message });
}

export const replayBody = z
  .strictObject({
    filter: z
      .strictObject({
        state: z.enum(['waiting', 'delivered', 'dead', 'skipped', 'gathered']).optional().meta({
          description:
            'Default: dead. Discarded ones only with reason: discarded. `gathered`: the deliveries that have gathered them.',
        }),
        ...conditions,
        unrouted: z.boolean().optional().meta({ description: 'With reroute: only events that matched no route.' }),
      })
      .prefault({})
      .meta(filterText),
    ...everything,
    reroute: z.boolean().default(false).meta({
      description: "Make the deliveries that today's routes want and the event does not have, and leave the others.",
    }),
    perSecond: z.int().min(1).max(10_000).default(50).meta({ description: 'So many become due each second.' }),
  })
  .superRefine((body, ctx) => {
    if (body.reroute)
      for (const key of ['state', 'reason', 'failure', 'settledSince', 'settledUntil'])
        refuseIn(body, key, 'not with reroute, which makes new ones', ctx);
    else refuseIn(body, 'unrouted', 'only with reroute: these events have no deliveries', ctx);
    checkFilter(body, ctx);
  });

export const discardBody = z
  .strictObject({
    filter: z
      .strictObject({
        state: z.enum(['waiting', 'dead']).optional().meta({ description: 'Default: dead.' }),
        ...conditions,
        reason: z.enum(['rejected', 'exhausted']).optional().meta({ description: 'Why it is dead.' }),
      })
      .prefault({})
      .meta(filterText),
    ...everything,
    perSecond: z.int().min(1).max(10_000).default(1_000).meta({ description: 'So many are discarded each second.' }),
  })
  .superRefine(checkFilter);

type AskedFilter = Partial<Omit<z.output<typeof replayBody>['filter'], 'reason'>> & Pick<DeliveryQuery, 'reason'>;

/** A filter as it was asked for, for the store: without `reroute`, of dead deliveries where it names no state. */
export function bulkFilterOf(
  filter: { readonly [K in keyof AskedFilter]: AskedFilter[K] | undefined },
  reroute: boolean,
  nowMs: number,
): BulkFilter {
  const { state, reason, failure, destination, route, event: eventId, settledSince, settledUntil, ...ofBoth } = filter;
  const { since, until, ...ofEvents } = ofBoth;
  const asked = reroute ? {} : { state: state ?? ('dead' as const), reason, since, until, settledSince, settledUntil };
  const events = timed({ ...ofEvents, since, until }, nowMs);
  return {
    deliveries: timed({ ...asked, destination, route, eventId }, nowMs),
    ...(failure !== undefined && { failure }),
    events: reroute || Object.values(ofEvents).some((condition) => condition !== undefined) ? events : null,
  };
}

const text = z.string().optional();
const usedFilter = z
  .object({
    ...{ state: text, reason: text, destination: text, route: text, event: text },
    ...{ source: text, type: text, subject: text, agent: text, unrouted: z.boolean().optional() },
    ...{ since: time.optional(), until: time.optional() },
    ...{ settledSince: time.optional(), settledUntil: time.optional(), failure: z.string().nullable().optional() },
  })
  .meta({ description: 'Which were to be changed, with its times as dates.' });

const progress = {
  id: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled', 'stopped']).meta({
    description: '`cancelled`: by an operator. `stopped`: the router was closed before its end.',
  }),
  dryRun: z.boolean(),
  filter: usedFilter.default({}),
  perSecond: count.optional(),
  startedAt: time,
  endedAt: time.nullable(),
  matched: count.meta({ description: 'Deliveries that fit; found so far, while it counts.' }),
  destinations: list(z.string()).meta({ description: 'Destinations of what fits.' }),
  reason: z.string().nullable().meta({ description: 'Why it failed.' }),
};

export const replay = z
  .object({
    ...progress,
    reroute: z.boolean(),
    replayed: count,
    // A router of the version before does not send it.
    outcomes: z
      .object({
        delivered: count,
        dead: count.meta({ description: 'Dead again.' }),
        skipped: count.meta({ description: 'Kept back by a transform, or taken along by another delivery.' }),
        again: count.default(0).meta({
          description: 'Replayed again since, by this router: what they come to then is not counted here.',
        }),
        open: count.meta({ description: 'Waiting or running, as far as it is known.' }),
        unknown: count.meta({
          description: 'More than 10,000, which are not followed, and what retention has removed.',
        }),
      })
      .nullable()
      .default(null)
      .meta({
        description:
          'How the replayed ones have ended since. Null where none was replayed, and of all but the latest five.',
      }),
    heldBack: list(z.string()).default([]).meta({
      description: 'What holds the open ones back at present, or in a dry run would: a sentence for each destination.',
    }),
    skipped: z.object({
      running: count.meta({ description: 'Running, or gone since they were found.' }),
      unconfigured: count.meta({ description: 'Their destination is not configured any more.' }),
      withoutBody: count.meta({ description: 'Retention has removed the body of their event.' }),
    }),
  })
  .register(named, { id: 'Replay' });
export type Replay = z.output<typeof replay>;
export const replayList = z
  .object({ replays: list(replay).meta({ description: 'Newest first.' }) })
  .register(named, { id: 'ReplayList' });

export const discard = z
  .object({
    ...progress,
    discarded: count,
    skipped: z.object({ running: count.meta({ description: 'Running, gone or settled since they were found.' }) }),
  })
  .register(named, { id: 'Discard' });
export type Discard = z.output<typeof discard>;
export const discardList = z
  .object({ discards: list(discard).meta({ description: 'Newest first.' }) })
  .register(named, { id: 'DiscardList' });

function progressJson({ startedAtMs, endedAtMs, filter, ...rest }: BulkChange) {
  const { id, state, dryRun, perSecond, matched, destinations, reason } = rest;
  return {
    ...{ id, state, dryRun, filter: filterJson(filter), perSecond },
    ...{ startedAt: iso(startedAtMs), endedAt: isoOrNull(endedAtMs), matched, destinations, reason },
  };
}

function filterJson({ deliveries, events, failure }: BulkFilter): z.input<typeof usedFilter> {
  const { eventId, ...all }: Omit<DeliveryQuery, 'limit'> & Omit<EventQuery, 'limit'> = { ...events, ...deliveries };
  const { sinceMs, untilMs, settledSinceMs, settledUntilMs, ...texts } = all;
  const times = { since: sinceMs, until: untilMs, settledSince: settledSinceMs, settledUntil: settledUntilMs };
  const dated = Object.entries(times).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, iso(ms)]]));
  const others = { ...(eventId !== undefined && { event: eventId }), ...(failure !== undefined && { failure }) };
  return { ...texts, ...others, ...Object.fromEntries(dated) };
}

export function replayJson(
  change: BulkChange & { readonly reroute: boolean },
  outcomes: ReplayOutcomes | null,
  standings: Standings,
): z.input<typeof replay> {
  const { reroute, changed: replayed, skipped, dryRun, destinations } = change;
  const { openTo = [] } = outcomes ?? {};
  // Those of a dry run are not due yet: the rate limit is not what holds them back.
  const dueMs = dryRun ? Number.POSITIVE_INFINITY : null;
  const heldBack = (dryRun ? destinations : openTo).flatMap(
    (name) => heldBackJson(name, standings, dueMs).heldBack ?? [],
  );
  return { ...progressJson(change), reroute, replayed, outcomes: outcomes && countsOf(outcomes), heldBack, skipped };
}

function countsOf({ openTo: _, ...counts }: ReplayOutcomes) {
  return counts;
}

export function discardJson(change: BulkChange): z.input<typeof discard> {
  return { ...progressJson(change), discarded: change.changed, skipped: { running: change.skipped.running } };
}
