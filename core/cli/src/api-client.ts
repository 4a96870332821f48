/** The client of a running router's API, with the token of the configuration. */
import { existsSync } from 'node:fs';
import {
  type ConfigProblem,
  type Delivery,
  type DeliveryList,
  deliveryList,
  eventDetails,
  longestPage,
  problem,
  type Readable,
  status,
} from '@switchhook/core/api';
import { type Network, openNetwork, systemClock } from '@switchhook/core/client';
import { type FetchResponse, type JsonValue, stringifyJson, z } from '@switchhook/sdk';
import { didYouMean, ERRORS, type ErrorCode, errorMessage } from '@switchhook/sdk/internal';
import { type ConfigOptions, localUrl, serverOf } from './configuration.js';
import { CommandFailure, exitCodes, type Output } from './output.js';

/** Options of every command that calls a running router. */
export interface RouterOptions extends ConfigOptions {
  readonly url?: string;
  readonly token?: string;
}

/** Query and body of a request; what is undefined is left out. */
export type Query = Readonly<Record<string, string | undefined>>;

/** An event may be as large as the largest body, and a page holds many. */
const maxReplyBytes = 64 * 1_048_576;
/** Of a configuration with port 0. */
const portHint =
  'The configuration has port 0: the router chooses a free one. Pass the URL that it logged, with --url.';

/** Runs a command that calls a router, and closes the connections. */
export async function withRouter<T>(
  options: RouterOptions,
  output: Output,
  run: (router: RouterClient) => Promise<T>,
): Promise<T> {
  return withRouterAt(await addressOf(options, output), run);
}

/** The same, for a router at this URL; without a token, only what needs none is answered. */
export async function withRouterAt<T>(
  { url, token }: { readonly url: string; readonly token: string | null },
  run: (router: RouterClient) => Promise<T>,
): Promise<T> {
  const network = await openNetwork();
  try {
    return await run(new RouterClient(network, url, token));
  } finally {
    await network.close();
  }
}

/** Runs again and again, with a pause after each run, until it returns false or the user presses Ctrl-C. */
export async function untilInterrupted(pauseMs: number, run: () => Promise<boolean>): Promise<void> {
  let isInterrupted = false;
  const interrupted = new Promise<void>((resolve) => {
    process.once('SIGINT', () => {
      isInterrupted = true;
      resolve();
    });
  });
  while (!isInterrupted && (await run())) {
    let cancel = (): void => {};
    const pause = new Promise<void>((resolve) => {
      cancel = systemClock.after(pauseMs, resolve);
    });
    await Promise.race([pause, interrupted]);
    cancel();
  }
}

/** The router refused the request. */
export class RouterRefusal extends CommandFailure {
  constructor(
    readonly code: string,
    message: string,
    /** What is wrong with a configuration. */
    readonly problems: readonly ConfigProblem[],
  ) {
    super(exitCodes.failed, message);
  }
}

/** The API of one router. Replies are checked; what the router refuses ends the command with 1. */
export class RouterClient {
  readonly #network: Network;
  /** Without a trailing slash. */
  readonly url: string;
  readonly #token: string | null;

  constructor(network: Network, url: string, token: string | null) {
    this.#network = network;
    this.url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  get<T>(path: string, schema: Readable<T>, query: Query = {}): Promise<T> {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
    return this.#ask('GET', path + search, schema);
  }

  /** All pages of a list, one after another, from the cursor of the query on. */
  async *pages<T extends { readonly cursor: string | null }>(
    path: string,
    schema: Readable<T>,
    query: Query = {},
  ): AsyncGenerator<T> {
    for (let cursor: string | null | undefined = query.cursor; cursor !== null; ) {
      const page: T = await this.get(path, schema, { limit: String(longestPage), ...query, cursor });
      yield page;
      cursor = page.cursor;
    }
  }

  /** Whether the router serves its dashboard. */
  async hasPages(): Promise<boolean> {
    const { status, headers } = await this.#fetched('GET', '/', undefined);
    return status === 200 && headers['content-type']?.startsWith('text/html') === true;
  }

  post<T>(path: string, schema: Readable<T>, body?: unknown): Promise<T> {
    return this.#ask('POST', path, schema, body);
  }

  async #ask<T>(method: string, path: string, schema: Readable<T>, body?: unknown): Promise<T> {
    const response = await this.#fetched(method, path, body);
    const reply = jsonIn(response);
    if (response.status !== 200) throw refusedBy(response, reply);
    const { data } = schema.safeParse(reply);
    if (data !== undefined) return data;
    throw new CommandFailure(exitCodes.failed, `what answers at ${this.url} is no router of this version`);
  }

  async #fetched(method: string, path: string, body: unknown): Promise<FetchResponse> {
    const headers = {
      ...(this.#token !== null && { authorization: `Bearer ${this.#token}` }),
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    };
    const sent = {
      method,
      headers,
      maxBytes: maxReplyBytes,
      ...(body !== undefined && { body: stringifyJson(body) }),
    };
    try {
      return await this.#network.fetch(this.url + path, sent);
    } catch (error) {
      const reason = errorMessage(error);
      const hint = this.url.endsWith(':0') ? portHint : ERRORS.ROUTER_UNREACHABLE.hint;
      throw new CommandFailure(exitCodes.failed, `ROUTER_UNREACHABLE: ${this.url}: ${reason}\n${hint}`);
    }
  }
}

async function addressOf(options: RouterOptions, output: Output) {
  const { url, token } = options;
  if (url !== undefined && (token !== undefined || !existsSync(options.config))) return { url, token: token ?? null };
  const config = await serverOf(options, output);
  const { adminToken, publicUrl } = config.server;
  const own = localUrl(config);
  if (url === undefined || token !== undefined) return { url: url ?? own, token: token ?? adminToken };
  // Another host would learn the token.
  const isOwn = [own, publicUrl ?? own].some((known) => isSameServer(url, known));
  if (!isOwn && adminToken !== null)
    output.note(
      `The token of ${options.config} is not sent to ${url}, which is not its router: pass --token if it is.`,
    );
  return { url, token: isOwn ? adminToken : null };
}

/** Port 0 stands for any: which one the router has taken is not in the file. */
function isSameServer(one: string, other: string): boolean {
  if (!URL.canParse(one)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  const hostOf = ({ hostname }: URL) => (/^(localhost|\[::1\])$/.test(hostname) ? '127.0.0.1' : hostname);
  return a.protocol === b.protocol && hostOf(a) === hostOf(b) && (b.port === '0' || a.port === b.port);
}

/** With what to do, unless the reason says it: what cannot be read is named in it. */
function refusedBy({ status }: FetchResponse, reply: JsonValue): CommandFailure {
  const { data } = problem.safeParse(reply);
  // Outside of the API, a refusal is only a code.
  const code = data?.code ?? z.object({ error: z.string() }).safeParse(reply).data?.error ?? null;
  const what = data?.detail ?? `the router answered with status ${status}`;
  if (code === null) return new CommandFailure(exitCodes.failed, what);
  const hint = code in ERRORS && code !== 'MALFORMED' ? `\n${ERRORS[code as ErrorCode].hint}` : '';
  return new RouterRefusal(code, `${code}: ${what}${hint}`, data?.problems ?? []);
}

function jsonIn(response: FetchResponse): JsonValue {
  try {
    return response.json();
  } catch {
    // A proxy's own error page.
    return null;
  }
}

/** Events that are fetched with their data at the same time. */
export const fetchedAtOnce = 8;

/** An event with its data and deliveries; null where it was removed since it was listed. */
export async function eventOf(router: RouterClient, id: string) {
  try {
    return await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
  } catch (error) {
    if (error instanceof RouterRefusal && error.code === 'NOT_KEPT') return null;
    throw error;
  }
}

/** Up to `most` deliveries of a query that were not discarded, and the cursor for what follows. Reads further pages until there are enough. */
export async function undecided(router: RouterClient, query: Query, most: number) {
  const found: Delivery[] = [];
  let cursor: string | null | undefined = query.cursor;
  const pageOf = (limit: number): Promise<DeliveryList> =>
    router.get('/api/deliveries', deliveryList, { ...query, limit: String(limit), cursor: cursor ?? undefined });
  do {
    const page: DeliveryList = await pageOf(Math.min(longestPage, most));
    const fitting = page.deliveries.filter(({ reason }) => reason !== 'discarded');
    const shown = fitting.slice(0, most - found.length);
    found.push(...shown);
    // A page ends where its cursor is: it is read again up to the last one that is shown.
    const last = shown.at(-1);
    const isCut = last !== undefined && fitting.length > shown.length;
    cursor = isCut ? (await pageOf(page.deliveries.indexOf(last) + 1)).cursor : page.cursor;
  } while (cursor !== null && found.length < most);
  return { found, cursor };
}

/** How often the progress of something long is polled. */
const askAgainMs = 500;

/** Waits for the end of something that goes on in the router, such as a replay, and shows how far it is. */
export async function ended<T extends { readonly id: string; readonly state: string }>(
  started: T,
  output: Output,
  { again, text }: { readonly again: (id: string) => Promise<T>; readonly text: (current: T) => string },
): Promise<T> {
  let current = started;
  while (current.state === 'running') {
    output.progress(text(current));
    await new Promise<void>((resolve) => systemClock.after(askAgainMs, resolve));
    current = await again(current.id);
  }
  output.progress('');
  return current;
}

/** Ends the command if the destination is not configured: no delivery would match, without an explanation. */
export async function checkDestination(router: RouterClient, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const { destinations } = await router.get('/api/status', status);
  const names = destinations.map(({ destination }) => destination);
  if (names.includes(name)) return;
  throw new CommandFailure(exitCodes.usage, `there is no destination "${name}"${didYouMean(name, names)}`);
}
