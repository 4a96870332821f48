import { expect } from 'chai';
import { aClaim, aNewDelivery, anEntry, delivered, eventId, startMs, withStore } from './fixtures.js';

const leaseMs = 90_000;

describe('leases in a database that routers share', () => {
  const handedOver = (n: number) =>
    anEntry(n, {}, [
      aNewDelivery({ state: 'running', dueMs: startMs + leaseMs }),
      aNewDelivery({ destination: 'slack' }),
    ]);

  it(
    'end for the router that is gone only, and by one of the others only',
    withStore(async ({ open }) => {
      const [gone, one, other] = [await open(), await open(), await open()];
      for (const [index, store] of [gone, one, other].entries()) {
        await store.coordination?.beat({ id: `${index}`, beat: 1, report: '' });
        await store.append([handedOver(index)]);
        await store.claim(aClaim({ destination: 'slack', limit: 1 }));
      }
      const ended = await Promise.all([one, other].map((store) => store.endLeases?.([{ id: '0', beat: 1 }])));
      expect(ended.sort()).to.deep.equal([0, 2]);
      const { items } = await one.deliveries({ limit: 10, state: 'waiting' });
      expect(items.map(({ id }) => id).sort()).to.deep.equal([`${eventId(0)}.0`, `${eventId(0)}.1`]);
      const [taken] = (await other.claim(aClaim())).deliveries;
      expect(taken).to.include({ id: `${eventId(0)}.0`, attempt: 2, lease: 2 });
      // It was only suspended, and settles what it had.
      await gone.settle([
        delivered({ id: `${eventId(0)}.0`, lease: 1 }),
        delivered({ id: `${eventId(0)}.1`, lease: 1 }),
      ]);
      const states = async (index: number) => (await one.delivery(`${eventId(0)}.${index}`))?.state;
      expect([await states(0), await states(1)]).to.deep.equal(['running', 'waiting']);
      // What it takes over before its next heartbeat is not part of the end.
      await gone.append([handedOver(7)]);
      expect(await one.endLeases?.([{ id: '0', beat: 1 }])).to.equal(0);
    }),
  );

  it(
    'of routers that do not listen stay where one that does is started beside them, until their heartbeats end',
    withStore(async ({ open, database }) => {
      const silent = await open({ listen: false });
      await silent.coordination?.beat({ id: 'silent', beat: 1, report: '' });
      await silent.append([handedOver(1)]);
      const second = await open();
      expect((await second.claim(aClaim())).deliveries).to.deep.equal([]);
      await second.close?.();
      await database.query('update routers set beaten_at = beaten_at - 30001');
      expect((await (await open()).claim(aClaim())).deliveries).to.have.length(1);
    }),
  );

  it(
    'last for as long as the option says, 30 s by default, from 5 s to 5 min',
    withStore(async ({ make }) => {
      expect(make().coordination?.leaseMs).to.equal(30_000);
      expect(['5s', '10s', '5m'].map((lease) => make({ lease }).coordination?.leaseMs)).to.deep.equal([
        5_000, 10_000, 300_000,
      ]);
      for (const lease of ['4999ms', '301s', '0s']) expect(() => make({ lease }), lease).to.throw('expected 5s to 5m');
    }),
  );

  it(
    'hold until their time where the router was of an earlier version',
    withStore(async ({ open, database }) => {
      const [gone, one] = [await open(), await open()];
      await gone.coordination?.beat({ id: 'old', beat: 1, report: '' });
      await gone.append([handedOver(1)]);
      await database.query('update routers set number = null');
      await database.query('update deliveries set claim = null');
      expect(await one.endLeases?.([{ id: 'old', beat: 1 }])).to.equal(0);
      expect((await one.claim(aClaim())).deliveries).to.deep.equal([]);
      expect((await one.claim(aClaim({ nowMs: startMs + leaseMs }))).deliveries).to.have.length(1);
    }),
  );
});
