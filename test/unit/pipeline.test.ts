import { compileExpression, Ingest } from '@switchhook/core/internal';
import type { Event, Store, Transform } from '@switchhook/sdk';
import { TimeoutError } from '@switchhook/sdk/internal';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Deliver, aPipeline as setup, statusOf, storeWith } from '../support/pipeline.js';

function circular(): object {
  const data: Record<string, unknown> = {};
  data.self = data;
  return data;
}

describe('the pipeline', () => {
  it('delivers an event once, however often the sender repeats it', async () => {
    const { send, delivered, clock, pipeline } = setup();
    const first = await send({ key: 'a' });
    const again = await send({ key: 'a' });
    await clock.advance(60_000);
    expect(first.body).to.have.property('id');
    expect(again).to.deep.equal({ status: 200, body: { ...first.body, duplicate: true } });
    expect(delivered.map(({ event }) => event.key)).to.deep.equal(['a']);
    await pipeline.close();
  });

  it('makes one delivery for each destination of each route that matches', async () => {
    const where = compileExpression('event.data.duration > 30', ['event']);
    const { send, delivered, clock, pipeline } = setup({ routes: [{ name: 'all' }, { name: 'long', where }] });
    await send({ key: 'short', duration: 10 });
    await send({ key: 'long', duration: 60 });
    await clock.advance(0);
    expect(delivered.map(({ route, event }) => `${route} ${event.key}`)).to.deep.equal([
      'all short',
      'all long',
      'long long',
    ]);
    await pipeline.close();
  });

  it('keeps an event that no route wants', async () => {
    const { send, store, log, pipeline } = setup({ routes: [{ from: ['others'] }] });
    const reply = await send({ key: 'a' });
    expect((await store.events({ limit: 10, unrouted: true })).items.map(({ id }) => id)).to.deep.equal([
      reply.body?.id,
    ]);
    expect(log.of('event.received')[0]?.fields.result).to.equal('unrouted');
    await pipeline.close();
  });

  it('takes a time that is none for not told', async () => {
    const { send, store, clock, pipeline } = setup();
    for (const [index, occurredAtMs] of [Number.NaN, Number.POSITIVE_INFINITY, 1e300].entries())
      expect(await statusOf(send({ key: `a${index}`, occurredAtMs: String(occurredAtMs) }))).to.equal(200);
    const { items } = await store.events({ limit: 10 });
    expect(new Set(items.map((event) => event.occurredAtMs))).to.deep.equal(new Set([clock.now()]));
    await pipeline.close();
  });

  it('does not acknowledge what the store cannot commit, and delivers nothing of it', async () => {
    let broken = true;
    const failing = (store: Store): Store =>
      storeWith(store, {
        append: (entries) => (broken ? Promise.reject(new Error('disk full')) : store.append(entries)),
      });
    const { send, delivered, clock, pipeline, engine } = setup({ store: failing });
    const ingest = engine.get(Ingest);
    for (let n = 0; n < 50; n += 1) expect(await statusOf(send({ key: `a${n}` }))).to.equal('STORE_UNAVAILABLE');
    expect(await statusOf(ingest.canCommit())).to.equal('STORE_UNAVAILABLE');
    broken = false;
    expect(await statusOf(ingest.canCommit())).to.equal(200);
    expect(await statusOf(send({ key: 'b' }))).to.equal(200);
    await clock.advance(60_000);
    expect(delivered.map(({ event }) => event.key)).to.deep.equal(['b']);
    await pipeline.close();
  });

  it('asks to come back when too many events wait for their commit', async () => {
    const stuck = (store: Store): Store => storeWith(store, { append: () => new Promise(() => {}) });
    const { send } = setup({ store: stuck });
    for (let n = 0; n < 2_000; n += 1) void send({ key: `a${n}` });
    await settled();
    expect(await statusOf(send({ key: 'one more' }))).to.equal('STORE_BEHIND');
  });

  it('does not leave a sender waiting for a store that says nothing, and keeps what it commits after all', async () => {
    let commit = (): void => {};
    const slow = (store: Store): Store =>
      storeWith(store, {
        append: (entries) => new Promise((resolve) => (commit = () => resolve(store.append(entries)))),
      });
    const { send, clock, delivered, pipeline } = setup({ store: slow });
    const reply = statusOf(send({ key: 'a' }));
    await clock.advance(10_000);
    expect(await reply).to.equal('STORE_UNAVAILABLE');
    commit();
    await clock.advance(0);
    expect(delivered.map(({ event }) => event.key)).to.deep.equal(['a']);
    await pipeline.close();
  });

  it('keeps no more than an excerpt of what a destination hands back', async () => {
    const long = { kind: 'rejected', reason: 'r'.repeat(100_000), response: 'x'.repeat(100_000) } as const;
    const { send, clock, store, pipeline } = setup({ destinations: { crm: async () => long } });
    const { body } = await send({ key: 'a' });
    await clock.advance(0);
    const [kept] = await store.attempts(`${body?.id}.0`);
    expect([kept?.reason?.length, kept?.response?.length]).to.deep.equal([1_024, 4_096]);
    await pipeline.close();
  });

  it('tries again what was unavailable, on schedule, until its attempts are used up', async () => {
    const attempts: number[] = [];
    const down: Deliver = async ({ attempt }) => {
      attempts.push(attempt);
      return { kind: 'unavailable', reason: 'status 503' };
    };
    const { send, clock, stateOf, pipeline, store } = setup({ destinations: { crm: down } });
    const { body } = await send({ key: 'a' });
    await clock.advance(0);
    expect(attempts).to.deep.equal([1]);
    await clock.advance(3_749);
    expect(attempts).to.deep.equal([1]);
    await clock.advance(1);
    expect(attempts).to.deep.equal([1, 2]);
    await clock.advance(60_000);
    expect(attempts).to.deep.equal([1, 2, 3]);
    expect(await stateOf()).to.deep.equal(['exhausted']);
    const kept = await store.attempts(`${body?.id}.0`);
    expect(kept.map(({ number, outcome, reason }) => `${number} ${outcome} ${reason}`)).to.deep.equal([
      '1 unavailable status 503',
      '2 unavailable status 503',
      '3 unavailable status 503',
    ]);
    await pipeline.close();
  });

  it('gives up at once what a destination rejects', async () => {
    const { send, clock, stateOf, pipeline } = setup({
      destinations: { crm: async () => ({ kind: 'rejected', reason: 'status 400' }) },
    });
    await send({ key: 'a' });
    await clock.advance(60_000);
    expect(await stateOf()).to.deep.equal(['rejected']);
    await pipeline.close();
  });

  it('takes a throw and a hanging attempt for unavailable', async () => {
    const answers: Deliver[] = [
      () => Promise.reject(new Error('boom')),
      () => new Promise(() => {}),
      async () => ({ kind: 'delivered' }),
    ];
    const { send, clock, stateOf, log, pipeline } = setup({
      destinations: {
        crm: (delivery, signal) => answers[delivery.attempt - 1]?.(delivery, signal) ?? Promise.reject(),
      },
    });
    await send({ key: 'a' });
    await clock.advance(60_000);
    expect(await stateOf()).to.deep.equal(['delivered']);
    expect(log.of('delivery.attempted').map(({ fields }) => fields.reason ?? fields.outcome)).to.deep.equal([
      'boom',
      'no result after 10000 ms',
      'delivered',
    ]);
    await pipeline.close();
  });

  const nonsense: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['the text "fine"', 'fine'],
    ['42', 42],
    ['a list', [{ kind: 'delivered' }]],
    ['an object of kind "ok"', { kind: 'ok' }],
    ['an object of kind "unavailable"', { kind: 'unavailable' }],
    ['an object of kind "rejected"', { kind: 'rejected' }],
    ['an object with outcome', { outcome: 'delivered' }],
  ];
  for (const [said, answer] of nonsense)
    it(`rejects a delivery where deliver returned ${said}, and says what is allowed`, async () => {
      const { send, clock, stateOf, store, pipeline } = setup({
        destinations: { crm: (async () => answer) as unknown as Deliver },
      });
      const { body } = await send({ key: 'a' });
      await clock.advance(60_000);
      expect(await stateOf()).to.deep.equal(['rejected']);
      const attempts = await store.attempts(`${body?.id}.0`);
      expect(attempts.map(({ outcome, reason }) => [outcome, reason])).to.deep.equal([
        [
          'rejected',
          `deliver returned ${said}; allowed is { kind: 'delivered' }, or { kind: 'rejected' | 'unavailable', reason: <text> }`,
        ],
      ]);
      await pipeline.close();
    });

  it('ignores what an outcome has beyond the contract', async () => {
    const odd = { kind: 'unavailable', reason: 'odd', retryAfterMs: Number.NaN };
    const answers = [odd, { kind: 'delivered', response: 42 }];
    const { send, clock, stateOf, pipeline } = setup({
      destinations: { crm: (async ({ attempt }) => answers[attempt - 1]) as Deliver },
    });
    await send({ key: 'a' });
    await clock.advance(60_000);
    expect(await stateOf()).to.deep.equal(['delivered']);
    await pipeline.close();
  });

  const noEvents: readonly (readonly [string, (event: Event) => unknown])[] = [
    ['undefined', () => undefined],
    ['a promise', async (event) => event],
    ['the text "event"', () => 'event'],
    ['an object with data', ({ data }) => ({ data })],
    ['an object with id', (event) => ({ ...event, data: [] })],
    ['an object with id', (event) => ({ ...event, type: undefined })],
    ['an object with id', (event) => ({ ...event, data: circular() })],
  ];
  for (const [said, apply] of noEvents)
    it(`rejects a delivery whose transform returned ${said} (${apply}), and does not call its destination`, async () => {
      let calls = 0;
      const { send, stateOf, clock, store, pipeline } = setup({
        destinations: {
          crm: async () => {
            calls += 1;
            return { kind: 'delivered' };
          },
        },
        transforms: { redact: apply as Transform['apply'] },
        routes: [{ transforms: ['redact'] }],
      });
      const { body } = await send({ key: 'a' });
      await clock.advance(0);
      expect([calls, await stateOf()]).to.deep.equal([0, ['rejected']]);
      const [attempt] = await store.attempts(`${body?.id}.0`);
      expect(attempt?.reason).to.contain(`apply returned ${said}`).and.to.contain('; allowed is null, or an event');
      await pipeline.close();
    });

  it('never makes more attempts at the same time than the lane allows, and gets through all', async () => {
    let running = 0;
    let most = 0;
    const slow: Deliver = async () => {
      running += 1;
      most = Math.max(most, running);
      await settled();
      running -= 1;
      return { kind: 'delivered' };
    };
    const { send, clock, stateOf, pipeline } = setup({ destinations: { crm: slow } });
    await Promise.all(Array.from({ length: 60 }, (_, n) => send({ key: `a${n}` })));
    for (let n = 0; n < 100; n += 1) await clock.advance(10);
    expect(most).to.equal(2);
    expect(new Set(await stateOf())).to.deep.equal(new Set(['delivered']));
    await pipeline.close();
  });

  it('lets a hanging destination hold up nobody but itself', async () => {
    const arrived: string[] = [];
    const { send, clock, pipeline } = setup({
      destinations: {
        dead: () => new Promise(() => {}),
        well: async ({ event }) => {
          arrived.push(event.key);
          return { kind: 'delivered' };
        },
      },
    });
    for (let n = 0; n < 40; n += 1) await send({ key: `a${n}` });
    await clock.advance(1_000);
    expect(arrived).to.have.length(40);
    const closing = pipeline.close();
    await clock.advance(10_000);
    await closing;
  });

  it('shows a destination what the transforms made of the event, and the others the event itself', async () => {
    const seen: string[] = [];
    const see =
      (name: string): Deliver =>
      async ({ event }) => {
        seen.push(`${name} ${event.data.phone ?? 'nothing'}`);
        return { kind: 'delivered' };
      };
    const { send, clock, pipeline } = setup({
      destinations: { crm: see('crm'), slack: see('slack') },
      transforms: { redact: (event) => ({ ...event, data: {} }) },
      routes: [{ to: ['crm'] }, { to: ['slack'], transforms: ['redact'] }],
    });
    await send({ key: 'a', phone: '+1' });
    await clock.advance(0);
    expect(seen).to.deep.equal(['crm +1', 'slack nothing']);
    await pipeline.close();
  });

  it('skips what a transform holds back, and rejects what it fails on, or what is to pass one that is no longer there', async () => {
    const { send, clock, stateOf, log, delivered, pipeline } = setup({
      transforms: {
        nothing: () => null,
        broken: () => {
          throw new Error('no such field');
        },
      },
      routes: [{ transforms: ['nothing'] }, { transforms: ['broken'] }, { transforms: ['gone'] }],
    });
    await send({ key: 'a' });
    await clock.advance(0);
    expect((await stateOf()).toSorted()).to.deep.equal(['rejected', 'rejected', 'skipped']);
    const reasons = log.of('delivery.attempted').map(({ fields }) => fields.reason);
    const gone = 'a transform failed: the transform gone is not configured any more';
    expect(reasons).to.have.members([undefined, 'a transform failed: no such field', gone]);
    expect(delivered).to.deep.equal([]);
    await pipeline.close();
  });

  it('remembers an outcome until the store is back, and repeats no attempt meanwhile', async () => {
    let away = false;
    const { send, clock, delivered, stateOf, pipeline } = setup({
      store: (store) =>
        storeWith(store, {
          settle: (settlements) => (away ? Promise.reject(new Error('locked')) : store.settle(settlements)),
        }),
    });
    away = true;
    await send({ key: 'a' });
    await clock.advance(30_000);
    expect(await stateOf()).to.deep.equal(['running']);
    away = false;
    await clock.advance(60_000);
    expect(await stateOf()).to.deep.equal(['delivered']);
    expect(delivered).to.have.length(1);
    await pipeline.close();
  });

  it('takes up what waits as soon as the store has opened, however long it was to be left alone', async () => {
    let isOpen = false;
    const { send, clock, delivered, store, pipeline } = setup({
      policy: { ordered: true },
      store: (plain) =>
        storeWith(plain, {
          claim: (request) => (isOpen ? plain.claim(request) : Promise.reject(new Error('not open'))),
        }),
    });
    await send({ key: 'a' });
    await clock.advance(600_000);
    expect((await store.backlog())[0]).to.include({ waiting: 1 });
    isOpen = true;
    pipeline.open();
    await clock.advance(0);
    expect(delivered).to.have.length(1);
    await pipeline.close();
  });

  it('closes at once, also while it leaves a store alone that has failed', async () => {
    const { clock, log, pipeline } = setup({
      store: (store) => storeWith(store, { claim: () => Promise.reject(new Error('the disk is gone')) }),
    });
    await clock.advance(5_000);
    expect(log.of('queue.claim-failed').length).to.be.greaterThan(2);
    await pipeline.close();
  });

  it('gives back, uncounted, what it holds when it closes', async () => {
    const releases: (() => void)[] = [];
    const waiting: Deliver = () => new Promise((resolve) => releases.push(() => resolve({ kind: 'delivered' })));
    const { send, clock, store, stateOf, pipeline } = setup({ destinations: { crm: waiting } });
    for (let n = 0; n < 5; n += 1) await send({ key: `a${n}` });
    await clock.advance(0);
    const closing = pipeline.close();
    await settled();
    for (const release of releases) release();
    await closing;
    expect((await stateOf()).toSorted()).to.deep.equal(['delivered', 'delivered', 'waiting', 'waiting', 'waiting']);
    const { items } = await store.deliveries({ limit: 10, state: 'waiting' });
    expect(items.map(({ attempts }) => attempts)).to.deep.equal([0, 0, 0]);
  });

  it('waits ten seconds for a source that verifies elsewhere, and refuses what it has not verified then', async () => {
    const { send, clock, log, store, pipeline } = setup({ receive: () => new Promise(() => {}) });
    const refusal = send({ key: 'a' }).catch((error: unknown) => error);
    await clock.advance(9_999);
    expect(await Promise.race([refusal, settled().then(() => 'waiting')])).to.equal('waiting');
    await clock.advance(1);
    expect(await refusal)
      .to.include({ code: 'SOURCE_FAILED' })
      .and.have.property('cause')
      .instanceOf(TimeoutError);
    // It is logged where the request is answered.
    expect(log.lines).to.deep.equal([]);
    expect((await store.events({ limit: 1 })).items).to.deep.equal([]);
    await pipeline.close();
  });

  it('takes up after a restart what was left, running or waiting', async () => {
    const first = setup({ destinations: { crm: () => new Promise(() => {}) } });
    for (let n = 0; n < 20; n += 1) await first.send({ key: `a${n}` });
    await first.clock.advance(0);
    // The process dies here: nothing is closed, leases stand, and no timer of it ever fires again.
    const second = setup({ clock: new FakeClock(first.clock.now() + 1_000), store: () => first.store });
    await second.clock.advance(0);
    expect(second.delivered.length).to.be.lessThan(20);
    await second.clock.advance(120_000);
    expect(new Set(second.delivered.map(({ event }) => event.key)).size).to.equal(20);
    await second.pipeline.close();
  });
});
