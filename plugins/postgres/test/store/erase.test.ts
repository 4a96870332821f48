import { expect } from 'chai';
import { aClaim, anEntry, delivered, eventId, withStore } from './fixtures.js';

const events = 40;

describe('the store postgres, when events are erased', () => {
  it(
    'leaves no row of them, whatever other routers do with their deliveries at that moment',
    withStore(async (fixtures) => {
      const { open, database } = fixtures;
      const [one, other] = [await open(), await open()];
      const numbers = Array.from({ length: events }, (_, n) => n);
      const keysUntilMs = fixtures.clock.now() + 1_000;
      for (let round = 0; round < 5; round += 1) {
        const ofRound = numbers.map((n) => round * events + n);
        await one.append(ofRound.map((n) => anEntry(n)));
        const { deliveries } = await other.claim(aClaim({ limit: events }));
        const half = deliveries.slice(0, events / 2);
        await other.settle(
          half.map((claimed) => ({ ...delivered(claimed), settlement: { state: 'dead', reason: 'rejected' } })),
        );
        const ids = deliveries.map(({ id }) => id);
        const [erased] = await Promise.all([
          one.erase?.({ eventIds: ofRound.map(eventId), keysUntilMs }),
          other.settle(deliveries.slice(events / 2).map((claimed) => delivered(claimed))),
          other.replay(ids, fixtures.clock.now()),
          other.discard(ids),
          ...ofRound.map((n) => other.extend(eventId(n), anEntry(n).deliveries)),
          one.append(ofRound.map((n) => anEntry(n))),
        ]);
        expect(erased?.length).to.equal(events);
        for (const table of ['events', 'deliveries', 'settled', 'attempts'])
          expect(await database.query(`select * from ${table}`), table).to.deep.equal([]);
      }
      expect((await database.query('select * from seen where erased_until is not null')).length).to.equal(5 * events);
    }),
  );

  it(
    'keeps the keys of erased events for their time, although their day is removed, and no other ones',
    withStore(async (fixtures) => {
      const { clock, open, database } = fixtures;
      const store = await open();
      await store.append([anEntry(1), anEntry(2)]);
      const { deliveries } = await store.claim(aClaim());
      await store.settle(deliveries.map((claimed) => delivered(claimed)));
      const day = 86_400_000;
      await store.erase?.({ eventIds: [eventId(1)], keysUntilMs: clock.now() + 10 * day });
      clock.jumpTo(clock.now() + 5 * day);
      await store.append([anEntry(3, { receivedAtMs: clock.now() })]);
      const prune = async () => {
        while ((await store.prune({ beforeMs: clock.now() - 2 * day, limit: 100 })) > 0);
        return (await database.query('select id from seen order by id')).map(({ id }) => id);
      };
      expect(await prune()).to.deep.equal([eventId(1), eventId(3)]);
      clock.jumpTo(clock.now() + 5 * day);
      expect(await prune()).to.deep.equal([eventId(3)]);
    }),
  );
});
