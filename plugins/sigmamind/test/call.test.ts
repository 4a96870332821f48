import { type JsonObject, type RawRequest, z } from '@switchhook/sdk';
import { aRequest, sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { callOf, component, mistakesOf, refusal, setup } from './world.js';

const token = 'VQ2tN7-unguessable_token';
const samples = component('sigmamind.call').samples ?? {};
const inboundCall = samples.inbound_call as JsonObject;
const calls = (options: JsonObject = { token }) => setup('sigmamind.call', options);
const request = (given: Partial<RawRequest> = {}) => aRequest({ body: inboundCall, ...given });

for (const text of [token, 'a/b?c=d %é'])
  sourceSuite(
    `sigmamind.call with the token ${text}`,
    () => ({
      source: calls({ token: text }).source,
      sample: inboundCall,
      bodyUnsigned: true,
      signing: { other: calls({ token: 'another' }).source, toleranceMs: null },
    }),
    ['last'],
  );
sourceSuite('sigmamind.call with several tokens', () => ({
  source: calls({ token: ['token_added', token] }).source,
  sample: inboundCall,
  bodyUnsigned: true,
  signing: { other: calls({ token: 'another' }).source, last: calls().source, toleranceMs: null },
}));
sourceSuite('sigmamind.call with a secret', () => ({
  source: calls({ secrets: ['secret-1', 'secret-2'] }).source,
  sample: inboundCall,
  signing: {
    other: calls({ secrets: 'secret-3' }).source,
    last: calls({ secrets: 'secret-2' }).source,
    toleranceMs: null,
  },
}));
sourceSuite(
  'sigmamind.call with all of it',
  () => ({
    source: calls({ token, secrets: 'a-secret', allow: ['127.0.0.1'] }).source,
    sample: inboundCall,
    signing: {
      other: calls({ token, secrets: 'another', allow: ['127.0.0.1'] }).source,
      toleranceMs: null,
    },
  }),
  ['last'],
);

describe('the token of a call', () => {
  const places: Readonly<Record<string, (text: string) => Partial<RawRequest>>> = {
    'in the path': (text) => ({ rest: text }),
    'as ?token=': (text) => ({ query: { token: text } }),
    'as Authorization: Bearer': (text) => ({ headers: { authorization: `Bearer ${text}` } }),
    'as authorization: bearer': (text) => ({ headers: { authorization: `bearer  ${text}` } }),
  };
  for (const [name, place] of Object.entries(places))
    it(`is accepted ${name}, and no other one`, async () => {
      const fixture = calls();
      expect((await callOf(fixture, request(place(token)))).call.from).to.equal('+12345678912');
      for (const wrong of [token.slice(1), `${token}x`, token.toLowerCase(), 'é'])
        expect(await refusal('UNVERIFIED', () => fixture.receive(request(place(wrong))))).to.include(
          'not a configured one',
        );
    });

  it('is missed where there is none', async () => {
    const fixture = calls();
    for (const given of [{}, { query: { token: '' } }, { headers: { authorization: 'Basic abc' } }])
      expect(await refusal('UNVERIFIED', () => fixture.receive(request(given)))).to.include('no token');
  });

  it('counts wherever it is, whatever else stands elsewhere', async () => {
    const fixture = calls();
    expect((await callOf(fixture, request({ rest: 'v2', query: { token } }))).kind).to.equal('call');
  });

  it('is never told in a reason', async () => {
    const fixture = calls();
    const reason = await refusal('UNVERIFIED', () => fixture.receive(request({ rest: 'a-guess' })));
    expect(reason).to.not.include(token).and.not.include('a-guess');
  });

  it('may have characters that mean something in a URL', async () => {
    const fixture = calls({ token: 'a/b?c=d %é' });
    expect(fixture.source.sign?.(Buffer.of(), 0).rest).to.equal('/a%2Fb%3Fc%3Dd%20%25%C3%A9');
    expect((await callOf(fixture, fixture.signed(inboundCall))).kind).to.equal('call');
  });
});

describe('allow', () => {
  const allow = ['203.0.113.7', '198.51.100.0/24', '2001:db8::/32', '::1', '::ffff:192.0.2.1'];
  for (const remoteAddress of [
    '203.0.113.7',
    '::ffff:203.0.113.7',
    '198.51.100.255',
    '2001:db8:1::2',
    '::1',
    '192.0.2.1',
  ])
    it(`lets ${remoteAddress} in`, async () => {
      expect((await callOf(calls({ allow }), request({ remoteAddress }))).kind).to.equal('call');
    });

  for (const remoteAddress of [
    '203.0.113.8',
    '198.51.101.0',
    '2001:db9::1',
    '::2',
    '192.0.2.2',
    '',
    'unix',
    '3405803783',
  ])
    it(`keeps ${JSON.stringify(remoteAddress)} out, and says so`, async () => {
      const reason = await refusal('UNVERIFIED', () => calls({ allow }).receive(request({ remoteAddress })));
      expect(reason).to.include(`${remoteAddress} is not in allow`).and.to.include('server.trustProxy');
    });

  for (const [wrong, message] of Object.entries({
    'calls.sigmamind.ai': 'expected an IP address or a range',
    '203.0.113.256': 'expected an IP address or a range',
    '203.0.113.0/33': 'expected an IP address or a range',
    '203.0.113/24': 'expected an IP address or a range',
    '010.0.0.1': 'expected an IP address or a range',
    '2001:db8::/129': 'expected an IP address or a range',
    '': 'expected an IP address or a range',
    '0.0.0.0/0': 'expected a list that does not allow every address',
    '::/0': 'expected a list that does not allow every address',
  }))
    it(`is refused when the file is read: ${JSON.stringify(wrong)}`, () => {
      expect(mistakesOf('sigmamind.call', { allow: ['203.0.113.7', wrong] })).to.include(message);
    });

  for (const parts of [
    ['128.0.0.0/1', '0.0.0.0/1'],
    ['0.0.0.0/2', '64.0.0.0/2', '130.1.2.3/1', '10.0.0.1'],
    ['::/1', '8000::/1'],
  ])
    it(`is refused where its ranges together allow every address: ${parts.join(', ')}`, () => {
      expect(mistakesOf('sigmamind.call', { allow: parts })).to.include('does not allow every address');
      expect(() => calls({ allow: parts.slice(1) })).not.to.throw();
    });
});

describe('token, secrets and allow', () => {
  const options = { token, secrets: 'secret', allow: ['203.0.113.7'] };
  const given = { remoteAddress: '203.0.113.7' };

  it('must all hold', async () => {
    const fixture = calls(options);
    const good = fixture.signed(inboundCall, given);
    expect((await callOf(fixture, good)).kind).to.equal('call');
    const signature = await refusal('UNVERIFIED', () => fixture.receive({ ...good, headers: {} }));
    expect(signature).to.include('X-SigmaMind-Signature is missing');
    expect(await refusal('UNVERIFIED', () => fixture.receive({ ...good, rest: '' }))).to.include('token');
    expect(await refusal('UNVERIFIED', () => fixture.receive({ ...good, remoteAddress: '::1' }))).to.include('allow');
  });

  it('cannot all be left out, and signature needs secrets', () => {
    expect(mistakesOf('sigmamind.call', {})).to.include('expected token, secrets or allow');
    expect(mistakesOf('sigmamind.call', { allow: [] })).to.include('allow');
    expect(mistakesOf('sigmamind.call', { token: '' })).to.include('token');
    expect(mistakesOf('sigmamind.call', { token, signature: {} })).to.include('signature needs secrets');
  });
});

describe('the body of an inbound call', () => {
  const callFrom = async (body: JsonObject | string) => {
    const fixture = calls();
    return callOf(fixture, fixture.signed(body));
  };

  const bodies: readonly (readonly [name: string, body: JsonObject, call: object])[] = [
    ['as documented', inboundCall, { id: null, from: '+12345678912', to: '+12345678913', agent: null }],
    ['with the agent of the number', { ...inboundCall, agent_id: 'agent_1' }, { agent: 'agent_1' }],
    [
      'in camelCase',
      { event: 'inbound_call', fromNumber: '+1', toNumber: '+2', agentId: 'a' },
      { from: '+1', to: '+2', agent: 'a' },
    ],
    [
      'nested',
      { event: 'inbound-call', call: { from_number: '+1', to_number: '+2', callId: 'c' } },
      { id: 'c', from: '+1', to: '+2' },
    ],
    [
      'with bare integers',
      { from_number: 12345678912, to_number: 12345678913 },
      { from: '12345678912', to: '12345678913' },
    ],
    ['without its event', { from_number: '+1', to_number: '+2' }, { from: '+1', to: '+2' }],
    ['from nobody', { event: 'inbound_call', to_number: '+2' }, { from: '', to: '+2' }],
    ['from null', { event: null, from_number: null, to_number: '+2' }, { from: '', to: '+2' }],
    ['from a short code', { from_number: '24365', to_number: '+2' }, { from: '24365', to: '+2' }],
    ['that is empty', {}, { id: null, from: '', to: '', agent: null }],
    [
      'with other types than expected',
      { from_number: { a: 1 }, to_number: [], agent_id: true },
      { from: '', to: '', agent: null },
    ],
  ];
  for (const [name, body, expected] of bodies)
    it(`is understood ${name}`, async () => {
      const { call, event } = await callFrom(body);
      expect(call).to.include(expected);
      expect(event.party).to.equal(call.from === '' ? null : call.from);
      expect(call.data).to.deep.equal(body);
    });

  it('of an agent webhook is refused, so that it does not vanish here', async () => {
    const fixture = calls();
    for (const event of ['conversation_ended', 'conversation-started', 'conversation_analyzed'])
      expect(await refusal('MALFORMED', () => fixture.receive(fixture.signed({ ...inboundCall, event })))).to.include(
        'sigmamind.events',
      );
  });

  it('of a text message, or of an event nobody has heard of, is answered and keeps its name', async () => {
    const fixture = calls();
    for (const name of ['inbound_sms', 'Message Received']) {
      const { event, call, reply } = await callOf(fixture, fixture.signed({ ...inboundCall, event: name }));
      expect([event.type, event.party, call.data.event]).to.deep.equal([name, '+12345678912', name]);
      expect(reply({ variables: { a: 'b' }, overrideAgent: null }).body).to.deep.equal({
        dynamic_variables: { a: 'b' },
      });
    }
    for (const event of ['', 'InboundCall', 7])
      expect((await callOf(fixture, fixture.signed({ ...inboundCall, event }))).event.type).to.equal('inbound_call');
  });

  it('gets an answer, whatever else it holds', async () => {
    const fixture = calls();
    const field = fc.constantFrom('from_number', 'toNumber', 'agent_id', 'agent', 'call', 'data', 'callId');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.oneof(field, fc.string()), fc.jsonValue({ maxDepth: 3 })), async (body) => {
        const sent = JSON.stringify({ ...body, event: 'inbound_call' });
        if (/"(__proto__|constructor)":/.test(sent)) return;
        const { call, event, fallback } = await callOf(fixture, fixture.signed(sent));
        expect([call.from, call.to]).to.satisfy((numbers: unknown[]) =>
          numbers.every((one) => typeof one === 'string'),
        );
        expect(event.key.length).to.be.within(1, 512);
        expect(fallback().status).to.equal(200);
      }),
    );
  });
});

describe('the event of a call', () => {
  it('is an inbound_call with the body as data', async () => {
    const fixture = calls();
    const { event } = await callOf(fixture, fixture.signed({ ...inboundCall, agent_id: 'agent_1' }));
    const { type, subject, agent, occurredAtMs, data } = event;
    expect({ type, subject, agent, occurredAtMs }).to.deep.equal({
      type: 'inbound_call',
      subject: null,
      agent: 'agent_1',
      occurredAtMs: null,
    });
    expect(data).to.deep.equal({ ...inboundCall, agent_id: 'agent_1' });
  });

  it('is the same in all tries of a call that has an id', async () => {
    const fixture = calls();
    const keys = [1, 2].map(async (attempt) =>
      callOf(fixture, fixture.signed({ ...inboundCall, call_id: 'call-1', attempt }, { receivedAtMs: attempt })),
    );
    for (const { event } of await Promise.all(keys))
      expect([event.key, event.subject]).to.deep.equal(['inbound_call:call-1:+12345678912:+12345678913', 'call-1']);
  });

  it('is one per request where the call has no id', async () => {
    const fixture = calls();
    const keyAt = async (receivedAtMs: number, body = inboundCall) =>
      (await callOf(fixture, fixture.signed(body, { receivedAtMs }))).event.key;
    expect(await keyAt(1)).to.not.equal(await keyAt(2));
    expect(await keyAt(1)).to.not.equal(await keyAt(1, { ...inboundCall, from_number: '+1' }));
  });
});

describe('the reply to a call', () => {
  const reception = async () => callOf(calls(), calls().signed(inboundCall));

  it('carries variables, and another agent only where one is asked for', async () => {
    const { reply } = await reception();
    const variables = { first_name: 'Jim' };
    expect(reply({ variables, overrideAgent: null })).to.deep.equal({
      status: 200,
      body: { dynamic_variables: { first_name: 'Jim' } },
    });
    expect(reply({ variables, overrideAgent: 'agent_2' }).body).to.deep.equal({
      dynamic_variables: { first_name: 'Jim' },
      override_agent_id: 'agent_2',
    });
  });

  it('is a 200 without variables where there is no answer', async () => {
    const { fallback } = await reception();
    expect(fallback()).to.deep.equal({ status: 200, body: { dynamic_variables: {} } });
  });

  it('is due within the 10 s the platform waits', async () => {
    expect((await reception()).deadlineMs).to.equal(10_000);
  });
});

describe('a reply that is read again', () => {
  const { answerIn } = component('sigmamind.call');

  it('says what it was told to say', async () => {
    const fixture = calls();
    const { reply, fallback } = await callOf(fixture, fixture.signed(inboundCall));
    const answer = { variables: { first_name: 'Jim', tier: '' }, overrideAgent: 'agent_gold' };
    expect(answerIn?.(reply(answer).body ?? {})).to.deep.equal(answer);
    expect(answerIn?.(fallback().body ?? {})).to.deep.equal({ variables: {}, overrideAgent: null });
  });

  it('says nothing where it is no answer', () => {
    expect(answerIn?.({ error: 'UNVERIFIED' })).to.equal(null);
  });
});

describe('what sigmamind.call says about itself', () => {
  it('is true of its calls', async () => {
    const fixture = calls({ token });
    const { event, deadlineMs } = await callOf(fixture, fixture.signed(inboundCall));
    expect(component('sigmamind.call')).to.deep.include({ types: [event.type], deadlineMs });
  });
});

describe('the options of sigmamind.call', () => {
  it('are all described for docs and editors', () => {
    const { properties = {} } = z.toJSONSchema(component('sigmamind.call').options, { io: 'input' });
    expect(Object.keys(properties)).to.deep.equal(['token', 'secrets', 'signature', 'allow']);
    for (const [name, property] of Object.entries(properties))
      expect((property as { description?: string }).description, name).to.be.a('string');
  });
});
