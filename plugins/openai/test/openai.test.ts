import plugin from '@switchhook/plugin-openai';
import type { Answer, JsonObject, RawRequest } from '@switchhook/sdk';
import { aRequest, callSourceSuite, createComponent, fakeServices, refusalOf, sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { apiKey, openAi } from './imitation.js';

const [component] = plugin.components;
const secret = `whsec_${Buffer.from('secret of the tests, 32 bytes ok').toString('base64')}`;
const older = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const samples = component?.samples ?? {};
const realtime = samples['realtime.call.incoming'] ?? {};
const live = samples['live.transport.incoming'] ?? {};
const base = { secrets: secret, apiKey, model: 'gpt-realtime' };
const setup = (options: JsonObject = {}, services = fakeServices()) =>
  createComponent('source', component, { ...base, ...options }, services);
const withData = (body: JsonObject, data: JsonObject): JsonObject => ({
  ...body,
  data: { ...Object(body.data), ...data },
});

for (const [api, sample] of [
  ['realtime', realtime],
  ['live', live],
] as const) {
  sourceSuite(`openai.call with the ${api} API`, () => ({
    source: setup({ api, secrets: [secret, older] }),
    sample,
    different: [
      withData(sample, { call_id: 'rtc_2', session_id: 'live_2' }),
      { ...sample, type: 'response.completed', id: 'evt_1', data: { id: 'resp_1' } },
      { ...sample, type: 'response.completed', id: 'evt_2', data: { id: 'resp_1' } },
      { ...sample, type: 'response.failed', id: 'evt_1' },
    ],
    signing: {
      other: setup({ secrets: `whsec_${Buffer.alloc(32, 9).toString('base64')}` }),
      last: setup({ secrets: older }),
      toleranceMs: 300_000,
    },
  }));

  callSourceSuite(`openai.call with the ${api} API`, async () => {
    const services = fakeServices();
    const platform = await openAi();
    return {
      make: () => setup({ api, instructions: '${{ variables }}', baseUrl: platform.url }, services),
      sample,
      same: [
        { ...sample, id: 'evt_another', created_at: 1_750_287_019 },
        ...(api === 'live' ? [{ ...withData(sample, { type: 'x' }), type: 'live.call.incoming' }] : []),
      ],
      different: [withData(sample, { call_id: 'rtc_2', session_id: 'live_2' })],
      arrived: () => platform.decisions.map(({ body }) => JSON.parse(Object(body.session ?? body).instructions)),
      behave: platform.behave,
      secrets: [apiKey],
      close: async () => {
        await services.close();
        await platform.close();
      },
    };
  });
}

/** A request as OpenAI signs it, by the library of the specification that it follows. */
function fromOpenAi(body: JsonObject, { key = secret, at = 1_767_225_600 } = {}): RawRequest {
  const text = JSON.stringify(body);
  const id = 'wh_685342e6c53c8190a1be43f081506c52';
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': new Webhook(key).sign(id, new Date(at * 1_000), text),
  };
  return aRequest({ body: text, headers });
}

async function callOf(body: JsonObject, options: JsonObject = {}) {
  const reception = await setup(options).receive(fromOpenAi(body));
  if (reception.kind !== 'call') throw new Error('expected a call');
  return reception;
}

describe('a webhook of OpenAI', () => {
  it('is accepted as the library standardwebhooks signs it, by one of the secrets', async () => {
    expect(await refusalOf(setup(), fromOpenAi(realtime))).to.equal(null);
    expect(await refusalOf(setup({ secrets: [older, secret] }), fromOpenAi(realtime))).to.equal(null);
    expect((await refusalOf(setup(), fromOpenAi(realtime, { key: older })))?.code).to.equal('UNVERIFIED');
    expect((await refusalOf(setup(), fromOpenAi(realtime, { at: 1_767_225_000 })))?.message).to.include('600 s old');
    expect(await refusalOf(setup({ tolerance: '15m' }), fromOpenAi(realtime, { at: 1_767_225_000 }))).to.equal(null);
  });

  it('is signed as that library verifies it', () => {
    const body = Buffer.from(JSON.stringify(realtime));
    const { headers = {} } = setup().sign?.(body, Date.now()) ?? {};
    expect(new Webhook(secret).verify(body, headers)).to.deep.equal(realtime);
  });

  it('is accepted and refused by the library of OpenAI as by the source, and that library accepts what the source signs', async () => {
    const { webhooks } = new OpenAI({ apiKey, webhookSecret: secret });
    const nowMs = Date.now();
    const text = JSON.stringify(realtime);
    const byLibrary = ({ body, headers }: RawRequest) =>
      webhooks.unwrap(Buffer.from(body).toString(), headers).then(
        (event) => {
          expect(event).to.deep.equal(realtime);
          return true;
        },
        () => false,
      );
    const bySource = async (request: RawRequest) =>
      (await refusalOf(setup({ secrets: [older, secret] }), { ...request, receivedAtMs: nowMs })) === null;
    const { headers = {} } = setup({ secrets: [secret, older] }).sign?.(Buffer.from(text), nowMs) ?? {};
    const own = aRequest({ body: text, headers });
    const sent = fromOpenAi(realtime, { at: Math.floor(nowMs / 1_000) });
    const flipped = (value: string, at: number) =>
      value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1);
    for (const good of [own, sent]) {
      expect([await byLibrary(good), await bySource(good)]).to.deep.equal([true, true]);
      const wrong = [
        ...[...text].map((_, at) => ({ ...good, body: Buffer.from(flipped(text, at)) })),
        ...Object.entries(good.headers)
          .filter(([name]) => name.startsWith('webhook-'))
          .flatMap(([name, value]) =>
            [flipped(value, 3), flipped(value, value.length - 5), ''].map((changed) => ({
              ...good,
              headers: { ...good.headers, [name]: changed },
            })),
          ),
      ];
      for (const one of wrong) {
        const what = `${JSON.stringify(one.headers)} ${one.body}`;
        expect([await byLibrary(one), await bySource(one)], what).to.deep.equal([false, false]);
      }
    }
    for (const at of [nowMs / 1_000 - 310, nowMs / 1_000 + 310]) {
      const late = fromOpenAi(realtime, { at: Math.floor(at) });
      expect([await byLibrary(late), await bySource(late)]).to.deep.equal([false, false]);
    }
    expect(await byLibrary(fromOpenAi(realtime, { at: Math.floor(nowMs / 1_000), key: older }))).to.equal(false);
  });

  it('needs a secret in the form that OpenAI shows', () => {
    expect(() => setup({ secrets: 'sk-proj-1' })).to.throw('expected whsec_ and base64');
  });

  it('becomes a call with the numbers of its SIP headers', async () => {
    const { call, event } = await callOf(realtime);
    expect(call).to.include({ id: 'rtc_some_unique_id', from: '+142555512112', to: '+18005551212', agent: null });
    expect(event).to.include({
      type: 'realtime.call.incoming',
      subject: 'rtc_some_unique_id',
      party: '+142555512112',
      occurredAtMs: 1_750_287_018_000,
    });
    const from = async (value: string) => {
      const sip_headers = [
        { name: 'FROM', value },
        { name: 'from', value: 'sip:second@example.com' },
      ];
      return (await callOf(withData(realtime, { sip_headers }))).call.from;
    };
    expect(await from('"Ada L." <sips:%2B12025550123;phone-context=x@example.com:5061;user=phone>;tag=1')).to.equal(
      '+12025550123',
    );
    expect(await from('<tel:+1-202-555-0123;ext=1>')).to.equal('+1-202-555-0123');
    expect(await from('sip:anonymous@anonymous.invalid')).to.equal('anonymous');
    expect(await from('<sip:example.com>')).to.equal('example.com');
    expect(await from('nonsense')).to.equal('');
    for (const sip_headers of [null, 'x', [], [null, 7, { name: 'From' }]])
      expect((await callOf(withData(realtime, { sip_headers }))).call.from).to.equal('');
  });

  it('is refused where it announces a call without its id', async () => {
    const refusal = await refusalOf(setup(), fromOpenAi(withData(realtime, { call_id: '' })));
    expect(refusal?.message).to.equal('the data of realtime.call.incoming have no id of the call');
    expect((await refusalOf(setup(), fromOpenAi({ data: {} })))?.message).to.equal('the body has no type');
  });

  it('is one call, whatever announces it to the API that takes it, and an event for the other API', async () => {
    const older = { ...live, type: 'live.call.incoming', id: 'evt_3' };
    const [first, second] = [await callOf(live, { api: 'live' }), await callOf(older, { api: 'live' })];
    expect([second.event.key, second.call.id]).to.deep.equal([first.event.key, first.call.id]);
    for (const [api, body] of [
      ['realtime', live],
      ['realtime', older],
      ['live', realtime],
      ['live', { ...realtime, type: 'response.completed', data: { id: 'resp_1' } }],
    ] as const) {
      const reception = await setup({ api }).receive(fromOpenAi(body));
      expect([reception.kind, body.type]).to.deep.equal(['events', body.type]);
    }
  });
});

describe('an answer to a call of OpenAI', () => {
  const answer: Answer = { variables: { first_name: 'Ada', tier: 'gold' }, overrideAgent: 'pmpt_gold' };
  const signal = new AbortController().signal;
  const answered = async (options: JsonObject, given: Answer | null = answer, body: JsonObject = realtime) => {
    const services = fakeServices();
    const platform = await openAi();
    const { call } = await callOf(body, options);
    const outcome = await setup({ ...options, baseUrl: `${platform.url}/` }, services).answer?.(call, given, signal);
    await services.close();
    await platform.close();
    return { outcome, decisions: platform.decisions, log: services.log };
  };

  it('accepts the call with a session that has its variables, agent and caller', async () => {
    const { outcome, decisions } = await answered({
      instructions: 'You talk to ${{ variables.first_name }}, who calls from ${{ call.from }}.',
      session: {
        audio: { output: { voice: 'marin' } },
        prompt: { id: "${{ agent == null ? 'pmpt_1' : agent }}", variables: '${{ variables }}' },
      },
    });
    expect(outcome).to.deep.equal({ kind: 'delivered' });
    expect(decisions).to.deep.equal([
      {
        path: '/v1/realtime/calls/rtc_some_unique_id/accept',
        body: {
          type: 'realtime',
          model: 'gpt-realtime',
          instructions: 'You talk to Ada, who calls from +142555512112.',
          audio: { output: { voice: 'marin' } },
          prompt: { id: 'pmpt_gold', variables: { first_name: 'Ada', tier: 'gold' } },
        },
      },
    ]);
  });

  it('goes to the Live API in the form of that API', async () => {
    const options = { api: 'live', model: 'gpt-live-1', instructions: 'Hello.' };
    const { decisions } = await answered(options, answer, live);
    expect(decisions).to.deep.equal([
      {
        path: '/v1/live/sessions/live_some_unique_id/accept',
        body: { session: { type: 'live', model: 'gpt-live-1', instructions: 'Hello.' } },
      },
    ]);
  });

  it('leaves out a field whose expression has no value, and logs it', async () => {
    const options = {
      instructions: 'Hello ${{ variables.first_name }}.',
      session: { audio: { output: { voice: 'marin' } }, prompt: { id: "${{ default(variables.prompt, 'pmpt_1') }}" } },
      reject: "variables.blocked == 'true'",
    };
    const { decisions, log } = await answered(options, null);
    expect(decisions[0]?.body).to.deep.equal({
      type: 'realtime',
      model: 'gpt-realtime',
      audio: { output: { voice: 'marin' } },
      prompt: { id: 'pmpt_1' },
    });
    const omitted = log.of('session.field-omitted').map(({ fields }) => [fields.field, fields.call]);
    expect(omitted).to.deep.equal([
      ['reject', 'rtc_some_unique_id'],
      ['instructions', 'rtc_some_unique_id'],
    ]);
  });

  for (const [api, body, path] of [
    ['realtime', realtime, '/v1/realtime/calls/rtc_some_unique_id/reject'],
    ['live', live, '/v1/live/sessions/live_some_unique_id/reject'],
  ] as const)
    it(`rejects a call of the ${api} API for which \`reject\` is true`, async () => {
      const reject = "variables.tier == 'gold'";
      expect((await answered({ api, reject }, answer, body)).decisions).to.deep.equal([
        { path, body: { status_code: 603 } },
      ]);
      const busy = await answered({ api, reject, rejectStatus: 486 }, answer, body);
      expect(busy.decisions[0]?.body).to.deep.equal({ status_code: 486 });
      expect((await answered({ api, reject: 'false' }, answer, body)).decisions[0]?.path).to.include('/accept');
    });

  it('names the refusal of OpenAI, and is sent again where the call may not be known yet', async () => {
    const services = fakeServices();
    const platform = await openAi();
    const { call } = await callOf(realtime);
    const send = (options: JsonObject = {}) =>
      setup({ baseUrl: platform.url, ...options }, services).answer?.(call, answer, signal);
    expect(await send({ apiKey: 'another' })).to.deep.include({ kind: 'unavailable', needsOperator: true });
    platform.loseResponses(1);
    expect((await send())?.kind).to.equal('unavailable');
    expect(await send()).to.deep.equal({
      kind: 'unavailable',
      reason:
        'POST /realtime/calls/rtc_some_unique_id/accept: HTTP 404 Not Found: No session found for the provided call_id',
    });
    expect(platform.decisions).to.have.length(1);
    await services.close();
    await platform.close();
  });

  it('refuses options that would not arrive', () => {
    for (const name of ['type', 'model', 'instructions'])
      expect(() => setup({ session: { [name]: 'x' } })).to.throw('beside session');
    expect(() => setup({ rejectStatus: 200 })).to.throw('300');
    expect(() => setup({ deadline: '2m' })).to.throw('expected 1s to 1m');
  });
});
