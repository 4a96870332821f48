import { eventOf } from '@switchhook/core/internal';
import type { Answer, Call, EventDraft, JsonObject, Outcome, Source, Store } from '@switchhook/sdk';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { statusOf, storeWith } from '../../support/pipeline.js';
import { after, aSwitchboard, type CallWorld } from '../../support/ringing.js';

type Send = (call: Call, answer: Answer | null, signal: AbortSignal) => Promise<Outcome>;

const ada: Partial<Call> = { id: 'call_1', from: '+12025551001' };
const delivered: Outcome = { kind: 'delivered' };

/** A router whose source answers by a call, with the answers that it has sent. */
function setup({ send = async () => delivered, ...world }: CallWorld & { readonly send?: Send } = {}) {
  const sent: { readonly id: string | null; readonly answer: Answer | null }[] = [];
  const source: Partial<Source> = {
    ...world.source,
    answer: async (call, answer, signal) => {
      sent.push({ id: call.id, answer });
      return send(call, answer, signal);
    },
  };
  const answers = [{ name: 'front-desk', withinMs: 3_000, variables: { first_name: 'Ada' } }];
  const board = aSwitchboard({
    answers,
    ...world,
    inboundCall: { reply: () => ({ status: 204 }), retryMs: 3_600_000, ...world.inboundCall },
    source,
  });
  const outcomeOf = async (): Promise<unknown> => (await board.trace()).sent;
  return { ...board, sent, outcomeOf };
}

/** A router with its own components on the store of another one. */
function restarted(store: Store, clock: FakeClock, world: Parameters<typeof setup>[0] = {}) {
  const board = setup({ ...world, clock, store: () => store });
  const recorded = async () => (await store.events({ limit: 10 })).items.map((event) => eventOf(event).data.answer);
  return { ...board, recorded: recorded as () => Promise<readonly JsonObject[]> };
}

const hanging: Send = () => new Promise(() => {});
const failing = (outcomes: readonly (Outcome | Error)[]): Send => {
  const left = [...outcomes];
  return async () => {
    const next = left.shift() ?? delivered;
    if (next instanceof Error) throw next;
    return next;
  };
};
const unavailable: Outcome = { kind: 'unavailable', reason: 'HTTP 503 Service Unavailable' };

describe('a call that is answered by a call', () => {
  it('is acknowledged, gets the answer of its row by a request of the source, and is recorded with it', async () => {
    const { ring, sent, calls, trace, log, metrics, store } = setup();
    const { reply, event } = await ring(ada);
    expect(reply).to.deep.equal({ status: 204 });
    await settled();
    expect(sent).to.deep.equal([{ id: 'call_1', answer: { variables: { first_name: 'Ada' }, overrideAgent: null } }]);
    expect((await calls()).map(({ id }) => id)).to.deep.equal([event]);
    expect(await trace()).to.deep.include({ name: 'front-desk', variables: { first_name: 'Ada' }, requests: 1 });
    expect((await trace()).sent).to.deep.include({ outcome: 'sent', attempts: 1, reason: null });
    expect(log.lines.map((line) => line.event)).to.include.members(['call.sent', 'call.answered']);
    expect(metrics.values.get('calls_sent_total{source="calls",outcome="sent"}')).to.equal(1);
    expect(await store.stateKeys?.('switchhook.calls.open:', 10)).to.deep.equal([]);
  });

  it('is answered with the configuration that it came with, also where a reload removes its source while it is verified', async () => {
    const { ring, sent, current, trace } = setup();
    const earlier = current.value;
    const [source] = earlier.sources.values();
    let verified = (): void => {};
    const verifying = new Promise<void>((resolve) => (verified = resolve));
    const receive = source?.receive.bind(source);
    Object.assign(source ?? {}, {
      receive: async (request: Parameters<Source['receive']>[0]) => {
        await verifying;
        return receive?.(request);
      },
    });
    const ringing = ring(ada);
    let isUnused = false;
    void current.swap({ ...earlier, sources: new Map(), answers: [] }).then(() => {
      isUnused = true;
    });
    verified();
    expect((await ringing).reply).to.deep.equal({ status: 204 });
    expect(isUnused).to.equal(false);
    await settled();
    expect(sent.map(({ answer }) => answer?.variables)).to.deep.equal([{ first_name: 'Ada' }]);
    expect((await trace()).sent).to.deep.include({ outcome: 'sent' });
    await settled();
    expect(isUnused).to.equal(true);
  });

  it('is on disk before it is acknowledged', async () => {
    const clock = new FakeClock();
    const { ring } = setup({
      clock,
      store: (store) =>
        storeWith(store, {
          setState: async (...change) => {
            await after(clock, 300);
            return (await store.setState?.(...change)) ?? false;
          },
        }),
    });
    let isAcknowledged = false;
    const ringing = ring(ada).then(() => {
      isAcknowledged = true;
    });
    await clock.advance(500);
    expect(isAcknowledged).to.equal(false);
    await clock.advance(100);
    await ringing;
  });

  it('is kept with what its answer needs alone unmasked, and recorded masked, whether or not it was answered', async () => {
    const { ring, current, store, clock } = setup({ send: hanging });
    const masked = (draft: EventDraft): EventDraft => ({ ...draft, data: { ...draft.data, from_number: '***' } });
    Object.assign(current.value, { masks: new Map([['calls', masked]]) });
    await ring(ada);
    const [key = ''] = (await store.stateKeys?.('switchhook.calls.open:', 10)) ?? [];
    const open = JSON.parse((await store.state?.(key)) ?? '{}');
    expect([open.event.data, open.call.from]).to.deep.equal([{ from_number: '***' }, ada.from]);
    await clock.advance(60_000);
    const [recorded] = (await store.events({ limit: 2 })).items.map((event) => eventOf(event).data);
    expect(recorded).to.deep.include({ from_number: '***' });
    expect(await store.stateKeys?.('switchhook.calls.', 10)).to.have.length(1);
    expect(await store.stateKeys?.('switchhook.calls.open:', 10)).to.deep.equal([]);
  });

  it('is answered once, however often and however late the platform repeats its request', async () => {
    const { ring, sent, calls, clock, metrics } = setup();
    const first = await Promise.all([ring(ada), ring(ada), ring(ada)]);
    await clock.advance(600_000);
    const last = await ring(ada);
    expect([...first, last].map(({ reply }) => reply.status)).to.deep.equal([204, 204, 204, 204]);
    expect(new Set([...first, last].map(({ event }) => event))).to.have.property('size', 1);
    expect(last.requests).to.equal('4');
    expect([sent.length, (await calls()).length]).to.deep.equal([1, 1]);
    expect(metrics.values.get('calls_repeated_total{source="calls"}')).to.equal(3);
  });

  it('is not answered again by a router that was started meanwhile', async () => {
    const first = setup();
    await first.ring(ada);
    await settled();
    const second = restarted(first.store, first.clock);
    void second.pipeline.open();
    expect((await second.ring(ada)).reply).to.deep.equal({ status: 204 });
    await settled();
    expect([second.sent.length, (await second.recorded()).length]).to.deep.equal([0, 1]);
    await first.clock.advance(3_600_000);
    const third = restarted(first.store, first.clock);
    await third.ring(ada);
    await settled();
    expect(third.sent, 'after the time in which the platform may repeat it').to.have.length(1);
  });

  it('is told that no answer matches, so that the source can do the least', async () => {
    const { ring, sent, trace } = setup({ answers: [{ where: 'call.to == "+1"' }] });
    await ring(ada);
    await settled();
    expect(sent).to.deep.equal([{ id: 'call_1', answer: null }]);
    expect(await trace()).to.deep.include({ name: null, step: 'unanswered' });
  });

  it('gets defaults at the end of `within`, whatever a resolver does', async () => {
    const { ring, sent, clock, outcomeOf } = setup({
      resolvers: { crm: () => new Promise(() => {}) },
      answers: [{ withinMs: 3_000, variables: { name: '${{ crm.name }}' }, defaults: { name: 'there' } }],
    });
    await ring(ada);
    await clock.advance(2_999);
    expect(sent).to.have.length(0);
    await clock.advance(1);
    expect(sent.map(({ answer }) => answer?.variables)).to.deep.equal([{ name: 'there' }]);
    expect(await outcomeOf()).to.deep.include({ outcome: 'sent', ms: 3_000 });
  });

  it('is sent again while the platform may still accept it', async () => {
    const { ring, sent, clock, outcomeOf, log } = setup({
      send: failing([unavailable, new Error('connection reset'), delivered]),
    });
    await ring(ada);
    await clock.advance(250);
    expect(sent).to.have.length(2);
    await clock.advance(500);
    expect(await outcomeOf()).to.deep.equal({ outcome: 'sent', attempts: 3, ms: 750, reason: null });
    const failures = log.lines.filter((line) => line.event === 'call.send-failed');
    expect(failures.map(({ fields }) => fields?.reason)).to.deep.equal([unavailable.reason, 'connection reset']);
  });

  it('waits as long as the platform asks for, but not beyond the deadline', async () => {
    const { ring, sent, clock, outcomeOf } = setup({
      send: failing([
        { ...unavailable, retryAfterMs: 4_000 },
        { ...unavailable, retryAfterMs: 6_000 },
      ]),
    });
    await ring(ada);
    await clock.advance(3_999);
    expect(sent).to.have.length(1);
    await clock.advance(1);
    expect(sent).to.have.length(2);
    expect(await outcomeOf()).to.deep.include({ outcome: 'failed', attempts: 2, ms: 4_000 });
  });

  const final: readonly [Outcome, string][] = [
    [{ kind: 'rejected', reason: 'HTTP 400 Bad Request: no such model' }, 'HTTP 400 Bad Request: no such model'],
    [{ kind: 'unavailable', reason: 'HTTP 401 Unauthorized', needsOperator: true }, 'HTTP 401 Unauthorized'],
    [{ kind: 'answered' } as unknown as Outcome, 'answer returned an object of kind "answered"; allowed is'],
  ];
  for (const [outcome, reason] of final)
    it(`is not sent again after ${reason}, which is recorded, logged and counted`, async () => {
      const { ring, sent, clock, outcomeOf, log, metrics } = setup({ send: failing([outcome]) });
      await ring(ada);
      await clock.advance(10_000);
      expect(sent).to.have.length(1);
      const recorded = (await outcomeOf()) as JsonObject;
      expect(recorded).to.deep.include({ outcome: 'failed', attempts: 1 });
      expect(recorded.reason).to.include(reason);
      const line = log.lines.find(({ event }) => event === 'call.unsent');
      expect(line).to.deep.include({ level: 'error' });
      expect(line?.fields).to.deep.include({ source: 'calls', outcome: 'failed', attempts: 1 });
      expect(metrics.values.get('calls_sent_total{source="calls",outcome="failed"}')).to.equal(1);
    });

  it('is given up at the deadline where its request hangs, with time for a second attempt', async () => {
    const aborted: boolean[] = [];
    const { ring, sent, clock, outcomeOf } = setup({
      send: (_call, _answer, signal) => {
        signal.addEventListener('abort', () => aborted.push(true));
        return new Promise(() => {});
      },
    });
    await ring(ada);
    await clock.advance(5_000);
    expect([sent.length, aborted.length]).to.deep.equal([1, 1]);
    await clock.advance(5_000);
    const recorded = (await outcomeOf()) as { readonly ms: number; readonly reason: string; readonly attempts: number };
    expect(recorded).to.deep.include({ outcome: 'failed', attempts: sent.length });
    expect(recorded.ms).to.be.within(9_000, 10_000);
    expect(recorded.reason).to.match(/^no result after \d+ ms$/);
    expect(aborted).to.have.length(sent.length);
  });

  it('is answered although the store cannot keep it, and its request is refused until it is recorded', async () => {
    let isDown = true;
    const refused = async (): Promise<never> => Promise.reject(new Error('the disk is full'));
    const { ring, sent, calls, clock } = setup({
      store: (store) =>
        storeWith(store, {
          setState: (...change) => (isDown ? refused() : (store.setState?.(...change) ?? refused())),
          append: (entries) => (isDown ? refused() : store.append(entries)),
        }),
    });
    const first = statusOf(ring(ada));
    await clock.advance(5_000);
    expect([await first, sent.length]).to.deep.equal(['STORE_UNAVAILABLE', 1]);
    isDown = false;
    const second = statusOf(ring(ada));
    await clock.advance(5_000);
    expect([await second, sent.length, (await calls()).length]).to.deep.equal([200, 1, 1]);
  });

  it('does not wait for a store that hangs', async () => {
    const { ring, sent, clock } = setup({
      store: (store) => storeWith(store, { setState: () => new Promise(() => {}) }),
    });
    const first = statusOf(ring(ada));
    await clock.advance(1_000);
    expect(sent).to.have.length(1);
    await clock.advance(4_000);
    expect(await first).to.equal('STORE_UNAVAILABLE');
  });

  it('is refused where the source cannot read it: an answer cannot follow', async () => {
    const { ring, log } = setup({
      source: {
        receive: () => Promise.reject(new Error('no such field')),
        fallback: () => ({ status: 200 }),
      },
    });
    expect(await statusOf(ring(ada))).to.equal('SOURCE_FAILED');
    expect(log.lines.map(({ event }) => event)).not.to.include('call.sent');
  });

  it('is refused where it has no id', async () => {
    expect(await statusOf(setup().ring({ ...ada, id: null }))).to.equal('SOURCE_FAILED');
  });

  it('keeps a router that is closing until it is answered and recorded', async () => {
    const { ring, pipeline, clock, outcomeOf } = setup({ send: failing([unavailable, delivered]) });
    await ring(ada);
    const closing = pipeline.close();
    await clock.advance(250);
    await closing;
    expect(await outcomeOf()).to.deep.include({ outcome: 'sent', attempts: 2 });
  });
});

describe('a call whose router was killed before it was answered', () => {
  /** Acknowledged, and its request is under way for ever. */
  const interrupted = async (clock = new FakeClock(), store: Store = memoryStore(clock)) => {
    const killed = restarted(store, clock, { send: hanging });
    await killed.ring(ada);
    await settled();
    expect(killed.sent).to.have.length(1);
    return { clock, store };
  };

  it('is answered by the next start, while the platform still waits', async () => {
    const { clock, store } = await interrupted();
    await clock.advance(2_000);
    const next = restarted(store, clock);
    void next.pipeline.open();
    await settled();
    expect(next.sent).to.deep.equal([
      { id: 'call_1', answer: { variables: { first_name: 'Ada' }, overrideAgent: null } },
    ]);
    const [answer] = await next.recorded();
    expect(answer?.sent).to.deep.include({ outcome: 'sent', attempts: 1, ms: 2_000 });
    const third = restarted(store, clock);
    void third.pipeline.open();
    await third.ring(ada);
    await settled();
    expect([third.sent.length, (await third.recorded()).length]).to.deep.equal([0, 1]);
  });

  it('has the whole time of its answer for look-ups again, as long as the platform waits', async () => {
    const { clock, store } = await interrupted();
    await clock.advance(4_000);
    const resolve = async () => {
      await after(clock, 1_000);
      return { name: 'Ada' };
    };
    const answers = [{ withinMs: 3_000, variables: { name: '${{ crm.name }}' } }];
    const next = restarted(store, clock, { resolvers: { crm: resolve }, answers });
    void next.pipeline.open();
    await clock.advance(1_000);
    expect(next.sent.map(({ answer }) => answer?.variables)).to.deep.equal([{ name: 'Ada' }]);
  });

  it('is recorded as late after the deadline, and not answered', async () => {
    const clock = new FakeClock();
    // The clock must not end the requests of the router that was killed.
    const { store } = await interrupted(new FakeClock(clock.now()));
    await clock.advance(10_000);
    const next = restarted(store, clock);
    void next.pipeline.open();
    await settled();
    expect(next.sent).to.have.length(0);
    const [answer] = await next.recorded();
    expect(answer).to.deep.include({ from: ada.from, name: null, step: 'unanswered' });
    expect(answer?.sent).to.deep.include({ outcome: 'late', attempts: 0, ms: 10_000 });
    expect(next.metrics.values.get('calls_sent_total{source="calls",outcome="late"}')).to.equal(1);
    expect(await store.stateKeys?.('switchhook.calls.open:', 10)).to.deep.equal([]);
  });

  it('is looked for again where the store cannot be read', async () => {
    const { clock, store } = await interrupted();
    let isDown = true;
    const failingStore = storeWith(store, {
      stateKeys: (...query) =>
        isDown ? Promise.reject(new Error('locked')) : (store.stateKeys?.(...query) ?? Promise.resolve([])),
    });
    const next = restarted(failingStore, clock);
    void next.pipeline.open();
    await settled();
    isDown = false;
    await clock.advance(2_000);
    expect(next.sent).to.have.length(1);
  });

  describe('in a store that others share', () => {
    const sharedStore = (clock: FakeClock) => storeWith(memoryStore(clock), { onDue: () => () => {} });

    it('is answered by another router some seconds after the first one has ended, as well as by its next start', async () => {
      const clock = new FakeClock();
      const store = sharedStore(clock);
      const others = restarted(store, clock);
      void others.pipeline.open();
      // The clock of a router that was killed stands still.
      const killed = restarted(store, new FakeClock(clock.now()), { send: hanging });
      await killed.ring(ada);
      await others.ring(ada);
      await clock.advance(4_000);
      expect(others.sent).to.have.length(0);
      await clock.advance(2_000);
      expect(others.sent).to.have.length(1);
      await clock.advance(60_000);
      expect([others.sent.length, (await others.recorded()).length]).to.deep.equal([1, 1]);
      const [answer] = await others.recorded();
      expect(answer?.sent).to.deep.include({ outcome: 'sent', ms: 6_000 });
    });

    it('is left to a router that is alive, however long its request takes', async () => {
      const clock = new FakeClock();
      const store = sharedStore(clock);
      const inboundCall = { deadlineMs: 60_000 };
      const first = restarted(store, clock, { send: hanging, inboundCall });
      const second = restarted(store, clock, { inboundCall });
      void second.pipeline.open();
      await first.ring(ada);
      await clock.advance(29_000);
      expect([first.sent.length, second.sent.length]).to.deep.equal([1, 0]);
      await clock.advance(40_000);
      expect([second.sent.length, (await second.recorded()).length]).to.deep.equal([0, 1]);
    });

    it('is answered once where several routers find it', async () => {
      const clock = new FakeClock();
      const store = sharedStore(clock);
      const killed = restarted(store, new FakeClock(clock.now()), { send: hanging });
      await killed.ring(ada);
      const routers = Array.from({ length: 3 }, () => restarted(store, clock));
      for (const { pipeline } of routers) void pipeline.open();
      await clock.advance(8_000);
      expect(routers.flatMap(({ sent }) => sent)).to.have.length(1);
    });
  });
});
