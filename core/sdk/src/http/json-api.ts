/** Requests to a JSON API, for components that need several of them for one delivery or look-up. */
import type { Outcome } from '../contract/delivery.js';
import type { JsonObject, JsonValue } from '../contract/json.js';
import type { Clock, FetchResponse, HttpClient } from '../contract/services.js';
import { parseJson, stringifyJson } from './json-body.js';
import { mayBeDone, OutcomeError, outcomeOf } from './outcome.js';

/** How an API is called. */
export interface JsonApiSettings {
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Slashes at its end are left out. */
  readonly baseUrl: string;
  /** Sent with each request, for example the authorization. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the API says in the body of a refusal, for people; null where there is no text. */
  readonly reasonIn: (body: JsonObject) => string | null;
  /** Corrects what the status alone means; default: `outcomeOf`. */
  readonly correct?: (outcome: Outcome, response: FetchResponse, body: JsonObject) => Outcome;
}

/** One request. */
export interface JsonApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With a slash at its start, otherwise `request` rejects; values in it are percent-encoded already. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | URLSearchParams;
  /** Sent as JSON, or as a form. */
  readonly body?: JsonValue | URLSearchParams;
  readonly signal: AbortSignal;
  /** Statuses that are no failure here, beside 2xx. */
  readonly allow?: readonly number[];
  /** How much of the reply is read. Of a longer one, `body` is `{}`. Default 1 MB. */
  readonly maxBytes?: number;
  /**
   * True where the reply matters, as that of a search: one that is not complete rejects as unavailable, and is not taken for an empty one.
   * Default false: the status alone says what has happened.
   */
  readonly whole?: boolean;
}

/** What came back. `body` is `{}` where it is no JSON object. */
export interface JsonApiReply {
  readonly status: number;
  readonly body: JsonObject;
}

/** Longer reasons are cut: an API may repeat the whole request. */
const longestReason = 500;

/** Calls one API: authorization, JSON in both directions, refusals as outcomes with the reason that the API gives. */
export class JsonApi {
  readonly #settings: JsonApiSettings;

  constructor(settings: JsonApiSettings) {
    this.#settings = { ...settings, baseUrl: settings.baseUrl.replace(/\/+$/, '') };
  }

  /** Rejects with an `OutcomeError` where the API refuses, which `outcomeOfFailure` makes an outcome of; otherwise as `HttpClient` does. */
  async request({
    method,
    path,
    query = {},
    body,
    allow = [],
    whole = false,
    ...limits
  }: JsonApiRequest): Promise<JsonApiReply> {
    const { http, clock, baseUrl, headers, reasonIn, correct } = this.#settings;
    if (!path.startsWith('/')) throw new Error(`the path of a request begins with a slash; it is "${path}"`);
    const search = new URLSearchParams(query).toString();
    const isForm = body instanceof URLSearchParams;
    const response = await http.fetch(`${baseUrl}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && {
          'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        }),
        ...headers,
      },
      ...(body !== undefined && { body: isForm ? String(body) : stringifyJson(body) }),
      ...limits,
    });
    const found = bodyIn(response);
    const outcome = outcomeOf(response, clock.now());
    const corrected = correct?.(outcome, response, found) ?? outcome;
    const isTaken = corrected.kind === 'delivered' || allow.includes(response.status);
    if (isTaken && whole && response.truncated)
      throw new OutcomeError({ kind: 'unavailable', reason: `${method} ${path}: the reply is not complete` });
    if (isTaken) return { status: response.status, body: found };
    const said = reasonIn(found)?.replace(/\s+/g, ' ').trim() ?? '';
    const reason = `${method} ${path}: ${corrected.reason}${said === '' ? '' : `: ${said}`}`;
    throw new OutcomeError(
      { ...corrected, reason: reason.slice(0, longestReason) },
      { isUnsure: mayBeDone(response.status) },
    );
  }
}

/** A body that is cut off or no JSON adds nothing to its status. */
function bodyIn(response: FetchResponse): JsonObject {
  try {
    const value = parseJson(response.text());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}
