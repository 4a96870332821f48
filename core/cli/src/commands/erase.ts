/** `switchhook erase`: erases all that is kept about a number, a conversation or an agent. */
import { type ErasureDetails, type ErasureRow, erasure, erasureList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { ended, type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { instantOf, type Part } from '../filters.js';
import { clockTime, zoned } from '../format/event.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { confirm, deliveries, noteRest, printJson, printTable, quantity } from '../print.js';
import { timeCut } from '../table.js';
import { operator } from './control.js';

interface EraseOptions extends RouterOptions, Part {
  readonly number?: string;
  readonly subject?: string;
  readonly agent?: string;
  readonly since?: string;
  readonly until?: string;
  readonly utc?: true;
  readonly by?: string;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly list?: true;
}

export function runErase(output: Output, options: EraseOptions, command: Command): Promise<void> {
  return withRouter(options, output, (router) =>
    options.list ? listed(router, options, command, output) : erased(router, options, output),
  );
}

async function erased(router: RouterClient, options: EraseOptions, output: Output): Promise<void> {
  const { number, subject, agent, since, until, utc = false, by = operator() } = options;
  if ([number, subject, agent].every((one) => one === undefined))
    throw new CommandFailure(exitCodes.usage, 'name what to erase: --number, --subject or --agent');
  if (options.cursor !== undefined)
    throw new CommandFailure(exitCodes.usage, '--cursor continues a list of records: add --list');
  const instant = (text: string | undefined) => (text === undefined ? undefined : instantOf(text, utc));
  const request = { number, subject, agent, since: instant(since), until: instant(until), by };
  const post = async (dryRun: boolean) =>
    followed(router, await router.post('/api/erasures', erasure, { ...request, dryRun }), output);
  if (options.dryRun) return report(await post(true), options, output);
  if (options.yes !== true) {
    const counted = await post(true);
    if (!options.json) report(counted, options, output);
    await confirm(`Erase ${events(counted)}?`, output);
  }
  report(await post(false), options, output);
}

/** The erasure at its end, with the number as it was read, which only the first reply has. */
async function followed(router: RouterClient, started: ErasureDetails, output: Output): Promise<ErasureDetails> {
  const end = await ended(started, output, {
    again: (id) => router.get(`/api/erasures/${id}`, erasure),
    text: (current) => `${events(current)} ${current.dryRun ? 'found' : 'erased'}`,
  });
  return { ...end, number: started.number };
}

function report(result: ErasureDetails, options: EraseOptions, output: Output): void {
  const { state, reason, dryRun, destinations, left } = result;
  if (options.json) printJson(output, result);
  else print(result, options, output);
  if (state !== 'done')
    throw new CommandFailure(
      exitCodes.failed,
      `the erasure ${state}${reason === null ? '' : `: ${reason}`}. Erase again.`,
    );
  if (dryRun) return;
  if (left !== null && !options.json) output.note(`In the files of the store: ${left}.`);
  const failed = destinations.filter(({ failure }) => failure !== null);
  if (failed.length === 0) return;
  const reasons = failed.map(({ destination, failure }) => `${destination}: ${failure}`);
  throw new CommandFailure(
    exitCodes.failed,
    `something may be left at destinations that can erase: ${reasons.join('; ')}`,
  );
}

function print(result: ErasureDetails, { number, utc }: EraseOptions, output: Output): void {
  const { dryRun, oldestAt, newestAt, removed, foundBy, examples, destinations } = result;
  if (result.number !== null && result.number !== number) output.line(`${number} was read as ${result.number}.`);
  if (result.number !== null && !/^\+\d{8,15}$|@/.test(result.number))
    output.note(
      `${result.number} is no complete phone number, so it is not searched for in bodies: write it with + and its country code.`,
    );
  const period =
    oldestAt === null || newestAt === null
      ? ''
      : `, received from ${zoned(oldestAt, utc === true)} to ${zoned(newestAt, utc === true)}`;
  output.line(
    `${events(result)} ${dryRun ? 'would be erased' : 'erased'}${period}${result.events.length === 0 ? '' : ':'}${listOf(result.events.map(({ type, count }) => `${count} ${type}`))}`,
  );
  if (result.events.length > 0)
    output.line(
      `Found:${listOf(Object.entries(foundBy).map(([by, count]) => `${count} by ${foundTexts[by as keyof typeof foundTexts]}`))}`,
    );
  if (result.deliveries.length > 0)
    output.line(
      `Their deliveries:${listOf(result.deliveries.map(({ destination, state, count }) => `${count} for ${destination} ${state}${state === 'waiting' ? (dryRun ? ' (will be cancelled)' : ' (cancelled)') : ''}`))}`,
    );
  const kept = Object.entries(removed).filter(([, count]) => count > 0);
  if (kept.length > 0)
    output.line(`Also removed:${listOf(kept.map(([kind, count]) => `${count} ${keptTexts[kind] ?? kind}`))}`);
  if (examples.length > 0)
    printTable(
      output,
      [
        { heading: 'example', below: true },
        { heading: 'source', cut: 8, drop: 1 },
        { heading: 'type', cut: 12 },
        { heading: 'subject', cut: 12 },
        { heading: 'found by', cut: 12 },
      ],
      examples.map(({ id, source, type, subject, by }) => [id, source, type, subject ?? '', foundTexts[by]]),
    );
  for (const one of destinations) output.line(atDestination(one, dryRun));
  const able = new Set(destinations.flatMap((one) => (one.able && one.failure === null ? [one.destination] : [])));
  const sent = result.sent.filter(({ destination }) => dryRun || !able.has(destination));
  if (sent.length === 0) return;
  output.line(dryRun ? 'Sent already:' : 'Sent already, to be erased there:');
  printTable(
    output,
    [
      { heading: 'destination', cut: 10 },
      { heading: 'event', drop: 1 },
      { heading: 'delivery key', below: true },
      { heading: 'when', cut: timeCut },
    ],
    sent.map(({ destination, event, delivery, at, arrived }) => [
      destination,
      event,
      delivery,
      at === null ? 'being tried' : `${clockTime(at, utc)}${arrived ? '' : ', no success: may have arrived'}`,
    ]),
  );
  if (result.sentCount > result.sent.length)
    output.note(
      `${deliveries(result.sentCount - result.sent.length)} more were sent: erase in parts, with --since and --until.`,
    );
}

function atDestination(
  { destination, deliveries: count, able, records, failure }: ErasureDetails['destinations'][number],
  dryRun: boolean,
): string {
  if (!able) return `${destination}: ${deliveries(count)} sent or attempted: erase them there`;
  if (dryRun) return `${destination}: ${deliveries(count)} sent or attempted: the router will erase them there`;
  const done = `${records} record${records === 1 ? '' : 's'} erased there`;
  return `${destination}: ${done}${failure === null ? '' : `; failed: ${failure}`}`;
}

const foundTexts = {
  party: 'the number of the person',
  mentioned: 'a mention in the body',
  named: 'the conversation or agent',
  conversation: 'the conversation of another one',
  derived: 'being made because of another one',
} as const;

const keptTexts: Readonly<Record<string, string>> = {
  calls: 'answers for repeated requests',
  facts: 'kept facts of callers',
  refused: 'refused requests',
  duplicates: 'entries about duplicates',
  incomplete: 'incomplete conversations',
  unrecorded: 'calls that wait for the store',
};

function listOf(parts: readonly string[]): string {
  return parts.length === 0 ? '.' : ` ${parts.join(', ')}.`;
}

function events(result: Pick<ErasureRow, 'events'>): string {
  const total = result.events.reduce((sum, { count }) => sum + count, 0);
  return quantity(total, 'event');
}

async function listed(router: RouterClient, options: EraseOptions, command: Command, output: Output): Promise<void> {
  const isNamed = [options.number, options.subject, options.agent].some((one) => one !== undefined);
  const { found, cursor } = await (isNamed ? thoseOf(router, options) : recordsOf(router, options));
  if (options.json) return printJson(output, { erasures: found, cursor });
  if (found.length === 0) return output.line(isNamed ? 'No recorded erasure matches.' : 'Nothing was erased.');
  printTable(
    output,
    [
      { heading: 'started', cut: timeCut },
      { heading: 'by', cut: 10 },
      'what',
      'events',
      { heading: 'sent', drop: 1 },
      'state',
      { heading: 'id', drop: 2 },
    ],
    found.map((one) => {
      const what = (['number', 'subject', 'agent'] as const).filter((kind) => one.filter[kind] !== null);
      const total = one.events.reduce((sum, { count }) => sum + count, 0);
      return [
        clockTime(one.startedAt, options.utc),
        one.by,
        what.join(' + '),
        `${total}`,
        `${one.sentCount}`,
        one.state,
        one.id,
      ];
    }),
  );
  noteRest(output, command, cursor);
}

async function recordsOf(router: RouterClient, { limit, cursor }: Part) {
  const page = await router.get('/api/erasures', erasureList, { limit, cursor });
  return { found: page.erasures, cursor: page.cursor };
}

/** Those that have the hash of what is named. The country of the configuration is not known here: a number needs its `+`. */
async function thoseOf(router: RouterClient, { number, subject, agent, ...options }: EraseOptions) {
  if (number !== undefined && !number.trim().startsWith('+'))
    throw new CommandFailure(exitCodes.usage, `with --list, write ${number} with + and the country: +14155550100`);
  const [{ saltedHash }, { phoneNormalizer }] = await Promise.all([
    import('@switchhook/core/internal'),
    import('@switchhook/sdk'),
  ]);
  const wanted = { number: number === undefined ? undefined : phoneNormalizer(null)(number), subject, agent };
  const kinds = ['number', 'subject', 'agent'] as const;
  const isWanted = ({ salt, filter }: ErasureRow) =>
    kinds.every((kind) => wanted[kind] === undefined || filter[kind] === saltedHash(salt, wanted[kind]));
  const found: ErasureRow[] = [];
  for await (const { erasures } of router.pages('/api/erasures', erasureList, { cursor: options.cursor }))
    found.push(...erasures.filter(isWanted));
  const shown = found.slice(0, Number(options.limit));
  // Ids of erasures are the cursors of their list.
  return { found: shown, cursor: found.length > shown.length ? (shown.at(-1)?.id ?? null) : null };
}
