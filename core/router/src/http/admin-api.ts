/** The API: checks access and request, calls the endpoint, and reports errors as `application/problem+json`. */

import { type Clock, isRefusal, type JsonObject, type Log, parseJson, type Refusal, refuse } from '@switchhook/sdk';
import { didYouMean, ERRORS, expectedText, isServerError, withTimeout } from '@switchhook/sdk/internal';
import type { Context } from 'koa';
import { z } from 'zod';
import { nothing } from '../api/requests.js';
import type { problem } from '../api/responses.js';
import { type ApiAccess, addressOf, requireAccess, requireOwnPage } from './access.js';
import type { BodyLimits } from './body.js';
import type { Answering, Endpoint } from './endpoint.js';
import { endpoints } from './endpoints.js';
import { openApiDocument } from './openapi.js';
import { writeRefusal } from './refusal-response.js';
import { type Route, routed } from './routes.js';
import { Sessions } from './sessions.js';

/** What the API is made of. */
export interface ApiParts extends Omit<Answering, 'nowMs'> {
  readonly access: ApiAccess;
  /** Take the client's address from the last entry of `X-Forwarded-For`. */
  readonly trustProxy: boolean;
  readonly limits: BodyLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers requests below `/api`. Never rejects. */
export type Api = (ctx: Context) => Promise<void>;

type Wrong = z.input<typeof problem>['errors'];
/** A refusal, and what `application/problem+json` has beside it. */
type Explained = Refusal & Partial<Pick<z.input<typeof problem>, 'errors' | 'problems'>>;
type ParseBody = (ctx: Context, isOpen: boolean) => Promise<unknown>;

/** Of a request that needs no token: a token, and what is around it. */
const openBodyBytes = 16_384;

/** A page of another site embeds no reply. */
const headers = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export function apiFor(parts: ApiParts): Api {
  let document: JsonObject | null = null;
  const parseBody = bodyReader(parts);
  const sessions = new Sessions(() => parts.access.token, parts.clock);
  const check = (ctx: Context) => requireAccess(ctx, parts.access, () => sessions.isSignedIn(ctx));
  const openPaths = new Set(endpoints.flatMap(({ path, open }) => (open ? [path] : [])));
  const routes = endpoints.map((endpoint): Route => {
    const { method, path } = endpoint;
    return { method, path, reply: (ctx, id) => answer(endpoint, { ctx, id, parts, parseBody, sessions, check }) };
  });
  const documentRoute: Route = {
    method: 'GET',
    path: '/api/openapi.json',
    reply: async () => {
      // Not at the start, of which it would take a twentieth.
      document ??= openApiDocument(endpoints, parts.info.version);
      return document;
    },
  };
  const dispatch = routed([...routes, documentRoute], 'no such path; GET /api/openapi.json lists them');
  return async (ctx) => {
    ctx.set(headers);
    const { access } = parts;
    const from = addressOf(ctx, parts.trustProxy);
    try {
      if (access.token !== null && openPaths.has(ctx.path)) requireOwnPage(ctx, { proof: false });
      else check(ctx);
      await dispatch(ctx);
    } catch (error) {
      const refusal = isRefusal(error) ? error : refuse('API_FAILED', 'see the log line api.failed', { cause: error });
      if (isServerError(refusal.code))
        parts.log.error('api.failed', { path: ctx.path, error: refusal.cause ?? refusal });
      writeProblem(ctx, refusal, parts.mask);
    }
    if (ctx.method !== 'GET')
      parts.log.info('api.requested', { method: ctx.method, path: ctx.path, status: ctx.status, from });
  };
}

interface Asked {
  readonly ctx: Context;
  readonly id: string;
  readonly parts: ApiParts;
  readonly parseBody: ParseBody;
  readonly sessions: Sessions;
  /** Refuses a request without access. */
  check(ctx: Context): void;
}

async function answer(endpoint: Endpoint, { ctx, id, parts, parseBody, sessions, check }: Asked): Promise<unknown> {
  const query = checked(endpoint.query, { ...ctx.query }, 'query');
  const body =
    endpoint.body === nothing ? {} : checked(endpoint.body, await parseBody(ctx, endpoint.open === true), 'body');
  const from = addressOf(ctx, parts.trustProxy);
  const lastEventId = ctx.get('last-event-id') || null;
  const answering = { ...parts, nowMs: parts.clock.now() };
  if (endpoint.stream === undefined)
    return endpoint.answer(
      {
        id,
        query,
        body,
        from,
        session: sessions.of(ctx, from),
        lastEventId,
        isWaiting: () => !ctx.req.socket.destroyed,
      },
      answering,
    );
  const isAllowed = () => {
    try {
      check(ctx);
      return true;
    } catch {
      return false;
    }
  };
  const gone = new AbortController();
  ctx.res.once('close', () => gone.abort());
  const stream = await endpoint.stream({ query, lastEventId, isAllowed, gone: gone.signal }, answering);
  ctx.type = 'text/event-stream';
  // nginx would keep events until it has enough of them.
  ctx.set('X-Accel-Buffering', 'no');
  return stream;
}

/** JSON only: a body that was read as empty might match too much. */
function bodyReader(parts: ApiParts): ParseBody {
  return async (ctx, isOpen) => {
    const { clock } = parts;
    const limits = isOpen ? { ...parts.limits, maxBytes: openBodyBytes } : parts.limits;
    if (!ctx.is('application/json')) throw refuse('UNSUPPORTED_MEDIA_TYPE', 'a body in application/json is expected');
    try {
      await withTimeout(clock, limits.timeoutMs, async () => (await parserOf(limits))(ctx, async () => {}));
    } catch (error) {
      if (isRefusal(error)) throw error;
      throw refuse('BODY_TOO_SLOW', `no complete body after ${limits.timeoutMs} ms`, { cause: error });
    }
    // Parsed once more where JSON.parse may have rounded a number.
    const { rawBody, body } = ctx.request;
    return typeof rawBody === 'string' && rawBody !== '' ? parseJson(rawBody) : body;
  };
}

async function parserOf({ maxBytes }: BodyLimits) {
  // Not at the start, of which it would take a twentieth: many a router never reads a body of the API.
  const { default: bodyParser } = await import('koa-bodyparser');
  return bodyParser({
    enableTypes: ['json'],
    jsonLimit: `${maxBytes}b`,
    onerror: (error) => {
      const tooLarge = 'type' in error && error.type === 'entity.too.large';
      throw tooLarge
        ? refuse('BODY_TOO_LARGE', 'the body is too large', { cause: error })
        : refuse('MALFORMED', `the body is not JSON${parserWords(error)}`, { cause: error });
    },
  });
}

/** Without the piece of the body that they end in. */
function parserWords(error: Error): string {
  return error instanceof SyntaxError ? `: ${error.message.replace(/, (?:\.\.\.)?".*/s, '')}` : '';
}

function checked<S extends z.ZodType>(schema: S, value: unknown, what: 'query' | 'body'): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors: Wrong = parsed.error.issues.flatMap((issue) => {
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => ({
      path: path.join('.'),
      message: messageOf(issue, what) + meant(schema, issue, path),
    }));
  });
  const said = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  throw Object.assign(refuse('MALFORMED', `the ${what} is wrong: ${said.join('; ')}`), { errors });
}

/** In the words of the other messages, where those of zod are of its types. */
function messageOf(issue: z.core.$ZodIssue, what: string): string {
  if (issue.code === 'unrecognized_keys') return `the ${what} has no such field`;
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small' && issue.origin === 'string' && issue.minimum === 1)
    return 'expected a text that is not empty';
  const isOfZod = /^(?:Too (?:small|big)|Invalid input): expected /.test(issue.message);
  return (isOfZod ? expectedText(issue) : null) ?? issue.message;
}

/** For a field that is not known: the one that may be meant. */
function meant(schema: z.ZodType, issue: z.core.$ZodIssue, path: readonly PropertyKey[]): string {
  if (issue.code !== 'unrecognized_keys') return '';
  const whole: z.core.JSONSchema.BaseSchema = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const within = issue.path.reduce<z.core.JSONSchema.BaseSchema | undefined>((found, step) => {
    const inner = found?.properties?.[String(step)];
    return typeof inner === 'object' ? inner : undefined;
  }, whole);
  return didYouMean(String(path.at(-1)), Object.keys(within?.properties ?? {}));
}

function writeProblem(ctx: Context, refusal: Explained, mask: ApiParts['mask']): void {
  const { status, code, message, errors = [], problems } = refusal;
  const detail = mask(message);
  const body: z.input<typeof problem> = {
    ...{ type: `urn:switchhook:error:${code}`, title: ERRORS[code].sentence, status, detail, code, errors },
    ...(problems && { problems }),
  };
  writeRefusal(ctx, refusal);
  ctx.type = 'application/problem+json';
  ctx.body = JSON.stringify(body);
}
