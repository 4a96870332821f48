/** `switchhook doctor signature`: which source and which settings accept a captured request? */
import { readFile } from 'node:fs/promises';
import { systemClock } from '@switchhook/core/client';
import { type JsonObject, type JsonValue, type Plugin, type RawRequest, stringifyJson } from '@switchhook/sdk';
import type { ConfigOptions } from '../configuration.js';
import { catalogOf } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';
import { captureIn } from './capture.js';
import { searchFor, type Trial, timesIn, trialsOf, verdictOf } from './signature-trials.js';
import { bodiesOf, changedSecrets, type Given, givenSecrets, kindOfKey } from './signature-variants.js';

interface SignatureOptions extends ConfigOptions {
  readonly capture: string;
  readonly secret: readonly string[];
  readonly url?: string;
}

/** A row that accepts the request, or would, but for its body or the secret that was given. */
interface Match {
  readonly use: string;
  readonly row: JsonObject;
  /** When it was signed; null where its sender signs no time, or that is near enough. */
  readonly signedAt: string | null;
  /** Why it is refused at the time when it was received, or now where the file does not have that; null where it is not. */
  readonly late: string | null;
  /** How the body has to be changed; null where it is right. */
  readonly body: string | null;
  /** Which of the secrets that were given fits, from 1, and how it has to be changed; null where it is right. */
  readonly secret: { readonly number: number; readonly change: string | null };
}

const variable = '${WEBHOOK_SECRET}';

export async function runDoctor(output: Output, options: SignatureOptions): Promise<void> {
  const file = await readFile(options.capture).catch((error: Error) => {
    throw new CommandFailure(exitCodes.usage, `the capture cannot be read: ${error.message}`);
  });
  const { request, receivedAt, notes } = captureIn(file, options.url, systemClock.now());
  const all = await (await catalogOf(options)).all();
  const plugins = all.flatMap((loaded) => ('plugin' in loaded ? [loaded.plugin] : []));
  const { matches, reasons } = await found(plugins, request, options.secret);
  const isRight = matches.some(({ body, secret }) => body === null && secret.change === null);
  if (options.json) printJson(output, { matches, reasons, receivedAt, notes });
  else print({ matches, reasons, receivedAt, notes }, { request, secrets: options.secret }, output);
  if (!isRight) throw new CommandFailure(exitCodes.failed);
}

interface Reason {
  readonly use: string;
  readonly reason: string;
}

/**
 * The body as it is first, with the secrets as they were given, then as they may have been meant, then other bodies; each with the known
 * schemes first, then with those of a sender that no source knows.
 */
async function found(plugins: readonly Plugin[], request: RawRequest, secrets: readonly string[]) {
  const reasons: Reason[] = [];
  const given = givenSecrets(secrets);
  const [whole, ...changed] = bodiesOf(request);
  const tries = [
    { ...whole, secrets: given },
    { ...whole, secrets: changedSecrets(secrets) },
    ...changed.map((one) => ({ ...one, secrets: given })),
  ];
  for (const [index, { change = null, body = request.body, secrets: some }] of tries.entries())
    for (const [isKnown, trials] of [
      [
        true,
        trialsOf(
          plugins,
          request,
          some.map(({ text }) => text),
        ),
      ],
      [false, searchFor(plugins, request)],
    ] as const) {
      const matches: Match[] = [];
      for (const trial of trials) {
        const outcome = await accepted(trial, some, { ...request, body });
        if (typeof outcome !== 'string') matches.push({ ...outcome, body: change });
        else if (isKnown && index === 0) reasons.push({ use: trial.component.type, reason: outcome });
      }
      if (matches.length > 0) return { matches, reasons: [] };
    }
  return { matches: [], reasons };
}

/** A row that accepts the request, when it was received or when it was signed, or why none does. */
async function accepted(
  trial: Trial,
  secrets: readonly Given[],
  request: RawRequest,
): Promise<Omit<Match, 'body'> | string> {
  const use = trial.component.type;
  let reason = '';
  for (const { text, number, change } of secrets)
    for (const written of ['standard-webhooks', 'openai.call'].includes(use) ? ['', 'whsec_'] : [''])
      for (const receivedAtMs of [...timesIn(request), request.receivedAtMs]) {
        const verdict = await verdictOf(trial, `${written}${text}`, { ...request, receivedAtMs });
        if (verdict.kind !== 'accepted') {
          reason ||= verdict.kind === 'verified' ? `the signature is right, but ${verdict.reason}` : verdict.reason;
          continue;
        }
        const now = await verdictOf(trial, `${written}${text}`, request);
        const isLate = now.kind !== 'accepted';
        return {
          use,
          row: { use, ...trial.options(`${written}${variable}`) },
          signedAt: isLate ? new Date(receivedAtMs).toISOString() : null,
          late: isLate ? now.reason : null,
          secret: { number, change },
        };
      }
  return reason;
}

interface Findings {
  readonly matches: readonly Match[];
  readonly reasons: readonly Reason[];
  /** When a router received it, in ISO 8601; null where the file does not have that. */
  readonly receivedAt: string | null;
  readonly notes: readonly string[];
}

function print(
  { matches, reasons, receivedAt, notes }: Findings,
  { request, secrets }: { readonly request: RawRequest; readonly secrets: readonly string[] },
  output: Output,
): void {
  for (const note of notes) output.note(note);
  for (const { use, row, signedAt, late, body, secret } of matches) {
    const which = secrets.length === 1 ? 'the secret' : `secret ${secret.number} of the ${secrets.length}`;
    if (body !== null)
      output.line(`${styled(output, 'red', 'changed')} ${use} accepts the request only with its body ${body}:`);
    else if (secret.change !== null)
      output.line(`${styled(output, 'red', 'changed')} ${use} accepts the request with ${which} ${secret.change}:`);
    else {
      const by = secrets.length === 1 ? '' : ` with ${which} that were given`;
      output.line(`${styled(output, 'green', 'ok')} ${use} accepts the request${by}:`);
    }
    output.line(['', 'sources:', '  agents:', ...yamlOf(row), '']);
    if (signedAt === null) continue;
    const since =
      receivedAt === null
        ? `By the clock of this computer, ${late}: a router refuses it now, and accepts it if it came in time.`
        : `The router received it at ${receivedAt}: ${late}. Set the clock of the router by NTP. If it is right, the sender or a proxy holds requests back: see the option tolerance.`;
    output.line(`Signed at ${signedAt}. ${since}`);
  }
  if (matches.length > 0) return;
  printNone(reasons, { request, secrets }, output);
}

/** Why no source accepts the request. */
function printNone(
  reasons: readonly Reason[],
  { request, secrets }: { readonly request: RawRequest; readonly secrets: readonly string[] },
  output: Output,
): void {
  const near = reasons.filter(({ reason }) => !/is missing|^no token|has no token/.test(reason));
  output.line('No installed source accepts the request.');
  if (near.length > 0)
    printTable(
      output,
      ['use', 'why not'],
      near.map(({ use, reason }) => [use, reason]),
    );
  for (const [index, secret] of secrets.entries()) {
    const kind = kindOfKey(secret);
    if (kind !== null) output.line(`Secret ${index + 1} looks like ${kind}.`);
  }
  if (near.some(({ reason }) => reason.includes('does not match')))
    output.line(
      'Where a signature does not match, the secret is wrong (an old one, or that of another agent), or the body differs from the one that was sent.',
    );
  output.line(`The request has the headers ${Object.keys(request.headers).join(', ') || 'none'}.`);
  const wanted = new Set(reasons.flatMap(({ reason }) => /^header (\S+) is missing/.exec(reason)?.[1] ?? []));
  const masked = Object.entries(request.headers).flatMap(([name, value]) => (value.includes('***') ? [name] : []));
  if (masked.length > 0)
    output.line(
      `${masked.join(', ')}: masked in this file. A signature there cannot be found; capture the request with another tool.`,
    );
  else if (
    wanted.size > 0 &&
    !Object.keys(request.headers).some((name) => /sig|hmac|digest|hash|secret|token|auth/.test(name))
  )
    output.line(
      `None of these is a signature that a source knows: ${[...wanted].join(', ')}. Does the sender sign, and does each proxy pass its headers on?`,
    );
}

/** The row as YAML, of which JSON is a part. */
function yamlOf(row: JsonObject): readonly string[] {
  const isPlain = (value: JsonValue) =>
    typeof value === 'string' && /^(?:[a-z][\w.-]*|(?:whsec_)?\$\{\w+\})$/.test(value);
  return Object.entries(row).map(
    ([name, value]) => `    ${name}: ${isPlain(value) ? String(value) : stringifyJson(value)}`,
  );
}
