import { Dispatcher, Pauses } from '@switchhook/core/internal';
import type { Outcome, Store } from '@switchhook/sdk';
import { aCall, FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { anOperator, fickle } from '../../support/operations.js';
import { statusOf, storeWith } from '../../support/pipeline.js';

const crm = { kind: 'destination', name: 'crm' } as const;
const lookup = { kind: 'resolver', name: 'lookup' } as const;
const pause = { ...crm, by: 'ops@host', reason: 'migration' };
const down: Outcome = { kind: 'unavailable', reason: 'status 503' };
const breaker = { failures: 1, windowMs: 60_000, cooldownMs: 60_000 };
const retry = { attempts: 100, firstMs: 1_000, maxMs: 3_600_000 };

/** A router that shares the store of another one, or is the next one after it. */
function another(store: Store, clock: FakeClock) {
  const { seen, deliver } = fickle({ kind: 'delivered' });
  return { seen, ...anOperator({ clock, store: () => store, destinations: { crm: deliver } }) };
}

/** What the status shows of the destination. */
async function rowOf({ status }: ReturnType<typeof anOperator>) {
  return (await status.read()).destinations[0];
}

describe('a destination that is paused', () => {
  it('gets nothing, while its events are accepted and wait, and all of them when it is resumed', async () => {
    const { seen, deliver } = fickle({ kind: 'delivered' });
    const operator = anOperator({ destinations: { crm: deliver } });
    const sinceMs = operator.clock.now();
    await operator.controls.pause(pause);
    await operator.received({ key: 'a' }, { key: 'b' });
    await operator.clock.advance(3_600_000);
    expect([seen.length, await operator.stateOf()]).to.deep.equal([0, ['waiting', 'waiting']]);
    const hold = { kind: 'paused', sinceMs, untilMs: null, by: 'ops@host', reason: 'migration' };
    expect((await rowOf(operator))?.holds).to.deep.equal([hold]);
    await operator.controls.pause({ ...pause, reason: 'longer than planned' });
    expect((await rowOf(operator))?.holds).to.deep.equal([{ ...hold, reason: 'longer than planned' }]);
    await operator.controls.resume(crm);
    await operator.clock.advance(0);
    expect([seen.length, await operator.stateOf()]).to.deep.equal([2, ['delivered', 'delivered']]);
    expect((await rowOf(operator))?.holds).to.deep.equal([]);
    expect(
      operator.log.lines.filter(({ event }) => /^component\./.test(event)).map(({ event }) => event),
    ).to.deep.equal(['component.paused', 'component.paused', 'component.resumed']);
  });

  it('gives back what it holds in memory, but not what is under way', async () => {
    const ends: ((outcome: Outcome) => void)[] = [];
    const operator = anOperator({
      destinations: { crm: () => new Promise<Outcome>((resolve) => ends.push(resolve)) },
      policy: { concurrency: 1 },
    });
    await operator.received({ key: 'a' }, { key: 'b' });
    await operator.controls.pause(pause);
    await operator.clock.advance(0);
    expect(await operator.stateOf()).to.deep.equal(['waiting', 'running']);
    ends[0]?.({ kind: 'delivered' });
    await operator.clock.advance(1_000);
    expect([ends.length, await operator.stateOf()]).to.deep.equal([1, ['waiting', 'delivered']]);
  });

  it('stays paused over a restart, from the first event on', async () => {
    const first = anOperator();
    await first.controls.pause(pause);
    await first.received({ key: 'a' });
    await first.pipeline.close();
    const next = another(first.store, first.clock);
    await next.received({ key: 'b' });
    await next.clock.advance(60_000);
    expect([next.seen.length, await first.stateOf()]).to.deep.equal([0, ['waiting', 'waiting']]);
    await next.controls.resume(crm);
    await next.clock.advance(0);
    expect(next.seen).to.have.length(2);
  });

  it('is paused within a second in every router that shares the store', async () => {
    const first = anOperator({ store: (plain) => storeWith(plain, { onDue: () => () => {} }) });
    const shared = storeWith(first.store, { onDue: () => () => {} });
    const second = another(shared, first.clock);
    await settled();
    await first.controls.pause(pause);
    await first.clock.advance(1_000);
    await second.received({ key: 'a' });
    await first.clock.advance(10_000);
    expect([second.seen.length, second.pauses.of('destination', 'crm')?.by]).to.deep.equal([0, 'ops@host']);
    await second.controls.resume(crm);
    await first.clock.advance(1_000);
    expect(first.pauses.of('destination', 'crm')).to.equal(null);
  });

  it('is not lost where two routers pause at the same time', async () => {
    const first = anOperator({ destinations: { crm: async () => down, slack: async () => down } });
    const second = another(first.store, first.clock);
    await settled();
    await Promise.all([
      first.controls.pause({ ...pause, name: 'slack' }),
      second.controls.pause(pause),
      first.controls.pause(pause),
    ]);
    const third = another(first.store, first.clock);
    await settled();
    expect([third.pauses.of('destination', 'crm'), third.pauses.of('destination', 'slack')]).not.to.include(null);
  });

  it('gets nothing until the store can return the pauses; then it goes on', async () => {
    let fails = true;
    const { seen, deliver } = fickle({ kind: 'delivered' });
    const operator = anOperator({
      destinations: { crm: deliver },
      store: (plain) =>
        storeWith(plain, {
          state: (key) => (fails ? Promise.reject(new Error('away')) : (plain.state?.(key) ?? Promise.resolve(null))),
        }),
    });
    await operator.received({ key: 'a' });
    await operator.clock.advance(5_000);
    expect(seen).to.have.length(0);
    expect(operator.log.lines.filter(({ event }) => event === 'pauses.unread')).to.have.length(1);
    fails = false;
    await operator.clock.advance(1_000);
    expect(seen).to.have.length(1);
  });

  it('is refused where it is not configured, with the name that is meant, or where the store could not keep it', async () => {
    const operator = anOperator();
    const refused = await operator.controls.pause({ ...pause, name: 'crn' }).catch((error: Error) => error.message);
    expect(refused).to.equal('no destination "crn" is configured; did you mean "crm"?');
    expect(await statusOf(operator.controls.resume({ ...crm, name: 'other' }))).to.equal('NO_SUCH_ROW');
    // Removed while it was paused: it can still be resumed, so that what is left is delivered.
    await operator.pauses.pause({ ...pause, name: 'removed', sinceMs: 0 });
    await operator.controls.resume({ ...crm, name: 'removed' });
    expect(operator.pauses.of('destination', 'removed')).to.equal(null);
    const without = anOperator({
      store: (plain) =>
        new Proxy(plain, {
          get: (target, name: keyof Store) =>
            /^(s|setS)tate$/.test(name) ? undefined : Object(target[name]).bind?.(target),
        }),
    });
    expect(await statusOf(without.controls.pause(pause))).to.equal('PAUSE_NOT_KEPT');
    await without.received({ key: 'a' });
    expect(await without.stateOf()).to.deep.equal(['delivered']);
  });
});

describe('a resolver that is paused', () => {
  it('is skipped with the reason, without a wait, and asked again when it is resumed', async () => {
    let [asked, calls] = [0, 0];
    const resolve = async () => {
      asked += 1;
      return { name: 'Jim' };
    };
    const row = {
      ...{ name: 'line', from: ['calls'], where: null, withinMs: 3_000, resolve: ['lookup'], overrideAgent: null },
      ...{ variables: {}, defaults: {}, cache: null },
    };
    const operator = anOperator({ resolvers: { lookup: { resolver: { resolve } } }, answers: [row] });
    const looked = async () => {
      const { trace } = await operator.answers.answer(
        'calls',
        { call: aCall({ id: `call-${calls++}` }), deadlineMs: 10_000 },
        operator.clock.elapsed(),
      );
      return trace.lookups.map(({ outcome, reason, ms }) => [outcome, reason, ms]);
    };
    await operator.controls.pause({ ...pause, ...lookup });
    expect(await looked()).to.deep.equal([['skipped', 'paused by ops@host: migration', 0]]);
    expect((await operator.status.read()).resolvers[0]?.holds).to.have.length(1);
    await operator.controls.resume(lookup);
    expect([asked, await looked(), asked]).to.deep.equal([0, [['found', null, 0]], 1]);
  });
});

describe('a probe', () => {
  it('makes one attempt through an open breaker, a wait and a pause, with the next delivery, and a success ends both', async () => {
    const { seen, fate, deliver } = fickle({ ...down, retryAfterMs: 1_800_000 });
    const operator = anOperator({ destinations: { crm: deliver }, policy: { breaker, retry } });
    await operator.received({ key: 'a' }, { key: 'b' });
    expect((await rowOf(operator))?.holds.map(({ kind }) => kind)).to.deep.equal(['breaker-open', 'asked-to-wait']);
    await operator.controls.pause(pause);
    const before = seen.length;
    expect(await operator.controls.probe(crm)).to.deep.include({
      tried: 'delivery',
      succeeded: false,
      reason: 'status 503',
      paused: true,
    });
    expect(seen.length).to.equal(before + 1);
    fate.outcome = { kind: 'delivered' };
    const { tried, succeeded, delivery } = await operator.controls.probe(crm);
    expect([tried, succeeded, seen.includes(delivery ?? '')]).to.deep.equal(['delivery', true, true]);
    expect(seen.length).to.equal(before + 2);
    expect((await rowOf(operator))?.holds.map(({ kind }) => kind)).to.deep.equal(['paused']);
  });

  it('takes the retry that comes first where none is due, and in order the oldest', async () => {
    for (const ordered of [false, true]) {
      const { seen, deliver } = fickle(down);
      const operator = anOperator({ destinations: { crm: deliver }, policy: { breaker, retry, ordered } });
      const [id] = await operator.received({ key: 'a', subject: 's' });
      await operator.received({ key: 'b', subject: 's' });
      const { items } = await operator.store.deliveries({ state: 'waiting', limit: 10 });
      const first = items.toSorted((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0))[0];
      expect(seen).to.have.length(1);
      const { delivery } = await operator.controls.probe(crm);
      expect(delivery).to.equal(ordered ? `${id}.0` : first?.id);
    }
  });

  it('reaches what the destination depends on where nothing waits, and closes no breaker', async () => {
    const operator = anOperator({
      probes: { crm: async () => ({ failure: null, note: 'version 3' }) },
      policy: { breaker, retry: { ...retry, attempts: 1 } },
      destinations: { crm: async () => down },
    });
    await operator.received({ key: 'a' });
    const result = { tried: 'component', succeeded: true, delivery: null, reason: 'version 3', ms: 0, paused: false };
    expect(await operator.controls.probe(crm)).to.deep.equal(result);
    expect((await rowOf(operator))?.load?.breaker).to.equal('open');
    const bare = await anOperator().controls.probe(crm);
    expect([bare.tried, bare.succeeded]).to.deep.equal(['nothing', null]);
  });

  it('of a resolver runs its own probe, whose secrets are masked', async () => {
    const probe = async () => ({ failure: 'no route for hunter2', note: null });
    const resolver = { resolve: async () => ({}) };
    const operator = anOperator({ resolvers: { lookup: { resolver, probe } } });
    expect(await operator.controls.probe(lookup)).to.include({
      tried: 'component',
      succeeded: false,
      reason: 'no route for ***',
    });
    expect(await statusOf(operator.controls.probe({ ...lookup, name: 'crm' }))).to.equal('NO_SUCH_ROW');
  });

  it('is not made beside as many attempts as the destination may have', async () => {
    const operator = anOperator({ destinations: { crm: () => new Promise(() => {}) }, policy: { concurrency: 1 } });
    await operator.received({ key: 'a' });
    expect(await operator.controls.probe(crm)).to.include({ tried: 'nothing', succeeded: null });
  });
});

describe('a reset', () => {
  it('closes the breaker and ends the wait: what is due is delivered at once', async () => {
    const { seen, fate, deliver } = fickle({ ...down, retryAfterMs: 1_800_000 });
    const operator = anOperator({ destinations: { crm: deliver }, policy: { breaker, retry } });
    await operator.received({ key: 'a' });
    await operator.received({ key: 'b' });
    fate.outcome = { kind: 'delivered' };
    expect(seen).to.have.length(1);
    operator.controls.reset(crm);
    await operator.clock.advance(0);
    expect(seen).to.have.length(2);
    expect(operator.engine.get(Dispatcher).loads.get('crm')).to.deep.include({ breaker: 'closed', holds: [] });
    expect(operator.engine.get(Pauses).areKnown).to.equal(true);
  });
});

describe('the status', () => {
  it('shows since when a breaker is open, when the next probe may start, and the last failure', async () => {
    const { fate, deliver } = fickle(down);
    const clock = new FakeClock();
    const operator = anOperator({ clock, destinations: { crm: deliver }, policy: { breaker, retry } });
    const startMs = clock.now();
    await operator.received({ key: 'a' });
    await clock.advance(60_000);
    const hold = { kind: 'breaker-open', by: null, reason: null, sinceMs: startMs, untilMs: startMs + 180_000 };
    const row = await rowOf(operator);
    expect(row?.holds).to.deep.equal([hold]);
    expect(row?.load?.lastFailure).to.deep.equal({ atMs: startMs + 60_000, reason: 'status 503' });
    fate.outcome = { kind: 'delivered' };
    await clock.advance(120_000);
    const after = await rowOf(operator);
    expect([after?.holds, after?.load?.lastFailure?.reason]).to.deep.equal([[], 'status 503']);
  });
});
