/** From something thrown to what the sender sees: a status and a code, nothing else. */

import { isRefusal, type Refusal, refuse } from '@switchhook/sdk';
import type { Context } from 'koa';

/** `Retry-After` in seconds, for refusals that are temporary. */
const retryAfterSeconds: Readonly<Partial<Record<number, number>>> = { 429: 1, 503: 5 };
/** After these the rest of the body is not wanted, so the connection ends with the reply. */
const closing: readonly number[] = [408, 413];

/** What was thrown while a request was served, as a refusal: what no refusal was meant for is a fault of the router. */
export function refusalOf(thrown: unknown): Refusal {
  return isRefusal(thrown) ? thrown : refuse('INTERNAL', 'an unexpected error', { cause: thrown });
}

/** Writes a refusal. */
export function writeRefusal(ctx: Context, refusal: Refusal): void {
  ctx.status = refusal.status;
  ctx.body = { error: refusal.code };
  const seconds = retryAfterSeconds[refusal.status];
  if (seconds !== undefined && !ctx.res.hasHeader('Retry-After')) ctx.set('Retry-After', String(seconds));
  if (closing.includes(refusal.status)) ctx.set('Connection', 'close');
}
