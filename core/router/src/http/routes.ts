/** Routes of exact paths, with the product's own errors where a path or a method has none. */
import { Readable } from 'node:stream';
import Router from '@koa/router';
import { refuse, stringifyJson } from '@switchhook/sdk';
import type { Context } from 'koa';

/** A route: a method, a path in which `{id}` is one segment, and its reply. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Resolves to the body: a text, a stream whose type is set, or what is sent as JSON. `id`: the segment, decoded; empty where the path has none. */
  reply(ctx: Context, id: string): Promise<unknown>;
}

/**
 * Calls the route of a request. Rejects with `NOT_FOUND` and `hint`, with `METHOD_NOT_ALLOWED` and the header `Allow`, or
 * with `MALFORMED` where the path is not percent-encoded; otherwise as the route does.
 */
export function routed(routes: readonly Route[], hint: string): (ctx: Context) => Promise<void> {
  const router = new Router({ sensitive: true, strict: true });
  for (const { method, path, reply } of routes)
    router.register(path.replace('{id}', ':id'), [method], async (ctx) => {
      const body = await reply(ctx, ctx.params.id ?? '');
      const isWritten = typeof body === 'string' || body instanceof Readable;
      if (!isWritten) ctx.type = 'json';
      ctx.body = isWritten ? body : stringifyJson(body);
    });
  const dispatch = router.routes();
  return async (ctx) => {
    decoded(ctx.path);
    const { path: here, route } = router.match(ctx.path, ctx.method);
    if (here.length === 0) throw refuse('NOT_FOUND', hint);
    if (!route) {
      ctx.set('Allow', here.flatMap(({ methods }) => methods).join(', '));
      throw refuse('METHOD_NOT_ALLOWED', `method ${ctx.method}`);
    }
    await dispatch(Object.assign(ctx, { router, params: {} }), async () => {});
  };
}

/** Refuses as `MALFORMED` where it is not percent-encoded. */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw refuse('MALFORMED', 'the path is not properly percent-encoded', { cause: error });
  }
}
