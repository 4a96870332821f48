import { Answers, type Intake, Trials } from '@switchhook/core/internal';
import { type HttpReply, isRefusal, type JsonObject, type RawRequest, refuse, type Source } from '@switchhook/sdk';
import { FakeMetrics } from '@switchhook/testkit';
import { expect } from 'chai';
import { anOperator, aRoute } from '../../support/operations.js';
import { statusOf } from '../../support/pipeline.js';
import { aSwitchboard, type CallWorld } from '../../support/ringing.js';

const asked = { answered: true };
const call = { id: 'call-1', from: '+12025550101', to: '+12025550199', agent: null, data: {} };

/** A switchboard whose source signs, and one call tried at it. */
function setup(fixture: CallWorld = {}) {
  const board = aSwitchboard({ ...fixture, source: { sign: () => ({ headers: {}, rest: '' }), ...fixture.source } });
  const trials = board.engine.get(Trials);
  const tried = async (body: JsonObject = call) => (await trials.explain({ source: 'calls', body }, asked))[0]?.call;
  return { ...board, trials, tried };
}

describe('a trial', () => {
  it('explains a body as its source would read it, and stores nothing', async () => {
    const signed = { 'x-signature': 'right' };
    const { trials, store } = anOperator({
      sources: {
        agents: {
          sign: () => ({ headers: signed, rest: '' }),
          receive: ({ headers, body }) => {
            expect(headers).to.include(signed);
            const data = JSON.parse(Buffer.from(body).toString());
            const draft = { key: 'k', type: data.type, subject: null, agent: null, occurredAtMs: null, data };
            return { kind: 'events', events: [draft] };
          },
        },
        mute: { receive: () => ({ kind: 'handshake', reply: { status: 200 } }) },
      },
      routes: [aRoute({ name: 'one', to: ['crm', 'slack'] }), aRoute({ name: 'two', to: ['crm'] })],
      destinations: { crm: async () => ({ kind: 'delivered' }), slack: async () => ({ kind: 'delivered' }) },
      previews: { crm: ({ id, event }) => ({ id, type: event.type }), slack: ({ id }) => ({ id }) },
    });
    const [explanation, ...others] = await trials.explain({ source: 'agents', body: { type: 'ended' } }, asked);
    expect([explanation?.kept, explanation?.deliveries, others]).to.deep.equal([false, [], []]);
    // The ids are examples that no event has, with the index that each delivery would have.
    const example = '00000000-0000-0000-0000-000000000000';
    expect(explanation?.event.id).to.equal(example);
    const previews = explanation?.routes.flatMap(({ destinations }) => destinations.map(({ preview }) => preview));
    expect(previews).to.deep.equal([
      { id: `${example}.0`, type: 'ended' },
      { id: `${example}.1` },
      { id: `${example}.2`, type: 'ended' },
    ]);
    expect((await store.events({ limit: 1 })).items).to.deep.equal([]);
    for (const source of ['mute', 'nobody'])
      expect(await statusOf(trials.explain({ source, body: {} }, asked))).to.equal('MALFORMED');
  });

  it('asks the resolvers for the answer of a call, and shows what the platform would be sent and why', async () => {
    const { tried } = setup({
      resolvers: { crm: () => ({ name: 'Ada' }), tickets: () => Promise.reject(new Error('status 503')) },
      answers: [
        {
          name: 'sales',
          withinMs: 2_000,
          resolve: ['crm', 'tickets'],
          variables: { name: '${{ crm.name }}', ticket: '${{ tickets.id }}' },
          defaults: { ticket: 'none' },
        },
      ],
    });
    const { reply, trace, isSentLater } = (await tried()) ?? {};
    expect(isSentLater).to.equal(false);
    expect(reply?.body).to.deep.equal({ variables: { name: 'Ada', ticket: 'none' }, agent: null });
    expect(trace).to.deep.include({ name: 'sales', step: 'default', within_ms: 2_000, deadline_ms: 10_000 });
    expect(trace?.origins).to.deep.equal({
      name: { step: 'fresh', resolvers: ['crm'], reason: null },
      ticket: { step: 'default', resolvers: ['tickets'], reason: 'tickets failed' },
    });
  });

  it('says of each answer whether it matches the call, and why not, with the values', async () => {
    const { tried } = setup({
      answers: [
        { name: 'elsewhere', from: ['others'] },
        { name: 'german', where: 'call.from.startsWith("+49")' },
        { name: 'broken', where: 'call.data.tier == "gold"' },
        { name: 'sales', defaults: { name: 'there' } },
      ],
    });
    const { answers = [], trace } = (await tried()) ?? {};
    expect(answers.map(({ answer, matches, reason }) => [answer, matches, reason])).to.deep.equal([
      ['elsewhere', false, 'it answers calls of others, not calls'],
      ['german', false, 'call.from.startsWith("+49") is false (call.from is "+12025550101")'],
      ['broken', false, 'call.data.tier == "gold" has no value: call.data.tier is missing'],
      ['sales', true, null],
    ]);
    expect(trace?.name).to.equal('sales');
  });

  it('says of a call which of its numbers is missing or none, and nothing of one that is withheld', async () => {
    const { tried } = setup({ answers: [{ name: 'sales' }] });
    const noteOf = async (numbers: object) => (await tried({ ...call, ...numbers }))?.numbers;
    expect(await noteOf({})).to.equal(null);
    expect(await noteOf({ from: 'anonymous' })).to.equal(null);
    expect(await noteOf({ from: '1', to: '' })).to.equal(
      'from is not a phone number; to is missing: the field that the source reads has no text',
    );
  });

  it('routes the event of a call with the answer that it would have', async () => {
    const { trials } = setup({ answers: [{ name: 'sales', defaults: { name: 'there' } }] });
    const [explained] = await trials.explain({ source: 'calls', body: call }, asked);
    expect(JSON.parse(Buffer.from(explained?.event.body ?? []).toString()).answer).to.include({ name: 'sales' });
  });

  it('leaves no trace: no event, no figure, no line in the log, and the next call is looked up', async () => {
    let looks = 0;
    const { tried, log, metrics, calls, ring, clock } = setup({
      resolvers: { crm: () => ({ look: String(++looks) }) },
      answers: [{ variables: { look: '${{ crm.look }}' }, cache: { forMs: 60_000, staleMs: 60_000 } }],
    });
    await tried();
    await tried();
    await clock.advance(60_000);
    expect([looks, (await calls()).length, log.lines]).to.deep.equal([2, 0, []]);
    expect(metrics.values).to.deep.equal(new FakeMetrics().values);
    expect((await ring(call)).reply.body?.variables, 'nothing was kept for the call').to.deep.equal({ look: '3' });
    expect((await tried())?.trace, 'what is kept is used, as for a call').to.deep.include({
      step: 'cached',
      variables: { look: '3' },
    });
  });

  it('neither opens nor closes a circuit breaker, and is skipped by an open one like a call', async () => {
    let isDown = true;
    const breaker = { failures: 2, windowMs: 60_000, cooldownMs: 1_000 };
    const { tried, ring, clock, current, engine } = setup({
      resolvers: { crm: { breaker, look: () => (isDown ? Promise.reject(new Error('down')) : { name: 'Ada' }) } },
    });
    for (let n = 0; n < 5; n += 1)
      expect((await tried())?.trace.lookups).to.have.nested.property('[0].outcome', 'failed');
    const loads = () => [...engine.get(Answers).loads.values()][0];
    expect(loads()).to.deep.equal({ breaker: 'closed', holds: [], lastFailure: null });
    for (const id of ['a', 'b']) await ring({ ...call, id });
    expect(loads()?.breaker).to.equal('open');
    expect((await tried())?.trace.lookups).to.have.nested.property('[0].outcome', 'skipped');
    await clock.advance(1_000);
    isDown = false;
    expect((await tried())?.trace.lookups).to.have.nested.property('[0].outcome', 'found');
    expect(loads()?.breaker, 'only a call closes it').to.equal('half-open');
    expect(current.value.resolvers.size).to.equal(1);
  });

  it('takes no place of the look-up of a call', async () => {
    const waiting: (() => void)[] = [];
    const look = () => new Promise((resolve) => waiting.push(() => resolve({ name: 'Ada' })));
    const { tried, ring, trials } = setup({ resolvers: { crm: { concurrency: 1, look } } });
    const [first, second] = [tried(), tried()];
    expect((await second)?.trace.lookups, 'but has as many of its own').to.have.nested.property('[0].outcome', 'busy');
    const ringing = ring(call);
    while (waiting.length < 2) await Promise.resolve();
    for (const end of waiting) end();
    expect((await first)?.trace.lookups).to.have.nested.property('[0].outcome', 'found');
    await ringing;
    const [recorded] = await trials.explain({ source: 'calls', body: call }, { answered: false });
    expect(recorded?.call, 'and where it is not asked for, resolvers are not either').to.equal(null);
  });

  it('says of a source that answers by a request of its own what its request would be replied', async () => {
    const { tried } = setup({
      source: { answer: async () => ({ kind: 'delivered' }) },
      inboundCall: { reply: () => ({ status: 202, text: 'taken' }) },
      answers: [{ name: 'sales', defaults: { name: 'there' } }],
    });
    const { reply, trace, isSentLater } = (await tried()) ?? {};
    expect([reply?.status, reply?.text, isSentLater]).to.deep.equal([202, 'taken', true]);
    expect(trace?.variables).to.deep.equal({ name: 'there' });
  });
});

describe('a body that is sent for real', () => {
  const agents: Source = {
    sign: (body) => ({ headers: { 'x-signature': `of ${body.length}` }, rest: '/part?hash=abc' }),
    receive: ({ body }) => {
      const data = JSON.parse(Buffer.from(body).toString());
      const draft = { key: `ended:${data.id}`, type: 'ended', subject: data.id, agent: null, occurredAtMs: null, data };
      return { kind: 'events', events: [draft] };
    },
  };
  /** Takes what is sent to `agents`, and replies as the test says. */
  function world(receive: (request: RawRequest) => HttpReply = () => ({ status: 200, body: { id: 'event-1' } })) {
    const requests: RawRequest[] = [];
    const refused: string[] = [];
    const intake: Intake = {
      url: 'https://hooks.example.com',
      receive: async (_, request) => {
        requests.push(request);
        return receive(request);
      },
      refused: ({ source, remoteAddress }, thrown) => {
        refused.push(`${source} ${remoteAddress}`);
        return isRefusal(thrown) ? thrown : refuse('INTERNAL', 'an unexpected error');
      },
    };
    const sources: Record<string, Source> = {
      agents,
      sealed: { receive: agents.receive },
      unset: {
        ...agents,
        sign: () => {
          throw new Error('set the option url');
        },
      },
      router: agents,
    };
    const { trials, log } = anOperator({ sources, routes: [aRoute()] });
    const send = (source: string, body: JsonObject, newIds = false, text?: string) =>
      trials.send({ source, body, newIds, by: 'Ada', from: '10.1.2.3', ...(text !== undefined && { text }) }, intake);
    return { send, requests, refused, log };
  }

  it('comes to its source as its platform would send it, and the log says who sent it', async () => {
    const { send, requests, log } = world();
    const body = { id: 'conv_12345678', order: 12345678901234567890n };
    expect(await send('agents', body)).to.deep.include({ event: 'event-1', isDuplicate: false, reason: null });
    const [{ body: bytes, ...request } = {} as RawRequest] = requests;
    expect(Buffer.from(bytes).toString()).to.equal('{"id":"conv_12345678","order":12345678901234567890}');
    expect(request).to.deep.include({
      ...{ method: 'POST', rest: 'part', query: { hash: 'abc' }, remoteAddress: '10.1.2.3' },
      headers: { 'content-type': 'application/json', 'x-signature': `of ${bytes.length}` },
      url: 'https://hooks.example.com/hooks/agents/part?hash=abc',
    });
    const line = { source: 'agents', by: 'Ada', from: '10.1.2.3', status: 200, event: 'event-1', reason: null };
    expect(log.lines.filter(({ event }) => event === 'trial.sent').map(({ fields }) => fields)).to.deep.equal([line]);
  });

  it('gets other ids where that is asked for, and nothing else is changed', async () => {
    const { send, requests } = world();
    // A part of the key that is a part of the type, too, is no id.
    const body = { id: 'conv_12345678', note: 'kept', status: 'end' };
    const { replaced } = await send('agents', body, true);
    const sent = JSON.parse(Buffer.from(requests[0]?.body ?? []).toString());
    expect(replaced).to.deep.equal([{ old: 'conv_12345678', new: sent.id }]);
    expect([sent.note, sent.status]).to.deep.equal(['kept', 'end']);
    expect(sent.id)
      .to.match(/^conv_\d{8}$/)
      .and.not.equal('conv_12345678');
  });

  it('gets ids long enough to be new, and names those that stay', async () => {
    const { send } = world();
    const body = {
      ...{
        id: 'st_7',
        note: 'kept',
        paid: 'x',
        call: { callId: 'call_9', from: '+12345678912', numberId: '+12345678913' },
      },
      ...{ items: [{ order_id: 17 }], CallSid: 'CA1', room_id: '' },
    };
    const { replaced, kept } = await send('agents', body, true);
    expect(replaced.map(({ old }) => old)).to.deep.equal(['st_7']);
    expect(replaced[0]?.new).to.match(/^st_7\d{8}$/);
    expect(kept).to.deep.equal([
      { field: 'call.callId', value: 'call_9' },
      { field: 'items.0.order_id', value: '17' },
      { field: 'CallSid', value: 'CA1' },
    ]);
    expect((await send('agents', body)).kept, 'without new ids').to.deep.equal([]);
    // Of the same call, as its end shows.
    const { replaced: both } = await send('agents', { callId: 'call-A1b2C3d4e', id: 'conv_A1b2C3d4e' }, true);
    const [conversation, call] = both.map((id) => id.new);
    expect(both.map(({ old }) => old)).to.deep.equal(['conv_A1b2C3d4e', 'call-A1b2C3d4e']);
    expect(call).to.equal(conversation?.replace('conv_', 'call-'));
    expect((await send('agents', { id: 'abc' }, true)).replaced[0]?.new).to.match(/^abc[a-f]{8}$/);
  });

  it('keeps every character of a text, but for the ids that become others', async () => {
    const { send, requests } = world();
    const text = '{ "id": "conv_12345678", "score": 1.0, "conv_12345678": 1e2 }';
    expect((await send('agents', JSON.parse(text), false, text)).replaced).to.deep.equal([]);
    const [{ new: fresh = '' } = {}] = (await send('agents', JSON.parse(text), true, text)).replaced;
    // An id that is written with an escape is found only in what it means.
    const escaped = text.replace('"conv_', '"\\u0063onv_');
    await send('agents', JSON.parse(escaped), true, escaped);
    const [whole, changed, anew] = requests.map(({ body }) => Buffer.from(body).toString());
    expect(whole).to.equal(text);
    expect(changed).to.equal(text.replace('"conv_12345678",', `"${fresh}",`));
    expect(anew).to.match(/^\{"id":"conv_\d{8}","score":1,"conv_12345678":100\}$/);
  });

  it('is reported where it is a duplicate', async () => {
    const { send } = world(() => ({ status: 200, body: { id: 'event-1', duplicate: true } }));
    expect(await send('agents', { id: 'a' })).to.deep.include({ event: 'event-1', isDuplicate: true });
  });

  it('is refused like a request from outside, with the reason', async () => {
    const { send, refused } = world(() => {
      throw refuse('UNVERIFIED', '10.1.2.3 is not in allow, hunter2');
    });
    const { reply, event, reason } = await send('agents', { id: 'a' });
    expect(reply).to.deep.equal({ status: 401, body: { error: 'UNVERIFIED' } });
    expect([event, reason, refused]).to.deep.equal([null, '10.1.2.3 is not in allow, ***', ['agents 10.1.2.3']]);
  });

  it('is not sent where its source cannot sign it, is none, or is the router', async () => {
    const { send, requests } = world();
    const codes = {
      sealed: 'SOURCE_CANNOT_SIGN',
      unset: 'SOURCE_CANNOT_SIGN',
      router: 'SOURCE_CANNOT_SIGN',
      none: 'NO_SUCH_ROW',
    };
    for (const [source, code] of Object.entries(codes))
      expect(await statusOf(send(source, { id: 'a' })), source).to.equal(code);
    expect(requests).to.deep.equal([]);
  });
});
