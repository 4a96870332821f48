/** `switchhook refused`: requests to sources that were refused, one by one or counted by their reason. */
import { finished } from 'node:stream/promises';
import { capture, longestPage, type RefusedRequest, refusalGroupList, refusedList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type Query, type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { writeWhole } from '../file-output.js';
import { filterOf, type Part, type Period } from '../filters.js';
import { clockTime } from '../format/event.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { noteRest, printJson, printTable } from '../print.js';
import { type Column, timeCut } from '../table.js';

interface RefusedOptions extends RouterOptions, Period, Part {
  readonly source?: string;
  readonly agent?: string;
  readonly code?: string;
  readonly group?: true;
  readonly save?: string;
}

export async function runRefused(
  output: Output,
  id: string | undefined,
  options: RefusedOptions,
  command: Command,
): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (id !== undefined && options.save === undefined)
      throw new CommandFailure(exitCodes.usage, 'an id needs --save <file>, which writes the request into a file');
    if (options.group && options.save !== undefined)
      throw new CommandFailure(exitCodes.usage, '--group counts requests, and --save writes one: choose one of them');
    const filter = { ...filterOf(options), code: options.code };
    if (options.group) return printGroups(router, filter, options, output);
    if (options.save !== undefined) return save(router, id, filter, options.save, output, options.json);
    const { limit, cursor } = options;
    const page = await router.get('/api/refused', refusedList, { ...filter, limit, cursor });
    if (options.json) return printJson(output, page);
    if (page.requests.length === 0) return output.line('Nothing was refused.');
    printTable(
      output,
      columns,
      page.requests.map((request) => rowOf(request, options.utc)),
    );
    noteRest(output, command, page.cursor);
    noteAdvice(page.requests, output);
  });
}

/** Writes a request for `doctor signature`, readable by its owner only. */
async function save(
  router: RouterClient,
  id: string | undefined,
  filter: Query,
  file: string,
  output: Output,
  json?: true,
) {
  const chosen = id ?? (await latestCaptured(router, filter));
  const found = await router.get(`/api/refused/${encodeURIComponent(chosen)}/capture`, capture);
  await writeWhole(file, { force: true }, (stream) => finished(stream.end(Buffer.from(found.file, 'base64'))));
  const { masked } = found;
  if (json) return printJson(output, { id: chosen, file, masked });
  output.line(`Request ${chosen} is in ${file}.`);
  if (masked.length > 0) output.note(`Masked: ${masked.join(', ')}.`);
  if (masked.includes('the body'))
    output.note(
      'A value of the configuration was in the body and is masked: the signature cannot be verified any more.',
    );
  output.note(`Find the reason: switchhook doctor signature --capture ${file} --secret "$WEBHOOK_SECRET"`);
  output.note('The file contains personal data: delete it afterwards.');
}

async function latestCaptured(router: RouterClient, filter: Query): Promise<string> {
  const { requests } = await router.get('/api/refused', refusedList, { ...filter, limit: String(longestPage) });
  const latest = requests.find(({ captured }) => captured);
  if (latest !== undefined) return latest.id;
  const found = requests.length === 0 ? 'no such request was refused' : 'no such request is kept whole';
  throw new CommandFailure(
    exitCodes.failed,
    `${found}: write capture: true into the row of the source, reload, and wait for the next one.`,
  );
}

const columns: readonly Column[] = [
  { heading: 'refused', cut: timeCut },
  { heading: 'source', cut: 8 },
  { heading: 'agent', cut: 8, drop: 6 },
  { heading: 'code', drop: 5 },
  { heading: 'reason', cut: 16 },
  { heading: 'expected secret', cut: 10, drop: 4 },
  { heading: 'secret found', cut: 8, drop: 7 },
  { heading: 'from', cut: 9, drop: 3 },
  { heading: 'method', drop: 1 },
  { heading: 'bytes', drop: 2 },
  { heading: 'id', below: true },
];

function rowOf(request: RefusedRequest, utc: boolean | undefined): readonly string[] {
  const { id, at, source, agent, code, reason, remoteAddress, method, bytes } = request;
  return [
    clockTime(at, utc),
    source || 'none',
    agent ?? '-',
    code,
    reason,
    ...secretsOf(request),
    remoteAddress,
    method,
    bytes === null ? '-' : String(bytes),
    id,
  ];
}

async function printGroups(router: RouterClient, filter: Query, options: RefusedOptions, output: Output) {
  const found = await router.get('/api/refused/groups', refusalGroupList, filter);
  if (options.json) return printJson(output, found);
  if (found.groups.length === 0) return output.line('Nothing was refused.');
  const rows = found.groups.map((group) => [
    styled(output, 'red', String(group.requests)),
    group.source || 'none',
    group.agent ?? '-',
    group.code,
    group.reason,
    ...secretsOf(group),
    clockTime(group.firstAt, options.utc),
    clockTime(group.lastAt, options.utc),
    group.latest,
  ]);
  printTable(
    output,
    [
      { heading: 'refused' },
      { heading: 'source', cut: 8 },
      { heading: 'agent', cut: 8, drop: 5 },
      { heading: 'code', drop: 2 },
      { heading: 'reason', cut: 16 },
      { heading: 'expected secret', cut: 10, drop: 3 },
      { heading: 'secret found', cut: 8, drop: 6 },
      { heading: 'first', cut: timeCut, drop: 1 },
      { heading: 'last', cut: timeCut, drop: 4 },
      { heading: 'latest', below: true },
    ],
    rows,
  );
  noteAdvice(found.groups, output);
}

type WithSecret = Pick<RefusedRequest, 'code' | 'secret'>;

/** Whose secret was expected, and whose the request has. */
function secretsOf({ secret }: WithSecret): readonly string[] {
  if (secret === null) return ['-', '-'];
  const { expected, fits } = secret;
  return [expected === null ? 'of an agent' : ownerText(expected), fits.map(ownerText).join(', ') || '-'];
}

function ownerText({ source, agent }: { readonly source: string; readonly agent: string | null }): string {
  return agent ?? source;
}

/** What to do about each reason, once. */
function noteAdvice(found: readonly Pick<RefusedRequest, 'reason' | 'advice'>[], output: Output): void {
  const reasons = new Map<string, string>();
  for (const { reason, advice } of found) if (!reasons.has(advice)) reasons.set(advice, reason);
  for (const [advice, reason] of reasons) {
    const [cause] = reason.split(';', 1);
    if (advice !== '') output.note(reasons.size === 1 ? advice : `${cause}: ${advice}`);
  }
  output.note('What each code means: switchhook errors.');
}
