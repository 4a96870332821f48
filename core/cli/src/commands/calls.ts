/** `switchhook calls`: the calls that were answered, and how one of them was. */

import { callAnswer, callList, eventDetails } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { filterOf, type Part, type Period } from '../filters.js';
import { printAnswer } from '../format/call.js';
import { clockTime, printDelivery, printEvent } from '../format/event.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { msText, noteRest, printJson, printTable } from '../print.js';
import { type Column, timeCut } from '../table.js';
import { type Watched, watched } from '../watch.js';

interface CallsOptions extends RouterOptions, Period, Part, Watched {
  readonly number?: string;
  readonly source?: string;
  readonly answer?: string;
  readonly step?: string;
  readonly resolver?: string;
}

const columns: readonly Column[] = [
  { heading: 'received', cut: timeCut },
  { heading: 'from' },
  { heading: 'to', drop: 3 },
  { heading: 'answer', cut: 8, drop: 2 },
  { heading: 'step' },
  { heading: 'ring time', drop: 4 },
  { heading: 'requests', drop: 1 },
  { heading: 'not looked up', cut: 10 },
  { heading: 'event', below: true },
];

/** Look-ups after which something was missing. */
const missed: readonly string[] = ['late', 'failed', 'skipped', 'busy'];

export async function runCalls(
  output: Output,
  id: string | undefined,
  options: CallsOptions,
  command: Command,
): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (id !== undefined) {
      const event = await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
      if (event.data === null)
        throw new CommandFailure(
          exitCodes.failed,
          `retention has removed the body of event ${id}, and with it the answer`,
        );
      const { data: answer } = callAnswer.safeParse(event.data.answer);
      if (answer === undefined) throw new CommandFailure(exitCodes.failed, `event ${id} is no call that was answered`);
      if (options.json) return printJson(output, event);
      printEvent(output, event);
      printAnswer(output, answer);
      if (answer.name === null) output.line(`Why no answer matched: switchhook explain ${id}`);
      for (const delivery of event.deliveries) printDelivery(output, delivery);
      return;
    }
    await watched(options, output, (shown) => listCalls(router, options, command, shown));
  });
}

async function listCalls(router: RouterClient, options: CallsOptions, command: Command, output: Output): Promise<void> {
  const { number, source, answer: given, step: wanted, resolver, limit, cursor } = options;
  const query = { ...filterOf(options), number, source, answer: given, step: wanted, resolver, limit, cursor };
  const page = await router.get('/api/calls', callList, query);
  if (options.json) return printJson(output, page);
  const rows = page.calls.map(({ receivedAt, id: event, ringMs, answer }) => {
    const { from, to, name, step, requests, lookups } = answer;
    const failed = lookups.filter(({ outcome }) => missed.includes(outcome));
    const notes = failed.map(({ resolver, outcome }) => `${resolver} ${outcome}`).join(', ');
    const shown = styled(output, failed.length === 0 ? 'green' : 'yellow', step);
    return [
      clockTime(receivedAt, options.utc),
      from || 'withheld',
      to,
      name ?? '-',
      shown,
      ringMs === null ? 'too late' : msText(ringMs),
      String(requests),
      notes || '-',
      event,
    ];
  });
  printTable(output, columns, rows);
  noteRest(output, command, page.cursor);
}
