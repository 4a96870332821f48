/** What an HTTP attempt came to: the one table from status to outcome, shared by every destination that speaks HTTP. */
import { STATUS_CODES } from 'node:http';
import type { Outcome } from '../contract/delivery.js';
import type { FetchResponse } from '../contract/services.js';
import { type ExpressionError, type FetchError, isExpressionError, isFetchError } from '../errors/typed-errors.js';

/** How much of a response is kept with the attempt. */
const excerptBytes = 4_096;

/**
 * Limits for `fetch` where the status decides and an excerpt of the body is kept. An ordinary body is read to its end, so that
 * its connection is used again.
 */
export const excerptLimits = { maxBytes: 65_536, bodyMs: 2_000 } as const;

/** The body of this request will never be accepted: malformed, too large, or its receiver is gone for good. */
const neverAccepted = new Set([400, 410, 413, 414, 422, 431]);
/** The same request may be accepted later, without anyone acting. */
const acceptedLater = new Set([408, 409, 421, 423, 424, 425, 429]);
/** 5xx statuses that a retry does not change: 501 Not Implemented, 505 HTTP Version Not Supported, 511 Network Authentication Required. */
const lastingFaults = new Set([501, 505, 511]);

/** Whether a status is 2xx: the request has had its effect, or will have it. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/**
 * The outcome of a response:
 * - 2xx: `delivered`
 * - 400, 410, 413, 414, 422, 431: `rejected`
 * - 408, 409, 421, 423, 424, 425, 429 and 5xx: `unavailable`, with the time of `Retry-After`
 * - 3xx (never followed), all other 4xx, 501, 505, 511: `unavailable`, and an operator must act
 */
export function outcomeOf(response: FetchResponse, nowMs: number): Outcome {
  const { status } = response;
  const kept = excerptOf(response);
  if (isSuccess(status)) return { kind: 'delivered', ...kept };
  const reason = reasonFor(response);
  if (neverAccepted.has(status)) return { kind: 'rejected', reason, ...kept };
  const wishMs = retryAfterMs(response.headers['retry-after'], nowMs);
  const passing = acceptedLater.has(status) || (status >= 500 && !lastingFaults.has(status));
  return {
    kind: 'unavailable',
    reason,
    ...(wishMs === undefined ? {} : { retryAfterMs: wishMs }),
    ...(passing ? {} : { needsOperator: true }),
    ...kept,
  };
}

const outcomeBrand = Symbol.for('switchhook.outcome-error');

/** Ends an attempt with an outcome, from wherever it is thrown: `outcomeOfFailure` returns it. Its message is the reason. */
export class OutcomeError extends Error {
  readonly [outcomeBrand] = true;
  override readonly name = 'OutcomeError';

  /** Whether the other side may have done it all the same, as after a 504. A `Ledger` then passes this on to the next attempt. Default false. */
  readonly isUnsure: boolean;

  constructor(
    readonly outcome: Exclude<Outcome, { readonly kind: 'delivered' }>,
    { isUnsure = false }: { readonly isUnsure?: boolean } = {},
  ) {
    super(outcome.reason);
    this.isUnsure = isUnsure;
  }
}

/** Whether something thrown is an `OutcomeError`, also one of another copy of this package. */
export function isOutcomeError(thrown: unknown): thrown is OutcomeError {
  return typeof thrown === 'object' && thrown !== null && outcomeBrand in thrown;
}

/** An `OutcomeError` to be thrown where the other side will never accept the event: `throw rejected('to: the event has no phone number there')`. */
export function rejected(reason: string): OutcomeError {
  return new OutcomeError({ kind: 'rejected', reason });
}

/** Whether a refusal with this status leaves open if the request had its effect: a gateway may answer so after the API has done it. */
export function mayBeDone(status: number): boolean {
  return status >= 500 || status === 408;
}

/** Codes of errors that come before there is a connection, so that nothing was sent. */
const beforeConnection =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|UND_ERR_CONNECT_TIMEOUT|ADDRESS_FORBIDDEN|\w+_INVALID)$|CERT|SIGNATURE/;

/** Whether the request may have been sent before it failed. */
export function wasSent({ code }: FetchError): boolean {
  return !beforeConnection.test(code);
}

/** Codes of a `FetchError` about the request itself, which is the same next time. */
const neverSent = new Set(['ADDRESS_FORBIDDEN', 'URL_INVALID', 'REQUEST_INVALID']);

/**
 * The outcome of an attempt that threw before there was a response. No connection: `unavailable`. A request that cannot
 * be sent (`ADDRESS_FORBIDDEN`, `URL_INVALID`, `REQUEST_INVALID`) or a template that cannot be filled in: `rejected`. An `OutcomeError`: its outcome.
 * Anything else is thrown on.
 */
export function outcomeOfFailure(thrown: unknown): Outcome {
  if (isExpressionError(thrown)) {
    const which = thrown.option ? `template of ${thrown.option}` : 'template';
    return { kind: 'rejected', reason: oneLine(`${which}: ${thrown.message}${hintFor(thrown)}`) };
  }
  if (isOutcomeError(thrown)) return thrown.outcome;
  if (!isFetchError(thrown)) throw thrown;
  return { kind: neverSent.has(thrown.code) ? 'rejected' : 'unavailable', reason: oneLine(thrown.message) };
}

/** What to write for a field that is not in every event. */
function hintFor({ missing, place }: ExpressionError): string {
  return missing && place !== '' ? `; default(${place}, "…") sends something else where it is missing` : '';
}

function reasonFor({ status, headers }: FetchResponse): string {
  const said = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim();
  const location = headers.location;
  if (status < 300 || status >= 400 || location === undefined) return said;
  // Only the host: the rest of a URL may carry a token.
  const host = URL.canParse(location) ? new URL(location).host : 'the same host';
  return `${said}: a redirect to ${host}, not followed`;
}

function excerptOf({ body }: FetchResponse): { readonly response?: string } {
  if (body.byteLength === 0) return {};
  // NUL is no character of a Postgres text, where attempts may be kept.
  const start = new TextDecoder().decode(body.subarray(0, excerptBytes)).replaceAll('\0', '\uFFFD');
  return { response: body.byteLength > excerptBytes ? start.replace(/\uFFFD$/, '') : start };
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, ' ').trim();
}

/** Milliseconds from now; undefined if the header is missing or invalid. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1_000;
  // Date.parse alone would take `1.5` and `soon 1` for dates.
  if (!/^\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /i.test(header)) return undefined;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
