import { beatMs, Cluster, Dispatcher, goneMs, StatusReader } from '@switchhook/core/internal';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';
import { aPipeline, type World } from '../../support/pipeline.js';

/** Pipelines of several routers, with one clock, one store and one coordination. */
function routersOn(clock = new FakeClock()) {
  const [store, coordination] = [memoryStore(clock), new MemoryCoordination(clock)];
  const add = (world: World = {}) => aPipeline({ clock, ...world, store: () => shared(store, coordination) });
  return { clock, store, coordination, add };
}

describe('routers on one store', () => {
  it('see each other: who is there, since when, which version, and what each has taken over', async () => {
    const { clock, add } = routersOn();
    let end = (): void => {};
    const hangs = () => new Promise<{ kind: 'delivered' }>((resolve) => (end = () => resolve({ kind: 'delivered' })));
    const first = add({ destinations: { crm: hangs } });
    await clock.advance(0);
    const second = add();
    await clock.advance(2 * beatMs);
    await first.send({ key: 'a' });
    await clock.advance(beatMs);
    const [own, other] = second.engine.get(Cluster).routers;
    expect(own).to.include({ isSelf: true, name: 'router-1', goneSinceMs: null });
    expect(other).to.include({ isSelf: false, configuration: 'aaaaaaaa', sinceMs: clock.now() - 3 * beatMs });
    expect([own?.deliveries, other?.deliveries]).to.deep.equal([{}, { crm: 1 }]);
    expect(second.log.of('router.joined').map(({ fields }) => fields.id)).to.deep.equal([other?.id]);
    end();
    await first.pipeline.close();
    await clock.advance(beatMs);
    expect(second.engine.get(Cluster).routers.map(({ isSelf }) => isSelf)).to.deep.equal([true]);
    expect(second.log.of('router.left')).to.have.length(1);
    await second.pipeline.close();
  });

  it('read a report of another version, or of something else, as far as it can be understood', async () => {
    const { clock, add, coordination } = routersOn();
    const router = add();
    await clock.advance(0);
    const reports = [
      '',
      'null',
      '[1]',
      '{"destinations":5}',
      `{"sinceMs":1e300,"destinations":{"crm":[1e300,-1,1,1e300,1e300,1e300]}}`,
    ];
    for (const [n, report] of reports.entries()) await coordination.beat({ id: `${n}`, beat: 1, report });
    await clock.advance(beatMs);
    const others = router.engine.get(Cluster).routers.slice(1);
    expect(others.map(({ name, sinceMs }) => [name, sinceMs])).to.deep.equal(reports.map(() => ['unknown', 0]));
    expect(router.engine.get(Dispatcher).loads.get('crm')?.breaker).to.equal('closed');
    await router.pipeline.close();
  });

  it('show one that sends no heartbeat as gone, and then no more', async () => {
    const { clock, add, coordination } = routersOn();
    const router = add();
    await clock.advance(0);
    await coordination.beat({ id: 'killed', beat: 1, report: '{"name":"web-2"}' });
    await clock.advance(2 * beatMs + goneMs);
    const others = () => router.engine.get(Cluster).routers.slice(1);
    expect(others().map(({ name, goneSinceMs }) => [name, goneSinceMs !== null])).to.deep.equal([['web-2', true]]);
    expect(router.log.of('router.gone').map(({ level }) => level)).to.deep.equal(['warn']);
    await clock.advance(600_000);
    expect(others()).to.deep.equal([]);
    expect((await coordination.beat({ id: 'x', beat: 1, report: '' })).map(({ id }) => id)).not.to.include('killed');
    await router.pipeline.close();
  });

  it('do not log one that was killed before they were started, and show when it was last seen', async () => {
    const { clock, add, coordination } = routersOn();
    await coordination.beat({ id: 'killed', beat: 90, report: '{"name":"web-2"}' });
    const killedMs = clock.now();
    await clock.advance(95_000);
    const router = add();
    await clock.advance(2 * goneMs);
    const [, other] = router.engine.get(Cluster).routers;
    expect([other?.name, other?.goneSinceMs]).to.deep.equal(['web-2', killedMs]);
    const logged = ['router.joined', 'router.gone'].flatMap((event) => router.log.of(event));
    expect(logged).to.deep.equal([]);
    await clock.advance(600_000 - 95_000 - 2 * goneMs);
    expect(router.engine.get(Cluster).routers.map(({ isSelf }) => isSelf)).to.deep.equal([true]);
    await router.pipeline.close();
  });

  it('are counted and named in the metrics of each, with the names of those that are gone', async () => {
    const { clock, add, coordination } = routersOn();
    const router = add();
    const gauges = async () => {
      const found = await router.engine.get(StatusReader).gauges();
      return found
        .filter(({ name }) => name.startsWith('router'))
        .map(({ name, labels: { router: of = '', version: _, configuration, state, self = '' }, value }) =>
          [name, of, configuration ?? '', state, self, value].join(' '),
        );
    };
    await clock.advance(0);
    const own = [
      'router_info router-1 aaaaaaaa there true 1',
      `router_start_time_seconds router-1  there  ${clock.now() / 1_000}`,
      'router_deliveries router-1  there  0',
    ];
    const counts = (there: number, gone: number) => [`routers   there  ${there}`, `routers   gone  ${gone}`];
    expect(await gauges()).to.deep.equal([...counts(1, 0), ...own]);
    const lima = (state: string) => [
      `router_info lima bbbbbbbb ${state} false 1`,
      `router_start_time_seconds lima  ${state}  2`,
      `router_deliveries lima  ${state}  7`,
    ];
    const destinations = { crm: [1, 3, 1], team: [2, 4, 1] };
    const facts = { name: 'lima', version: '1.0.0', configuration: 'bbbbbbbb', sinceMs: 2_000, destinations };
    await coordination.beat({ id: 'x', beat: 1, report: JSON.stringify(facts) });
    await clock.advance(beatMs);
    expect(await gauges()).to.deep.equal([...counts(2, 0), ...own, ...lima('there')]);
    await clock.advance(goneMs + beatMs);
    expect(await gauges()).to.deep.equal([...counts(1, 1), ...own, ...lima('gone')]);
    await router.pipeline.close();

    const alone = aPipeline();
    const found = await alone.engine.get(StatusReader).gauges();
    const named = found.filter(({ name }) => name === 'router_info');
    expect(named.map(({ labels }) => [labels.state, labels.self])).to.deep.equal([['there', 'true']]);
    await alone.pipeline.close();
  });

  it('leave alone the deliveries of a destination that they do not have, until one that has it is there', async () => {
    const { clock, store, add } = routersOn();
    const old = add({ destinations: { crm: async () => ({ kind: 'delivered' }) }, routes: [{ to: ['crm', 'new'] }] });
    await clock.advance(beatMs);
    await old.send({ key: 'a' });
    await clock.advance(60_000);
    const states = async () => {
      const { items } = await store.deliveries({ limit: 10 });
      return Object.fromEntries(items.map(({ destination, state, attempts }) => [destination, [state, attempts]]));
    };
    expect(await states()).to.deep.equal({ crm: ['delivered', 1], new: ['waiting', 0] });
    const next = add({ destinations: { new: async () => ({ kind: 'delivered' }) } });
    await clock.advance(2 * beatMs);
    expect(await states()).to.deep.equal({ crm: ['delivered', 1], new: ['delivered', 1] });
    await Promise.all([old.pipeline.close(), next.pipeline.close()]);
  });

  it('log once that the others cannot be heard, and once that they are again', async () => {
    const { clock, add, coordination } = routersOn();
    const { beat } = coordination;
    const router = add();
    await clock.advance(0);
    coordination.beat = () => Promise.reject(new Error('the database is away'));
    await clock.advance(10 * beatMs);
    coordination.beat = beat;
    await clock.advance(2 * beatMs);
    expect(router.log.of('routers.unread')).to.have.length(1);
    expect(router.log.of('routers.found')).to.have.length(1);
    await router.pipeline.close();
    expect(clock.pending).to.equal(0);
    expect(router.engine.get(Dispatcher).loads.get('crm')).to.include({ attempts: 0 });
  });

  it('deliver with shares of their own where no heartbeat gets through although the store answers', async () => {
    const { clock, store, add, coordination } = routersOn();
    const { beat } = coordination;
    coordination.beat = () => Promise.reject(new Error('too many clients already'));
    const [first, second] = [add({ policy: { concurrency: 8 } }), add({ policy: { concurrency: 8 } })];
    const clusters = [first, second].map(({ engine }) => engine.get(Cluster));
    const shares = () => clusters.map((cluster) => cluster.share('crm', 8));
    await first.send({ key: 'a' });
    await clock.advance(goneMs - beatMs);
    expect([shares(), clusters[0]?.failure]).to.deep.equal([[0, 0], null]);
    await clock.advance(2 * beatMs);
    expect((await store.deliveries({ limit: 9 })).items.map(({ state }) => state)).to.deep.equal(['delivered']);
    // Neither has ever seen the other one.
    expect([shares(), clusters[0]?.failure]).to.deep.equal([[8, 8], 'too many clients already']);
    expect(first.log.of('shares.assumed').map(({ level, fields }) => [level, fields.routers])).to.deep.equal([
      ['warn', 1],
    ]);
    coordination.beat = beat;
    await clock.advance(4 * beatMs);
    expect([shares(), clusters.map(({ failure }) => failure)]).to.deep.equal([
      [4, 4],
      [null, null],
    ]);
    coordination.beat = () => new Promise(() => {});
    await clock.advance(60_000);
    expect([shares(), clusters[0]?.share('one', 1)]).to.deep.equal([[4, 4], 1]);
    await Promise.all([first.pipeline.close(), second.pipeline.close(), clock.advance(10_000)]);
  });

  it('keep the share that they have while the store does not answer either', async () => {
    const { clock, store, add, coordination } = routersOn();
    coordination.beat = () => Promise.reject(new Error('the database is away'));
    const { state } = store;
    store.state = () => Promise.reject(new Error('the database is away'));
    const router = add();
    const cluster = router.engine.get(Cluster);
    await clock.advance(60_000);
    expect([cluster.share('crm', 8), cluster.failure]).to.deep.equal([0, null]);
    if (state !== undefined) store.state = state;
    // Heartbeats may get through a moment later.
    await clock.advance(goneMs - beatMs);
    expect([cluster.share('crm', 8), cluster.failure]).to.deep.equal([0, null]);
    await clock.advance(3 * beatMs);
    expect(cluster.share('crm', 8)).to.equal(8);
    await router.pipeline.close();
  });

  it('give up their shares after their own lease, because the others may have ended it', async () => {
    for (const leaseMs of [5_000, 30_000]) {
      const { clock, store, coordination } = routersOn();
      const router = aPipeline({ clock, store: () => shared(store, coordination, leaseMs) });
      const cluster = router.engine.get(Cluster);
      await clock.advance(0);
      coordination.beat = () => Promise.reject(new Error('the database is away'));
      store.state = () => Promise.reject(new Error('the database is away'));
      await clock.advance(leaseMs - 1);
      expect(cluster.share('crm', 8)).to.equal(8);
      await clock.advance(1);
      expect(cluster.share('crm', 8)).to.equal(0);
      await router.pipeline.close();
    }
  });

  it('are none where the store is not shared', async () => {
    const { engine, clock, pipeline } = aPipeline();
    await clock.advance(0);
    expect([engine.get(Cluster).routers, engine.get(Cluster).share('crm', 8)]).to.deep.equal([[], 8]);
    await pipeline.close();
  });
});

describe('the concurrency of routers', () => {
  /** Routers whose destination takes 100 ms for each attempt. */
  function busy(concurrency: number) {
    const { clock, store, add } = routersOn();
    let [running, most] = [0, 0];
    const attempts: string[] = [];
    const router = (name: string) =>
      add({
        policy: { concurrency },
        destinations: {
          crm: () =>
            new Promise((resolve) => {
              running += 1;
              most = Math.max(most, running);
              attempts.push(name);
              clock.after(100, () => {
                running -= 1;
                resolve({ kind: 'delivered' });
              });
            }),
        },
      });
    return { clock, store, router, attempts, most: () => most };
  }

  let sent = 0;
  const sendTo = async (routers: readonly Pick<ReturnType<typeof aPipeline>, 'send'>[], count: number) => {
    for (let n = 0; n < count; n += 1) {
      sent += 1;
      await routers[n % routers.length]?.send({ key: `event ${sent}` });
    }
  };

  it('is that of the destination in all, also while routers join and leave', async () => {
    const { clock, store, router, attempts, most } = busy(5);
    const routers = [router('a')];
    await clock.advance(beatMs);
    await sendTo(routers, 200);
    await clock.advance(500);
    routers.push(router('b'));
    await clock.advance(150);
    routers.push(router('c'));
    await clock.advance(2_000);
    expect(new Set(attempts.slice(-15))).to.deep.equal(new Set(['a', 'b', 'c']));
    const closed = routers[0]?.pipeline.close();
    await clock.advance(4_000);
    await closed;
    expect([most(), attempts.length]).to.deep.equal([5, 200]);
    const { items } = await store.deliveries({ limit: 1_000 });
    expect(new Set(items.map(({ state, attempts: count }) => `${state} ${count}`))).to.deep.equal(
      new Set(['delivered 1']),
    );
    for (const { pipeline } of routers) await pipeline.close();
  });

  it('stays as it was shared while the store does not answer, and until the others have shown that they are there', async () => {
    const { clock, coordination, add } = routersOn();
    const routers = [add(), add()];
    await clock.advance(3 * beatMs);
    const shares = () => routers.map(({ engine }) => engine.get(Cluster).share('crm', 8));
    expect(shares()).to.deep.equal([4, 4]);
    const { beat } = coordination;
    coordination.beat = () => Promise.reject(new Error('the database is away'));
    await clock.advance(60_000);
    expect(shares()).to.deep.equal([4, 4]);
    coordination.beat = beat;
    await clock.advance(3 * beatMs);
    expect(shares()).to.deep.equal([4, 4]);
    for (const { pipeline } of routers) await pipeline.close();
  });

  it('of 1 makes one router deliver what all of them receive, and another one when it has ended', async () => {
    const { clock, router, attempts, most } = busy(1);
    const routers = { a: router('a'), b: router('b'), c: router('c') };
    await clock.advance(3 * beatMs);
    await sendTo(Object.values(routers), 9);
    await clock.advance(20_000);
    const [chosen] = attempts;
    expect([most(), attempts.length, new Set(attempts).size]).to.deep.equal([1, 9, 1]);
    const others = Object.entries(routers).filter(([name]) => name !== chosen);
    await routers[chosen as keyof typeof routers].pipeline.close();
    await clock.advance(beatMs);
    await sendTo(
      others.map(([, one]) => one),
      20,
    );
    await clock.advance(20_000);
    expect([most(), attempts.length, new Set(attempts).size]).to.deep.equal([1, 29, 2]);
    for (const [, { pipeline }] of others) await pipeline.close();
  });
});
