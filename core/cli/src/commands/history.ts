/** `switchhook history`: what happened in the last two days, step by step, without Prometheus. */
import { deadGroupList, type History, history } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { durationMs } from '@switchhook/sdk/internal';
import { type RouterOptions, withRouter } from '../api-client.js';
import { filterOf, type Period } from '../filters.js';
import { zoned } from '../format/event.js';
import { type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';
import type { Column } from '../table.js';
import { printGroups } from './dead.js';

interface HistoryOptions extends RouterOptions, Period {
  readonly since: string;
  readonly step?: string;
  readonly source?: string;
  readonly destination?: string;
}

/** Steps that people read; the shortest with which no more than so many lines are shown is taken. */
const steps = ['1m', '2m', '5m', '10m', '15m', '30m', '1h', '2h', '4h'];
const mostLines = 13;

export async function runHistory(output: Output, options: HistoryOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    const { since, until, source, destination } = filterOf(options);
    const step = options.step ?? stepFor(since, until);
    const found = await router.get('/api/history', history, { since, until, step, source, destination });
    // Not before the history itself begins.
    const died = { destination, settledSince: found.since, settledUntil: found.until };
    const dead = await router.get('/api/dead', deadGroupList, died);
    if (options.json) return printJson(output, { ...found, dead });
    print(found, options, output);
    if (dead.groups.length > 0) printGroups(dead, options, output);
  });
}

function stepFor(since: string | undefined, until: string | undefined): string {
  const agoMs = (text: string | undefined): number =>
    text === undefined ? 0 : (durationMs(text) ?? systemClock.now() - Date.parse(text));
  const spanMs = agoMs(since) - agoMs(until);
  return steps.find((step) => spanMs / (durationMs(step) ?? 1) < mostLines) ?? '4h';
}

const stepColumns: readonly Column[] = [
  { heading: 'from' },
  { heading: 'events' },
  { heading: 'duplicates', drop: 1 },
  { heading: 'refused', drop: 3 },
  { heading: 'calls' },
  { heading: 'ring p95', drop: 2 },
  { heading: 'delivered' },
  { heading: 'failed' },
  { heading: 'dead' },
];
const destinationColumns: readonly Column[] = [
  { heading: 'destination', cut: 10 },
  { heading: 'delivered' },
  { heading: 'failed' },
  { heading: 'dead' },
  { heading: 'attempt p50', drop: 1 },
  { heading: 'attempt p95', drop: 3 },
  { heading: 'delivered by step', drop: 2 },
];

function print(found: History, options: HistoryOptions, output: Output): void {
  const utc = options.utc === true;
  const { since, until, times, events, calls, destinations } = found;
  const spanMs = Math.max(1, Date.parse(until) - Date.parse(since));
  for (const line of headlines(found, spanMs)) output.line(line);
  const isOneDay = zoned(since, utc).slice(0, 10) === zoned(until, utc).slice(0, 10);
  const bad = (number: number) => (number === 0 ? '0' : styled(output, 'red', String(number)));
  const sum = (field: 'delivered' | 'failed' | 'dead', index: number) =>
    destinations.reduce((all, one) => all + (one[field][index] ?? 0), 0);
  printTable(
    output,
    stepColumns,
    times.map((at, index) => [
      `${zoned(at, utc).slice(isOneDay ? 11 : 5, 16)}${utc ? 'Z' : ''}`,
      String(events.received[index]),
      String(events.duplicates[index]),
      String(events.refused[index]),
      String(calls.answered[index]),
      msOrNone(calls.ringP95Ms[index] ?? null),
      String(sum('delivered', index)),
      bad(sum('failed', index)),
      bad(sum('dead', index)),
    ]),
  );
  if (destinations.length === 0) return;
  const total = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);
  printTable(
    output,
    destinationColumns,
    destinations.map(({ destination, delivered, failed, dead, attemptMs }) => [
      ...[destination, String(total(delivered)), bad(total(failed)), bad(total(dead))],
      ...[msOrNone(attemptMs.p50), msOrNone(attemptMs.p95), bars(delivered)],
    ]),
  );
}

/** `events 60 (1/min), …`, `calls 12 (12/h): …`. */
function headlines({ total, calls }: History, spanMs: number): readonly string[] {
  const per = (number: number, unitMs: number) => Number(((number * unitMs) / spanMs).toPrecision(2));
  const { received, duplicates, refused, delivered, failed, dead } = total;
  const { p50, p95, p99 } = calls.ringMs;
  const answers = Object.entries(calls.steps).map(([step, number]) => `${step} ${number}`);
  return [
    `events ${received} (${per(received, 60_000)}/min), duplicates ${duplicates}, refused requests ${refused}`,
    `calls ${total.calls} (${per(total.calls, 3_600_000)}/h)${answers.length === 0 ? '' : `: ${answers.join(', ')}`}`,
    ...(p50 === null ? [] : [`ring time p50 ${msOrNone(p50)}, p95 ${msOrNone(p95)}, p99 ${msOrNone(p99)}`]),
    `delivered ${delivered}, failed attempts ${failed}, dead deliveries ${dead}`,
  ];
}

/** Percentiles are right within a tenth: no more digits than that. */
function msOrNone(ms: number | null): string {
  return ms === null ? '-' : `${Number(ms.toPrecision(2))} ms`;
}

/** A bar for each number, from the lowest for 0 to the highest for the most. */
function bars(numbers: readonly number[]): string {
  const most = Math.max(1, ...numbers);
  return numbers.map((number) => '▁▂▃▄▅▆▇█'[Math.ceil((number / most) * 7)] ?? '').join('');
}
