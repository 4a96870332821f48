/** `switchhook samples`: the bodies that a router can be tried with; and sending one by the router itself, which signs it. */
import { type SampleList, sampleList, sent } from '@switchhook/core/api';
import { type JsonObject, type JsonValue, stringifyJson, type z } from '@switchhook/sdk';
import { didYouMean } from '@switchhook/sdk/internal';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { printJson, printTable } from '../print.js';
import type { Fixture } from './fixture.js';

interface SamplesOptions extends RouterOptions {
  readonly source?: string;
}

export async function runSamples(output: Output, name: string | undefined, options: SamplesOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    const { source } = options;
    const found = await router.get('/api/samples', sampleList, { source });
    if (name !== undefined) return printJson(output, sampleIn(found, name).body);
    if (options.json) return printJson(output, found);
    const rows = found.sources.flatMap((row) =>
      row.samples.map((sample) => [row.source, sample.name, row.calls ? 'call' : 'event', row.signs ? 'yes' : 'no']),
    );
    if (rows.length === 0) return output.line('No source has samples.');
    printTable(output, ['source', 'sample', 'kind', 'can be sent'], rows);
  });
}

/** How `switchhook send --by-router` was called. */
export interface RouterSending extends SamplesOptions {
  readonly same?: true;
}

/** Has the router sign and send a sample of its own, or what `read` returns where it has none of this name. */
export async function sendByRouter(
  router: RouterClient,
  what: string,
  { source, same, json }: RouterSending,
  output: Output,
  prepared: (sample: JsonObject | null, samples: readonly string[]) => Promise<Fixture>,
): Promise<void> {
  const { sources } = await router.get('/api/samples', sampleList, { source });
  const own = sources.filter(({ signs }) => signs);
  const having = sources.filter(({ samples }) => samples.some(({ name }) => name === what));
  const withSample = having.find(({ signs }) => signs);
  if (withSample === undefined && having[0] !== undefined) throw cannotSign(having[0].source);
  const sample = withSample?.samples.find(({ name }) => name === what)?.body ?? null;
  const names = own.flatMap(({ samples }) => samples.map(({ name }) => name));
  // What comes by an API holds nothing but JSON.
  const { body, source: named } = await prepared(sample as JsonObject | null, names);
  const row = withSample ?? own.find((one) => one.source === named) ?? only(own, source);
  const question = { source: row.source, body, newIds: sample !== null && same !== true };
  const { reply, event, duplicate, reason, replaced, kept } = await router.post('/api/send', sent, question);
  if (json) printJson(output, { source: row.source, reply, event, duplicate, reason, replaced, kept });
  else output.line(`${reply.status} ${reply.text ?? stringifyJson((reply.body ?? {}) as JsonValue)}`);
  if (!json) noteReplaced(output, replaced, kept);
  if (reason !== null) throw new CommandFailure(exitCodes.failed, `the source refused it: ${reason}`);
  if (event !== null && !json) output.note(`switchhook explain ${event} shows what became of it`);
}

/** That a sample was sent with other ids than it has, and which stay. */
export function noteReplaced(output: Output, replaced: SentReply['replaced'], kept: SentReply['kept']): void {
  const pairs = replaced.map((id) => `${id.old} → ${id.new}`);
  if (pairs.length > 0)
    output.note(`With new ids, so that it is another event: ${pairs.join(', ')}; --same keeps them`);
  const others = kept.map(({ field, value }) => `${field} ${value}`);
  if (others.length > 0)
    output.note(
      `The source does not go by these ids, which stay: ${others.join(', ')}. To change them, send a changed file`,
    );
}

type SentReply = z.output<typeof sent>;

type Row = SampleList['sources'][number];

function cannotSign(source: string): CommandFailure {
  return new CommandFailure(exitCodes.failed, `source ${source} cannot sign a request itself`);
}

function only(rows: readonly Row[], source: string | undefined): Row {
  const [row, ...others] = rows;
  if (row !== undefined && others.length === 0) return row;
  if (row === undefined && source !== undefined) throw cannotSign(source);
  const names = rows.map((one) => one.source).join('|') || 'none of them can sign a request';
  throw new CommandFailure(exitCodes.usage, `name the source: --source ${names}`);
}

function sampleIn({ sources }: SampleList, name: string): Row['samples'][number] {
  const samples = sources.flatMap((row) => row.samples);
  const found = samples.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = [...new Set(samples.map((one) => one.name))];
  const advice = `${didYouMean(name, names)}; samples: ${names.join(', ') || 'none'}`;
  throw new CommandFailure(exitCodes.usage, `there is no sample ${name}${advice}`);
}
