/** `switchhook tail`: what is received and attempted, as it happens. */
import { type ChangePage, changePage, eventDetails } from '@switchhook/core/api';
import { stringifyJson } from '@switchhook/sdk';
import { type RouterClient, type RouterOptions, RouterRefusal, untilInterrupted, withRouter } from '../api-client.js';
import { type EventFilter, filterOf } from '../filters.js';
import { coloured, printIndented } from '../format/event.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';

interface TailOptions extends RouterOptions, EventFilter {
  readonly number?: string;
  readonly destination?: string;
  readonly show?: 'data';
  readonly after?: string;
  readonly limit?: string;
}

type Change = ChangePage['changes'][number];

const pauseMs = 500;

export async function runTail(output: Output, options: TailOptions): Promise<void> {
  return withRouter(options, output, (router) => follow(router, options, output));
}

async function follow(router: RouterClient, options: TailOptions, output: Output): Promise<void> {
  const { number: party, destination, limit } = options;
  let left = limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  if (!(left >= 1)) throw new CommandFailure(exitCodes.usage, '--limit is a number from 1 on');
  const read = async (after: string | undefined): Promise<ChangePage> =>
    router.get('/api/changes', changePage, { ...filterOf(options), party, destination, after, limit: '200' });
  let { cursor } = options.after === undefined ? await read(undefined) : { cursor: options.after };
  let isAway = false;
  await untilInterrupted(pauseMs, async () => {
    try {
      const page = await read(cursor);
      if (isAway) output.note('The router answers again.');
      isAway = false;
      cursor = page.cursor;
      for (const change of page.changes.slice(0, left)) await print({ change, cursor, router, options, output });
      left -= page.changes.length;
      if (page.hidden > 0) output.note(`${page.hidden} more came at the same time and are not shown`);
    } catch (error) {
      if (error instanceof RouterRefusal || !(error instanceof CommandFailure)) throw error;
      if (!isAway) output.note(error.message);
      isAway = true;
    }
    return left > 0;
  });
}

interface Printed {
  readonly change: Change;
  readonly cursor: string;
  readonly router: RouterClient;
  readonly options: TailOptions;
  readonly output: Output;
}

async function print({ change, cursor, router, options: { json, show }, output }: Printed): Promise<void> {
  const { id } = change.event;
  const isShown = show === 'data' && change.kind === 'event';
  const data = isShown ? (await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails)).data : undefined;
  if (json) return output.line([stringifyJson({ ...change, ...(data !== undefined && { data }), cursor })]);
  output.line(lineOf(change, output));
  if (data !== undefined) printIndented(output, data, '  ');
}

function lineOf(change: Change, output: Output): string {
  const { type, subject, source, id, receivedAt } = change.event;
  if (change.kind === 'event') return [receivedAt, styled(output, 'bold', type), subject ?? '-', source, id].join('  ');
  const { delivery, attempt } = change;
  const endedAt = new Date(Date.parse(attempt.startedAt) + attempt.durationMs).toISOString();
  const state = coloured(output, delivery.state, delivery.state === 'waiting' ? 'failed, waits' : delivery.state);
  const facts = [endedAt, delivery.destination, state, `${Math.round(attempt.durationMs)} ms`, subject ?? '-'];
  return [...facts, delivery.id, ...(attempt.reason === null ? [] : [attempt.reason])].join('  ');
}
