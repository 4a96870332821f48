/** Delivery queues of a configuration that another one takes the place of. */
import { Dispatcher, type QueuePolicy, Routes } from '@switchhook/core/internal';
import type { Delivery, Destination, Outcome, Store } from '@switchhook/sdk';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { aPipeline, policy, storeWith, type World } from '../../support/pipeline.js';

const delivered = { kind: 'delivered' } as const;
const down = { kind: 'unavailable', reason: 'status 503' } as const;

/** A pipeline whose destination `crm` can be replaced and removed. */
function setup(world: World = {}) {
  const clock = new FakeClock();
  const made = aPipeline({ clock, random: () => 0.999, ...world });
  const dispatcher = made.engine.get(Dispatcher);
  const { current } = made.engine;
  const replace = (deliver: Destination['deliver'], own: Partial<QueuePolicy> = {}) => {
    const open = { destination: { deliver }, policy: { ...policy, ...own } };
    void current.swap({ ...current.value, destinations: new Map([['crm', open]]) });
    return dispatcher.replace('crm', open);
  };
  const remove = () => {
    const routeTable = new Routes([], () => {});
    return current.swap({ ...current.value, destinations: new Map(), routeTable });
  };
  return { ...made, clock, dispatcher, replace, remove };
}

/** A destination that answers when it is asked to. */
function pending() {
  const calls: ((outcome: Outcome) => void)[] = [];
  const deliver = () => new Promise<Outcome>((resolve) => calls.push(resolve));
  return { calls, deliver };
}

/** A destination that notes what it gets. */
function noting(answer: () => Outcome = () => delivered) {
  const keys: string[] = [];
  const deliver = async ({ event }: Delivery): Promise<Outcome> => {
    keys.push(event.key);
    return answer();
  };
  return { keys, deliver };
}

describe('a destination with another component', () => {
  it('ends its running attempts with the earlier one, and begins all others with the new one', async () => {
    const [earlier, next] = [pending(), noting()];
    const { send, clock, replace, stateOf } = setup({
      destinations: { crm: earlier.deliver },
      policy: { concurrency: 1 },
    });
    for (const key of ['a', 'b', 'c']) await send({ key });
    await clock.advance(0);
    let hasEnded = false;
    void replace(next.deliver).then(() => {
      hasEnded = true;
    });
    await send({ key: 'd' });
    await clock.advance(0);
    expect([earlier.calls.length, hasEnded, next.keys.toSorted()]).to.deep.equal([1, false, ['b', 'c', 'd']]);
    earlier.calls[0]?.(delivered);
    await clock.advance(0);
    expect(hasEnded).to.equal(true);
    expect(await stateOf()).to.deep.equal(['delivered', 'delivered', 'delivered', 'delivered']);
  });

  it('makes the retry of the earlier one when it is due', async () => {
    const [earlier, next] = [pending(), noting()];
    const { send, clock, replace } = setup({ destinations: { crm: earlier.deliver } });
    await send({ key: 'a' });
    await clock.advance(0);
    void replace(next.deliver);
    earlier.calls[0]?.(down);
    await clock.advance(4_900);
    expect(next.keys).to.deep.equal([]);
    await clock.advance(200);
    expect(next.keys).to.deep.equal(['a']);
  });

  it('gets the event whose commit was under way', async () => {
    const next = noting();
    let commit = (): void => {};
    const store = (plain: Store) =>
      storeWith(plain, {
        append: async (entries) => {
          if (entries.length > 0)
            await new Promise<void>((resolve) => {
              commit = resolve;
            });
          return plain.append(entries);
        },
      });
    const { send, clock, replace, stateOf } = setup({ destinations: { crm: async () => down }, store });
    const sent = send({ key: 'a' });
    await settled();
    let hasEnded = false;
    void replace(next.deliver).then(() => {
      hasEnded = true;
    });
    await clock.advance(0);
    expect(hasEnded).to.equal(false);
    commit();
    await sent;
    await clock.advance(0);
    expect([hasEnded, next.keys, await stateOf()]).to.deep.equal([true, ['a'], ['delivered']]);
  });

  it('keeps the order of a subject over the change', async () => {
    const [earlier, next] = [pending(), noting()];
    const { send, clock, replace } = setup({ destinations: { crm: earlier.deliver }, policy: { ordered: true } });
    for (const key of ['a', 'b']) await send({ key, subject: 'conv_1' });
    await clock.advance(0);
    void replace(next.deliver, { ordered: true });
    await clock.advance(0);
    expect(next.keys).to.deep.equal([]);
    earlier.calls[0]?.(delivered);
    await clock.advance(0);
    expect(next.keys).to.deep.equal(['b']);
  });
});

describe('a destination that is removed', () => {
  it('is drained when all its deliveries are settled, after their retries', async () => {
    let outcome: Outcome = down;
    const crm = noting(() => outcome);
    const { send, clock, dispatcher, remove, stateOf, store } = setup({ destinations: { crm: crm.deliver } });
    await send({ key: 'a' });
    await clock.advance(0);
    await remove();
    let isDrained: boolean | null = null;
    void dispatcher.drain('crm').then((drained) => {
      isDrained = drained;
    });
    await send({ key: 'b' });
    await clock.advance(4_000);
    expect([isDrained, crm.keys]).to.deep.equal([null, ['a']]);
    outcome = delivered;
    await clock.advance(1_100);
    expect([isDrained, crm.keys, await stateOf()]).to.deep.equal([true, ['a', 'a'], ['delivered']]);
    expect((await store.deliveries({ limit: 10 })).items).to.have.length(1);
    expect([...dispatcher.loads.keys()]).to.deep.equal([]);
  });

  it('is drained only after the events that came with the earlier routes', async () => {
    const crm = noting();
    let verify = (): void => {};
    const { send, clock, dispatcher, remove, stateOf } = setup({
      destinations: { crm: crm.deliver },
      receive: async () => {
        await new Promise<void>((resolve) => {
          verify = resolve;
        });
        const draft = { key: 'a', type: 'ended', subject: null, agent: null, occurredAtMs: null, data: {} };
        return { kind: 'events', events: [draft] };
      },
    });
    const sent = send({ key: 'a' });
    await settled();
    const drained = remove().then(() => dispatcher.drain('crm'));
    await clock.advance(1_000);
    verify();
    await sent;
    expect(await Promise.all([drained, clock.advance(0)])).to.deep.equal([true, undefined]);
    expect([crm.keys, await stateOf()]).to.deep.equal([['a'], ['delivered']]);
  });

  it('and comes back while it is drained, has one queue', async () => {
    const next = noting();
    const { send, clock, dispatcher, remove, replace } = setup({ destinations: { crm: async () => down } });
    await send({ key: 'a' });
    await clock.advance(0);
    await remove();
    const drained = dispatcher.drain('crm');
    await clock.advance(0);
    await replace(next.deliver);
    expect(await drained).to.equal(false);
    await clock.advance(5_100);
    expect([next.keys, [...dispatcher.loads.keys()]]).to.deep.equal([['a'], ['crm']]);
  });

  it('and stopped leaves its deliveries to the store, also those of events that came before, until it is back', async () => {
    const [crm, next] = [pending(), noting()];
    let verify = (): void => {};
    const { send, clock, dispatcher, remove, replace, stateOf } = setup({
      destinations: { crm: crm.deliver },
      receive: async () => {
        await new Promise<void>((resolve) => {
          verify = resolve;
        });
        const draft = { key: 'a', type: 'ended', subject: null, agent: null, occurredAtMs: null, data: {} };
        return { kind: 'events', events: [draft] };
      },
    });
    const sent = send({ key: 'a' });
    await settled();
    void remove();
    await dispatcher.stop('crm');
    verify();
    await sent;
    await clock.advance(20_000);
    expect([crm.calls.length, await stateOf()]).to.deep.equal([0, ['waiting']]);
    void replace(next.deliver);
    await clock.advance(0);
    expect([next.keys, await stateOf()]).to.deep.equal([['a'], ['delivered']]);
  });
});
