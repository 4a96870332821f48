/** `switchhook send`: sends a signed sample, or a file, to a source of the router. */
import type { Config, Router } from '@switchhook/core';
import { systemClock } from '@switchhook/core/client';
import { openNetwork, withNewIds } from '@switchhook/core/internal';
import { isRefusal, type JsonObject, type JsonValue, parseJson, stringifyJson } from '@switchhook/sdk';
import { ERRORS, type ErrorCode, errorMessage } from '@switchhook/sdk/internal';
import { withField } from '@switchhook/simulator';
import type { Command } from 'commander';
import { withRouter } from '../api-client.js';
import { type ConfigOptions, localUrl } from '../configuration.js';
import { configOf, unopenedRouter } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { printJson } from '../print.js';
import { type Fixture, fixtureIn } from './fixture.js';

interface SendOptions extends ConfigOptions {
  readonly source?: string;
  readonly url?: string;
  readonly same?: true;
  readonly set: readonly string[];
  readonly print?: true;
  readonly byRouter?: true;
  readonly token?: string;
}

/** A request that is ready to be sent. */
export interface SampleRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export async function runSend(output: Output, what: string, options: SendOptions, command: Command): Promise<void> {
  if (options.byRouter) return sentByRouter(output, what, options);
  if (options.token !== undefined)
    throw new CommandFailure(exitCodes.usage, '--token is for --by-router: a platform has no token of the API');
  const config = await configOf(options, output);
  const router = unopenedRouter(config);
  const { source, body: chosen, isSample } = await chosenBody(what, options, config);
  const fresh = isSample && options.same !== true ? await withNewIds(eventsOf(router, source), chosen) : null;
  const body = changed(fresh?.body ?? chosen, options.set);
  const request = signedRequest(router, source, body, options.url ?? localUrl(config));
  if (options.print) return print(request, options, output);
  const { status, reply } = await sent(request);
  if (options.json) printJson(output, { source, status, reply });
  else {
    output.line(`${status} ${stringifyJson(reply)}`);
    if (fresh !== null) (await import('./samples.js')).noteReplaced(output, fresh.replaced, fresh.kept);
  }
  if (status >= 300)
    throw new CommandFailure(
      exitCodes.failed,
      passing(status, reply) ?? (await refusalOf(router, { source, body }, options)),
    );
  const subject = fresh?.subject ?? null;
  if (subject !== null && options.set.length === 0 && !options.json)
    output.note(`switchhook explain ${[subject, ...whereOf(options, command)].join(' ')} shows what became of it`);
}

/** The router signs it with its own secrets: its configuration need not be here. */
async function sentByRouter(output: Output, what: string, options: SendOptions): Promise<void> {
  if (options.print)
    throw new CommandFailure(
      exitCodes.usage,
      '--print shows what this command signs; with --by-router the router does',
    );
  const { sendByRouter } = await import('./samples.js');
  await withRouter(options, output, (router) =>
    sendByRouter(router, what, options, output, async (sample, samples) => {
      const { body, source } = sample === null ? await fileOr(what, samples) : { body: sample, source: null };
      return { body: changed(body, options.set), source };
    }),
  );
}

function eventsOf(router: Router, source: string) {
  return async (body: JsonObject) => (await router.explain(source, body)).map(({ event }) => event);
}

/** What another command needs to ask the same router: the options that were given here. */
function whereOf({ config, url }: SendOptions, command: Command): readonly string[] {
  const isGiven = command.getOptionValueSource('config') === 'cli';
  return [...(isGiven ? ['--config', config] : []), ...(url === undefined ? [] : ['--url', url])];
}

/** Why a router takes nothing at present, whatever is sent; null where it refuses this request. */
function passing(status: number, reply: JsonValue): string | null {
  if (status < 500 && status !== 429) return null;
  const code = String(Object(reply).error);
  if (!(code in ERRORS)) return `The router, or what is in front of it, replied with status ${status}: see its log.`;
  const { sentence, hint } = ERRORS[code as ErrorCode];
  return `${sentence}\n${hint}`;
}

/** What the log of a router with this configuration says of a refused request. */
async function refusalOf(router: Router, { source, body }: Sample, { config }: SendOptions): Promise<string> {
  try {
    await router.explain(source, body);
  } catch (error) {
    if (isRefusal(error)) return error.message;
    throw error;
  }
  return `The source of ${config} accepts this request, so the router has other settings or secrets: switchhook reload, or name its file by --config.`;
}

/** A body with what the source wants to see before it accepts it. */
export function signedRequest(router: Router, source: string, body: JsonObject, to: string): SampleRequest {
  const text = stringifyJson(body);
  const signature = router.signed(source, Buffer.from(text));
  if (signature === null) throw new CommandFailure(exitCodes.failed, `source ${source} cannot sign a request itself`);
  return {
    url: `${to.replace(/\/+$/, '')}/hooks/${source}${signature.rest}`,
    headers: { 'content-type': 'application/json', ...signature.headers },
    body: text,
  };
}

/** Longer than any router takes over a request. */
const patienceMs = 30_000;

/** Sends a request; ends the command if there is no response. */
export async function sent(request: SampleRequest): Promise<{ readonly status: number; readonly reply: JsonValue }> {
  const network = openNetwork();
  const controller = new AbortController();
  const timeout = new Error(`no reply after ${patienceMs / 1_000} s`);
  const cancel = systemClock.after(patienceMs, () => controller.abort(timeout));
  try {
    const { headers, body } = request;
    const response = await network.fetch(request.url, { method: 'POST', headers, body, signal: controller.signal });
    return { status: response.status, reply: jsonOr(response.text()) };
  } catch (error) {
    const reason = errorMessage(error);
    throw new CommandFailure(
      exitCodes.failed,
      `ROUTER_UNREACHABLE: ${reason}. Is the router running? (switchhook start)`,
    );
  } finally {
    cancel();
    await network.close();
  }
}

/** A body and the source that takes it. */
export interface Sample {
  readonly source: string;
  readonly body: JsonObject;
}

/** A sample of a source or the body in a file, with the changed fields; ends the command where there is none. */
export async function chosenSample(
  what: string,
  options: Pick<SendOptions, 'source' | 'set'>,
  config: Config,
): Promise<Sample> {
  const { source, body } = await chosenBody(what, options, config);
  return { source, body: changed(body, options.set) };
}

async function chosenBody(
  what: string,
  options: Pick<SendOptions, 'source'>,
  config: Config,
): Promise<Sample & { readonly isSample: boolean }> {
  const sources = config.sources.filter(({ name }) => options.source === undefined || name === options.source);
  if (sources.length === 0) throw new CommandFailure(exitCodes.usage, `there is no source ${options.source ?? ''}`);
  const withSample = sources.find(({ component }) => component.samples?.[what] !== undefined);
  const sample = withSample?.component.samples?.[what];
  if (withSample !== undefined && sample !== undefined)
    return { source: withSample.name, body: sample, isSample: true };
  const samples = sources.flatMap(({ component }) => Object.keys(component.samples ?? {}));
  const { body, source } = await fileOr(what, samples);
  // An event names its source.
  const own = sources.filter(({ name }) => name === source);
  const [only, ...others] = own.length > 0 ? own : sources;
  if (only === undefined || others.length > 0)
    throw new CommandFailure(exitCodes.usage, `name the source: --source ${sources.map(({ name }) => name).join('|')}`);
  return { source: only.name, body, isSample: false };
}

/** The body in a file; ends the command, with the names of the samples, where there is none. */
async function fileOr(what: string, samples: readonly string[]): Promise<Fixture> {
  try {
    return await fixtureIn(what);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(
      exitCodes.usage,
      `${what} is neither a file nor a sample; samples: ${[...new Set(samples)].join(', ')}`,
    );
  }
}

/** Sets fields by their dotted path; a value that is JSON is taken as such. */
function changed(body: JsonObject, settings: readonly string[]): JsonObject {
  return settings.reduce((current, setting) => {
    const [path = '', ...value] = setting.split('=');
    if (path === '' || value.length === 0)
      throw new CommandFailure(exitCodes.usage, `--set takes field=value, not ${setting}`);
    return withField(current, path, jsonOr(value.join('=')));
  }, body);
}

function print({ url, headers, body }: SampleRequest, options: SendOptions, output: Output): void {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  if (options.json) printJson(output, { url, headers, body });
  else for (const line of [`POST ${url}`, ...head, '', body]) output.line(line);
}

function jsonOr(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** Of an option that can be repeated. */
