import { createHmac } from 'node:crypto';
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import plugin from '@switchhook/plugin-elevenlabs';
import type { JsonObject, RawRequest, Source } from '@switchhook/sdk';
import { aRequest, createComponent, fakeServices, refusalOf, sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';

const secret = 'wsec_of_the_tests';
const header = 'elevenlabs-signature';
const component = (type: string) => plugin.components.find((one) => one.type === type);
const setup = (type: string, options: JsonObject = {}, services = fakeServices()) =>
  createComponent('source', component(type), { secrets: secret, ...options }, services);
const samplesOf = (type: string) => Object.entries(component(type)?.samples ?? {});

const signed = (type: string, body: JsonObject, given: Partial<RawRequest> = {}): RawRequest => {
  const draft = aRequest({ body, ...given });
  return { ...draft, headers: { ...setup(type).sign?.(draft.body, draft.receivedAtMs).headers } };
};
const eventOf = async (body: JsonObject, given?: Partial<RawRequest>) => {
  const reception = await setup('elevenlabs.events').receive(signed('elevenlabs.events', body, given));
  if (reception.kind !== 'events' || reception.events[0] === undefined) throw new Error('expected an event');
  return reception.events[0];
};
const callOf = async (body: JsonObject, given?: Partial<RawRequest>, source = setup('elevenlabs.call')) => {
  const reception = await source.receive(signed('elevenlabs.call', body, given));
  if (reception.kind !== 'call') throw new Error('expected a call');
  return reception;
};
const refusal = async (source: Source, request: RawRequest): Promise<string> => {
  const found = await refusalOf(source, request);
  return found === null ? 'accepted' : `${found.code}: ${found.message}`;
};

for (const [name, sample] of samplesOf('elevenlabs.events'))
  sourceSuite(`elevenlabs.events with ${name}`, () => ({
    source: setup('elevenlabs.events', { secrets: ['wsec_added', secret] }),
    sample,
    different: samplesOf('elevenlabs.events').flatMap(([other, body]) => (other === name ? [] : [body])),
    signing: {
      other: setup('elevenlabs.events', { secrets: 'wsec_other' }),
      last: setup('elevenlabs.events', { secrets: secret }),
      toleranceMs: 1_800_000,
    },
  }));
for (const options of [{}, { header: 'X-Token' }])
  sourceSuite(`elevenlabs.call with a secret in ${options.header ?? 'Authorization'}`, () => ({
    source: setup('elevenlabs.call', { secrets: ['added', secret], ...options }),
    sample: samplesOf('elevenlabs.call')[0]?.[1] ?? {},
    bodyUnsigned: true,
    signing: {
      other: setup('elevenlabs.call', { secrets: 'other', ...options }),
      last: setup('elevenlabs.call', { secrets: secret, ...options }),
      toleranceMs: null,
    },
  }));

describe('the signature of ElevenLabs', () => {
  const body = '{"type":"post_call_transcription","event_timestamp":1767225590,"data":{"conversation_id":"conv_é"}}';
  // constructEvent of @elevenlabs/elevenlabs-js accepted it at its time.
  const accepted = 't=1767225600,v0=e25797e4700ca3ca22e66646fd0d8fe693657eba95bc502f6fc0825fdc02827a';
  const request = aRequest({ body });
  const receive = (value?: string, options: JsonObject = {}) =>
    refusal(setup('elevenlabs.events', options), {
      ...request,
      headers: value === undefined ? {} : { [header]: value },
    });
  const at = (seconds: number) =>
    `t=${seconds},v0=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;

  it('is made and checked as the library of ElevenLabs does', async () => {
    expect(await receive(accepted)).to.equal('accepted');
    const { headers } = setup('elevenlabs.events').sign?.(request.body, request.receivedAtMs) ?? {};
    expect(headers).to.deep.equal({ [header]: accepted });
    expect(await receive(`${accepted},v1=00`)).to.equal('accepted');
    expect(await receive(accepted.split(',').reverse().join(','))).to.equal('accepted');
    expect(await receive(`t=1767225600,v0=00,${accepted.slice(13)}`)).to.equal('accepted');
    expect(await receive(`t=1767225601,${accepted}`)).to.include('does not match');
  });

  it('is accepted by the library of ElevenLabs, which refuses what is changed', async () => {
    const { webhooks } = new ElevenLabsClient({ apiKey: 'not-used' });
    const now = aRequest({ body, receivedAtMs: Date.now() });
    const signature = setup('elevenlabs.events').sign?.(now.body, now.receivedAtMs).headers?.[header] ?? '';
    const verdict = (raw: string, sent: string, key = secret) =>
      webhooks.constructEvent(raw, sent, key).then(
        (event) => event.type,
        (error: Error) => error.name,
      );
    expect(await verdict(body, signature)).to.equal('post_call_transcription');
    const flipped = `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}`;
    const wrong = [
      verdict(`${body} `, signature),
      verdict(body, flipped),
      verdict(body, ''),
      verdict(body, signature, 'x'),
    ];
    for (const one of await Promise.all(wrong)) expect(one).to.equal('ElevenLabsError');
  });

  it('is refused when it is old or of the future, with a reason that names neither secret nor digest', async () => {
    expect(await receive()).to.include('UNVERIFIED: header ElevenLabs-Signature is missing');
    expect(await receive(accepted.slice(13))).to.include('starts with "t="');
    expect(await receive(at(1_767_225_600 - 1801))).to.equal(
      'UNVERIFIED: the timestamp is 1801 s old, 1800 s are allowed',
    );
    expect(await receive(at(1_767_225_600 + 1801))).to.include('1801 s ahead');
    expect(await receive(at(1_767_225_600 - 61), { tolerance: '1m' })).to.include('61 s old, 60 s are allowed');
  });
});

describe('elevenlabs.events', () => {
  const ids = { agent_id: 'agent_1', conversation_id: 'conv_1' };

  it('reads the fields of a webhook', async () => {
    const phone_call = { direction: 'outbound', agent_number: '+2', external_number: '+1' };
    const data = {
      type: 'post_call_transcription',
      event_timestamp: 1_767_225_680,
      data: { ...ids, metadata: { phone_call }, x_new: { a: 1 } },
    };
    const { body, ...draft } = await eventOf(data);
    expect(draft).to.deep.equal({
      key: 'post_call_transcription:conv_1:',
      type: 'post_call_transcription',
      subject: 'conv_1',
      agent: 'agent_1',
      party: '+1',
      occurredAtMs: 1_767_225_680_000,
      data,
    });
    expect(JSON.parse(String(Buffer.from(body ?? [])))).to.deep.equal(data);
  });

  it('takes a transcription with other bytes for the same event, and any other type for a new one', async () => {
    const keysOf = async (type: string) =>
      new Set((await Promise.all([1, 2].map((n) => eventOf({ type, data: { ...ids, n } })))).map(({ key }) => key));
    for (const type of ['post_call_transcription', 'call_initiation_failure'])
      expect(await keysOf(type)).to.have.length(1);
    for (const type of ['post_call_audio', 'voice_removal_notice']) expect(await keysOf(type)).to.have.length(2);
  });

  it('derives the same key whenever a repeated request was signed', async () => {
    const body = { type: 'post_call_audio', data: ids };
    const [first, second] = [await eventOf(body), await eventOf(body, { receivedAtMs: 1_767_225_630_000 })];
    expect(first.key).to.equal(second.key);
  });

  it('keeps webhooks of types and shapes that are not documented', async () => {
    for (const shape of [{}, { data: null }, { data: [] }, { data: 'x', event_timestamp: 'now' }] as const) {
      const { type, subject, occurredAtMs, data } = await eventOf({ type: 'voice_removal_notice', ...shape });
      expect([type, subject, occurredAtMs]).to.deep.equal(['voice_removal_notice', null, null]);
      expect(data).to.deep.equal({ type: 'voice_removal_notice', ...shape });
    }
  });

  it('refuses a body without a type', async () => {
    const source = setup('elevenlabs.events');
    expect(await refusal(source, signed('elevenlabs.events', { data: ids }))).to.include('MALFORMED');
  });
});

describe('elevenlabs.call', () => {
  const body = { caller_id: '+12345678912', agent_id: 'agent_1', called_number: '+12345678913', call_sid: 'CA1' };

  it('reads the call', async () => {
    const { call, event, deadlineMs } = await callOf(body);
    const numbers = { from: '+12345678912', to: '+12345678913' };
    expect(call).to.deep.equal({ id: 'CA1', ...numbers, agent: 'agent_1', data: body });
    const { key, type, subject, agent, party } = event;
    const expected = ['inbound_call:CA1', 'inbound_call', 'CA1', 'agent_1', '+12345678912'];
    expect([key, type, subject, agent, party]).to.deep.equal(expected);
    expect(deadlineMs).to.equal(5_000);
    expect((await callOf(body, {}, setup('elevenlabs.call', { deadline: '3s' }))).deadlineMs).to.equal(3_000);
  });

  it('is one event for each request where the call has no id', async () => {
    const keys = [await callOf({}), await callOf({}, { receivedAtMs: 1_767_225_609_000 })].map(
      ({ event }) => event.key,
    );
    expect(new Set(keys)).to.have.length(2);
  });

  it('replies with all variables, and reads its replies again', async () => {
    const { answerIn } = component('elevenlabs.call') ?? {};
    const { reply, fallback } = await callOf(body);
    const answer = { variables: { first_name: 'Jim', tier: '' }, overrideAgent: null };
    const type = 'conversation_initiation_client_data';
    expect(reply(answer)).to.deep.equal({ status: 200, body: { type, dynamic_variables: answer.variables } });
    expect(answerIn?.(reply(answer).body ?? {})).to.deep.equal(answer);
    expect(fallback()).to.deep.equal({ status: 200, body: { type, dynamic_variables: {} } });
    expect(setup('elevenlabs.call').fallback?.()).to.deep.equal(fallback());
    expect(answerIn?.({ error: 'UNVERIFIED' })).to.equal(null);
  });

  it('replies without another agent, which ElevenLabs does not take, and warns once', async () => {
    const services = fakeServices();
    const { reply } = await callOf(body, {}, setup('elevenlabs.call', {}, services));
    const variables = { first_name: 'Jim' };
    for (const _ of [1, 2])
      expect(reply({ variables, overrideAgent: 'agent_gold' })).to.deep.equal(
        reply({ variables, overrideAgent: null }),
      );
    expect(services.log.of('override.ignored').map(({ level }) => level)).to.deep.equal(['warn', 'debug']);
  });

  it('answers a call of any shape', async () => {
    const shapes: readonly JsonObject[] = [{}, { caller_id: null, agent_id: [] }, { caller_id: {}, call_sid: '' }];
    for (const shape of shapes)
      expect((await callOf(shape)).call).to.include({ id: null, from: '', to: '', agent: null });
  });

  it('accepts the secret only in the configured header', async () => {
    const receive = (headers: Record<string, string>, options: JsonObject = {}) =>
      refusal(setup('elevenlabs.call', options), { ...aRequest({ body }), headers });
    for (const value of [secret, `Bearer ${secret}`]) {
      expect(await receive({ authorization: value })).to.equal('accepted');
      expect(await receive({ 'x-token': value }, { header: 'X-Token' })).to.equal('accepted');
    }
    expect(await receive({ authorization: secret }, { header: 'X-Token' })).to.include('header X-Token is missing');
    expect(await receive({ authorization: 'Bearer other' }))
      .to.include('is not a configured one')
      .and.not.include('other');
    expect(() => setup('elevenlabs.call', { header: 'x token' })).to.throw('name of an HTTP header');
  });

  it('makes a body that it reads', async () => {
    const numbers = { from: '+12345678912', to: '+12345678913' };
    const made = component('elevenlabs.call')?.callBody?.({ ...numbers, agent: 'agent_1' }) ?? {};
    expect((await callOf(made)).call).to.include({ ...numbers, agent: 'agent_1' });
  });
});
