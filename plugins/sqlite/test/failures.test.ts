import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { connect } from '../src/sql-connection.js';
import { aClaim, anEntry, delivered, eventId, failure, withStore } from './fixtures.js';
import { run } from './processes/processes.js';

const large = 'x'.repeat(20_000);

describe('sqlite, in trouble', () => {
  it(
    'rejects while another process holds a lock on the file, and goes on when it is gone',
    withStore(async ({ path, open }) => {
      const store = await open();
      await store.append([anEntry(1)]);
      const locker = run('locker.ts', path);
      await locker.wrote(1);
      const [append, claim] = [store.append([anEntry(2)]), store.claim(aClaim())].map(failure);
      expect((await append)?.code).to.equal('SQLITE_BUSY');
      expect((await append)?.message)
        .to.include(path)
        .and.include('another process');
      expect((await claim)?.code).to.equal('SQLITE_BUSY');
      expect(await store.event(eventId(1))).to.include({ key: 'key-1' });
      locker.process.stdin?.end();
      await locker.ended();
      await store.append([anEntry(2)]);
      expect((await store.backlog())[0]).to.include({ waiting: 2, running: 0 });
    }),
  );

  it(
    'refuses events shortly below maxSize, but still claims and settles what it has',
    withStore(async ({ open, clock }) => {
      const store = await open({ maxSize: '1mb' });
      let kept = 0;
      let error: (Error & { code?: string }) | undefined;
      for (; error === undefined; kept += 1)
        await store.append([anEntry(kept, 1, large)]).catch((thrown) => {
          error = thrown;
          kept -= 1;
        });
      expect(error).to.include({ code: 'SQLITE_FULL' });
      expect(kept).to.be.within(20, 60);
      expect((await failure(store.append([]))).code).to.equal('SQLITE_FULL');
      const { deliveries } = await store.claim(aClaim());
      expect(deliveries.length).to.equal(kept);
      await store.settle(deliveries.map((claimed) => delivered(claimed)));
      expect(await store.prune({ beforeMs: clock.now() + 1, limit: 10 })).to.equal(10);
      await store.append([anEntry(1_000, 1, large)]);
    }),
  );

  it(
    'keeps nothing of what does not fit any more, fails nothing beside it, and goes on',
    withStore(async ({ open }) => {
      const store = await open({ maxSize: '1mb' });
      const tooLarge = Array.from({ length: 100 }, (_, n) => anEntry(100 + n, 1, large));
      const [before, full, after] = await Promise.allSettled([
        store.append([anEntry(1)]),
        store.append(tooLarge),
        store.append([anEntry(2)]),
      ]);
      expect([before.status, full.status, after.status]).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
      expect(full).to.have.nested.property('reason.code', 'SQLITE_FULL');
      expect((await store.events({ limit: 10 })).items.map(({ key }) => key)).to.deep.equal(['key-2', 'key-1']);
      expect((await store.backlog())[0]?.waiting).to.equal(2);
      expect(await store.append([tooLarge[0] ?? anEntry(3), anEntry(4)])).to.have.length(2);
    }),
  );

  it(
    'finds what an append that was rejected left free again: the same event can come later',
    withStore(async ({ open }) => {
      const store = await open({ maxSize: '1mb' });
      await failure(store.append(Array.from({ length: 100 }, (_, n) => anEntry(n, 1, large))));
      const [appended] = await store.append([anEntry(1)]);
      expect(appended).to.deep.equal({ eventId: eventId(1), duplicate: false });
    }),
  );

  it(
    'rejects while the file is damaged, and recovers by itself when the file is restored',
    withStore(async ({ path, open, services }) => {
      const before = await open();
      await before.append(Array.from({ length: 50 }, (_, n) => anEntry(n, 1, large)));
      await before.close?.();
      const good = await readFile(path);
      const store = await open();
      const ended = services.log.next('store.thread-ended');
      await writeFile(path, Buffer.concat([good.subarray(0, 100), Buffer.alloc(good.length - 100, 0xff)]));
      const error = await failure(store.event(eventId(40)));
      expect(error.code).to.match(/^SQLITE_(CORRUPT|NOTADB)/);
      expect((await failure(store.event(eventId(41)))).code, 'at once').to.match(/^SQLITE_(CORRUPT|NOTADB)/);
      expect((await ended).fields).to.include({ path });
      await writeFile(path, good);
      await store.append([anEntry(99)]);
      expect(await store.event(eventId(40))).to.include({ key: 'key-40' });
    }),
  );

  it(
    'finds damaged pages at its start, says so when it is asked whether it can commit, and until the file is whole again',
    withStore(async ({ path, open, services, clock }) => {
      const before = await open();
      await before.append(Array.from({ length: 50 }, (_, n) => anEntry(n, 1, large)));
      await before.close?.();
      const good = await readFile(path);
      const damaged = Buffer.from(good);
      damaged.fill(0xff, good.length - 20 * 4_096, good.length - 10 * 4_096);
      await writeFile(path, damaged);
      const found = services.log.next('store.damaged');
      const store = await open();
      expect((await found).level).to.equal('error');
      const asked = await failure(store.append([]));
      expect(asked.code).to.equal('SQLITE_CORRUPT');
      expect(asked.message).to.include('the file is damaged; restore a backup');
      // Beside the timer of the look whether the file is still there.
      const nextIsPlanned = async () => {
        while (clock.pending < 2) await settled();
      };
      await nextIsPlanned();
      await clock.advance(60_000);
      await nextIsPlanned();
      expect(services.log.of('store.damaged')).to.have.length(1);
      const restored = async () => {
        await writeFile(path, good);
        const undamaged = services.log.next('store.undamaged');
        await clock.advance(60_000);
        await undamaged;
        await store.append([]);
      };
      await restored();
      await writeFile(path, Buffer.concat([good.subarray(0, 100), Buffer.alloc(good.length - 100, 0xff)]));
      await failure(store.event(eventId(40)));
      expect(services.log.of('store.damaged')).to.have.length(2);
      await restored();
    }),
  );

  it(
    'searches a file at its start in a thread of its own, unless it makes the file',
    withStore(async ({ open }) => {
      let threads = 0;
      const count = (): void => {
        threads += 1;
      };
      process.on('worker', count);
      try {
        const started: number[] = [];
        for (const _ of ['made', 'there']) {
          threads = 0;
          // A search has begun when the store is closed.
          await (await open()).close?.();
          started.push(threads);
        }
        expect(started).to.deep.equal([1, 2]);
      } finally {
        process.off('worker', count);
      }
    }),
  );

  it(
    'counts reads that fail, and is damaged from the first one on that finds a damaged page',
    withStore(async ({ path, open, services }) => {
      const before = await open();
      await before.append(Array.from({ length: 50 }, (_, n) => anEntry(n, 1, large)));
      await before.close?.();
      const good = await readFile(path);
      const store = await open();
      await writeFile(path, Buffer.concat([good.subarray(0, 100), Buffer.alloc(good.length - 100, 0xff)]));
      const found = services.log.next('store.damaged');
      await failure(store.event(eventId(40)));
      await found;
      expect(services.metrics.values.get('store_read_failures_total')).to.equal(1);
      expect((await failure(store.append([]))).code).to.match(/^SQLITE_(CORRUPT|NOTADB)/);
    }),
  );

  const ways: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    'the file is deleted': (path) => rm(path),
    'the write-ahead log is deleted': (path) => rm(`${path}-wal`),
    'another file takes its place': async (path) => {
      await writeFile(`${path}.new`, '');
      await rename(`${path}.new`, path);
    },
    'all its files are moved away': async (path) => {
      for (const ending of ['', '-wal', '-shm']) await rename(path + ending, `${path}.moved${ending}`);
    },
  };
  for (const [what, change] of Object.entries(ways)) {
    it(
      `refuses events when ${what}, and saves what it has`,
      withStore(async ({ path, directory, open, services }) => {
        const store = await open();
        await store.append([1, 2, 3].map((n) => anEntry(n)));
        const logged = services.log.next('store.file-gone');
        await change(path);
        const error = await failure(store.append([anEntry(4)]));
        expect(error.code).to.equal('STORE_FILE_GONE');
        expect((await logged).level).to.equal('error');
        for (const tried of [store.append([]), store.claim(aClaim())])
          expect((await failure(tried)).code).to.equal('STORE_FILE_GONE');
        const saved = (await readdir(directory)).filter((name) => name.includes('.saved-'));
        expect(saved).to.have.length(1);
        expect((await stat(join(directory, saved[0] ?? ''))).mode & 0o077).to.equal(0);
        await store.close?.();
        const again = await open({ path: saved[0] ?? '' });
        expect((await again.events({ limit: 10 })).items.map(({ key }) => key)).to.deep.equal([
          'key-3',
          'key-2',
          'key-1',
        ]);
      }),
    );

    it(
      `notices that ${what} while nothing is written`,
      withStore(async ({ path, open, services, clock }) => {
        const store = await open();
        await store.append([anEntry(1)]);
        const logged = services.log.next('store.file-gone');
        // The write-ahead log is known from the first look on.
        await store.append([]);
        await change(path);
        await clock.advance(500);
        expect((await logged).fields).to.include({ path });
      }),
    );
  }

  it(
    'leaves what is running alone when its thread had to be started again',
    withStore(async ({ path, open, services }) => {
      const store = await open();
      await store.append(Array.from({ length: 50 }, (_, n) => anEntry(n, 1, large)));
      const { deliveries } = await store.claim(aClaim(1));
      const other = connect(path, 5_000);
      other.pragma('wal_checkpoint(truncate)');
      other.close();
      const good = await readFile(path);
      const ended = services.log.next('store.thread-ended');
      await writeFile(path, Buffer.alloc(good.length, 0xff));
      await failure(store.append([anEntry(50, 1, large)]));
      await ended;
      await writeFile(path, good);
      const claim = await store.claim(aClaim());
      expect(claim.deliveries).to.have.length(49);
      expect(claim.deliveries.map(({ id }) => id)).not.to.include(deliveries[0]?.id);
    }),
  );

  it(
    'reports a file that is no store, and does not change it',
    withStore(async ({ path, make }) => {
      await writeFile(path, 'this is a text, and a long one '.repeat(100));
      const error = await failure(make().open?.());
      expect(error).to.include({ code: 'SQLITE_NOTADB' });
      expect(error.message).to.include(path).and.include('not a SQLite database');
      expect((await readFile(path)).length).to.equal(3_100);
    }),
  );

  it(
    'does not touch a database of another program',
    withStore(async ({ path, make }) => {
      const other = connect(path, 5_000);
      other.exec('create table customers (name text)');
      other.close();
      expect((await failure(make().open?.())).message)
        .to.include(path)
        .and.include('not of Switchhook');
    }),
  );

  it(
    'refuses a file that a newer router has written',
    withStore(async ({ path, open, make }) => {
      await (await open()).close?.();
      const db = connect(path, 5_000);
      db.exec('pragma user_version = 99');
      db.close();
      const error = await failure(make().open?.());
      expect(error).to.include({ code: 'STORE_TOO_NEW' });
      expect(error.message).to.include(path).and.include('99');
    }),
  );

  it(
    'reports a path that cannot be opened',
    withStore(async ({ directory, make }) => {
      const error = await failure(make({ path: '.' }).open?.());
      expect(error.message).to.include(directory).and.include('cannot be opened');
    }),
  );

  it(
    'rejects calls before it is open',
    withStore(async ({ make }) => {
      expect((await failure(make().append([]))).message).to.include('not open');
    }),
  );
});
