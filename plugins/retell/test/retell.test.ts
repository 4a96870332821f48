import plugin from '@switchhook/plugin-retell';
import type { JsonObject, RawRequest, Source } from '@switchhook/sdk';
import { aRequest, createComponent, fakeServices, refusalOf, sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { symmetric } from 'retell-sdk/lib/webhook_auth';

const key = 'key_of_the_tests';
const header = 'x-retell-signature';
const component = (type: string) => plugin.components.find((one) => one.type === type);
const setup = (type: string, options: JsonObject = {}) =>
  createComponent('source', component(type), { secrets: key, ...options }, fakeServices());
const samplesOf = (type: string) => Object.entries(component(type)?.samples ?? {});

const signed = (body: JsonObject, given: Partial<RawRequest> = {}): RawRequest => {
  const draft = aRequest({ body, ...given });
  return { ...draft, headers: { ...setup('retell.call').sign?.(draft.body, draft.receivedAtMs).headers } };
};
const eventOf = async (body: JsonObject, given?: Partial<RawRequest>) => {
  const reception = await setup('retell.events').receive(signed(body, given));
  if (reception.kind !== 'events' || reception.events[0] === undefined) throw new Error('expected an event');
  return reception.events[0];
};
const callOf = async (body: JsonObject, given?: Partial<RawRequest>) => {
  const reception = await setup('retell.call').receive(signed(body, given));
  if (reception.kind !== 'call') throw new Error('expected a call');
  return reception;
};
const refusal = async (source: Source, request: RawRequest): Promise<string> => {
  const found = await refusalOf(source, request);
  return found === null ? 'accepted' : `${found.code}: ${found.message}`;
};

for (const type of ['retell.events', 'retell.call'])
  for (const [name, sample] of samplesOf(type))
    sourceSuite(`${type} with ${name}`, () => ({
      source: setup(type, { secrets: ['key_added', key] }),
      sample,
      different: samplesOf(type).flatMap(([other, body]) => (other === name ? [] : [body])),
      signing: {
        other: setup(type, { secrets: 'another key' }),
        last: setup(type, { secrets: key }),
        toleranceMs: 300_000,
      },
    }));

describe('the signature of Retell', () => {
  const body = JSON.stringify({ event: 'call_ended', call: { call_id: 'call_é' } });

  it('is made and checked as retell-sdk does', async () => {
    const source = setup('retell.events');
    const request = aRequest({ body });
    const nowMs = request.receivedAtMs;
    const byRetell = await symmetric.sign(body, key, nowMs);
    expect(source.sign?.(request.body, nowMs).headers).to.deep.equal({ [header]: byRetell });
    expect(await symmetric.verify(body, key, byRetell, { timestamp: nowMs })).to.equal(true);
    expect((await source.receive({ ...request, headers: { [header]: byRetell } })).kind).to.equal('events');
  });

  it('is refused with a reason that names neither key nor digest', async () => {
    const request = aRequest({ body });
    const at = (headers: Record<string, string>) => refusal(setup('retell.events'), { ...request, headers });
    const good = await symmetric.sign(body, key, request.receivedAtMs);
    const old = await symmetric.sign(body, key, request.receivedAtMs - 301_000);
    expect(await at({})).to.include('UNVERIFIED: header X-Retell-Signature is missing');
    expect(await at({ [header]: 'sha256=00' })).to.include('no part of header X-Retell-Signature starts with "d="');
    expect(await at({ [header]: old })).to.equal('UNVERIFIED: the timestamp is 301 s old, 300 s are allowed');
    const other = await at({ [header]: `${good.slice(0, -4)}0000` });
    expect(other).to.equal('UNVERIFIED: signature does not match the body');
  });

  it('is accepted within the configured tolerance', async () => {
    const request = aRequest({ body });
    const headers = { [header]: await symmetric.sign(body, key, request.receivedAtMs - 301_000) };
    const source = setup('retell.events', { tolerance: '10m' });
    expect((await source.receive({ ...request, headers })).kind).to.equal('events');
  });
});

describe('retell.events', () => {
  const call = { call_id: 'call_1', agent_id: 'agent_1', from_number: '+1', to_number: '+2' };

  it('reads the fields of a call', async () => {
    const times = { start_timestamp: 1_767_225_600_000, end_timestamp: 1_767_225_673_000 };
    const data = { event: 'call_ended', call: { ...call, ...times, direction: 'inbound', x_new: { a: 1 } } };
    const { body, ...draft } = await eventOf(data);
    expect(draft).to.deep.equal({
      key: 'call_ended:call_1:',
      type: 'call_ended',
      subject: 'call_1',
      agent: 'agent_1',
      party: '+1',
      occurredAtMs: 1_767_225_673_000,
      data,
    });
    expect(JSON.parse(String(Buffer.from(body ?? [])))).to.deep.equal(data);
    expect((await eventOf({ ...data, event: 'call_started' })).occurredAtMs).to.equal(1_767_225_600_000);
    expect((await eventOf({ ...data, event: 'call_analyzed' })).occurredAtMs).to.equal(null);
    const timed = { ...data, event: 'call_analyzed', event_timestamp: 1_767_225_700_000 };
    expect((await eventOf(timed)).occurredAtMs).to.equal(1_767_225_700_000);
  });

  it('reads the fields of a chat', async () => {
    const {
      key: found,
      subject,
      agent,
      party,
    } = await eventOf({
      event: 'chat_started',
      chat: { chat_id: 'chat_1', agent_id: 'agent_2' },
    });
    expect([found, subject, agent, party]).to.deep.equal(['chat_started:chat_1:', 'chat_1', 'agent_2', null]);
  });

  it('takes the called number of an outbound call for the party, and none without a direction', async () => {
    const partyOf = async (direction?: string) =>
      (await eventOf({ event: 'call_ended', call: { ...call, ...(direction !== undefined && { direction }) } })).party;
    expect([await partyOf('outbound'), await partyOf(), await partyOf('other')]).to.deep.equal(['+2', null, null]);
  });

  it('takes a start or an end with other bytes for the same event, any other type for a new one', async () => {
    const keysOf = async (event: string) =>
      (await Promise.all([1, 2].map((n) => eventOf({ event, call: { ...call, n } })))).map((draft) => draft.key);
    for (const event of ['call_started', 'call_ended']) expect(new Set(await keysOf(event))).to.have.length(1);
    for (const event of ['call_analyzed', 'transcript_updated', 'transfer_started', 'new_type'])
      expect(new Set(await keysOf(event)), event).to.have.length(2);
  });

  it('derives the same key whenever a repeated request was signed', async () => {
    const data = { event: 'call_analyzed', call };
    const [first, second] = [await eventOf(data), await eventOf(data, { receivedAtMs: 1_767_225_609_000 })];
    expect(first.key).to.equal(second.key);
  });

  it('keeps events of types and shapes that are not documented', async () => {
    const shapes: readonly JsonObject[] = [{ call: null }, { call: [] }, { call: 'x' }, { chat: null }, {}];
    for (const shape of shapes) {
      const { type, subject, data } = await eventOf({ event: 'something_new', ...shape });
      expect([type, subject]).to.deep.equal(['something_new', null]);
      expect(data).to.deep.equal({ event: 'something_new', ...shape });
    }
    expect((await eventOf({ event: 'call_ended', call: { call_id: 7 } })).subject).to.equal('7');
    expect((await eventOf({ event: 'call_ended', call: { call_id: 'x'.repeat(600) } })).subject).to.have.length(512);
  });

  it('refuses a body without a type, and a request that waits for an answer', async () => {
    const source = setup('retell.events');
    expect(await refusal(source, signed({ call }))).to.include('MALFORMED');
    const inbound = await refusal(source, signed({ event: 'call_inbound', call_inbound: {} }));
    expect(inbound).to.include('MALFORMED').and.to.include('retell.call');
  });
});

describe('retell.call', () => {
  const numbers = { from_number: '+12345678912', to_number: '+12345678913' };
  const inbound = { event: 'call_inbound', call_inbound: { agent_id: 'agent_1', ...numbers } };

  it('reads the call', async () => {
    const { call, event, deadlineMs, retryMs } = await callOf(inbound);
    const expected = { id: null, from: '+12345678912', to: '+12345678913', agent: 'agent_1', data: inbound };
    expect(call).to.deep.equal(expected);
    expect([event.type, event.subject, event.agent, event.party]).to.deep.equal([
      'call_inbound',
      null,
      'agent_1',
      '+12345678912',
    ]);
    expect([deadlineMs, retryMs]).to.deep.equal([10_000, 40_000]);
  });

  it('is one event in all its tries where the id of the call is sent, else one for each request', async () => {
    const keysOf = async (body: JsonObject) =>
      [await callOf(body), await callOf(body, { receivedAtMs: 1_767_225_609_000 })].map(({ event }) => event.key);
    const named = { ...inbound, call_inbound: { ...numbers, call_id: 'call_1' } };
    expect(await keysOf(named)).to.deep.equal(['call_inbound:call_1', 'call_inbound:call_1']);
    expect(new Set(await keysOf(inbound))).to.have.length(2);
    expect((await callOf(named)).call.id).to.equal('call_1');
  });

  it('replies in the format of the event, and reads its replies again', async () => {
    const { answerIn } = component('retell.call') ?? {};
    const answer = { variables: { first_name: 'Jim', tier: '' }, overrideAgent: 'agent_gold' };
    for (const type of ['call_inbound', 'chat_inbound']) {
      const { reply, fallback } = await callOf({ event: type, [type]: numbers });
      expect(reply(answer)).to.deep.equal({
        status: 200,
        body: { [type]: { dynamic_variables: answer.variables, override_agent_id: 'agent_gold' } },
      });
      expect(reply({ ...answer, overrideAgent: null }).body).to.deep.equal({
        [type]: { dynamic_variables: answer.variables },
      });
      expect(answerIn?.(reply(answer).body ?? {})).to.deep.equal(answer);
      expect(fallback()).to.deep.equal({ status: 200, body: { [type]: {} } });
      expect(answerIn?.(fallback().body ?? {})).to.deep.equal({ variables: {}, overrideAgent: null });
    }
    expect(setup('retell.call').fallback?.()).to.deep.equal({ status: 200, body: { call_inbound: {} } });
    expect(answerIn?.({ error: 'UNVERIFIED' })).to.equal(null);
  });

  it('answers a call of any shape', async () => {
    const shapes: readonly JsonObject[] = [
      {},
      { event: 'call_inbound' },
      { event: 7, call_inbound: [] },
      { event: 'a.b' },
    ];
    for (const body of shapes)
      expect((await callOf(body)).call).to.include({ id: null, from: '', to: '', agent: null });
  });

  it('refuses an event, which belongs to the other source', async () => {
    const found = await refusal(setup('retell.call'), signed({ event: 'call_ended', call: {} }));
    expect(found).to.include('MALFORMED').and.to.include('retell.events');
  });

  it('makes a body that it reads', async () => {
    const numbers = { from: '+12345678912', to: '+12345678913' };
    const body = component('retell.call')?.callBody?.({ ...numbers, agent: 'agent_1' }) ?? {};
    expect((await callOf(body)).call).to.include({ ...numbers, agent: 'agent_1' });
    const without = component('retell.call')?.callBody?.({ ...numbers, agent: null }) ?? {};
    expect((await callOf(without)).call.agent).to.equal(null);
  });
});
