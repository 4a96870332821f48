import plugin from '@switchhook/plugin-sqlite';
import type { EventQuery, Store } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import { aClaim, anEntry, delivered, eventId, withStore } from './fixtures.js';

/** More than is looked at in one segment of a list, or in one step of pruning. */
const many = 40_000;

async function appendMany(store: Store, deliveries: number, count = many): Promise<void> {
  const perCall = 2_000;
  for (let n = 0; n < count; n += perCall)
    await store.append(Array.from({ length: perCall }, (_, index) => anEntry(n + index, deliveries)));
}

describe('sqlite, with many events', () => {
  it(
    'finds every duplicate, before and after a restart',
    withStore(async ({ open }) => {
      let store = await open();
      // So many that all keys of the first half are in the index, and those of the second are held.
      await appendMany(store, 0, 60_000);
      const repeated = Array.from({ length: 600 }, (_, n) => anEntry(n * 100, 0));
      const again = async () => (await store.append(repeated)).filter(({ duplicate }) => duplicate).length;
      expect(await again()).to.equal(600);
      await store.close?.();
      store = await open();
      expect(await again()).to.equal(600);
      expect(await store.prune({ beforeMs: repeated[0]?.event.receivedAtMs ?? 0, limit: 10 })).to.equal(0);
      expect(await store.prune({ beforeMs: (repeated[0]?.event.receivedAtMs ?? 0) + 1, limit: 200 })).to.equal(200);
      expect(await again()).to.equal(598);
    }),
  );

  it(
    'finds a rare event or delivery far back in a list',
    withStore(async ({ open }) => {
      const store = await open();
      const rare = anEntry(1_000_000);
      const special = { ...rare.event, type: 'rare' };
      await store.append([{ event: special, deliveries: [{ ...aNewDeliveryOf(rare), route: 'rare' }] }]);
      await appendMany(store, 1);
      const page = await store.events({ type: 'rare', limit: 10 });
      expect([page.items.map(({ id }) => id), page.cursor]).to.deep.equal([[special.id], null]);
      for (const query of [{ route: 'rare' }, { route: 'rare', destination: 'crm', state: 'waiting' }] as const)
        expect((await store.deliveries({ ...query, limit: 10 })).items.map(({ eventId: id }) => id)).to.deep.equal([
          special.id,
        ]);
      const first = await store.deliveries({ state: 'waiting', limit: many });
      const rest = await store.deliveries({ state: 'waiting', limit: many, cursor: first.cursor ?? '' });
      expect([first.items.length, rest.items.length, rest.cursor]).to.deep.equal([many, 1, null]);
    }),
  );

  it(
    'finds an event by the state of its delivery far back in a list, and also where many have that state',
    withStore(async ({ open }) => {
      const store = await open();
      const ended = Array.from({ length: 3 }, (_, n) => anEntry(1_000_000 + n, 1, '{}', 'running'));
      await store.append(ended);
      const claimed = ended.map(({ event }) => ({ id: `${event.id}.0`, lease: 1 }));
      const [first, second] = claimed.map((one) => delivered(one));
      await store.settle(
        [first, second && { ...second, settlement: { state: 'dead' as const, reason: 'rejected' as const } }].flatMap(
          (one) => one ?? [],
        ),
      );
      await appendMany(store, 1);
      const idsOf = async (query: Partial<EventQuery>) =>
        (await store.events({ limit: 10, bodies: false, ...query })).items.map(({ id }) => id);
      const [delivery, death, running] = ended.map(({ event }) => [event.id]);
      expect(await idsOf({ state: 'delivered' })).to.deep.equal(delivery);
      expect(await idsOf({ state: 'dead' })).to.deep.equal(death);
      expect(await idsOf({ state: 'skipped' })).to.deep.equal([]);
      // So many are open that the list is walked.
      expect(await idsOf({ state: 'running' })).to.deep.equal(running);
      expect(await idsOf({ state: 'waiting', subject: 'conv_5' })).to.deep.equal([eventId(5)]);
      const many = Array.from({ length: 25_000 }, (_, n) => `${eventId(n)}.0`);
      await store.discard(many);
      expect(await idsOf({ state: 'dead', subject: 'conv_5' })).to.deep.equal([eventId(5)]);
      expect((await idsOf({ state: 'dead', limit: 30_000 })).length).to.equal(25_001);
    }),
  );

  it(
    'finds each event once and in the order of receipt, also where the clock was set back and forward',
    withStore(async ({ open }) => {
      const store = await open();
      // An hour ahead, then right, then so far back that these are the oldest, then right again.
      const shiftOf = (n: number): number => [3_600_000, 0, -864e5, 1_000][Math.floor(n / 15_000)] ?? 0;
      const count = 60_000;
      const perCall = 2_000;
      for (let from = 0; from < count; from += perCall)
        await store.append(
          Array.from({ length: perCall }, (_, index) => {
            const { event } = anEntry(from + index, 0);
            const type = (from + index) % 1_000 === 0 ? 'rare' : 'ended';
            return {
              event: { ...event, type, receivedAtMs: event.receivedAtMs + shiftOf(from + index) },
              deliveries: [],
            };
          }),
        );
      const found: { readonly id: string; readonly receivedAtMs: number }[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.events({
          type: 'rare',
          bodies: false,
          limit: 7,
          ...(cursor !== undefined && { cursor }),
        });
        found.push(...page.items);
        cursor = page.cursor;
      }
      const times = found.map(({ receivedAtMs }) => receivedAtMs);
      expect(times).to.deep.equal(times.toSorted((a, b) => b - a));
      const expected = Array.from({ length: count / 1_000 }, (_, n) => eventId(n * 1_000));
      expect(found.map(({ id }) => id).sort()).to.deep.equal(expected.sort());
    }),
  );

  it(
    'prunes what is behind many events that have to be kept',
    withStore(async ({ open, clock }) => {
      const store = await open();
      await appendMany(store, 1);
      await store.append([{ ...anEntry(many), deliveries: [{ ...aNewDeliveryOf(anEntry(1)), destination: 'slack' }] }]);
      const { deliveries } = await store.claim({ ...aClaim(), destination: 'slack' });
      await store.settle(deliveries.map((claimed) => delivered(claimed)));
      expect(await store.prune({ beforeMs: clock.now() + 1, limit: 10 })).to.equal(1);
      expect(await store.event(eventId(many))).to.equal(null);
      expect(await store.prune({ beforeMs: clock.now() + 1, limit: 10 })).to.equal(0);
    }),
  );

  it(
    'commits what comes together in few transactions',
    withStore(async ({ directory }) => {
      const services = fakeServices({ directory });
      let ingest = 0;
      services.metrics.observe = (name: string) => {
        if (name === 'store_commit_seconds') ingest += 1;
      };
      const store = createComponent('store', plugin.components[0], { path: 'x.db' }, services);
      await store.open?.();
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => store.append([anEntry(n)])));
      await store.close?.();
      await services.close();
      // Two begin at once; all that comes meanwhile follows, in batches of 512.
      expect(ingest).to.equal(4);
    }),
  );
});

function aNewDeliveryOf(entry: ReturnType<typeof anEntry>) {
  const [delivery] = entry.deliveries;
  if (delivery === undefined) throw new Error('it has no delivery');
  return delivery;
}
