import { Figures, History, historyKey, seriesOf } from '@switchhook/core/internal';
import { memoryStore } from '@switchhook/plugin-memory';
import type { Store } from '@switchhook/sdk';
import { FakeClock, FakeLog, FakeMetrics } from '@switchhook/testkit';
import { expect } from 'chai';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function setup(clock = new FakeClock(), store: Store = memoryStore(clock)) {
  const log = new FakeLog();
  const figures = new Figures(clock);
  const passedOn = new FakeMetrics();
  const metrics = figures.recorded(passedOn);
  const history = new History(store, figures, clock, log);
  const received = (source: string, result = 'routed') =>
    metrics.count('events_received_total', '', { source, result });
  const attempted = (destination: string, outcome: string, ms: number) => {
    metrics.count('attempts_total', '', { destination, outcome });
    metrics.observe('attempt_seconds', '', ms / 1_000, { destination });
  };
  const answered = (source: string, step: string, ms: number) => {
    metrics.count('calls_answered_total', '', { source, answer: 'a', step });
    metrics.observe('call_answer_seconds', '', ms / 1_000, { source });
  };
  const read = (query: Partial<Parameters<History['read']>[0]> = {}) =>
    history.read({ sinceMs: clock.now() - hourMs, stepMs: minuteMs, ...query });
  return { clock, store, log, figures, passedOn, metrics, history, received, attempted, answered, read };
}

describe('the history', () => {
  it('has what the metrics count, minute by minute, by source and by destination', async () => {
    const { clock, passedOn, metrics, received, attempted, answered, read } = setup();
    received('agents');
    received('agents', 'duplicate');
    await clock.advance(2 * minuteMs);
    received('agents', 'unrouted');
    received('forms');
    metrics.count('requests_refused_total', '', { source: 'forms', code: 'UNVERIFIED' });
    answered('agents', 'fresh', 20);
    answered('agents', 'unanswered', 20);
    attempted('crm', 'delivered', 20);
    attempted('crm', 'unavailable', 20);
    attempted('crm', 'rejected', 20);
    metrics.count('deliveries_dead_total', '', { destination: 'crm', reason: 'rejected' });
    metrics.count('deliveries_dead_total', '', { destination: 'crm', reason: 'discarded' });
    metrics.count('deliveries_dead_total', '', { destination: 'crm', reason: 'exhausted' }, 0);
    const { timesMs, events, sources, destinations } = await read({ sinceMs: clock.now() - 2 * minuteMs });
    expect(timesMs).to.deep.equal([-2, -1, 0].map((minutes) => clock.now() + minutes * minuteMs));
    expect(events).to.deep.equal({ received: [1, 0, 2], duplicates: [1, 0, 0], refused: [0, 0, 1] });
    expect(sources).to.deep.equal([
      { source: 'agents', received: [1, 0, 1], duplicates: [1, 0, 0], refused: [0, 0, 0], unanswered: [0, 0, 1] },
      { source: 'forms', received: [0, 0, 1], duplicates: [0, 0, 0], refused: [0, 0, 1], unanswered: [0, 0, 0] },
    ]);
    expect(destinations).to.have.length(1);
    expect(destinations[0]).to.deep.include({ destination: 'crm', delivered: [0, 0, 1], failed: [0, 0, 2] });
    expect(destinations[0]?.dead).to.deep.equal([0, 0, 1]);
    expect(passedOn.values.size, 'what is passed on').to.be.above(0);
  });

  it('keeps the attempts of the last ten minutes in memory, also where the store has taken them', async () => {
    const { clock, figures, history, attempted } = setup();
    history.open();
    attempted('crm', 'delivered', 20);
    await clock.advance(8 * minuteMs);
    attempted('crm', 'unavailable', 20);
    attempted('crm', 'rejected', 20);
    await clock.advance(minuteMs);
    expect(figures.recentAttempts('crm')).to.deep.equal({ delivered: 1, failed: 2 });
    expect(figures.recentAttempts('other')).to.deep.equal({ delivered: 0, failed: 0 });
    await clock.advance(minuteMs);
    expect(figures.recentAttempts('crm')).to.deep.equal({ delivered: 0, failed: 2 });
    attempted('crm', 'delivered', 20);
    await clock.advance(9 * minuteMs);
    expect(figures.recentAttempts('crm')).to.deep.equal({ delivered: 1, failed: 0 });
    await history.close();
  });

  it('keeps for how many events of the last hour a route could not be evaluated, and when the last one came', async () => {
    const { clock, figures, metrics, history } = setup();
    history.open();
    const failed = () => metrics.count('route_where_failures_total', '', { route: 'b' });
    failed();
    await clock.advance(30 * minuteMs);
    failed();
    const lastMs = clock.now();
    expect(figures.recentlyUnevaluated('b')).to.deep.equal({ events: 2, lastMs });
    expect(figures.recentlyUnevaluated('a')).to.deep.equal({ events: 0, lastMs: null });
    await clock.advance(30 * minuteMs);
    expect(figures.recentlyUnevaluated('b')).to.deep.equal({ events: 1, lastMs });
    await history.close();
  });

  it('keeps how many calls of the last hour no answer matched, and when the last one came', async () => {
    const { clock, figures, history, answered } = setup();
    history.open();
    answered('lines', 'unanswered', 1);
    const firstMs = clock.now();
    await clock.advance(30 * minuteMs);
    answered('lines', 'fresh', 1);
    answered('lines', 'minimum', 1);
    answered('calls', 'fresh', 1);
    await clock.advance(29 * minuteMs);
    expect(figures.recentCalls('lines')).to.deep.equal({ answered: 3, unanswered: 1, lastUnansweredMs: firstMs });
    expect(figures.recentCalls('calls')).to.deep.equal({ answered: 1, unanswered: 0, lastUnansweredMs: null });
    await clock.advance(minuteMs);
    expect(figures.recentCalls('lines')).to.deep.include({ answered: 2, unanswered: 0 });
    await history.close();
  });

  it('has percentiles that are right within a tenth', async () => {
    const { answered, read } = setup();
    for (let n = 1; n <= 100; n += 1) answered('calls', n > 60 ? 'default' : 'fresh', n * 40);
    const { calls } = await read({ stepMs: hourMs });
    expect(calls.steps).to.deep.equal({ fresh: 60, default: 40 });
    expect(calls.answered.reduce((sum, number) => sum + number)).to.equal(100);
    const within = (value: number | null, exact: number) => expect(value).to.be.within(exact * 0.9, exact * 1.1);
    within(calls.ringMs.p50, 2_000);
    within(calls.ringMs.p95, 3_800);
    within(calls.ringMs.p99, 3_960);
    within(calls.ringP95Ms.at(-1) ?? null, 3_800);
    expect(calls.ringP95Ms[0]).to.equal(null);
  });

  it('has events by route, calls by answer and look-ups by resolver, whatever source or destination is asked for', async () => {
    const { metrics, attempted, read } = setup();
    for (const route of ['a', 'a', 'b']) metrics.count('route_events_total', '', { route });
    metrics.count('route_where_failures_total', '', { route: 'b' });
    metrics.count('calls_answered_total', '', { source: 'calls', answer: 'sales', step: 'fresh' });
    metrics.count('calls_answered_total', '', { source: 'calls', answer: '', step: 'unanswered' });
    for (const outcome of ['found', 'not-found', 'cached', 'late', 'failed', 'skipped', 'busy'])
      metrics.count('resolver_lookups_total', '', { resolver: 'crm', outcome });
    attempted('crm', 'delivered', 20);
    const { routes, answers, resolvers, destinations } = await read({ stepMs: hourMs, source: 'x', destination: 'y' });
    const last = <T extends object>(rows: readonly T[]) =>
      rows.map((row) => Object.values(row).map((value) => (Array.isArray(value) ? value.at(-1) : value)));
    expect([last(routes), last(answers), last(resolvers), destinations]).to.deep.equal([
      [
        ['a', 2, 0],
        ['b', 1, 1],
      ],
      [['sales', 1]],
      [['crm', 5, 3]],
      [],
    ]);
  });

  it('counts many routes together, and still each destination', async () => {
    const { metrics, attempted, read } = setup();
    for (let n = 0; n < 150; n += 1) metrics.count('route_events_total', '', { route: `route-${n}` });
    attempted('crm', 'delivered', 20);
    const { routes, destinations } = await read();
    expect([routes.length, routes.find(({ route }) => route === '(others)')?.events.at(-1)]).to.deep.equal([101, 50]);
    expect(destinations.map(({ destination }) => destination)).to.deep.equal(['crm']);
  });

  it('adds minutes up in longer steps, which begin at whole ones', async () => {
    const { clock, received, read } = setup();
    for (let n = 0; n < 25; n += 1) {
      received('agents');
      await clock.advance(minuteMs);
    }
    const { timesMs, events } = await read({ sinceMs: clock.now() - 25 * minuteMs + 1, stepMs: 10 * minuteMs });
    expect(events.received).to.deep.equal([10, 10, 5]);
    expect(timesMs.every((ms) => ms % (10 * minuteMs) === 0)).to.equal(true);
  });

  it('leaves the thread to calls while it is added up', async () => {
    const minutes = new Map(Array.from({ length: 120 }, (_, minute) => [minute, new Map([['received agents', 1]])]));
    let isElsewhere = false;
    setImmediate(() => {
      isElsewhere = true;
    });
    const { events } = await seriesOf(minutes, { first: 0, end: 120, step: 60 });
    expect([isElsewhere, events.received]).to.deep.equal([true, [60, 60]]);
  });

  it('shows one source or one destination', async () => {
    const { received, attempted, answered, read } = setup();
    received('agents');
    received('forms');
    answered('calls', 'fresh', 5);
    attempted('crm', 'delivered', 5);
    attempted('slack', 'delivered', 5);
    const { sources, destinations, events, calls } = await read({ source: 'forms', destination: 'slack' });
    expect(sources.map(({ source }) => source)).to.deep.equal(['forms']);
    expect(destinations.map(({ destination }) => destination)).to.deep.equal(['slack']);
    expect(events.received.at(-1)).to.equal(1);
    expect(calls.steps).to.deep.equal({});
  });

  it('survives a restart within the same minute', async () => {
    const first = setup();
    first.history.open();
    first.received('agents');
    await first.clock.advance(hourMs);
    first.received('agents');
    await first.history.close();
    expect(first.clock.pending).to.equal(0);
    const second = setup(first.clock, first.store);
    second.received('agents');
    const { events } = await second.read();
    expect([events.received[0], events.received.at(-1)]).to.deep.equal([1, 2]);
  });

  it('is the sum of all routers that share a store, also where they write at the same moment', async () => {
    const one = setup();
    const routers = [one, setup(one.clock, one.store), setup(one.clock, one.store)];
    for (const { history, received } of routers) {
      history.open();
      received('agents');
    }
    await one.clock.advance(minuteMs);
    // A read follows the write that is under way.
    await Promise.all(routers.map(({ read }) => read()));
    for (const { read } of routers) expect((await read()).events.received.at(-2)).to.equal(3);
    await Promise.all(routers.map(({ history }) => history.close()));
  });

  it('ends after two days, in the store too', async () => {
    const { clock, store, history, received, read } = setup();
    history.open();
    received('agents');
    await clock.advance(47 * hourMs);
    expect((await read({ sinceMs: 0, stepMs: hourMs })).events.received[1]).to.equal(1);
    await clock.advance(2 * hourMs);
    const { timesMs, events } = await read({ sinceMs: 0, stepMs: hourMs });
    expect(timesMs).to.have.length(49);
    expect(events.received.every((number) => number === 0)).to.equal(true);
    expect(await store.stateKeys?.(historyKey, 100)).to.deep.equal([]);
    await history.close();
  });

  it('writes what a failing store has not taken as soon as it can, and reports the failure once', async () => {
    let isBroken = true;
    const clock = new FakeClock();
    const store = memoryStore(clock);
    const setState = store.setState?.bind(store);
    store.setState = async (...change) => {
      if (isBroken) throw new Error('disk full');
      return setState?.(...change) ?? false;
    };
    const { log, history, received, read } = setup(clock, store);
    history.open();
    received('agents');
    await clock.advance(3 * minuteMs);
    expect((await read()).events.received.at(-4)).to.equal(1);
    expect(log.lines.map(({ event }) => event)).to.deep.equal(['history.unwritten']);
    isBroken = false;
    await clock.advance(minuteMs);
    await history.close();
    expect((await setup(clock, store).read()).events.received.at(-5)).to.equal(1);
  });

  it('is refused where the store cannot be read, also where it does not answer', async () => {
    const clock = new FakeClock();
    const answers = [Promise.reject(new Error('disk gone')), new Promise<string>(() => {})];
    const store = Object.assign(memoryStore(clock), { state: () => answers.shift() ?? Promise.resolve(null) });
    const { read } = setup(clock, store);
    const refusal = (reading: Promise<unknown>) =>
      reading.then(
        () => null,
        (error) => [error.code, error.message],
      );
    const query = { sinceMs: clock.now() };
    const failing = await refusal(read(query));
    expect(failing).to.deep.equal(['STORE_UNAVAILABLE', 'the history cannot be read: disk gone']);
    const hanging = refusal(read(query));
    await clock.advance(10_000);
    expect((await hanging)?.[0]).to.equal('STORE_UNAVAILABLE');
  });

  it('keeps six hours in memory where the store keeps no texts', async () => {
    const clock = new FakeClock();
    const { history, received, read } = setup(clock, Object.assign(memoryStore(clock), { state: undefined }));
    history.open();
    received('agents');
    await clock.advance(5 * hourMs);
    expect((await read({ sinceMs: 0, stepMs: 48 * hourMs })).events.received.at(-1)).to.equal(1);
    await clock.advance(2 * hourMs);
    expect((await read({ sinceMs: 0, stepMs: 48 * hourMs })).events.received.at(-1)).to.equal(0);
    await history.close();
  });

  it('keeps six hours in memory where the store has not been opened', async () => {
    const clock = new FakeClock();
    const { received, read } = setup(clock);
    for (let hour = 0; hour < 8; hour += 1) {
      received('agents');
      await clock.advance(hourMs);
    }
    expect((await read({ sinceMs: 0, stepMs: 48 * hourMs })).events.received.at(-1)).to.equal(6);
  });

  it('stays within bounds: a hundred names by themselves, a few MB for two busy days', async () => {
    const { clock, store, history, received, attempted, read } = setup();
    for (let n = 0; n < 150; n += 1) received(`source ${n}`);
    const { sources } = await read();
    expect(sources.map(({ received: numbers }) => numbers.at(-1))).to.deep.include(50);
    expect(sources.map(({ source }) => source))
      .to.include('(others)')
      .and.to.have.length(101);
    for (let minute = 0; minute < 60; minute += 1) {
      for (let n = 0; n < 20; n += 1)
        for (let attempt = 0; attempt < 40; attempt += 1)
          attempted(`source ${n}`, attempt % 9 === 0 ? 'unavailable' : 'delivered', 1 + ((attempt * 997 * n) % 300));
      await clock.advance(minuteMs);
    }
    await history.close();
    const keys = (await store.stateKeys?.(historyKey, 100)) ?? [];
    const texts = await Promise.all(keys.map((key) => store.state?.(key)));
    const bytes = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
    expect(bytes * 48).to.be.below(5_000_000);
  });
});
