/** `switchhook events`: what was received, and the whole story of one event. */

import { duplicateList, eventDetails, eventList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { type EventFilter, filterOf, type Part, type Period } from '../filters.js';
import { clockTime, printDelivery, printEvent, printIndented } from '../format/event.js';
import type { Output } from '../output.js';
import { noteRest, printJson, printTable } from '../print.js';
import { type Column, timeCut } from '../table.js';
import { type Watched, watched } from '../watch.js';

const eventColumns: readonly Column[] = [
  { heading: 'received', cut: timeCut },
  { heading: 'type', cut: 12 },
  { heading: 'subject', cut: 12 },
  { heading: 'agent', cut: 8, drop: 1 },
  { heading: 'source', cut: 8, drop: 2 },
  { heading: 'id', below: true },
];

interface EventsOptions extends RouterOptions, EventFilter, Period, Part, Watched {
  readonly unrouted?: true;
  readonly duplicates?: true;
  readonly number?: string;
}

export async function runEvents(
  output: Output,
  id: string | undefined,
  options: EventsOptions,
  command: Command,
): Promise<void> {
  return withRouter(options, output, (router) => {
    if (id !== undefined) return showEvent(router, id, options, output);
    if (options.duplicates)
      return watched(options, output, (shown) => printDuplicates(router, options, command, shown));
    return watched(options, output, (shown) => listEvents(router, options, command, shown));
  });
}

async function showEvent(router: RouterClient, id: string, options: EventsOptions, output: Output): Promise<void> {
  const event = await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
  if (options.json) return printJson(output, event);
  printEvent(output, event);
  if (event.data === null) output.line('Retention has removed its body.');
  else printIndented(output, event.data, '  ');
  if (event.deliveries.length === 0) output.line('No route matched it: switchhook explain shows why.');
  for (const delivery of event.deliveries) printDelivery(output, delivery);
}

async function listEvents(
  router: RouterClient,
  options: EventsOptions,
  command: Command,
  output: Output,
): Promise<void> {
  const { limit, cursor, number: party, unrouted } = options;
  const query = { ...filterOf(options), limit, cursor, party, unrouted: unrouted && 'true' };
  const page = await router.get('/api/events', eventList, query);
  if (options.json) return printJson(output, page);
  const rows = page.events.map(({ receivedAt, type, subject, agent, source, id: event }) => {
    return [clockTime(receivedAt, options.utc), type, subject ?? '-', agent ?? '-', source, event];
  });
  printTable(output, eventColumns, rows);
  noteRest(output, command, page.cursor);
}

const duplicateColumns: readonly Column[] = [
  { heading: 'came again', cut: timeCut },
  { heading: 'times' },
  { heading: 'type', cut: 12 },
  { heading: 'subject', cut: 12 },
  { heading: 'source', cut: 8, drop: 1 },
  { heading: 'id', below: true },
];

async function printDuplicates(
  router: RouterClient,
  options: EventsOptions,
  command: Command,
  output: Output,
): Promise<void> {
  const { source, type, subject, limit, cursor } = options;
  const found = await router.get('/api/duplicates', duplicateList, { source, type, subject, limit, cursor });
  if (options.json) return printJson(output, found);
  const rows = found.duplicates.map(({ lastAt, times, type: of, subject: about, source: from, event }) => {
    return [clockTime(lastAt, options.utc), String(times), of, about ?? '-', from, event];
  });
  printTable(output, duplicateColumns, rows);
  noteRest(output, command, found.cursor);
}
