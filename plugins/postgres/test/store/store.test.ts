import { isRefusal } from '@switchhook/sdk';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../../../../test/support/eventually.js';
import { useIndexes } from '../../src/store/sql-schema.js';
import { writeStatements } from '../../src/store/sql-writes.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  delivered,
  eventId,
  type Fixtures,
  failure,
  startMs,
  withStore,
} from './fixtures.js';

const dayMs = 86_400_000;

/** The days that have a partition of events. */
async function daysOf({ database, schema }: Fixtures): Promise<readonly string[]> {
  const tables = `select tablename as name from pg_tables where schemaname = $1 and tablename like 'events_2%' order by 1`;
  return (await database.query(tables, [schema])).map(({ name }) => String(name).slice('events_'.length));
}

describe('postgres, its changes', () => {
  it(
    'are not passed by while a transaction of another router has yet to commit some',
    withStore(async ({ open, database }) => {
      const store = await open();
      await store.append([anEntry(1)]);
      const start = (await store.changes?.(null, 10))?.cursor ?? '';
      const slow = new pg.Client({ connectionString: database.url });
      await slow.connect();
      await slow.query('begin');
      await slow.query(
        `insert into events (seq, id, source, key, type, occurred_at, received_at, routed, body)
        select seq + 100, '${eventId(2)}', source, 'other', type, occurred_at, received_at, routed, body from events`,
      );
      await store.append([anEntry(3)]);
      expect((await store.changes?.(start, 10))?.changes).to.deep.equal([]);
      await slow.query('commit');
      await slow.end();
      const found: string[] = [];
      for (let cursor = start; found.length < 2; ) {
        const part = await store.changes?.(cursor, 1);
        cursor = part?.cursor ?? '';
        for (const { event } of part?.changes ?? []) found.push(event.id);
      }
      expect(found).to.deep.equal([eventId(2), eventId(3)]);
    }),
  );
});

describe('postgres, its schema', () => {
  it(
    'is installed once by many routers that start at the same time',
    withStore(async ({ open }) => {
      const stores = await Promise.all(Array.from({ length: 6 }, () => open()));
      await Promise.all(stores.map((store, n) => store.append([anEntry(n)])));
      expect((await stores[0]?.events({ limit: 10 }))?.items).to.have.length(6);
    }),
  );

  it(
    'is brought up to date by a newer router while one of the previous version runs, and keeps texts from then on',
    withStore(async ({ open, database }) => {
      const old = await open();
      await old.append([anEntry(1)]);
      await database.query('drop table state, routers, buckets, texts');
      for (const table of ['events', 'attempts']) await database.query(`alter table ${table} drop column xid`);
      await database.query('alter table events drop column trace, drop column verified');
      await database.query('alter table seen drop column erased_until');
      await database.query('drop table gathered');
      await database.query('drop index settled_by_state');
      await database.query('delete from migrations where version > 1');
      const store = await open();
      expect(await store.setState?.('a', 'one', null)).to.equal(true);
      await old.append([anEntry(2)]);
      expect([await old.state?.('a'), (await store.events({ limit: 9 })).items.length]).to.deep.equal(['one', 2]);
      const { cursor = '' } = (await old.changes?.(null, 9)) ?? {};
      await store.append([anEntry(3)]);
      await eventually(async () => (await old.changes?.(cursor, 9))?.changes.length !== 0);
    }),
  );

  it(
    'is refused where a newer router has installed it, also by a check',
    withStore(async ({ open, make, database }) => {
      await (await open()).close?.();
      await database.query('insert into migrations (version) values (99)');
      for (const attempt of [() => open(), () => make().probe?.(new AbortController().signal)]) {
        const { code, message } = await failure(attempt());
        expect(code).to.equal('STORE_TOO_NEW');
        expect(message).to.match(/^the schema test_\w+ has version 99, installed by a newer router/);
      }
    }),
  );

  it(
    'is checked without a change',
    withStore(async (fixtures) => {
      await fixtures.make().probe?.(new AbortController().signal);
      expect(await daysOf(fixtures)).to.deep.equal([]);
      const other = fixtures.make({ schema: 'not there' });
      await other.probe?.(new AbortController().signal);
      const found = await fixtures.database.query(`select from pg_namespace where nspname = 'not there'`);
      expect(found).to.have.length(0);
    }),
  );

  it(
    'has a name that is quoted',
    withStore(async ({ open, database }) => {
      const store = await open({ schema: `it's "odd"` });
      try {
        await store.append([anEntry(1)]);
        expect(await store.event(eventId(1))).to.not.equal(null);
      } finally {
        await store.close?.();
        await database.query(`drop schema "it's ""odd""" cascade`);
      }
    }),
  );
});

describe('postgres, its days', () => {
  it(
    'are made ahead, and follow the clock without a restart',
    withStore(async (fixtures) => {
      const { open, clock } = fixtures;
      const store = await open();
      expect(await daysOf(fixtures)).to.deep.equal(['20260101', '20260102']);
      await store.append([anEntry(1)]);
      clock.jumpTo(startMs + dayMs);
      await store.append([anEntry(2)]);
      expect(await daysOf(fixtures)).to.deep.equal(['20260101', '20260102', '20260103']);
      const [today] = await fixtures.database.query('select count(*)::int as count from events_20260102');
      expect(today?.count).to.equal(1);
    }),
  );

  it(
    'are begun anew where a server that took over lacks them, or has not counted as far',
    withStore(async (fixtures) => {
      const store = await fixtures.open();
      await fixtures.database.query(`select setval('event_numbers', 1, false)`);
      expect(await store.append([anEntry(1)])).to.have.length(1);
      for (const table of ['events', 'settled', 'attempts'])
        await fixtures.database.query(`drop table ${table}_20260101`);
      await fixtures.database.query('truncate deliveries, seen');
      await fixtures.database.query(`select setval('event_numbers', 1, false)`);
      expect(await store.append([anEntry(2)])).to.have.length(1);
      expect(await daysOf(fixtures)).to.deep.equal(['20260101', '20260102']);
    }),
  );

  it(
    'never go back with the clock, so that events stay in order of arrival',
    withStore(async ({ open, clock }) => {
      clock.jumpTo(startMs + dayMs);
      const first = await open();
      await first.append([anEntry(1, { subject: 'a' })]);
      clock.jumpTo(startMs);
      await first.append([anEntry(2, { subject: 'a' })]);
      const second = await open();
      await second.append([anEntry(3, { subject: 'a' })]);
      const { deliveries } = await second.claim(aClaim({ ordered: true }));
      expect(deliveries.map(({ event }) => event.id)).to.deep.equal([eventId(1)]);
    }),
  );

  it(
    'are removed as a whole, with their keys',
    withStore(async (fixtures) => {
      const { open, clock, database } = fixtures;
      const store = await open();
      await store.append([1, 2, 3].map((n) => anEntry(n)));
      await store.settle((await store.claim(aClaim())).deliveries.map((one) => delivered(one)));
      clock.jumpTo(startMs + 3 * dayMs);
      await store.append([anEntry(4)]);
      expect(await store.prune({ beforeMs: startMs + dayMs - 1, limit: 200 })).to.equal(0);
      expect(await store.prune({ beforeMs: startMs + dayMs, limit: 200 })).to.equal(3);
      expect(await daysOf(fixtures)).to.deep.equal(['20260102', '20260104', '20260105']);
      expect(await store.prune({ beforeMs: startMs + 2 * dayMs, limit: 200 })).to.equal(0);
      expect((await store.events({ limit: 10 })).items.map(({ id }) => id)).to.deep.equal([eventId(4)]);
      const [keys] = await database.query('select count(*)::int as count from seen');
      expect(keys?.count).to.equal(1);
      expect(await store.append([anEntry(9, { key: 'key-1' })])).to.deep.equal([
        { eventId: eventId(9), duplicate: false },
      ]);
    }),
  );

  it(
    'are removed, with the keys that have ended, where events are kept for less than a day',
    withStore(async (fixtures) => {
      const { open, clock, database } = fixtures;
      const store = await open();
      for (let day = 0; day < 10; day += 1) {
        clock.jumpTo(startMs + day * dayMs);
        await store.append([anEntry(day, { receivedAtMs: clock.now() })]);
        await store.settle((await store.claim(aClaim())).deliveries.map((one) => delivered(one)));
        const request = { beforeMs: clock.now() - dayMs / 4, limit: 200, keysMs: 3 * dayMs };
        while ((await store.prune(request)) > 0);
      }
      expect((await store.events({ limit: 10 })).items.map(({ id }) => id)).to.deep.equal([eventId(9)]);
      expect((await daysOf(fixtures)).length).to.be.at.most(4);
      const [keys] = await database.query('select count(*)::int as count from seen');
      expect(keys?.count).to.be.within(3, 5);
    }),
  );

  it(
    'keep what is dead or open, and lose the rest row by row',
    withStore(async ({ open, clock }) => {
      const store = await open();
      await store.append([1, 2, 3, 4].map((n) => anEntry(n)));
      const { deliveries } = await store.claim(aClaim({ limit: 3 }));
      await store.settle(
        deliveries.map((one, index) =>
          index === 0 ? { ...delivered(one), settlement: { state: 'dead', reason: 'rejected' } } : delivered(one),
        ),
      );
      clock.jumpTo(startMs + 5 * dayMs);
      const old = { beforeMs: startMs + dayMs, limit: 1 };
      expect([await store.prune(old), await store.prune(old), await store.prune(old)]).to.deep.equal([1, 1, 0]);
      const left = (await store.events({ limit: 10 })).items.map(({ id }) => id);
      expect(left).to.deep.equal([eventId(4), eventId(1)]);
      await store.discard([`${eventId(1)}.0`, `${eventId(4)}.0`]);
      expect(await store.prune(old)).to.equal(2);
    }),
  );

  it(
    'go although their keys are kept: a repetition is still a duplicate',
    withStore(async ({ open, clock }) => {
      const store = await open();
      const keysMs = 10 * dayMs;
      await store.append([anEntry(1, {}, [])]);
      clock.jumpTo(startMs + 5 * dayMs);
      expect(await store.prune({ beforeMs: startMs + dayMs, limit: 200, keysMs })).to.equal(1);
      await store.prune({ beforeMs: startMs + dayMs, limit: 200, keysMs });
      expect(await store.event(eventId(1))).to.equal(null);
      const again = anEntry(2, { key: 'key-1' });
      expect(await store.append([again])).to.deep.equal([{ eventId: eventId(1), duplicate: true }]);
      clock.jumpTo(startMs + 12 * dayMs);
      await store.append([anEntry(3)]);
      await store.prune({ beforeMs: startMs + 2 * dayMs, limit: 200, keysMs });
      expect(await store.append([again])).to.deep.equal([{ eventId: eventId(2), duplicate: false }]);
    }),
  );

  it(
    'are removed while others write, or left for later',
    withStore(async ({ open, clock, database }) => {
      const store = await open();
      await store.append([anEntry(1, {}, [])]);
      clock.jumpTo(startMs + 3 * dayMs);
      await store.append([anEntry(2, {}, [])]);
      const old = { beforeMs: startMs + dayMs, limit: 200 };
      const reader = new pg.Client({ connectionString: database.url });
      await reader.connect();
      await reader.query('begin; select * from events');
      expect(await store.prune(old)).to.equal(0);
      await store.append([anEntry(3, {}, [])]);
      await reader.end();
      expect(await store.prune(old)).to.equal(1);
    }),
  );
});

describe('postgres, with many deliveries', () => {
  it(
    'claims the oldest of a subject that is behind hundreds of others which cannot be claimed',
    withStore(async ({ open }) => {
      const store = await open();
      // The oldest of `a` is due last: the index by time leads to those behind it first.
      await store.append([anEntry(0, { subject: 'a' }, [aNewDelivery({ dueMs: startMs + 500 })])]);
      await store.append(Array.from({ length: 1_200 }, (_, n) => anEntry(n + 1, { subject: 'a' })));
      await store.append([
        anEntry(2_000, { subject: 'b' }, [aNewDelivery({ dueMs: startMs + 1 })]),
        anEntry(2_001, { subject: null }, [aNewDelivery({ dueMs: startMs + 1 })]),
      ]);
      const early = await store.claim(aClaim({ ordered: true }));
      expect([early.deliveries.length, early.nextDueMs]).to.deep.equal([0, startMs + 1]);
      const { deliveries, nextDueMs } = await store.claim(aClaim({ ordered: true, nowMs: startMs + 1 }));
      expect(deliveries.map(({ event }) => event.id)).to.have.members([eventId(2_000), eventId(2_001)]);
      expect(nextDueMs).to.equal(startMs + 500);
      const late = await store.claim(aClaim({ ordered: true, nowMs: startMs + 500 }));
      expect(late.deliveries.map(({ event }) => event.id)).to.deep.equal([eventId(0)]);
    }),
  );

  it(
    'finds what has waited behind another one of its subject, also where claims do not read from the beginning',
    withStore(async ({ open, clock }) => {
      const elapsed = clock.elapsed.bind(clock);
      let reads = 0;
      // Each claim takes a second by it, so that the next ones do not read from the beginning.
      clock.elapsed = () => {
        reads += 1;
        return elapsed() + reads * 1_000;
      };
      const store = await open();
      await store.append([1, 2, 3].map((n) => anEntry(n, { subject: n < 3 ? 'a' : 'b' })));
      const claim = async () => {
        const request = aClaim({ ordered: true, nowMs: clock.now() });
        const { deliveries } = await store.claim(request);
        return deliveries;
      };
      const numbers = (claimed: Awaited<ReturnType<typeof claim>>) =>
        claimed.map(({ event }) => Number.parseInt(event.id.slice(24), 16));
      const first = await claim();
      expect(numbers(first)).to.deep.equal([1, 3]);
      const again = { state: 'waiting', untilMs: clock.now() + 10_000, counted: true } as const;
      await store.settle(
        first.map((one) => ({ ...delivered(one), ...(one.event.subject === 'a' && { settlement: again }) })),
      );
      for (const _ of [1, 2, 3]) {
        clock.jumpTo(clock.now() + 3_000);
        expect(numbers(await claim())).to.deep.equal([]);
      }
      clock.jumpTo(clock.now() + 3_000);
      const second = await claim();
      expect(numbers(second)).to.deep.equal([1]);
      await store.settle(second.map(delivered));
      expect(numbers(await claim())).to.deep.equal([2]);
    }),
  );

  it(
    'reads fewer removed rows where an older transaction keeps them, if it reads from a due time on',
    withStore(async ({ open, clock, database, schema }) => {
      const store = await open();
      const holder = new pg.Client({ connectionString: database.url });
      await holder.connect();
      try {
        await holder.query('begin isolation level repeatable read; select txid_current()');
        for (let n = 0; n < 3_000; n += 500) {
          const dueMs = clock.now() + n;
          await store.append(
            Array.from({ length: 500 }, (_, index) => anEntry(n + index, {}, [aNewDelivery({ dueMs })])),
          );
          const { deliveries } = await store.claim(aClaim({ ordered: true, nowMs: dueMs }));
          expect(deliveries).to.have.length(500);
          await store.settle(deliveries.map(delivered));
        }
        const nowMs = clock.now() + 3_000;
        const { claimHeads } = writeStatements(schema);
        const blocks = async (fromMs: number): Promise<number> => {
          await holder.query('deallocate all');
          await holder.query(`prepare read as ${claimHeads.text}`);
          const { rows } = await holder.query(
            `explain (analyze, buffers, format json) execute read('crm', ${nowMs}, ${nowMs}, 64, 10, 1, ${fromMs})`,
          );
          const plan = rows[0]['QUERY PLAN'][0].Plan;
          return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
        };
        await holder.query(useIndexes);
        const [all, few] = [await blocks(0), await blocks(clock.now() + 2_500)];
        expect(few).to.be.below(all / 2);
      } finally {
        await holder.end();
      }
    }),
  );

  it(
    'shares them among routers: each is claimed once, in order by subject',
    withStore(async ({ open }) => {
      const stores = [await open(), await open(), await open()];
      const subjects = 20;
      await stores[0]?.append(Array.from({ length: 400 }, (_, n) => anEntry(n, { subject: `s${n % subjects}` })));
      const taken = new Map<string, number[]>();
      let running = 0;
      const work = async (store: (typeof stores)[number]): Promise<void> => {
        for (let empty = 0; empty < 20; ) {
          const { deliveries } = await store.claim(aClaim({ ordered: true, limit: 7 }));
          running += deliveries.length;
          expect(running, 'one of each subject').to.be.at.most(subjects);
          for (const { event } of deliveries) {
            const line = taken.get(String(event.subject)) ?? [];
            taken.set(String(event.subject), [...line, Number.parseInt(event.id.slice(24), 16)]);
          }
          running -= deliveries.length;
          await store.settle(deliveries.map((one) => delivered(one)));
          empty = deliveries.length === 0 ? empty + 1 : 0;
        }
      };
      await Promise.all(stores.map(work));
      expect([...taken.values()].flat()).to.have.length(400);
      for (const line of taken.values()) expect(line).to.deep.equal(line.toSorted((a, b) => a - b));
    }),
  );

  it(
    'commits what comes together in few transactions',
    withStore(async ({ open, services }) => {
      const store = await open();
      let commits = 0;
      services.metrics.observe = (name: string) => {
        if (name === 'store_commit_seconds') commits += 1;
      };
      await Promise.all(Array.from({ length: 640 }, (_, n) => store.append([anEntry(n)])));
      expect(commits).to.equal(10);
    }),
  );
});

describe('postgres, with unusual values', () => {
  it(
    'keeps what PostgreSQL cannot store with a replacement character, and the body as it came',
    withStore(async ({ open }) => {
      const store = await open();
      const odd = { subject: 'a\0b', type: 'x\0', agent: '\0', party: '+1\0', body: Buffer.from([0, 1, 0xff, 0]) };
      await store.append([anEntry(1, { ...odd, key: 'k\0' }), anEntry(2, { key: 'k\uFFFD' })]);
      expect(await store.event(eventId(1))).to.deep.include({ subject: 'a\uFFFDb', key: 'k\uFFFD', body: odd.body });
      expect((await store.events({ limit: 9 })).items).to.have.length(2);
      expect((await store.events({ limit: 9, party: '+1\0' })).items).to.have.length(1);
      const [first] = (await store.claim(aClaim())).deliveries;
      if (first === undefined) throw new Error('nothing was claimed');
      const { attempt, ...rest } = delivered(first);
      await store.settle([{ ...rest, attempt: attempt && { ...attempt, response: 'a\0b \ud800' } }]);
      expect((await store.attempts(first.id))[0]?.response).to.equal('a\uFFFDb \uFFFD');
    }),
  );

  it(
    'keeps texts of any length, and finds them',
    withStore(async ({ open }) => {
      const store = await open();
      const long = Array.from({ length: 20_000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7_919) % 20_000))).join(
        '',
      );
      await store.append([anEntry(1, { subject: long, key: long, party: long })]);
      expect((await store.append([anEntry(2, { key: long })]))[0]?.duplicate).to.equal(true);
      expect((await store.events({ limit: 9, party: long, subject: long })).items).to.have.length(1);
      expect((await store.claim(aClaim({ ordered: true }))).deliveries).to.have.length(1);
    }),
  );

  it(
    'refuses cursors of other lists, and finds nothing under what is no id',
    withStore(async ({ open }) => {
      const store = await open();
      for (const cursor of ['', 'x', '1_2', '1_2_3_4', '99999999999999999999_1_1', "1_2_3'"])
        expect(isRefusal(await failure(store.events({ limit: 1, cursor }))), cursor).to.equal(true);
      for (const id of ['', 'x', "'", eventId(1).toUpperCase()]) {
        expect(await store.event(id)).to.equal(null);
        expect(await store.delivery(`${id}.0`)).to.equal(null);
        expect(await store.extend(id, [aNewDelivery()])).to.deep.equal([]);
        expect((await store.deliveries({ eventId: id, limit: 1 })).items).to.deep.equal([]);
      }
    }),
  );
});
