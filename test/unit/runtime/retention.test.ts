import { Retention } from '@switchhook/core/internal';
import { FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function setup({ events }: { readonly events: number }) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const store = memoryStore(clock);
  const retention = new Retention({ value: { keepMs: 30 * dayMs } }, store, clock, log);
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
    await store.append([{ event: { ...event, receivedAtMs, body: new Uint8Array() }, deliveries }]);
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
});
