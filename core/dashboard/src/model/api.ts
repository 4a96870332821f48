/** The router's API, over HTTP, and whether it answers. */
import { signal } from '@preact/signals';
import { now } from './clock.js';
import { parseJson } from './json.js';
import { ends } from './wording.js';

/** Why a request has no result. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';

  /**
   * `code`: of the API's own errors; null where the router did not answer. `wrong`: what is wrong with parts of the request, by their
   * names. `isOfRequest`: the same request is refused again.
   */
  constructor(
    message: string,
    readonly code: string | null,
    readonly wrong: Readonly<Record<string, string>> = {},
    readonly isOfRequest = false,
  ) {
    super(message);
  }
}

/** Whether the page may use the API: `needed` = with a token; `refused` = not from here. */
export type Access = 'granted' | 'needed' | 'refused';

/** What the last request showed. */
export const access = signal<Access>('granted');
/** Why the API refuses this page; empty where it does not. */
export const accessReason = signal('');
/** Since when the router does not answer; null while it does. */
export const unreachableSinceMs = signal<number | null>(null);

/** A request: the body is sent as JSON. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Absolute URL of a path of the API, below the page's own folder. */
export function apiUrl(path: string, query: ApiRequest['query'] = {}): string {
  const url = new URL(`api/${path}`, document.baseURI);
  url.hash = '';
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') url.searchParams.set(name, value);
  return url.href;
}

/** Sends a request. Rejects with an `ApiFailure`, or as the signal does. */
export async function api<T>(path: string, { method = 'GET', query, body, signal }: ApiRequest = {}): Promise<T> {
  const sent =
    method === 'GET' ? {} : { body: JSON.stringify(body ?? {}), headers: { 'content-type': 'application/json' } };
  const { response, text } = await answered(apiUrl(path, query), { method, ...sent, ...(signal && { signal }) });
  if (response.ok) {
    if (path !== 'session') access.value = 'granted';
    return (text === '' ? null : parseJson(text)) as T;
  }
  const failure = failureOf(response, text);
  if (failure.code === 'API_TOKEN_WRONG') access.value = 'needed';
  if (failure.code === 'API_TOKEN_NEEDED') access.value = 'refused';
  if (access.value !== 'granted') accessReason.value = failure.message;
  throw failure;
}

/** `none` in place of the refusal of what is not kept; throws every other error. */
export function noneIfNotKept(error: unknown): 'none' {
  if (error instanceof ApiFailure && error.code === 'NOT_KEPT') return 'none';
  throw error;
}

/** Why a stream is refused; null where it is not, or where the router does not answer. A stream that is accepted is ended at once. */
export async function failureAt(
  path: string,
  query: ApiRequest['query'],
  signal: AbortSignal,
): Promise<ApiFailure | null> {
  try {
    const response = await fetch(apiUrl(path, query), { credentials: 'same-origin', cache: 'no-store', signal });
    if (!response.ok && !isOfGateway(response)) return failureOf(response, await response.text());
    await response.body?.cancel();
  } catch {
    // The router does not answer, or the answer is not awaited any more.
  }
  return null;
}

async function answered(url: string, options: RequestInit) {
  try {
    const response = await fetch(url, { credentials: 'same-origin', cache: 'no-store', ...options });
    const text = await response.text();
    // A proxy answers in place of a router that is gone.
    if (isOfGateway(response)) throw new Error(`${response.status} ${response.statusText}`);
    unreachableSinceMs.value = null;
    return { response, text };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    unreachableSinceMs.value ??= now();
    throw new ApiFailure('The router does not answer.', null);
  }
}

function isOfGateway({ status, headers }: Response): boolean {
  return [502, 503, 504].includes(status) && !(headers.get('content-type') ?? '').includes('json');
}

/** Codes whose detail names what is not there: the sentence of the code would say it once more. */
const named: ReadonlySet<unknown> = new Set(['NO_SUCH_ROW', 'NOT_KEPT']);

function failureOf({ status, statusText }: Response, text: string): ApiFailure {
  try {
    const { title, detail, code, errors = [] } = JSON.parse(text);
    const sentences = [named.has(code) && detail ? '' : title, detail].filter(
      (one): one is string => typeof one === 'string' && one !== '',
    );
    const isOfRequest = [400, 404, 422].includes(status);
    const wrong = Object.fromEntries(errors.map(wrongPart));
    return new ApiFailure(sentences.map(sentence).join(' '), String(code), wrong, isOfRequest);
  } catch {
    // The reply is not the API's.
    return new ApiFailure(`The router answered with ${status} ${statusText}.`, `HTTP_${status}`);
  }
}

interface WrongPart {
  readonly path: string;
  readonly message: string;
  readonly position?: number;
}

function wrongPart({ path, message, position }: WrongPart): readonly [string, string] {
  return [path, sentence(position === undefined ? message : `character ${position}: ${message}`)];
}

/** With a capital and an end. */
function sentence(text: string): string {
  return ends(text.charAt(0).toUpperCase() + text.slice(1));
}
