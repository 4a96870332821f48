/** Access to the API: by the token; without a configured token, from this machine only. */

import { refuse, sameText } from '@switchhook/sdk';
import type { Context } from 'koa';

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
const loopbackAddress = /^(::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;
const loopbackHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** Whether a server at this host is reached from its own machine only. */
export function isLoopback(host: string): boolean {
  return loopbackHost.test(host) || loopbackAddress.test(host);
}

/** Refuses who may not. */
export function requireAccess(ctx: Context, { token, proxied }: ApiAccess): void {
  if (token === null) {
    const reason = proxied ? 'server.publicUrl or server.trustProxy declares a proxy in front' : remoteMark(ctx);
    if (reason !== null) throw refuse('API_TOKEN_NEEDED', reason);
    return;
  }
  const given = /^Bearer +(\S+)\s*$/i.exec(ctx.get('authorization'))?.[1];
  if (given !== undefined && sameText(given, token)) return;
  ctx.set('WWW-Authenticate', 'Bearer');
  const found = given === undefined ? 'no bearer token came with the request' : 'the bearer token is another one';
  throw refuse('API_TOKEN_WRONG', found);
}

/** Why a request may be from elsewhere than this machine, or from a page that a browser on it has open; null = it is not. */
function remoteMark(ctx: Context): string | null {
  const host = ctx.get('host');
  const origin = ctx.get('origin');
  if (!loopbackAddress.test(ctx.req.socket.remoteAddress ?? '')) return 'the request comes from another machine';
  if (Object.keys(ctx.req.headers).some((name) => forwarded.test(name))) return 'the request was passed on by a proxy';
  // A host name of another person that resolves to this machine.
  if (!loopbackHost.test(host)) return 'the request is meant for another host';
  if (origin !== '' && (!URL.canParse(origin) || new URL(origin).host !== host))
    return 'the request comes from a page of another site';
  return null;
}
