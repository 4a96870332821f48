/** `switchhook doctor signature`: which source and which settings accept a captured request? */
import { readFile } from 'node:fs/promises';
import { systemClock } from '@switchhook/core/client';
import { catalogFor } from '@switchhook/core/internal';
import {
  type JsonObject,
  type JsonValue,
  type Plugin,
  parseJson,
  type RawRequest,
  stringifyJson,
} from '@switchhook/sdk';
import type { ConfigOptions } from '../configuration.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';
import { captureIn } from './capture.js';
import { searchFor, type Trial, timesIn, trialsOf, verdictOf } from './signature-trials.js';

interface SignatureOptions extends ConfigOptions {
  readonly capture: string;
  readonly secret: readonly string[];
  readonly url?: string;
}

/** A row that accepts the request, or would, but for its body. */
interface Match {
  readonly use: string;
  readonly row: JsonObject;
  /** When it was signed; null where its sender signs no time. */
  readonly signedAt: string | null;
  /** How the body has to be changed; null where it is right. */
  readonly body: string | null;
}

const variable = '${WEBHOOK_SECRET}';

export async function runDoctor(output: Output, options: SignatureOptions): Promise<void> {
  const file = await readFile(options.capture).catch((error: Error) => {
    throw new CommandFailure(exitCodes.usage, `the capture cannot be read: ${error.message}`);
  });
  const { request, notes } = captureIn(file, options.url, systemClock.now());
  const all = await (await catalogFor(options.config)).all();
  const plugins = all.flatMap((loaded) => ('plugin' in loaded ? [loaded.plugin] : []));
  const { matches, reasons } = await found(plugins, request, options.secret);
  const isRight = matches.some(({ body }) => body === null);
  if (options.json) printJson(output, { matches, reasons, notes });
  else print({ matches, reasons, notes }, request, output);
  if (!isRight) throw new CommandFailure(exitCodes.failed);
}

interface Reason {
  readonly use: string;
  readonly reason: string;
}

/** The body as it is first, then as it may have been; with the known schemes first, then with those of a sender that no source knows. */
async function found(plugins: readonly Plugin[], request: RawRequest, secrets: readonly string[]) {
  const reasons: Reason[] = [];
  for (const { change, body } of bodiesOf(request))
    for (const [isKnown, trials] of [
      [true, trialsOf(plugins, request, secrets)],
      [false, searchFor(plugins, request)],
    ] as const) {
      const matches: Match[] = [];
      for (const trial of trials) {
        const outcome = await accepted(trial, secrets, { ...request, body });
        if (typeof outcome !== 'string') matches.push({ ...outcome, body: change });
        else if (isKnown && change === null) reasons.push({ use: trial.component.type, reason: outcome });
      }
      if (matches.length > 0) return { matches, reasons: [] };
    }
  return { matches: [], reasons };
}

/** A row that accepts the request, now or when it was signed, or why none does. */
async function accepted(
  trial: Trial,
  secrets: readonly string[],
  request: RawRequest,
): Promise<Omit<Match, 'body'> | string> {
  const use = trial.component.type;
  let reason = '';
  for (const secret of secrets.flatMap((one) => [...new Set([one, one.trim()])]))
    for (const written of use === 'standard-webhooks' ? ['', 'whsec_'] : [''])
      for (const receivedAtMs of [...timesIn(request), request.receivedAtMs]) {
        const verdict = await verdictOf(trial, `${written}${secret}`, { ...request, receivedAtMs });
        if (verdict.kind !== 'accepted') {
          reason ||= verdict.kind === 'verified' ? `the signature is right, but ${verdict.reason}` : verdict.reason;
          continue;
        }
        const isTimed = (await verdictOf(trial, `${written}${secret}`, request)).kind !== 'accepted';
        const row = { use, ...trial.options(`${written}${variable}`) };
        return { use, row, signedAt: isTimed ? new Date(receivedAtMs).toISOString() : null };
      }
  return reason;
}

/** The body as it is, and as a sender may have signed it. */
function bodiesOf({ body }: RawRequest): readonly { readonly change: string | null; readonly body: Uint8Array }[] {
  const text = Buffer.from(body).toString();
  const value = jsonIn(text);
  const others: readonly (readonly [string, string])[] = [
    ['without the line break at its end, which was added when it was saved', text.replace(/\r?\n$/, '')],
    ['with \\n in place of \\r\\n', text.replaceAll('\r\n', '\n')],
    ['with \\r\\n in place of \\n', text.replace(/\r?\n/g, '\r\n')],
    ...(value === undefined
      ? []
      : ([
          ['as compact JSON: a proxy or a tool has written it anew', stringifyJson(value)],
          ['as JSON with two spaces: a proxy or a tool has written it anew', stringifyJson(value, null, 2)],
        ] as const)),
  ];
  const changed = others
    .filter(([, other]) => other !== text)
    .map(([change, other]) => ({ change, body: Buffer.from(other) }));
  return [{ change: null, body }, ...changed];
}

function jsonIn(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    // A form, or no JSON for another reason.
    return undefined;
  }
}

interface Findings {
  readonly matches: readonly Match[];
  readonly reasons: readonly Reason[];
  readonly notes: readonly string[];
}

function print({ matches, reasons, notes }: Findings, request: RawRequest, output: Output): void {
  for (const note of notes) output.note(note);
  for (const { use, row, signedAt, body } of matches) {
    if (body === null) output.line(`${styled(output, 'green', 'ok')} ${use} accepts the request:`);
    else output.line(`${styled(output, 'red', 'changed')} ${use} accepts the request only with its body ${body}:`);
    for (const line of ['', 'sources:', '  agents:', ...yamlOf(row), '']) output.line(line);
    if (signedAt !== null)
      output.line(`Signed at ${signedAt}. A router refuses it if its clock is more than the tolerance away from that.`);
  }
  if (matches.length > 0) return;
  const near = reasons.filter(({ reason }) => !/is missing|^no token|has no token/.test(reason));
  output.line('No installed source accepts the request.');
  if (near.length > 0)
    printTable(
      output,
      ['use', 'why not'],
      near.map(({ use, reason }) => [use, reason]),
    );
  if (near.some(({ reason }) => reason.includes('does not match')))
    output.line(
      'Where a signature does not match, the secret is wrong (an old one, or that of another agent), or the body differs from the one that was sent.',
    );
  output.line(`The request has the headers ${Object.keys(request.headers).join(', ')}.`);
}

/** The row as YAML, of which JSON is a part. */
function yamlOf(row: JsonObject): readonly string[] {
  const isPlain = (value: JsonValue) =>
    typeof value === 'string' && /^(?:[a-z][\w.-]*|(?:whsec_)?\$\{\w+\})$/.test(value);
  return Object.entries(row).map(
    ([name, value]) => `    ${name}: ${isPlain(value) ? String(value) : stringifyJson(value)}`,
  );
}
