/** `switchhook events`: what was received, and the whole story of one event. */

import { duplicateList, type EventSearch, eventBody, eventDetails, eventList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { type EventFilter, filterOf, type Part, type Period } from '../filters.js';
import { clockTime, printDelivery, printEvent, printIndented, proofText, relative } from '../format/event.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { noteRest, printJson, printTable, quantity } from '../print.js';
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
  readonly state?: string;
  readonly unrouted?: true;
  readonly cameAgain?: true;
  readonly duplicates?: true;
  readonly number?: string;
  readonly text?: string;
  readonly where?: string;
  readonly secret?: string;
  readonly unevaluated?: string;
  readonly last?: string;
  readonly body?: true;
}

export async function runEvents(
  output: Output,
  id: string | undefined,
  options: EventsOptions,
  command: Command,
): Promise<void> {
  const { text, where, secret, unevaluated, last, duplicates } = options;
  const isSearch = [text, where, secret, unevaluated, last].some((one) => one !== undefined);
  if (isSearch && (id !== undefined || duplicates))
    throw new CommandFailure(
      exitCodes.usage,
      `--text, --where, --secret, --unevaluated and --last search in the list of events: omit ${duplicates ? '--duplicates' : 'the id'}`,
    );
  if (options.body && id === undefined)
    throw new CommandFailure(exitCodes.usage, '--body prints the data of one event: name its id');
  return withRouter(options, output, (router) => {
    if (id !== undefined && options.body) return printBody(router, id, options, output);
    if (id !== undefined) return showEvent(router, id, options, output);
    if (duplicates) return watched(options, output, (shown) => printDuplicates(router, options, command, shown));
    return watched(options, output, (shown) => listEvents(router, options, command, shown));
  });
}

/** The text alone, for other programs. */
async function printBody(router: RouterClient, id: string, { json }: EventsOptions, output: Output): Promise<void> {
  const found = await router.get(`/api/events/${encodeURIComponent(id)}/body`, eventBody);
  if (json) return printJson(output, found);
  output.line(found.body);
}

async function showEvent(router: RouterClient, id: string, options: EventsOptions, output: Output): Promise<void> {
  const event = await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
  if (options.json) return printJson(output, event);
  printEvent(output, event);
  const { bytes, repeated, verifiedBy } = event;
  const size = bytes === null ? [] : [quantity(bytes, 'byte')];
  output.line([...size, proofText(verifiedBy)].join(', '));
  if (repeated !== null)
    output.line(
      `came again ${repeated.times === 1 ? 'once' : `${repeated.times} times`} since the router started, the last time ${relative(repeated.lastAt)}: it is kept and delivered once`,
    );
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
  const { limit, cursor, number: party, unrouted, cameAgain, text, where, secret, unevaluated, last } = options;
  const flags = { unrouted: unrouted && 'true', duplicate: cameAgain && 'true' };
  const search = { text, where, secret, unevaluated, last };
  const query = { ...filterOf(options), limit, cursor, party, ...flags, ...search };
  const page = await router.get('/api/events', eventList, query);
  if (options.json) return printJson(output, page);
  const rows = page.events.map(({ receivedAt, type, subject, agent, source, id: event }) => {
    return [clockTime(receivedAt, options.utc), type, subject ?? '-', agent ?? '-', source, event];
  });
  printTable(output, eventColumns, rows);
  if (page.search !== undefined) noteSearch(page.search, page.cursor, options, output);
  noteRest(output, command, page.cursor, page.search === undefined ? undefined : 'Older ones');
}

/** What was looked at. */
function noteSearch(search: EventSearch, cursor: string | null, options: EventsOptions, output: Output): void {
  const { examined, examinedSince, withoutData, failed, failure } = search;
  const since = examinedSince === null ? '' : `, received since ${clockTime(examinedSince, options.utc)}`;
  output.note(`Looked at ${quantity(examined, 'event')}${since}${cursor === null ? ': all that there are' : ''}.`);
  if (withoutData > 0) output.note(`Retention has removed the data of ${quantity(withoutData, 'event')} of these.`);
  if (failed > 0)
    output.note(`The condition could not be evaluated for ${quantity(failed, 'event')}, e.g. ${failure ?? ''}`);
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
