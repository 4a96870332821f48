import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from '@switchhook/plugin-http';
import {
  aRequest,
  createComponent,
  fakeServices,
  refusalOf,
  runRouter,
  signedRequest,
  sourceSuite,
} from '@switchhook/testkit';
import plugin from '../src/index.ts';
import { submissions } from '../src/submissions.ts';

const body = JSON.parse(readFileSync(new URL('./fixtures/submissions.json', import.meta.url), 'utf8'));
const services = fakeServices();
const make = (...secrets: readonly string[]) =>
  createComponent('source', submissions, { secrets: [...secrets], tokens: ['handshake-token'] }, services);
const get = (query: Readonly<Record<string, string>>) => aRequest({ method: 'GET', query, body: '' });

sourceSuite('forms.submissions', () => ({
  source: make('new-secret', 'earlier-secret'),
  sample: body,
  different: [{ submissions: [{ id: 'sub_1', form: 'newsletter' }] }],
  handshake: {
    request: (challenge) => get({ challenge, token: 'handshake-token' }),
    unverified: [get({ challenge: '1', token: 'another-token' }), get({ challenge: '1' })],
  },
  signing: { other: make('another-secret'), last: make('earlier-secret'), toleranceMs: 300_000 },
}));

describe('forms.submissions', () => {
  after(() => services.close());

  it('makes an event of each submission, with all its fields', async () => {
    const source = make('new-secret');
    const reception = await source.receive(signedRequest(source, body));
    ok(reception.kind === 'events');
    deepStrictEqual(
      reception.events.map(({ key, occurredAtMs, data }) => [key, occurredAtMs, data]),
      [
        ['contact/sub_1', Date.UTC(2026, 0, 2, 3, 4, 5), { account: 'acc_1', ...body.submissions[0] }],
        ['contact/sub_2', Date.UTC(2026, 0, 2, 3, 5, 5), { account: 'acc_1', ...body.submissions[1] }],
      ],
    );
  });

  it('refuses a body without submissions, or with one that has no form', async () => {
    const source = make('new-secret');
    for (const wrong of [{}, { submissions: [] }, { submissions: [{ id: 'sub_1' }] }])
      strictEqual((await refusalOf(source, signedRequest(source, wrong)))?.code, 'MALFORMED');
  });

  it('answers the handshake at the URL of its row, and delivers each submission once', async () => {
    const router = await runRouter(configuration, [plugin, http]);
    const handshake = await fetch(`${router.url}/hooks/leads?challenge=1158201444&token=handshake-token`);
    deepStrictEqual([handshake.status, await handshake.text()], [200, '1158201444']);
    for (const _request of [1, 2]) strictEqual((await router.send('leads', body)).status, 200);
    await router.attempts(2);
    deepStrictEqual(
      router.receiver.requests.map((request) => Object(request.json()).subject),
      ['sub_1', 'sub_2'],
    );
    await router.close();
  });
});

const configuration = `
version: 1
sources:
  leads: { use: forms.submissions, secrets: only-for-tests, tokens: handshake-token }
destinations:
  crm: { use: http.post, url: "\${RECEIVER_URL}/leads" }
routes: [{ from: leads, to: crm }]
`;
