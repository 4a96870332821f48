import { IngestTelemetry, maskFor, Observations } from '@switchhook/core/internal';
import {
  type Delivery,
  type JsonObject,
  type Log,
  type Metrics,
  type Outcome,
  refuse,
  type Source,
  type Store,
} from '@switchhook/sdk';
import { FakeClock, FakeLog, FakeMetrics } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Deliver, aPipeline as setup, statusOf, storeWith } from '../../support/pipeline.js';

const fail = (): never => {
  throw new Error('it threw');
};
const failingMetrics: Metrics = { count: fail, observe: fail, gauge: fail };
const failingLog: Log = { debug: fail, info: fail, warn: fail, error: fail };

describe('an attempt', () => {
  // A plugin in plain JavaScript can return anything.
  const answers: Readonly<Record<string, unknown>> = {
    nothing: undefined,
    null: null,
    'an object': { kind: 'delivered' },
    'a text': 'delivered',
  };
  for (const [what, answer] of Object.entries(answers))
    it(`is rejected when deliverMany resolves to ${what}, and its queue goes on`, async () => {
      const taken: string[] = [];
      let isBroken = true;
      const deliverMany = async (deliveries: readonly Delivery[]): Promise<readonly Outcome[]> => {
        if (isBroken) return answer as readonly Outcome[];
        taken.push(...deliveries.map(({ event }) => event.key));
        return deliveries.map(() => ({ kind: 'delivered' }));
      };
      const policy = { concurrency: 1, batch: { max: 2, waitMs: 0 } };
      const { send, clock, store, stateOf, pipeline } = setup({ deliverMany, policy });
      const { body } = await send({ key: 'a' });
      await clock.advance(0);
      expect(await stateOf()).to.deep.equal(['rejected']);
      const [attempt] = await store.attempts(`${body?.id}.0`);
      expect(attempt?.outcome).to.equal('rejected');
      expect(attempt?.reason).to.match(
        /^deliverMany returned .+; allowed is a list with one outcome for each delivery/,
      );
      isBroken = false;
      await store.replay([`${body?.id}.0`], clock.now());
      await send({ key: 'b' });
      await clock.advance(60_000);
      expect(new Set(taken)).to.deep.equal(new Set(['a', 'b']));
      await pipeline.close();
    });

  it('is settled with an outcome that is returned when its time is up, but not with a later one', async () => {
    const atOnce: Deliver = (_, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ kind: 'delivered', response: 'half' })),
      );
    const later: Deliver = async (delivery, signal) => {
      const outcome = await atOnce(delivery, signal);
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return outcome;
    };
    const { send, clock, store, stateOf, pipeline } = setup({ destinations: { slack: atOnce, crm: later } });
    const { body } = await send({ key: 'a' });
    await clock.advance(10_000);
    expect(await stateOf()).to.have.members(['delivered', 'waiting']);
    expect((await store.attempts(`${body?.id}.0`))[0]).to.include({ outcome: 'delivered', response: 'half' });
    expect((await store.attempts(`${body?.id}.1`))[0]).to.include({ reason: 'no result after 10000 ms' });
    await pipeline.close();
  });

  it('is settled 250 ms after the store has failed, however many others failed at the same time', async () => {
    let isDown = true;
    const store = (plain: Store): Store =>
      storeWith(plain, { settle: (settled) => (isDown ? Promise.reject(new Error('down')) : plain.settle(settled)) });
    const { send, clock, stateOf, pipeline } = setup({ store, policy: { concurrency: 8 } });
    await Promise.all(Array.from({ length: 8 }, (_, n) => send({ key: `k${n}` })));
    await clock.advance(0);
    isDown = false;
    await clock.advance(250);
    expect(new Set(await stateOf())).to.deep.equal(new Set(['delivered']));
    await pipeline.close();
  });

  it('is rejected when its outcome has no kind or reason of the contract, instead of being repeated', async () => {
    for (const outcome of [
      { kind: 'unavailable' },
      { kind: 'unavailable', reason: 503 },
      { kind: 'rejected', reason: null },
      { kind: 'failed', reason: 'status 503' },
      true,
    ]) {
      const { send, clock, store, stateOf, pipeline } = setup({
        destinations: { crm: async () => outcome as unknown as Outcome },
      });
      const { body } = await send({ key: 'a' });
      await clock.advance(0);
      expect(await stateOf(), JSON.stringify(outcome)).to.deep.equal(['rejected']);
      expect((await store.attempts(`${body?.id}.0`))[0]?.reason).to.match(/^deliver returned .+; allowed is \{ kind:/);
      await pipeline.close();
    }
  });

  it('of a batch has the outcome of its own delivery, also behind one that a transform held back', async () => {
    const { send, clock, store, pipeline } = setup({
      deliverMany: async (deliveries) =>
        deliveries.map(({ event: { key } }) =>
          key === 'bad' ? { kind: 'rejected', reason: 'bad' } : { kind: 'delivered', response: key },
        ),
      transforms: { some: (event) => (event.key.startsWith('held') ? null : event) },
      routes: [{ transforms: ['some'] }],
      policy: { concurrency: 1, batch: { max: 10, waitMs: 1_000 } },
    });
    const sent: string[] = [];
    const keys = ['held-1', 'bad', 'held-2', 'good'];
    for (const key of keys) sent.push(String((await send({ key })).body?.id));
    await clock.advance(2_000);
    const attempts = await Promise.all(sent.map((id) => store.attempts(`${id}.0`)));
    expect(attempts.flat().map(({ outcome, reason, response }) => [outcome, reason, response])).to.deep.equal([
      ['skipped', null, null],
      ['rejected', 'bad', null],
      ['skipped', null, null],
      ['delivered', null, 'good'],
    ]);
    await pipeline.close();
  });

  it('is settled when an outcome throws while it is read', async () => {
    const hostile = Object.defineProperty({ kind: 'unavailable' }, 'reason', { get: fail }) as Outcome;
    const { send, clock, store, pipeline } = setup({
      destinations: { crm: async () => hostile },
      policy: { concurrency: 1 },
    });
    const { body } = await send({ key: 'a' });
    await clock.advance(0);
    const [attempt] = await store.attempts(`${body?.id}.0`);
    expect(attempt?.outcome).to.equal('rejected');
    expect(attempt?.reason).to.match(/^deliver returned an object .+; allowed is \{ kind: 'delivered' \}/);
    await pipeline.close();
  });

  it('is settled when the retry schedule throws', async () => {
    const down: Deliver = async () => ({ kind: 'unavailable', reason: 'status 503' });
    const { send, clock, store, stateOf, pipeline } = setup({
      destinations: { crm: down },
      random: fail,
      policy: { concurrency: 1 },
    });
    const { body } = await send({ key: 'a' });
    await clock.advance(0);
    expect(await stateOf()).to.deep.equal(['waiting']);
    expect((await store.attempts(`${body?.id}.0`))[0]).to.include({
      outcome: 'unavailable',
      reason: 'status 503; the retry schedule failed: it threw',
    });
    await clock.advance(600_000);
    expect(await stateOf()).to.deep.equal(['exhausted']);
    await pipeline.close();
  });

  for (const [what, fixture] of Object.entries({
    metrics: { metrics: failingMetrics },
    'the log': { log: failingLog },
  }))
    it(`is settled, and its slot released, when ${what} throws`, async () => {
      const { send, clock, delivered, stateOf, pipeline } = setup({ ...fixture, policy: { concurrency: 1 } });
      await Promise.all(['a', 'b', 'c'].map((key) => statusOf(send({ key }))));
      await clock.advance(0);
      expect(delivered.map(({ event }) => event.key)).to.deep.equal(['a', 'b', 'c']);
      expect(await stateOf()).to.deep.equal(['delivered', 'delivered', 'delivered']);
      await pipeline.close();
    });
});

describe('a commit', () => {
  for (const [what, fixture] of Object.entries({
    metrics: { metrics: failingMetrics },
    'the log': { log: failingLog },
  }))
    it(`is acknowledged, and delivered once, when ${what} throws`, async () => {
      const { send, clock, delivered, pipeline } = setup(fixture);
      expect(await statusOf(send({ key: 'a' }))).to.equal(200);
      expect(await statusOf(send({ key: 'a' }))).to.equal(200);
      await clock.advance(0);
      expect(delivered.map(({ event }) => event.key)).to.deep.equal(['a']);
      await pipeline.close();
    });

  it('is refused with what the store threw as its cause', async () => {
    const cause = new Error('disk full');
    const full = (store: Store): Store => storeWith(store, { append: () => Promise.reject(cause) });
    const { send, pipeline } = setup({ store: full });
    const refusal = await send({ key: 'a' }).catch((error: unknown) => error);
    expect(refusal).to.include({ code: 'STORE_UNAVAILABLE', message: 'disk full', cause });
    await pipeline.close();
  });

  it('of an event that its source has made of what is no JSON is refused as a fault of the source', async () => {
    const receive: Source['receive'] = () => {
      const draft = { key: 'a', type: 'ended', subject: null, agent: null, occurredAtMs: null };
      const circle: { self?: JsonObject } = {};
      circle.self = circle as JsonObject;
      return { kind: 'events', events: [{ ...draft, data: circle as JsonObject }] };
    };
    const { send, pipeline } = setup({ receive });
    const refusal = await send({ key: 'a' }).catch((error: unknown) => error);
    expect(refusal)
      .to.include({ code: 'SOURCE_FAILED' })
      .and.have.nested.property('cause.message')
      .that.matches(/^receive returned an object/);
    await pipeline.close();
  });

  it('takes from its queue no more places than it gives back when the store answers with what is no list', async () => {
    let isBroken = true;
    const lying = (store: Store): Store =>
      storeWith(store, { append: async (entries) => (isBroken ? (undefined as never) : store.append(entries)) });
    const { send, clock, delivered, pipeline } = setup({ store: lying, policy: { concurrency: 1 } });
    for (let n = 0; n < 20; n += 1) expect(await statusOf(send({ key: `a${n}` }))).to.equal('STORE_UNAVAILABLE');
    isBroken = false;
    for (let n = 0; n < 20; n += 1) expect(await statusOf(send({ key: `b${n}` }))).to.equal(200);
    await clock.advance(0);
    expect(delivered).to.have.length(20);
    await pipeline.close();
  });
});

describe('a refused request', () => {
  it('has the stack of its cause in the log, but not where that is about what the sender sent', () => {
    const log = new FakeLog();
    const telemetry = new IngestTelemetry(log, new FakeMetrics(), new FakeClock(), maskFor([]), new Observations());
    const cause = new Error('it failed');
    for (const code of ['STORE_UNAVAILABLE', 'SOURCE_FAILED', 'MALFORMED', 'INTERNAL'] as const)
      telemetry.refused('agents', refuse(code, 'a reason', { cause }), '127.0.0.1');
    expect(log.lines.map(({ level, fields }) => [level, fields.code, fields.error])).to.deep.equal([
      ['warn', 'STORE_UNAVAILABLE', cause],
      ['error', 'SOURCE_FAILED', cause],
      ['warn', 'MALFORMED', undefined],
      // Its stack is in http.failed.
      ['error', 'INTERNAL', undefined],
    ]);
  });
});
