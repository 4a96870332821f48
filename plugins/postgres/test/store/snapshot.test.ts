import type { Snapshot, Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { aClaim, anEntry, delivered, eventId, failure, startMs, withStore } from './fixtures.js';

const dayMs = 86_400_000;

async function taken(store: Store): Promise<Snapshot> {
  const snapshot = await store.snapshot?.();
  if (snapshot === undefined) throw new Error('the store has no snapshots');
  return snapshot;
}

async function idsIn(snapshot: Snapshot): Promise<readonly string[]> {
  return (await snapshot.events(null, 1_000)).items.map(({ event }) => event.id);
}

describe('a snapshot of a schema', () => {
  it(
    'is taken by a store that is not open, and delays neither commits nor the begin of a day',
    withStore(async ({ open, make, clock, database }) => {
      const store = await open();
      await store.append([1, 2].map((n) => anEntry(n)));
      const snapshot = await taken(make());
      // Three of its pages have been read, and it is still held.
      for (const after of [null, '0', null]) await snapshot.events(after, 1);
      clock.jumpTo(startMs + dayMs);
      await store.append([anEntry(3)]);
      const { deliveries } = await store.claim(aClaim({ nowMs: startMs + dayMs }));
      await store.settle(deliveries.map((one) => delivered(one)));
      const [days] = await database.query(`select to_regclass('events_20260103') is not null as begun`);
      expect(days?.begun).to.equal(true);
      expect(snapshot.counts).to.deep.equal({ events: 2, deliveries: 2, attempts: 0, texts: 0, keys: 0 });
      const { items } = await snapshot.events(null, 1_000);
      expect(items.map(({ deliveries: [first] }) => first?.record.state)).to.deep.equal(['waiting', 'waiting']);
      await snapshot.close();
      expect(await idsIn(await closing(make()))).to.deep.equal([1, 2, 3].map(eventId));
    }),
  );

  it(
    'keeps the days that it reads: they are removed after it, and commits do not wait for that',
    withStore(async ({ open, make, clock }) => {
      const store = await open();
      await store.append([anEntry(1, {}, []), anEntry(2, {}, [])]);
      clock.jumpTo(startMs + 3 * dayMs);
      const snapshot = await taken(make());
      const old = { beforeMs: startMs + dayMs, limit: 200 };
      expect(await store.prune(old)).to.equal(0);
      await store.append([anEntry(3, {}, [])]);
      expect(await idsIn(snapshot)).to.deep.equal([1, 2].map(eventId));
      await snapshot.close();
      expect(await store.prune(old)).to.equal(2);
    }),
  );

  it(
    'has the keys of removed events, by which another store finds their repetitions, for as long',
    withStore(async ({ open, make, clock, database }) => {
      const store = await open();
      await store.append([1, 2, 3].map((n) => anEntry(n, {}, [])));
      clock.jumpTo(startMs + 5 * dayMs);
      await store.append([anEntry(4, {}, [])]);
      await store.prune({ beforeMs: startMs + dayMs, limit: 200, keysMs: 10 * dayMs });
      const snapshot = await taken(make());
      expect(snapshot.counts).to.include({ events: 1, keys: 3 });
      const [first, second] = [await snapshot.keys(null, 2), await snapshot.keys('0', 100)];
      expect([first.items.length, second.items.length]).to.deep.equal([2, 3]);
      expect(second.items.map(({ eventId: id, dayMs: day }) => [id, day])).to.deep.equal(
        [1, 2, 3].map((n) => [eventId(n), startMs]),
      );
      const { items: events } = await snapshot.events(null, 100);
      await snapshot.close();
      await store.clear?.();
      expect(await store.append([anEntry(5, { key: 'key-5' }, [])])).to.deep.equal([
        { eventId: eventId(5), duplicate: false },
      ]);
      await store.restore?.(events, { keys: first.items });
      await store.restore?.([], { keys: second.items });
      for (const n of [1, 2, 3, 4])
        expect((await store.append([anEntry(n + 20, { key: `key-${n}` }, [])]))[0], `${n}`).to.deep.equal({
          eventId: eventId(n),
          duplicate: true,
        });
      expect(await store.event(eventId(1))).to.equal(null);
      clock.jumpTo(startMs + 12 * dayMs);
      await store.append([anEntry(30)]);
      for (const _ of ['the day of the fourth', 'their keys'])
        await store.prune({ beforeMs: startMs + 2 * dayMs, limit: 200 });
      const left = await database.query('select id from seen order by id');
      expect(left.map(({ id }) => id)).to.deep.equal([5, 30].map(eventId));
    }),
  );

  it(
    'has pages of a few megabytes, however large the events are',
    withStore(async ({ open, make }) => {
      const store = await open();
      for (const n of [1, 2, 3, 4, 5])
        await store.append([anEntry(n, { body: Buffer.from(`"${'x'.repeat(1_500_000)}"`) })]);
      const snapshot = await taken(make());
      const first = await snapshot.events(null, 1_000);
      const second = await snapshot.events(first.cursor, 1_000);
      await snapshot.close();
      expect([first.items.length, second.items.length]).to.deep.equal([3, 2]);
    }),
  );

  it(
    'is refused where no router has used the schema, or one of another version, which stays as it is',
    withStore(async ({ open, make, database }) => {
      expect((await failure(make().snapshot?.())).message).to.match(/has no tables of a router$/);
      const store = await open();
      await store.close?.();
      await database.query('delete from migrations where version > 3');
      expect((await failure(make().snapshot?.())).code).to.equal('STORE_TOO_OLD');
      await database.query('insert into migrations (version) values (99)');
      expect((await failure(make().snapshot?.())).code).to.equal('STORE_TOO_NEW');
    }),
  );
});

/** A snapshot that is ended when it was read once. */
async function closing(store: Store): Promise<Snapshot> {
  const snapshot = await taken(store);
  const events: Snapshot['events'] = async (...page) => {
    const read = await snapshot.events(...page);
    await snapshot.close();
    return read;
  };
  return { ...snapshot, events };
}
