/** Access to the API: by the token, or the session of a browser; without a configured token, from this machine only. */
import { refuse, sameText } from '@switchhook/sdk';
import type { Context } from 'koa';
import { isLoopbackAddress, isLoopbackHost } from '../system/http-url.js';

/** How the API is kept. */
export interface ApiAccess {
  /** Null = only from this machine. */
  readonly token: string | null;
  /** True behind a proxy: then every request seems to come from this machine. */
  readonly proxied: boolean;
}

/** Headers that proxies, load balancers and content networks add; any name that ends like that of a client's address. */
const forwarded =
  /forwarded|^(via|cdn-loop|cf-.+|tailscale-.+|x-(azure|envoy|amzn|appengine|vercel|arr)-.+|x-original-host)$|(^|[-_])(client|socket|real)?ip(v6)?$/;

/** Refuses who may not. `hasSession`: whether the request carries the cookie of a session. */
export function requireAccess(ctx: Context, { token, proxied }: ApiAccess, hasSession = () => false): void {
  if (token === null) {
    const reason = proxied ? 'server.publicUrl or server.trustProxy declares a proxy in front' : remoteMark(ctx);
    if (reason !== null) throw refuse('API_TOKEN_NEEDED', reason);
    requireOwnPage(ctx, { proof: false });
    return;
  }
  const given = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization'))?.[1];
  if (given !== undefined && sameText(given, token)) return;
  if (given === undefined && hasSession()) {
    requireOwnPage(ctx, { proof: true });
    return;
  }
  ctx.set('WWW-Authenticate', 'Bearer');
  const found = given === undefined ? 'no bearer token came with the request' : 'the bearer token is another one';
  throw refuse('API_TOKEN_WRONG', found);
}

/**
 * Refuses a change that a page of another site may have sent: a browser adds the cookie, and the address of its machine, by itself.
 * `proof`: a browser sent it, so one of the headers by which it names the page must be there. JSON cannot be sent to another site unasked.
 */
export function requireOwnPage(ctx: Context, { proof }: { readonly proof: boolean }): void {
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return;
  const [site, origin] = [ctx.get('sec-fetch-site'), ctx.get('origin')];
  const isKnown = site !== '' || origin !== '';
  const isOwn = site === '' ? isOriginOf(origin, ctx.get('host')) : site === 'same-origin';
  if (isKnown ? !isOwn : proof) {
    const found = site || origin || 'neither Sec-Fetch-Site nor Origin is there';
    throw refuse('API_ORIGIN_WRONG', `the request does not come from a page of this address: ${found.slice(0, 200)}`);
  }
  if (ctx.method === 'POST' && !/^application\/json\s*(;|$)/i.test(ctx.get('content-type')))
    throw refuse('UNSUPPORTED_MEDIA_TYPE', 'a change without the bearer token needs Content-Type: application/json');
}

function isOriginOf(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Why a request may be from elsewhere than this machine, or from a page that a browser on it has open; null = it is not. */
function remoteMark(ctx: Context): string | null {
  const host = ctx.get('host');
  const origin = ctx.get('origin');
  if (!isLoopbackAddress(ctx.req.socket.remoteAddress ?? '')) return 'the request comes from another machine';
  if (Object.keys(ctx.req.headers).some((name) => forwarded.test(name))) return 'the request was passed on by a proxy';
  // A host name of another person that resolves to this machine.
  if (!isLoopbackHost(host)) return 'the request is meant for another host';
  if (origin !== '' && !isOriginOf(origin, host)) return 'the request comes from a page of another site';
  return null;
}

/** IPv6 with a zone. What is longer is no address, and is written to the log. */
const longestAddress = 64;

/** The address of the client; of a trusted proxy, the last one that it names. */
export function addressOf(ctx: Context, trustProxy: boolean): string {
  const named = trustProxy ? lastAddress(ctx.get('x-forwarded-for')) : undefined;
  return (named ?? ctx.req.socket.remoteAddress ?? '').slice(0, longestAddress);
}

/** Some proxies write the port, too (Azure), or a comma behind the last address. */
function lastAddress(header: string): string | undefined {
  const entries = header.split(',').map((entry) => entry.trim());
  const last = entries.filter((entry) => entry !== '').at(-1);
  return last?.replace(/^\[(.+)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
}
