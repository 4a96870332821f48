/** `switchhook sigmamind webhooks`: lists, creates and deletes the webhooks of agents, by SigmaMind's API. */
import { systemClock } from '@switchhook/core/client';
import { type Network, openNetwork } from '@switchhook/core/internal';
import { apiUrl, JsonApi, type JsonApiRequest, type JsonObject, type JsonValue } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import type { ConfigOptions } from '../configuration.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { confirm, printJson, printTable } from '../print.js';
import { asConfigured, type SecretPlace } from './secret-place.js';
import { documentedEvents } from './sigmamind-events.js';
import { type TargetOptions, targetOf } from './sigmamind-target.js';

interface ApiOptions extends ConfigOptions {
  readonly apiKey: string;
  readonly apiUrl: string;
}

interface ListOptions extends ApiOptions {
  readonly agent?: string;
  readonly inactive?: true;
}

interface CreateOptions extends ApiOptions, TargetOptions {
  readonly name?: string;
  readonly event?: readonly string[];
}

interface DeleteOptions extends ApiOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

export async function runList(output: Output, options: ListOptions): Promise<void> {
  return withApi(options, (api) => listAll(api, options, output));
}

export async function runCreate(output: Output, options: CreateOptions): Promise<void> {
  return withApi(options, (api) => createOne(api, options, output));
}

export async function runDelete(output: Output, id: string, options: DeleteOptions): Promise<void> {
  return withApi(options, (api) => deleteOne(api, id, options, output));
}

/** Requests to the API; what it refuses ends the command. */
type Api = (request: Omit<JsonApiRequest, 'signal'>) => Promise<JsonObject>;

/** Longer than the API should take over a request. */
const patienceMs = 30_000;

async function withApi(options: ApiOptions, run: (api: Api) => Promise<void>): Promise<void> {
  const key = asConfigured(options.apiKey, options.config) ?? '';
  if (key === '')
    throw new CommandFailure(exitCodes.usage, 'there is no API key: set SIGMAMIND_API_KEY, or pass --api-key');
  const { data: baseUrl } = apiUrl(options.apiUrl).safeParse(options.apiUrl);
  if (baseUrl === undefined)
    throw new CommandFailure(exitCodes.usage, `--api-url is no http or https URL: ${options.apiUrl}`);
  const network = openNetwork();
  try {
    await run(apiAt(network, baseUrl, key));
  } finally {
    await network.close();
  }
}

function apiAt(http: Network, baseUrl: string, key: string): Api {
  const headers = { 'x-api-key': key };
  // The form of a refusal is not documented: a text in one of these fields is shown.
  const reasonIn = ({ message, error }: JsonObject) =>
    [message, error].find((text): text is string => typeof text === 'string') ?? null;
  const api = new JsonApi({ http, clock: systemClock, baseUrl, headers, reasonIn });
  return async (request) => {
    const controller = new AbortController();
    const timeout = new Error(`no reply after ${patienceMs / 1_000} s`);
    const cancel = systemClock.after(patienceMs, () => controller.abort(timeout));
    try {
      return (await api.request({ ...request, signal: controller.signal })).body;
    } catch (error) {
      const reason = errorMessage(error).replaceAll(key, '…');
      throw new CommandFailure(exitCodes.failed, `${baseUrl}: ${reason}`);
    } finally {
      cancel();
    }
  };
}

async function listAll(api: Api, { agent, inactive, json }: ListOptions, output: Output): Promise<void> {
  const found: JsonObject[] = [];
  for (let page = 0, isMore = true; isMore; page++) {
    const query = { page: String(page), ...(agent !== undefined && { agentId: agent }) };
    const reply = await api({
      method: 'GET',
      path: '/v1/webhooks',
      query: { ...query, ...(inactive && { active: 'false' }) },
    });
    const { data, hasNext } = reply;
    if (!Array.isArray(data))
      throw new CommandFailure(exitCodes.failed, 'the reply of the API has no list of webhooks');
    found.push(...data.flatMap((each) => (isObject(each) ? [withoutSecret(each)] : [])));
    isMore = hasNext === true && data.length > 0;
  }
  if (json) return printJson(output, { webhooks: found });
  if (found.length === 0) return output.line('No webhooks.');
  printTable(
    output,
    [
      { heading: 'webhook', below: true },
      { heading: 'name', cut: 10 },
      { heading: 'agent', cut: 8, drop: 1 },
      { heading: 'active' },
      { heading: 'events', cut: 10, drop: 2 },
      { heading: 'url', cut: 16 },
    ],
    found.map(({ webhookId, name, agentId, active, events, url }) =>
      [webhookId, name, agentId, active, [events ?? []].flat().join(', '), url].map((cell) => String(cell ?? '')),
    ),
  );
}

async function createOne(api: Api, options: CreateOptions, output: Output): Promise<void> {
  const { source, url, place } = await targetOf(options);
  const name = options.name ?? `switchhook ${source ?? ''}`.trim();
  const events = options.event ?? documentedEvents;
  const body = { name, agentId: options.agent, url, events };
  const created = await api({ method: 'POST', path: '/v1/webhooks', body });
  const { webhookId: id, secret } = created;
  if (typeof id !== 'string') throw new CommandFailure(exitCodes.failed, 'the reply of the API has no webhookId');
  if (typeof secret !== 'string' || secret === '')
    throw new CommandFailure(
      exitCodes.failed,
      `the webhook ${id} exists, but the reply of the API has no secret: look for it at SigmaMind, or delete the webhook`,
    );
  if (place !== null) await keep(api, id, place, secret);
  const shown = { ...withoutSecret(created), ...(place === null ? { secret } : { secretIn: place.written }) };
  if (options.json) return printJson(output, shown);
  output.line(`The webhook ${id} of ${options.agent} sends ${events.join(', ')} to ${url}.`);
  if (place === null) output.line(secret);
  else output.line(`Its secret is in ${place.path}, for ${place.written}. Run switchhook check, then start or reload.`);
}

/** Writes the secret, which is shown only once: a webhook whose secret is lost is of no use. */
async function keep(api: Api, id: string, place: SecretPlace, secret: string): Promise<void> {
  try {
    await place.write(secret);
  } catch (error) {
    const reason = `the secret could not be written: ${errorMessage(error).replaceAll(secret, '…')}`;
    await api(deletion(id)).catch((failure: Error) => {
      throw new CommandFailure(exitCodes.failed, `${reason}. Delete the webhook ${id}: ${failure.message}`);
    });
    throw new CommandFailure(exitCodes.failed, `${reason}. The webhook ${id} has been deleted.`);
  }
}

async function deleteOne(api: Api, id: string, { dryRun, yes, json }: DeleteOptions, output: Output): Promise<void> {
  const { name, agentId, url } = await api({ method: 'GET', path: pathOf(id) });
  const webhook = `the webhook ${id} (${name}) of ${agentId} to ${url}`;
  if (dryRun) return output.line(`would delete ${webhook}`);
  if (yes !== true) await confirm(`Delete ${webhook}? It cannot be undone.`, output);
  await api(deletion(id));
  if (json) printJson(output, { deleted: id });
  else output.line(`deleted ${webhook}`);
}

function deletion(id: string) {
  return { method: 'DELETE', path: pathOf(id) } as const;
}

function pathOf(id: string): string {
  return `/v1/webhooks/${encodeURIComponent(id)}`;
}

/** Some replies of the API contain secrets, others do not. */
function withoutSecret({ secret: _, ...webhook }: JsonObject): JsonObject {
  return webhook;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
