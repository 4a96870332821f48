import type { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../../../../test/support/eventually.js';
import { named } from '../backends.js';
import { throttle } from '../gate.js';
import { aClaim, aNewDelivery, anEntry, delivered, eventId, withStore } from './fixtures.js';

describe('postgres, shared by routers', () => {
  it(
    'wakes another router with one notification for all that was committed in 50 ms',
    withStore(async ({ open, clock }) => {
      const [writer, reader] = [await open(), await open()];
      const woken: string[] = [];
      reader.onDue?.((destination) => woken.push(destination));
      writer.onDue?.((destination) => woken.push(`writer: ${destination}`));
      const slack = aNewDelivery({ destination: 'slack' });
      const later = aNewDelivery({ destination: 'later', dueMs: clock.now() + 1_000 });
      for (let n = 0; n < 5; n += 1) await writer.append([anEntry(n, {}, [aNewDelivery(), slack, later])]);
      await clock.advance(49);
      expect(woken).to.deep.equal([]);
      await clock.advance(1);
      await eventually(() => woken.length >= 2);
      expect(woken).to.deep.equal(['crm', 'slack']);
    }),
  );

  it(
    'looks once more where a notification comes while it looks',
    withStore(async ({ open, database, schema }) => {
      const [reader, other] = [await open(), await open()];
      await reader.append([anEntry(1)]);
      const lookers = async () => {
        const waiting = `select from pg_locks where not granted and relation = 'deliveries'::regclass`;
        return (await database.query(waiting)).length;
      };
      const notify = (): Promise<unknown> => database.query(`select pg_notify('switchhook', $1)`, [schema]);
      const woken: string[] = [];
      reader.onDue?.((destination) => woken.push(destination));
      const holder = new pg.Client({ connectionString: database.url });
      await holder.connect();
      try {
        await holder.query('begin; lock table deliveries in access exclusive mode');
        await notify();
        await eventually(async () => (await lookers()) === 1);
        // The next one arrives when it has made another router look, too.
        other.onDue?.(() => {});
        await notify();
        await eventually(async () => (await lookers()) === 2);
      } finally {
        await holder.end();
      }
      await eventually(() => woken.length === 2);
    }),
  );

  it(
    'wakes no router for what is handed over in memory, or already settled',
    withStore(async ({ open, clock }) => {
      const [writer, reader] = [await open({}), await open()];
      const woken: string[] = [];
      reader.onDue?.((destination) => woken.push(destination));
      const running = aNewDelivery({ state: 'running', dueMs: clock.now() + 60_000 });
      await writer.append([anEntry(1, {}, [running])]);
      await writer.settle([delivered({ id: `${anEntry(1).event.id}.0`, lease: 1 })]);
      await clock.advance(50);
      await writer.append([anEntry(2, {}, [aNewDelivery({ destination: 'slack' })])]);
      await clock.advance(50);
      await eventually(() => woken.length > 0);
      expect(woken).to.deep.equal(['slack']);
    }),
  );

  it(
    'finds what is due without notifications, four times a second',
    withStore(async ({ open, clock }) => {
      const [writer, reader] = [await open({ listen: false }), await open({ listen: false })];
      const woken: string[] = [];
      const stop = reader.onDue?.((destination) => woken.push(destination));
      await writer.append([anEntry(1)]);
      await clock.advance(249);
      expect(woken).to.deep.equal([]);
      await clock.advance(1);
      await eventually(() => woken.length === 1);
      stop?.();
      await clock.advance(1_000);
      expect(woken).to.deep.equal(['crm']);
    }),
  );

  for (const ordered of [false, true])
    it(
      `claims at once what was committed long after its due time, by itself or by another router${ordered ? ', in order' : ''}`,
      withStore(async ({ open, clock }) => {
        const [own, other] = [await open(), await open()];
        // Each claim takes so long that the next one from the beginning is minutes away.
        const { elapsed } = clock;
        let spentMs = 0;
        clock.elapsed = () => {
          spentMs += 5_000;
          return elapsed.call(clock) + spentMs;
        };
        const claimed = async () => {
          const { deliveries } = await own.claim(aClaim({ nowMs: clock.now(), ordered }));
          return deliveries.map(({ id }) => id);
        };
        await clock.advance(60_000);
        expect(await claimed()).to.deep.equal([]);
        const lateMs = clock.now() - 30_000;
        await own.append([anEntry(1, {}, [aNewDelivery({ dueMs: lateMs })])]);
        expect(await claimed(), 'appended').to.deep.equal([`${eventId(1)}.0`]);
        const settlement = { state: 'waiting', untilMs: lateMs, counted: true } as const;
        await own.settle([{ deliveryId: `${eventId(1)}.0`, lease: 1, settlement, attempt: null }]);
        expect(await claimed(), 'settled').to.deep.equal([`${eventId(1)}.0`]);

        const woken: string[] = [];
        own.onDue?.((destination) => woken.push(destination));
        await other.append([anEntry(2, {}, [aNewDelivery({ dueMs: lateMs })])]);
        await clock.advance(50);
        await eventually(() => woken.length > 0);
        expect(await claimed(), 'of the other router').to.deep.equal([`${eventId(2)}.0`]);
      }),
    );

  it(
    'listens again after its connection was ended',
    withStore(async ({ open, clock, database }) => {
      const { url, name } = named(database.url);
      const reader = await open({ url });
      const writer = await open();
      const woken: string[] = [];
      reader.onDue?.((destination) => woken.push(destination));
      const listening = `select a.pid from pg_stat_activity a join pg_locks l using (pid)
        where application_name = $1 and locktype = 'advisory'`;
      const backends = () => database.query(listening, [name]);
      const [before] = await backends();
      await database.query('select pg_terminate_backend($1)', [before?.pid]);
      await eventually(async () => (await backends()).length === 0);
      await eventually(async () => {
        await clock.advance(100);
        const [now] = await backends();
        return now !== undefined && now.pid !== before?.pid;
      });
      woken.length = 0;
      await writer.append([anEntry(1)]);
      await clock.advance(50);
      await eventually(() => woken.includes('crm'));
    }),
  );

  it(
    'reports in words that a pooler keeps notifications back, and goes on without them',
    withStore(async ({ open, clock, database, services }) => {
      const gate = await throttle(database.url, { swallows: (bytes) => bytes.includes('test of ') });
      const opening = open({ url: gate.url });
      await eventually(async () => {
        await clock.advance(500);
        return services.log.of('store.notifications-lost').length > 0;
      });
      const store = await opening;
      expect(services.log.of('store.notifications-lost')[0]?.fields.fix).to.match(/^set listen to false/);
      await store.append([anEntry(1)]);
      await store.close?.();
      await gate.close();
    }),
  );

  it(
    'forgets the routers that have ended without a word, once a router is alone',
    withStore(async ({ open }) => {
      const ids = async (store: Store, id: string) =>
        (await store.coordination?.beat({ id, beat: 1, report: '' }))?.map((beat) => beat.id).sort();
      const [first, second] = [await open(), await open()];
      expect(await ids(first, 'a')).to.deep.equal(['a']);
      expect(await ids(second, 'b')).to.deep.equal(['a', 'b']);
      await first.close?.();
      expect(await ids(await open(), 'c')).to.deep.equal(['a', 'b', 'c']);
      await second.close?.();
    }),
  );

  it(
    'leaves the leases of a router that is still there, and ends them when there is none',
    withStore(async ({ open }) => {
      const running = aNewDelivery({ state: 'running', dueMs: 2e12 });
      const first = await open();
      await first.append([anEntry(1, {}, [running])]);
      const second = await open();
      const dueMs = async () => (await second.delivery(`${anEntry(1).event.id}.0`))?.dueMs;
      expect(await dueMs()).to.equal(2e12);
      await first.close?.();
      expect(await dueMs()).to.equal(2e12);
      await second.close?.();
      const third = await open();
      expect((await third.delivery(`${anEntry(1).event.id}.0`))?.dueMs).to.be.below(2e12);
    }),
  );
});
