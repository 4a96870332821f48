/** `switchhook export`: all events, calls or deliveries of a period, for other programs and for spreadsheets. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { callList, deliveryList, eventList } from '@switchhook/core/api';
import { stringifyJson } from '@switchhook/sdk';
import {
  eventOf,
  fetchedAtOnce,
  type Query,
  type RouterClient,
  type RouterOptions,
  withRouter,
} from '../api-client.js';
import { interruptible, standardOutput, writeWhole } from '../file-output.js';
import { type DeliveryFilter, type EventFilter, filterOf, type Period, type SettledPeriod } from '../filters.js';
import { csvRow } from '../format/csv.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';

interface ExportOptions extends RouterOptions, EventFilter, DeliveryFilter, Period, SettledPeriod {
  readonly number?: string;
  readonly unrouted?: true;
  readonly csv?: true;
  readonly data?: true;
  readonly output?: string;
  readonly force?: true;
}

/** One row: what the API returns, and the event whose body `--data` adds. */
interface Row {
  readonly item: Readonly<Record<string, unknown>>;
  readonly event: string;
}

/** What can be exported. */
interface Kind {
  readonly name: 'events' | 'calls' | 'deliveries';
  /** Columns of CSV. */
  readonly columns: readonly string[];
  /** Reads all pages, newest first. */
  pages(router: RouterClient, query: Query): AsyncGenerator<readonly Row[]>;
}

const events: Kind = {
  name: 'events',
  columns: ['id', 'receivedAt', 'occurredAt', 'source', 'type', 'subject', 'agent', 'key'],
  async *pages(router, query) {
    for await (const page of router.pages('/api/events', eventList, query))
      yield page.events.map((item) => ({ item, event: item.id }));
  },
};

const deliveries: Kind = {
  name: 'deliveries',
  columns: [
    ...['id', 'event', 'type', 'subject', 'route', 'destination', 'transforms', 'state', 'reason', 'attempts'],
    ...['failure', 'dueAt', 'createdAt', 'settledAt'],
  ],
  async *pages(router, query) {
    for await (const page of router.pages('/api/deliveries', deliveryList, query))
      yield page.deliveries.map((item) => ({ item, event: item.event }));
  },
};

const calls: Kind = {
  name: 'calls',
  columns: [
    ...['id', 'receivedAt', 'source', 'subject', 'agent', 'from', 'to', 'name', 'step', 'ms', 'requests'],
    ...['override_agent', 'variables', 'lookups', 'sent'],
  ],
  async *pages(router, query) {
    for await (const page of router.pages('/api/calls', callList, query))
      yield page.calls.map((item) => ({ item, event: item.id }));
  },
};

/** One for each kind. */
export const exporters = {
  events: exporterOf(events),
  calls: exporterOf(calls),
  deliveries: exporterOf(deliveries),
};

function exporterOf(kind: Kind) {
  return (output: Output, options: ExportOptions): Promise<void> =>
    withRouter(options, output, (router) => run(kind, router, options, output));
}

async function run(kind: Kind, router: RouterClient, options: ExportOptions, output: Output): Promise<void> {
  const { number: party, unrouted, output: file } = options;
  if (options.force && file === undefined)
    throw new CommandFailure(exitCodes.usage, '--force replaces the file of --output: name it');
  const person = kind === calls ? { number: party } : { party };
  const query = { ...filterOf(options), ...person, unrouted: unrouted && 'true' };
  let written = 0;
  const lines = linesOf(kind, router, query, options, (rows) => {
    written += rows;
    output.progress(`${written} ${kind.name}`);
  });
  try {
    if (file === undefined) await print(lines, output);
    else
      await interruptible((signal) =>
        writeWhole(file, options, (stream) => pipeline(Readable.from(lines), stream, { signal })),
      );
  } finally {
    output.progress('');
  }
  if (file !== undefined) output.line(`${styled(output, 'green', 'ok')} ${file}: ${written} ${kind.name}`);
}

/** Each piece has whole lines. */
async function print(lines: AsyncGenerator<string>, output: Output): Promise<void> {
  if (process.stdout.isTTY) {
    // What comes from outside cannot control the terminal.
    for await (const piece of lines) if (piece !== '') output.line(piece.trimEnd().split(/\r?\n/));
    return;
  }
  await pipeline(Readable.from(lines), standardOutput()).catch((error: NodeJS.ErrnoException) => {
    // A reader that has gone, as `head` after its last line.
    if (error.code !== 'EPIPE') throw error;
  });
}

async function* linesOf(
  kind: Kind,
  router: RouterClient,
  query: Query,
  { csv, data }: ExportOptions,
  onRows: (count: number) => void,
): AsyncGenerator<string> {
  const columns = data ? [...kind.columns, 'data'] : kind.columns;
  if (csv) yield csvRow(columns);
  for await (const page of kind.pages(router, query)) {
    // A thousand bodies may have a gigabyte: only some are held at a time.
    const size = data ? fetchedAtOnce : page.length;
    for (let from = 0; from < page.length; from += size) {
      const rows = page.slice(from, from + size);
      const items = data ? await withData(router, rows) : rows.map(({ item }) => item);
      yield items
        .map((item) => (csv ? csvRow(columns.map((column) => cellOf(item, column))) : `${stringifyJson(item)}\n`))
        .join('');
      onRows(rows.length);
    }
  }
}

async function withData(router: RouterClient, rows: readonly Row[]): Promise<readonly Row['item'][]> {
  const ids = [...new Set(rows.map(({ event }) => event))];
  const bodies = new Map(await Promise.all(ids.map(async (id) => [id, (await eventOf(router, id))?.data] as const)));
  return rows.map(({ item, event }) => ({ ...item, data: bodies.get(event) ?? null }));
}

/** Of a call, its answer has most of the columns. */
function cellOf(item: Row['item'], column: string): unknown {
  if (column in item) return item[column];
  const { answer } = item;
  return typeof answer === 'object' && answer !== null && column in answer
    ? (answer as Readonly<Record<string, unknown>>)[column]
    : null;
}
