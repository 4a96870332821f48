/** Response schema of the API about the last two days, and how a history is written in it. */
import { z } from 'zod';
import type { HistorySeries } from '../admin/history-series.js';
import { count, iso, list, named, time } from './responses.js';

const counts = list(count);
const ms = z.number().min(0).nullable();
const durations = list(ms);
const percentiles = z
  .object({ p50: ms, p95: ms, p99: ms })
  .register(named, { id: 'Percentiles' })
  .meta({ description: 'In milliseconds, right within a tenth; null where nothing was measured.' });

const arrivals = {
  received: counts.meta({ description: 'Events, without duplicates.' }),
  duplicates: counts.meta({ description: 'Events that were there already.' }),
  refused: counts.meta({ description: 'Requests.' }),
};
const destinationHistory = z
  .object({
    destination: z.string(),
    delivered: counts.meta({ description: 'Attempts that delivered.' }),
    failed: counts.meta({ description: 'Attempts that did not.' }),
    dead: counts.meta({ description: 'Deliveries that died, without the discarded ones.' }),
    attemptMs: percentiles,
    attemptP95Ms: durations.meta({ description: 'The 95th percentile in each step.' }),
  })
  .register(named, { id: 'DestinationHistory' });

export const history = z
  .object({
    since: time,
    until: time,
    stepSeconds: count,
    times: list(time).meta({ description: 'When each step begins. All lists below have a number for each of these.' }),
    total: z.object({
      ...{ received: count, duplicates: count, refused: count },
      ...{ delivered: count, failed: count, dead: count, calls: count },
    }),
    events: z.object(arrivals),
    sources: list(
      z
        .object({
          ...{ source: z.string(), ...arrivals },
          // A router of the version before does not send it.
          unanswered: counts.default([]).meta({ description: 'Calls that no answer of the configuration matched.' }),
        })
        .register(named, { id: 'SourceHistory' }),
    ).meta({
      description: 'Those that received something. Requests to no source have an empty name.',
    }),
    destinations: list(destinationHistory).meta({ description: 'Those that something was sent to.' }),
    routes: list(
      z
        .object({
          route: z.string(),
          events: counts.meta({ description: 'Events that it matched.' }),
          failures: counts.meta({ description: 'Evaluations of its condition that failed.' }),
        })
        .register(named, { id: 'RouteHistory' }),
    ).meta({ description: 'Those that something happened to; so are answers and resolvers.' }),
    answers: list(
      z
        .object({ answer: z.string(), calls: counts.meta({ description: 'Calls that it answered.' }) })
        .register(named, { id: 'AnswerHistory' }),
    ),
    resolvers: list(
      z
        .object({
          resolver: z.string(),
          lookups: counts.meta({ description: 'Without those that were not made.' }),
          failed: counts.meta({ description: 'Late, failed, or refused because too many ran.' }),
        })
        .register(named, { id: 'ResolverHistory' }),
    ),
    calls: z.object({
      answered: counts,
      steps: z.record(z.string(), count).meta({
        description: 'How many in all, by the last step that a part of the answer came from.',
      }),
      ringMs: percentiles,
      ...{ ringP50Ms: durations, ringP95Ms: durations, ringP99Ms: durations },
    }),
  })
  .register(named, { id: 'History' });
export type History = z.output<typeof history>;

export function historyJson(
  { timesMs, ...series }: HistorySeries,
  { stepMs, untilMs }: { readonly stepMs: number; readonly untilMs: number },
): z.input<typeof history> {
  const sum = (...lists: readonly (readonly number[])[]) => lists.flat().reduce((all, number) => all + number, 0);
  const { events, destinations, calls } = series;
  return {
    since: iso(timesMs[0] ?? untilMs),
    until: iso(untilMs),
    stepSeconds: stepMs / 1_000,
    times: timesMs.map(iso),
    total: {
      received: sum(events.received),
      duplicates: sum(events.duplicates),
      refused: sum(events.refused),
      delivered: sum(...destinations.map(({ delivered }) => delivered)),
      failed: sum(...destinations.map(({ failed }) => failed)),
      dead: sum(...destinations.map(({ dead }) => dead)),
      calls: sum(calls.answered),
    },
    ...series,
  };
}
