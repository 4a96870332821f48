/** Hooks: reads the exact bytes of a request for a source, hands them to the pipeline and writes the reply. */
import { type Clock, type HttpReply, type Log, type RawRequest, refuse, stringifyJson } from '@switchhook/sdk';
import type { Context } from 'koa';
import type { Refusing } from '../ingest/refused-requests.js';
import { type ApiAccess, addressOf } from './access.js';
import type { Api } from './admin-api.js';
import { type BodyBudget, type BodyLimits, readBody } from './body.js';
import type { ConnectionFairness } from './connection-fairness.js';
import type { Pages } from './page-files.js';
import { refusalOf } from './refusal-response.js';
import { decoded } from './routes.js';

/** A source as the server sees it. */
export interface Hook {
  /** Media types it reads; null = it looks at the body, whatever the sender calls it. */
  readonly accepts: readonly string[] | null;
  /** True for calls: their bodies have a budget of their own. */
  readonly calls: boolean;
  /** Whether its sender may verify the URL by GET. */
  readonly handshake: boolean;
}

/** What the server serves. What comes from the configuration is read for each request. */
export interface ServerParts {
  readonly hooks: ReadonlyMap<string, Hook>;
  /** `startedAtMs`: when the request came in, before its body did, by the clock's `elapsed`. */
  receive(source: string, request: RawRequest, startedAtMs: number): Promise<HttpReply>;
  refused(refusing: Refusing): void;
  /** Rejects, with the reason, while the router is not open or cannot commit. */
  ready(): Promise<void>;
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Who may read the metrics; null = no token is needed. */
  readonly metricsAccess: ApiAccess | null;
  /** Answers what is below `/api`. */
  readonly api: Api;
  /** Null = no dashboard is served. */
  readonly pages: Pages | null;
  readonly limits: BodyLimits;
  /** Take the sender's address from the last entry of `X-Forwarded-For`. */
  readonly trustProxy: boolean;
  /** The URL before `/hooks` as senders use it; null = taken from the `Host` header. */
  readonly publicUrl: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of bodies that are being read: hundreds of the largest, or tens of thousands of ordinary ones. */
export const mostBodyBytes = { events: 128 * 1_048_576, calls: 16 * 1_048_576 };

export interface BodyBudgets {
  readonly events: BodyBudget;
  readonly calls: BodyBudget;
}

export async function hook(
  ctx: Context,
  parts: ServerParts,
  budgets: BodyBudgets,
  fairness: ConnectionFairness,
): Promise<void> {
  const [source = '', ...rest] = ctx.path.slice('/hooks/'.length).split('/');
  const remoteAddress = addressOf(ctx, parts.trustProxy);
  const startedAtMs = parts.clock.elapsed();
  let request: RawRequest | null = null;
  try {
    const { accepts, calls } = hookAt(source, ctx, parts);
    const budget = calls ? budgets.calls : budgets.events;
    const isGet = ctx.method === 'GET';
    if (!isGet) checkMediaType(ctx, accepts);
    const body = isGet ? new Uint8Array() : await readBody(ctx.req, { ...parts, fairness }, budget);
    request = {
      method: ctx.method,
      rest: decoded(rest.join('/')),
      query: ctx.querystring === '' ? {} : firstValues(ctx.query),
      headers: headersOf(ctx),
      body,
      remoteAddress,
      // Koa's `origin` is the header of this name.
      url: `${parts.publicUrl ?? `${ctx.protocol}://${ctx.host}`}${ctx.url}`,
      receivedAtMs: parts.clock.now(),
    };
    writeReply(ctx, await parts.receive(source, request, startedAtMs));
  } catch (error) {
    const refusal = refusalOf(error);
    const bytes = request === null ? announcedBytes(ctx) : request.body.length;
    const known = parts.hooks.has(source) ? source : '';
    parts.refused({ source: known, refusal, remoteAddress, method: ctx.method, bytes, request });
    throw refusal;
  }
}

function hookAt(source: string, ctx: Context, parts: ServerParts): Hook {
  const found = parts.hooks.get(source);
  if (found === undefined) throw refuse('NOT_FOUND', `no source named ${JSON.stringify(source.slice(0, 64))}`);
  const methods = found.handshake ? ['GET', 'POST'] : ['POST'];
  if (!methods.includes(ctx.method)) {
    ctx.set('Allow', methods.join(', '));
    throw refuse('METHOD_NOT_ALLOWED', `method ${ctx.method}`);
  }
  return found;
}

function announcedBytes(ctx: Context): number | null {
  const announced = Number(ctx.get('content-length') || Number.NaN);
  return Number.isSafeInteger(announced) && announced >= 0 ? announced : null;
}

function checkMediaType(ctx: Context, accepts: Hook['accepts']): void {
  const type = (ctx.get('content-type').split(';')[0] ?? '').trim().toLowerCase();
  if (accepts !== null && !accepts.includes(type)) {
    const found = type === '' ? 'no content type' : `content type ${type.slice(0, 64)}`;
    throw refuse('UNSUPPORTED_MEDIA_TYPE', `${found}, expected ${accepts.join(' or ')}`);
  }
  const encoding = ctx.get('content-encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity')
    throw refuse('UNSUPPORTED_MEDIA_TYPE', `content encoding ${encoding.slice(0, 64)}`);
}

function writeReply(ctx: Context, reply: HttpReply): void {
  ctx.status = reply.status;
  if (reply.headers !== undefined) ctx.set(reply.headers);
  if (reply.text !== undefined) {
    // What a sender has sent is never shown as a page, whatever the source sets.
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.type = 'text/plain; charset=utf-8';
    ctx.body = reply.text;
    return;
  }
  if (reply.body === undefined) return;
  if (!ctx.res.hasHeader('Content-Type')) ctx.type = 'json';
  ctx.body = stringifyJson(reply.body);
}

function headersOf(ctx: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in ctx.headers) {
    const value = ctx.headers[name];
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  return headers;
}

function firstValues(query: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const values = Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}
