import {
  longestMs,
  Retention,
  type RetentionPolicy,
  retentionPolicy,
  stepsOf,
  windowsOf,
} from '@switchhook/core/internal';
import { FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Given {
  readonly events: number;
  readonly policy?: RetentionPolicy;
}

async function setup({ events, policy = retentionPolicy({ events: 30 * dayMs }, []) }: Given) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const store = memoryStore(clock);
  const retention = new Retention({ value: { retention: policy } }, store, clock, log);
  const receivedAtMs = clock.now();
  for (let n = 0; n < events; n += 1) {
    const event = {
      id: `e${n}`,
      key: `k${n}`,
      source: 'agents',
      type: 'ended',
      subject: null,
      agent: null,
      party: null,
      occurredAtMs: 0,
    };
    const delivery = { route: 'r', destination: 'crm', transforms: [], state: 'waiting', dueMs: 0 } as const;
    const deliveries = n === 0 ? [delivery] : [];
    await store.append([{ event: { ...event, receivedAtMs, body: Buffer.from('{}') }, deliveries }]);
  }
  const kept = async () => (await store.events({ limit: 1_000 })).items.map(({ id }) => id);
  return { clock, log, store, retention, kept };
}

describe('retention', () => {
  it('keeps what is young, and removes what is old and settled, but never what still waits', async () => {
    const { clock, retention, kept } = await setup({ events: 5 });
    retention.open();
    await clock.advance(29 * dayMs);
    expect(await kept()).to.have.length(5);
    await clock.advance(2 * dayMs);
    expect(await kept()).to.deep.equal(['e0']);
    await retention.close();
  });

  it('goes in small steps, with room for others between them', async () => {
    const { clock, retention, kept } = await setup({ events: 500 });
    clock.jumpTo(clock.now() + 31 * dayMs);
    retention.open();
    await clock.advance(hourMs);
    expect(await kept()).to.have.length(300);
    await clock.advance(100);
    expect(await kept()).to.have.length(100);
    await clock.advance(100);
    expect(await kept()).to.have.length(1);
    await retention.close();
    expect(clock.pending).to.equal(0);
  });

  it('removes nothing until the clock has gone steadily for an hour', async () => {
    const { clock, retention, kept } = await setup({ events: 5 });
    const startMs = clock.now();
    clock.jumpTo(startMs + 40 * dayMs);
    retention.open();
    await clock.advance(hourMs - 1);
    expect(await kept()).to.have.length(5);
    clock.jumpTo(startMs + hourMs);
    await clock.advance(40 * hourMs);
    expect(await kept()).to.have.length(5);
    clock.jumpTo(startMs + 40 * dayMs);
    await clock.advance(hourMs - 1);
    expect(await kept()).to.have.length(5);
    await clock.advance(60_001);
    expect(await kept()).to.deep.equal(['e0']);
    await retention.close();
  });

  it('goes on after the store has failed', async () => {
    const { clock, retention, store, log, kept } = await setup({ events: 2 });
    const prune = store.prune.bind(store);
    store.prune = () => Promise.reject(new Error('locked'));
    clock.jumpTo(clock.now() + 31 * dayMs);
    retention.open();
    await clock.advance(hourMs);
    expect(log.of('store.prune-failed')).to.have.length(1);
    store.prune = prune;
    await clock.advance(60_000);
    expect(await kept()).to.deep.equal(['e0']);
    await retention.close();
  });

  it('removes bodies before their events, step by step, and counts both', async () => {
    const policy = retentionPolicy({ events: 30 * dayMs, bodies: 7 * dayMs }, []);
    const { clock, retention, store, kept, log } = await setup({ events: 300, policy });
    const bodies = async () =>
      (await store.events({ limit: 1_000 })).items.filter(({ body }) => body.length > 0).length;
    clock.jumpTo(clock.now() + 8 * dayMs);
    retention.open();
    await clock.advance(hourMs);
    expect(await bodies()).to.equal(300);
    await clock.advance(100);
    expect(await bodies()).to.equal(100);
    await clock.advance(100);
    expect([await bodies(), (await kept()).length]).to.deep.equal([1, 300]);
    expect(retention.last).to.include({ removed: 0, bodies: 299 });
    expect(log.of('store.pruned').map(({ fields }) => fields)).to.deep.equal([{ bodies: 200 }, { bodies: 99 }]);
    clock.jumpTo(clock.now() + 25 * dayMs);
    await clock.advance(2 * hourMs);
    expect(await kept()).to.deep.equal(['e0']);
    await retention.close();
  });
});

describe('a policy of retention', () => {
  const [events, bodies] = [30 * dayMs, 7 * dayMs];
  const policy = retentionPolicy({ events, bodies, keys: 90 * dayMs }, [
    {
      name: 'agents',
      retention: { events: 60 * dayMs, types: { analysed: { bodies: dayMs }, ended: { events: hourMs } } },
    },
    { name: 'forms', retention: { bodies: 2 * dayMs } },
    { name: 'others', retention: undefined },
  ]);
  const of = (source: string, type: string) => {
    const { eventsMs, bodiesMs } = windowsOf(policy, { source, type });
    return [eventsMs, bodiesMs];
  };

  it('takes from the source and the store what a type or a source does not set', () => {
    expect(of('agents', 'analysed')).to.deep.equal([60 * dayMs, dayMs]);
    expect(of('agents', 'ended')).to.deep.equal([hourMs, hourMs]);
    expect(of('agents', 'started')).to.deep.equal([60 * dayMs, bodies]);
    expect(of('forms', 'sent')).to.deep.equal([events, 2 * dayMs]);
    expect(of('others', 'ended')).to.deep.equal([events, bodies]);
    expect(of('removed-source', 'ended')).to.deep.equal([events, bodies]);
    expect(longestMs(policy)).to.equal(90 * dayMs);
  });

  it('begins with the longest window for all events, and removes each kind once', () => {
    const exceptTypes = ['analysed', 'ended'];
    const steps = stepsOf(policy, 100 * dayMs);
    const keysMs = 90 * dayMs;
    expect(steps).to.deep.equal([
      { beforeMs: 40 * dayMs, keysMs },
      { beforeMs: 100 * dayMs - hourMs, keysMs, scope: { sources: ['agents'], types: ['ended'] } },
      { beforeMs: 70 * dayMs, keysMs, scope: { sources: ['forms'] } },
      { beforeMs: 70 * dayMs, keysMs, scope: { exceptSources: ['agents', 'forms'] } },
      { beforeMs: 99 * dayMs, remove: 'bodies', scope: { sources: ['agents'], types: ['analysed'] } },
      { beforeMs: 93 * dayMs, remove: 'bodies', scope: { sources: ['agents'], exceptTypes } },
      { beforeMs: 98 * dayMs, remove: 'bodies', scope: { sources: ['forms'] } },
      { beforeMs: 93 * dayMs, remove: 'bodies', scope: { exceptSources: ['agents', 'forms'] } },
    ]);
  });

  it('is one step about all events where no source has its own', () => {
    expect(stepsOf(retentionPolicy({ events }, []), events)).to.deep.equal([{ beforeMs: 0, keysMs: 0 }]);
  });
});
