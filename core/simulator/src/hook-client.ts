/** The platform that is played: makes requests as it would, signed with the secrets of the configuration, and waits for the replies. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Config, Router } from '@switchhook/core';
import { eventHeader, fetchResponse, requestNumberHeader } from '@switchhook/core/internal';
import {
  type Answer,
  type Call,
  type Clock,
  type HttpClient,
  isSuccess,
  type JsonObject,
  type JsonValue,
  parseJson,
  type SignedRequest,
  stringifyJson,
} from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';

/** A source of the configuration. */
export type SourceRow = Config['sources'][number];

/** A request that is ready to be sent. */
export interface SignedPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came of a request. */
export type Reply =
  | {
      readonly kind: 'reply';
      readonly status: number;
      /** Parsed where it is JSON. */
      readonly body: JsonValue;
      /** Id of the event that it became; null where the reply names none. */
      readonly eventId: string | null;
      /** Which request about the same call it answers: 1 for the first. */
      readonly requests: number;
      readonly ms: number;
    }
  | { readonly kind: 'none'; readonly reason: string; readonly ms: number };

/** Who plays, and against whom. */
export interface PlatformParts {
  readonly sources: readonly SourceRow[];
  /** Headers that sign a body for a source; null if it cannot sign. See `Router.signed`. */
  readonly sign: (source: string, body: Uint8Array) => SignedRequest | null;
  /** The router's URL. */
  readonly url: string;
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** No known platform waits longer. */
const patienceMs = 10_000;

export class Platform {
  readonly #parts: PlatformParts;

  constructor(parts: PlatformParts) {
    this.#parts = parts;
  }

  get sources(): readonly SourceRow[] {
    return this.#parts.sources;
  }

  /** The body of a platform's request about a call; null if the source cannot write it. */
  callBody({ component }: SourceRow, call: Pick<Call, 'from' | 'to' | 'agent'>): JsonObject | null {
    return component.callBody?.(call) ?? null;
  }

  /** The answer in a reply of a source of calls; null where there is none. */
  answerIn({ component }: SourceRow, body: JsonValue): Answer | null {
    return isObject(body) ? (component.answerIn?.(body) ?? null) : null;
  }

  /** A body with what its source wants to see before it accepts it; null where the source cannot sign. */
  signed({ name }: SourceRow, body: JsonObject): SignedPost | null {
    const text = stringifyJson(body);
    const signature = this.#parts.sign(name, Buffer.from(text));
    if (signature === null) return null;
    return {
      url: `${this.#parts.url.replace(/\/+$/, '')}/hooks/${name}${signature.rest}`,
      headers: { 'content-type': 'application/json', ...signature.headers },
      body: text,
    };
  }

  /** Sends a request and waits for its reply, as long as a platform does. Never rejects. */
  async post({ url, headers, body }: SignedPost): Promise<Reply> {
    const { clock, http } = this.#parts;
    const startedAtMs = clock.elapsed();
    const elapsed = (): number => clock.elapsed() - startedAtMs;
    try {
      const send = (signal: AbortSignal) => http.fetch(url, { method: 'POST', headers, body, signal });
      const response = await withTimeout(clock, patienceMs, send);
      const ms = elapsed();
      const said = jsonOr(response.text());
      const id = isObject(said) && typeof said.id === 'string' ? said.id : null;
      const eventId = response.headers[eventHeader] ?? id;
      const requests = Number(response.headers[requestNumberHeader] ?? 1);
      return { kind: 'reply', status: response.status, body: said, eventId, requests, ms };
    } catch (error) {
      return { kind: 'none', reason: errorMessage(error), ms: elapsed() };
    }
  }
}

function jsonOr(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    // Whatever stands in front of a router may answer in HTML.
    return text;
  }
}

/** The body with a field set; `a.b` is a field in a field, which is made where it is not there. */
export function withField(body: JsonObject, path: string, value: JsonValue): JsonObject {
  return withSteps(body, path.split('.'), value);
}

function withSteps(body: JsonObject, [first = '', ...rest]: readonly string[], value: JsonValue): JsonObject {
  if (rest.length === 0) return { ...body, [first]: value };
  const inner = body[first];
  return { ...body, [first]: withSteps(isObject(inner) ? inner : {}, rest, value) };
}

/** Whether a value is an object, and no list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where requests that stay in this process are sent to. */
export const offlineUrl = 'http://offline.invalid';

/** Answers requests for sources of calls as the router would, without recording them. `onAnswer` gets the trace of each. */
export function offlineClient(router: Router, onTrace: (trace: JsonObject) => void): HttpClient {
  const fetch: HttpClient['fetch'] = async (url, { body = '', sink } = {}) => {
    const source = new URL(url).pathname.split('/')[2] ?? '';
    const sent = typeof body === 'string' || body instanceof Uint8Array ? [Buffer.from(body)] : body.parts;
    const { reply, trace } = await router.ring(source, parseJson(await text(Readable.from(sent))) as JsonObject);
    onTrace(trace);
    const { status, headers = {}, body: said = {} } = reply;
    const bytes = new TextEncoder().encode(stringifyJson(said));
    if (sink === undefined || !isSuccess(status)) return fetchResponse(status, headers, bytes);
    await sink(bytes, { status, headers });
    return fetchResponse(status, headers, new Uint8Array());
  };
  return { fetch };
}
