/** What durable ingest is compared with: Koa with the same body reader and the same HMAC, and no store behind it. */

import { BodyBudget, ConnectionFairness, openNetwork, readBody, systemClock } from '@switchhook/core/internal';
import { readJsonObject, verifySignature } from '@switchhook/sdk';
import Koa from 'koa';

const scheme = {
  header: 'x-signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: '',
  timestampHeader: null,
  toleranceMs: 0,
  signed: '{body}',
} as const;
const secrets = [process.argv[2] ?? ''];
const forwardTo = process.argv[3];

const network = openNetwork();
const reading = {
  limits: { maxBytes: 1_048_576, timeoutMs: 10_000 },
  clock: systemClock,
  fairness: new ConnectionFairness(),
};
const room = new BodyBudget(Number.POSITIVE_INFINITY);
const app = new Koa();
app.use(async (ctx) => {
  const body = await readBody(ctx.req, reading, room);
  const headers = ctx.headers as Record<string, string>;
  const { verified } = verifySignature(scheme, secrets, { headers, body, method: ctx.method, url: ctx.url }, 0);
  if (!verified) ctx.throw(401);
  const { conversationId } = readJsonObject(body);
  if (forwardTo !== undefined)
    await network.fetch(forwardTo, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  ctx.body = { id: conversationId };
});
const server = app.listen(0, '127.0.0.1', () => process.send?.(server.address()));
