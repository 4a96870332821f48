import type { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../../../../test/support/eventually.js';
import { aClaim, aNewDelivery, anEntry, eventId, type Fixtures, startMs, withStore } from './fixtures.js';

const dayMs = 86_400_000;

describe('gathered deliveries of stores that share a database', () => {
  /** The n-th event of a subject, for a route that waits. */
  const gathering = (n: number, subject: string, ends = false) =>
    anEntry(n, { subject }, [
      aNewDelivery({ dueMs: startMs + (ends ? 0 : 600_000), gather: { ends, late: 'too late' } }),
    ]);

  it(
    'makes one delivery of the events of a subject that arrive at two routers at once',
    withStore(async ({ open }) => {
      const stores = [await open(), await open()] as const;
      const subjects = Array.from({ length: 12 }, (_, index) => `conv_${index}`);
      // Both get each subject, in opposite orders, so that they wait for each other's locks.
      const ofStore = async (store: Store, first: number, order: readonly string[], ends: boolean) => {
        const entries = order.map((subject) => gathering(first + subjects.indexOf(subject), subject, ends));
        await Promise.all([store.append(entries.slice(0, 6)), store.append(entries.slice(6))]);
      };
      await Promise.all([ofStore(stores[0], 0, subjects, false), ofStore(stores[1], 100, subjects.toReversed(), true)]);
      const claims = await Promise.all(stores.map((store) => store.claim(aClaim())));
      const taken = claims.flatMap(({ deliveries }) => deliveries);
      const sent = taken.map(({ event, events = [] }) => [event.id, events.map(({ id }) => id).sort()]).sort();
      expect(sent).to.deep.equal(subjects.map((_, n) => [eventId(100 + n), [eventId(n), eventId(100 + n)]]).sort());
    }),
  );

  it(
    'makes one delivery where a claim and the last event of a subject meet, and loses no event',
    withStore(async ({ open, database }) => {
      const [one, other] = [await open(), await open()];
      for (let n = 0; n < 20; n += 1) {
        const subject = `conv_${n}`;
        await one.append([gathering(2 * n, subject, true)]);
        const [{ deliveries }] = await Promise.all([
          one.claim(aClaim()),
          other.append([gathering(2 * n + 1, subject)]),
        ]);
        const events = deliveries.flatMap(({ events = [] }) => events);
        const late = (await other.delivery(`${eventId(2 * n + 1)}.0`))?.state;
        // A claim that met the lock takes nothing yet.
        if (deliveries.length === 0) expect((await one.claim(aClaim())).deliveries[0]?.events).to.have.length(2);
        else expect([events.length, late]).to.deep.equal(late === 'gathered' ? [2, late] : [1, 'skipped']);
      }
      expect(await database.query('select 1 from deliveries where state = 0')).to.deep.equal([]);
    }),
  );

  /** Locks all deliveries, begins work, and runs statements and releases them once so many statements wait for the locks. */
  const whileWaiting = async (
    { database }: Fixtures,
    waiting: number,
    begin: () => Promise<unknown>,
    statements = 'select 1',
  ) => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('begin; select * from deliveries for update');
      const begun = begin();
      await eventually(async () => {
        const [{ count } = {}] = await database.query(
          `select count(*)::int from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || current_schema() || '%'`,
        );
        return count === waiting;
      });
      await client.query(`${statements}; commit`);
      await begun;
    } finally {
      await client.end();
    }
  };

  it(
    'gathers 1,000 events and no more, also where the last ones are committed by two routers at once',
    withStore(async (fixtures) => {
      const [one, other] = [await fixtures.open(), await fixtures.open()];
      await one.append(Array.from({ length: 999 }, (_, n) => gathering(n, 'a')));
      await whileWaiting(fixtures, 2, () =>
        Promise.all([one.append([gathering(1_000, 'a')]), other.append([gathering(1_001, 'a')])]),
      );
      const states = await Promise.all([1_000, 1_001].map(async (n) => (await one.delivery(`${eventId(n)}.0`))?.state));
      expect(states.sort()).to.deep.equal(['gathered', 'skipped']);
      const { dueMs, gathered } = (await one.delivery(`${eventId(0)}.0`)) ?? {};
      expect([dueMs, gathered?.events]).to.deep.equal([startMs, 1_000]);
    }),
  );

  it(
    'begins another gathering where the first event is erased while the last one is committed',
    withStore(async (fixtures) => {
      const store = await fixtures.open();
      await store.append([gathering(1, 'a'), gathering(2, 'a')]);
      const append = () => store.append([gathering(3, 'a', true), gathering(4, 'a')]);
      await whileWaiting(fixtures, 1, append, 'delete from deliveries; delete from gathered');
      const { deliveries } = await store.claim(aClaim());
      const sent = deliveries.map(({ event, events }) => [event.id, events?.map(({ id }) => id)]);
      expect(sent).to.deep.equal([[eventId(3), [eventId(3), eventId(4)]]]);
    }),
  );

  it(
    'keeps a day for the events of it that a dead delivery of another day has gathered',
    withStore(async ({ open, clock }) => {
      const store = await open();
      await store.append([gathering(1, 'a')]);
      clock.jumpTo(clock.now() + dayMs);
      await store.append([gathering(2, 'a', true)]);
      const [taken] = (await store.claim(aClaim())).deliveries;
      const lease = taken?.lease ?? 0;
      const [deliveryId, settlement] = [`${eventId(1)}.0`, { state: 'dead', reason: 'rejected' } as const];
      await store.settle([{ deliveryId, lease, settlement, attempt: null }]);
      clock.jumpTo(clock.now() + 5 * dayMs);
      const prune = () => store.prune({ beforeMs: startMs + 4 * dayMs, limit: 100 });
      expect(await prune()).to.equal(0);
      expect(await store.event(eventId(2))).not.to.equal(null);
      await store.discard([deliveryId]);
      for (let removed = 1; removed > 0; ) removed = await prune();
      expect([await store.event(eventId(1)), await store.event(eventId(2))]).to.deep.equal([null, null]);
    }),
  );
});
