import { createHmac } from 'node:crypto';
import { Clock, Store } from '@switchhook/sdk';

import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const limit = 4_096;
const token = 'token-of-the-tests';
const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0, bodyLimit: 4kb }
store: { use: memory }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  stamped:
    use: sigmamind.events
    secrets: [${secret}]
    signature: { timestampHeader: X-Timestamp, tolerance: 5m }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  console: { use: log }
routes:
  - { to: console }
`;

async function setup() {
  const place = await workplace();
  const clock = new FakeClock();
  const { router, url, lines } = await place.router(yaml, {
    configure: (container) => container.register(Clock, { useValue: clock }),
  });
  const stored = async () => (await router.get(Store).events({ limit: 10 })).items.length;
  const refusals = () => lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'request.refused');
  const hook = `${url}/hooks/agents`;
  const stamped = (timestamp: number) => {
    const body = endedBody();
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
    const headers = { 'x-timestamp': String(timestamp), 'x-sigmamind-signature': signature };
    return postSigned(`${url}/hooks/stamped`, body, (given) => ({ ...given, ...headers }));
  };
  const nowSeconds = Math.floor(clock.now() / 1_000);
  return { place, url, hook, lines, stored, refusals, stamped, nowSeconds };
}
type World = Awaited<ReturnType<typeof setup>>;
type Sent = Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;

const signature = (change: (signature: string) => string | undefined) => (headers: Record<string, string>) => ({
  ...headers,
  'x-sigmamind-signature': change(headers['x-sigmamind-signature'] ?? ''),
});
const nested = `{"event":"x","a":${'['.repeat(200)}${']'.repeat(200)}}`;

const cases: readonly (readonly [what: string, send: (fixture: World) => Sent, status: number, error: string])[] = [
  [
    'a wrong signature',
    ({ hook }) =>
      postSigned(
        hook,
        endedBody(),
        signature(() => 'a'.repeat(64)),
      ),
    401,
    'UNVERIFIED',
  ],
  [
    'no signature',
    ({ hook }) =>
      postSigned(
        hook,
        endedBody(),
        signature(() => undefined),
      ),
    401,
    'UNVERIFIED',
  ],
  [
    'a truncated signature',
    ({ hook }) =>
      postSigned(
        hook,
        endedBody(),
        signature((full) => full.slice(0, 40)),
      ),
    401,
    'UNVERIFIED',
  ],
  [
    'an upper-case signature',
    ({ hook }) =>
      postSigned(
        hook,
        endedBody(),
        signature((full) => full.toUpperCase()),
      ),
    401,
    'UNVERIFIED',
  ],
  [
    'a signature that is not hex',
    ({ hook }) =>
      postSigned(
        hook,
        endedBody(),
        signature((full) => `z${full.slice(1)}`),
      ),
    401,
    'UNVERIFIED',
  ],
  [
    'a body changed by one byte',
    ({ hook }) => {
      const made = createHmac('sha256', secret).update(endedBody()).digest('hex');
      return postSigned(
        hook,
        endedBody({ duration: 74 }),
        signature(() => made),
      );
    },
    401,
    'UNVERIFIED',
  ],
  ['a stale timestamp', ({ stamped, nowSeconds }) => stamped(nowSeconds - 3_600), 401, 'UNVERIFIED'],
  ['a timestamp of the future', ({ stamped, nowSeconds }) => stamped(nowSeconds + 36_000), 401, 'UNVERIFIED'],
  ['an empty body', ({ hook }) => postSigned(hook, ''), 400, 'MALFORMED'],
  ['invalid JSON', ({ hook }) => postSigned(hook, '{"event":'), 400, 'MALFORMED'],
  ['JSON that is not an object', ({ hook }) => postSigned(hook, '["conversation_ended"]'), 400, 'MALFORMED'],
  ['invalid UTF-8', ({ hook }) => postSigned(hook, Buffer.from('{"event":"\xff\xfe"}', 'latin1')), 400, 'MALFORMED'],
  ['a key __proto__', ({ hook }) => postSigned(hook, '{"event":"x","__proto__":{"admin":true}}'), 400, 'MALFORMED'],
  [
    'a key constructor',
    ({ hook }) => postSigned(hook, '{"event":"x","a":{"constructor":{"prototype":{}}}}'),
    400,
    'MALFORMED',
  ],
  ['200 levels of nesting', ({ hook }) => postSigned(hook, nested), 400, 'MALFORMED'],
  ['a body without a type', ({ hook }) => postSigned(hook, '{"duration":1}'), 400, 'MALFORMED'],
  [
    'a body one byte over the limit',
    ({ hook }) => postSigned(hook, endedBody().padEnd(limit + 1, ' ')),
    413,
    'BODY_TOO_LARGE',
  ],
  ['an unknown source', ({ url }) => postSigned(`${url}/hooks/nobody`, endedBody()), 404, 'NOT_FOUND'],
  [
    'a wrong content type',
    ({ hook }) => postSigned(hook, endedBody(), (given) => ({ ...given, 'content-type': 'text/plain' })),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'a call with a wrong token',
    ({ url }) => postSigned(`${url}/hooks/calls/guessed`, '{"event":"inbound_call"}'),
    401,
    'UNVERIFIED',
  ],
  ['a call that is no JSON', ({ url }) => postSigned(`${url}/hooks/calls/${token}`, 'ring ring'), 400, 'MALFORMED'],
];

describe('bad input', () => {
  for (const [what, send, status, error] of cases)
    it(`${what} is answered ${status}, stores nothing, and leaves one line that says why`, async () => {
      const fixture = await setup();
      try {
        const reply = await send(fixture);
        expect([reply.status, reply.body]).to.deep.equal([status, { error }]);
        expect(await fixture.stored()).to.equal(0);
        expect(fixture.refusals()).to.have.length(1);
        expect(fixture.refusals()[0]).to.include({ code: error, level: 'warn' });
        expect(fixture.refusals()[0].reason).to.be.a('string').and.not.equal('');
        for (const line of fixture.lines) expect(line).not.to.include(secret).and.not.to.include(token);
      } finally {
        await fixture.place.close();
      }
    });

  it('does not keep the next good request from being accepted', async () => {
    const fixture = await setup();
    for (const [, send] of cases) await send(fixture);
    expect((await postSigned(fixture.hook, endedBody())).status).to.equal(200);
    expect((await postSigned(fixture.hook, endedBody().padEnd(limit, ' '))).status).to.equal(200);
    expect((await fixture.stamped(fixture.nowSeconds)).status).to.equal(200);
    expect(await fixture.stored()).to.equal(3);
    await fixture.place.close();
  });
});
