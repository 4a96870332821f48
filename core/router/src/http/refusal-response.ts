/** From something thrown to what the sender sees: a status and a code, nothing else. */

import type { Refusal } from '@switchhook/sdk';
import type { Context } from 'koa';

/** Seconds a sender is asked to wait, where waiting helps. */
const retryAfterSeconds: Readonly<Partial<Record<number, number>>> = { 429: 1, 503: 5 };
/** After these the rest of the body is not wanted, so the connection ends with the reply. */
const closing: readonly number[] = [408, 413];

/** Writes a refusal. */
export function writeRefusal(ctx: Context, refusal: Refusal): void {
  ctx.status = refusal.status;
  ctx.body = { error: refusal.code };
  const seconds = retryAfterSeconds[refusal.status];
  if (seconds !== undefined) ctx.set('Retry-After', String(seconds));
  if (closing.includes(refusal.status)) ctx.set('Connection', 'close');
}
