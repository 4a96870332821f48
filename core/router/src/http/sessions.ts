/** Sessions of browsers: the API's token once, then a cookie that only the router can make, for a limited time. */
import { type Clock, refuse, type SignatureScheme, sameText, signatureHeaders, verifySignature } from '@switchhook/sdk';
import type { Context } from 'koa';
import { newSessionId } from '../system/ids.js';

/** A working day: a page that is open longer asks for the token again. */
const sessionMs = 12 * 3_600_000;
/** Wrong tokens from one address, until it has to wait. */
const mostWrong = 10;
const wrongWindowMs = 10 * 60_000;
/** Of these, what they have sent is counted. */
const mostAddresses = 10_000;

/** The cookie is made of the token, so that it survives a restart, counts in each router with this token, and ends with it. */
const scheme: SignatureScheme = {
  header: 'cookie',
  algorithm: 'sha256',
  encoding: 'base64url',
  prefix: 'v1~',
  separator: '.',
  timestampPrefix: 't~',
  timestampHeader: null,
  toleranceMs: sessionMs,
  signed: 'switchhook session {timestamp} {body}',
};

/** What a browser learns about its session. */
export interface SessionState {
  readonly signedIn: boolean;
  /** False where the API has no token: then requests from the router's machine need none. */
  readonly tokenNeeded: boolean;
  /** When the session ends; null without one. */
  readonly untilMs: number | null;
}

/** The session of one request. */
export interface Session {
  state(): SessionState;
  /** Refused as `API_TOKEN_WRONG`, or as `SIGN_IN_LIMITED` after too many of these. */
  signIn(token: string): SessionState;
  signOut(): SessionState;
}

interface Wrong {
  count: number;
  readonly untilMs: number;
}

/** The sessions of one router. */
export class Sessions {
  readonly #tokenNow: () => string | null;
  readonly #clock: Clock;
  /** Ids of the sessions that were signed out, with the end of each. */
  readonly #ended = new Map<string, number>();
  readonly #wrong = new Map<string, Wrong>();

  /** `token`: the API's at the moment; null = no sessions. */
  constructor(token: () => string | null, clock: Clock) {
    this.#tokenNow = token;
    this.#clock = clock;
  }

  get #token(): string | null {
    return this.#tokenNow();
  }

  /** Whether a request carries the cookie of a session. */
  isSignedIn(ctx: Context): boolean {
    return this.#found(ctx) !== null;
  }

  /** `address`: of the browser. */
  of(ctx: Context, address: string): Session {
    return {
      state: () => this.#state(this.#found(ctx)?.endMs ?? null),
      signIn: (token) => {
        if (this.#token === null) return this.#state(null);
        this.#check(ctx, token, networkOf(address));
        const [id, nowMs] = [newSessionId(), this.#clock.now()];
        const signed = signatureHeaders(scheme, this.#token, { method: '', body: Buffer.from(id) }, nowMs);
        setCookie(ctx, `${id}.${signed.cookie}`, sessionMs);
        return this.#state(Math.floor(nowMs / 1_000) * 1_000 + sessionMs);
      },
      signOut: () => {
        const found = this.#found(ctx);
        const nowMs = this.#clock.now();
        for (const [id, endMs] of this.#ended) if (endMs < nowMs) this.#ended.delete(id);
        if (found !== null) this.#ended.set(found.id, found.endMs);
        setCookie(ctx, '', 0);
        return this.#state(null);
      },
    };
  }

  #state(untilMs: number | null): SessionState {
    return { signedIn: untilMs !== null || this.#token === null, tokenNeeded: this.#token !== null, untilMs };
  }

  /** The session of a request; null where it has none, or one that is over. */
  #found(ctx: Context): { readonly id: string; readonly endMs: number } | null {
    const [, id = '', signature = '', seconds] = /^([\w-]+)\.(t~(\d+)\..+)$/.exec(cookieOf(ctx)) ?? [];
    if (this.#token === null || this.#ended.has(id)) return null;
    const sent = { method: '', url: '', headers: { cookie: signature }, body: Buffer.from(id) };
    const { verified } = verifySignature(scheme, [this.#token], sent, this.#clock.now());
    return verified ? { id, endMs: Number(seconds) * 1_000 + sessionMs } : null;
  }

  #check(ctx: Context, token: string, address: string): void {
    const nowMs = this.#clock.elapsed();
    const known = this.#wrong.get(address);
    const wrong = known === undefined || known.untilMs <= nowMs ? { count: 0, untilMs: nowMs + wrongWindowMs } : known;
    if (wrong.count >= mostWrong) {
      const seconds = Math.ceil((wrong.untilMs - nowMs) / 1_000);
      ctx.set('Retry-After', String(seconds));
      throw refuse('SIGN_IN_LIMITED', `${mostWrong} wrong tokens came from this address: try again in ${seconds} s`);
    }
    if (this.#token !== null && sameText(token, this.#token)) return void this.#wrong.delete(address);
    wrong.count += 1;
    this.#wrong.delete(address);
    this.#wrong.set(address, wrong);
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > mostAddresses && oldest !== undefined) this.#wrong.delete(oldest);
    throw refuse('API_TOKEN_WRONG', 'this is not the token of the router');
  }
}

/** Of IPv6 the network, which one sender has as a whole. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  const [left = [], right = []] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

/** Cookies do not distinguish ports: two routers on one machine would end each other's sessions. */
function cookieName(ctx: Context): string {
  return `switchhook_session${/:(\d{1,5})$/.exec(ctx.host)?.[1] ?? ''}`;
}

function cookieOf(ctx: Context): string {
  const start = `${cookieName(ctx)}=`;
  const cookies = ctx.get('cookie').split(';');
  return (
    cookies
      .map((cookie) => cookie.trim())
      .find((cookie) => cookie.startsWith(start))
      ?.slice(start.length) ?? ''
  );
}

/**
 * Without a path of its own, a cookie is sent to the directory of the request that sets it (RFC 6265, 5.1.4): to `/api`, and below
 * the path of a proxy, which the router does not know, to `/api` there. Encrypted where the browser is, whatever is between it and the router.
 */
function setCookie(ctx: Context, value: string, ms: number): void {
  const secure = ctx.secure || ctx.get('origin').startsWith('https:') ? '; Secure' : '';
  ctx.append('Set-Cookie', `${cookieName(ctx)}=${value}; Max-Age=${ms / 1_000}; HttpOnly; SameSite=Strict${secure}`);
}
