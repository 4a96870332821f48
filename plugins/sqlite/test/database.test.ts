import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import plugin from '@switchhook/plugin-sqlite';
import { expect } from 'chai';
import { migrate, openDatabase } from '../src/database.js';
import { connect } from '../src/sql-connection.js';
import { migrations } from '../src/sql-schema.js';
import { aClaim, anEntry, delivered, eventId, failure, withStore } from './fixtures.js';

const settings = { synchronous: 'full', maxBytes: null, leasesEndMs: null, identity: null } as const;

describe('the file of sqlite', () => {
  it(
    'is made with its directories, beside the configuration file, unless a path is given',
    withStore(async ({ directory, open }) => {
      const component = plugin.components[0];
      expect(component?.options.parse({})).to.deep.equal({ path: './data/switchhook.db', synchronous: 'full' });
      await open({ path: './a/b/c.db' });
      expect(existsSync(join(directory, 'a/b/c.db'))).to.equal(true);
    }),
  );

  it(
    'is synchronised at each commit, unless asked otherwise',
    withStore(async ({ path }) => {
      for (const [synchronous, level] of [
        ['full', 2],
        ['normal', 1],
      ] as const) {
        const { db, close } = openDatabase({ ...settings, path, synchronous });
        expect(db.pragma('synchronous')).to.equal(level);
        expect(db.pragma('journal_mode')).to.equal('wal');
        close();
      }
    }),
  );

  it(
    'becomes smaller again, step by step, when events are pruned',
    withStore(async ({ path, open, clock }) => {
      const store = await open();
      await store.append(Array.from({ length: 400 }, (_, n) => anEntry(n, 1, 'x'.repeat(20_000))));
      const { deliveries } = await store.claim(aClaim());
      await store.settle(deliveries.map((claimed) => delivered(claimed)));
      const sizeAfter = async (steps: number) => {
        for (let step = 0; step < steps; step += 1) await store.prune({ beforeMs: clock.now() + 1, limit: 100 });
        const reader = connect(path, 5_000);
        reader.pragma('wal_checkpoint(full)');
        reader.close();
        return (await stat(path)).size;
      };
      const [full, less, least] = [await sizeAfter(0), await sizeAfter(3), await sizeAfter(12)];
      expect(full).to.be.greaterThan(8_000_000);
      expect(less).to.be.lessThan(full);
      expect(least).to.be.lessThan(1_000_000);
    }),
  );

  it(
    'of version 1 is opened, with all it holds',
    withStore(async ({ path, open, clock }) => {
      const old = connect(path, 5_000);
      old.exec(await readFile(new URL('../fixtures/v1.sql', import.meta.url), 'utf8'));
      old.close();
      const store = await open();
      expect((await store.events({ limit: 10 })).items.map(({ id }) => id)).to.deep.equal([eventId(2), eventId(1)]);
      expect(
        await store.append([anEntry(9)].map((entry) => ({ ...entry, event: { ...entry.event, key: 'key-1' } }))),
      ).to.deep.equal([{ eventId: eventId(1), duplicate: true }]);
      const states = (await store.deliveries({ limit: 10 })).items.map(({ state, reason }) => [state, reason]);
      expect(states).to.deep.equal([
        ['dead', 'rejected'],
        ['waiting', null],
        ['running', null],
        ['delivered', null],
      ]);
      expect(await store.attempts(`${eventId(1)}.0`)).to.have.length(1);
      const { deliveries } = await store.claim({ ...aClaim(), nowMs: clock.now(), ordered: true });
      expect(deliveries.map(({ id }) => id)).to.deep.equal([`${eventId(1)}.1`]);
      expect((await store.backlog()).map(({ waiting, running, dead }) => [waiting, running, dead])).to.deep.equal([
        [1, 1, 1],
      ]);
      expect(await store.setState?.('a', 'one', null)).to.equal(true);
    }),
  );

  it('is brought to the newest version one step at a time, and keeps the last one that worked', () => {
    const db = connect(':memory:', 5_000);
    const broken = [...migrations, 'alter table events add column note text', 'create table events (a)'];
    expect(() => migrate(db, broken)).to.throw('already exists');
    expect(db.pragma('user_version')).to.equal(migrations.length + 1);
    expect(() => migrate(db, migrations))
      .to.throw(`version ${migrations.length + 1}`)
      .with.property('code', 'STORE_TOO_NEW');
    migrate(db, [
      ...broken.slice(0, -1),
      'create table notes (a) strict, without rowid'.replace('(a)', '(a text primary key)'),
    ]);
    expect(db.pragma('user_version')).to.equal(migrations.length + 2);
    db.close();
  });

  it(
    'can be backed up while the store works on it',
    withStore(async ({ path, directory, open }) => {
      const store = await open();
      await store.append([anEntry(1)]);
      const reader = connect(path, 5_000);
      reader.exec(`vacuum into '${join(directory, 'backup.db')}'`);
      await store.append([anEntry(2)]);
      reader.close();
      const backup = await open({ path: 'backup.db' });
      expect((await backup.events({ limit: 10 })).items.map(({ id }) => id)).to.deep.equal([eventId(1)]);
    }),
  );

  it('takes no option it does not know, no maxSize that holds nothing, and no URL as a path', () => {
    const options = plugin.components[0]?.options;
    expect(options?.safeParse({ cache: 1 }).success).to.equal(false);
    expect(options?.safeParse({ maxSize: '64kb' }).success).to.equal(false);
    expect(options?.safeParse({ synchronous: 'off' }).success).to.equal(false);
    for (const path of ['postgres://user:secret@db.example.com/events', 'file:///var/lib/events.db']) {
      const { error } = options?.safeParse({ path }) ?? {};
      expect(error?.message).to.include('not a URL').and.not.to.include('secret');
    }
    expect(options?.safeParse({ path: 'C:/data/switchhook.db' }).success).to.equal(true);
    expect(options?.parse({ maxSize: '2mb' })).to.include({ maxSize: 2_097_152 });
  });

  it(
    'is locked for one router, by whichever links it is reached, with a lock file that only its owner can open',
    withStore(async ({ directory, open, make }) => {
      await mkdir(join(directory, 'disk'));
      await symlink('disk/real.db', join(directory, 'linked.db'));
      await symlink('disk', join(directory, 'again'));
      await open({ path: 'linked.db' });
      for (const path of ['disk/real.db', 'again/real.db', 'linked.db'])
        expect(await failure(make({ path }).open?.()), path).to.include({ code: 'STORE_IN_USE' });
      const files = await readdir(join(directory, 'disk'));
      expect(files).to.include('real.db-lock');
      for (const file of files) expect((await stat(join(directory, 'disk', file))).mode & 0o077, file).to.equal(0);
    }),
  );

  describe('probed', () => {
    it(
      'is good where it can be made, and is not made',
      withStore(async ({ directory, make }) => {
        await make({ path: 'not/yet/there.db' }).probe?.(AbortSignal.abort());
        expect(existsSync(join(directory, 'not'))).to.equal(false);
      }),
    );

    it(
      'is good behind a link, to a directory or to a file that can be made',
      withStore(async ({ directory, make }) => {
        await mkdir(join(directory, 'disk'));
        await symlink(join(directory, 'disk'), join(directory, 'data'));
        await symlink('disk/real.db', join(directory, 'linked.db'));
        for (const path of ['data/a/b.db', 'linked.db']) await make({ path }).probe?.(AbortSignal.abort());
        expect(await readdir(join(directory, 'disk'))).to.deep.equal([]);
      }),
    );

    it(
      'is not good where a link leads nowhere, or something else is in its way, as the start finds',
      withStore(async ({ directory, make }) => {
        await symlink('not-mounted', join(directory, 'disk'));
        await symlink('not-mounted/real.db', join(directory, 'linked.db'));
        await symlink('linked.db', join(directory, 'twice.db'));
        await writeFile(join(directory, 'plain'), 'a text');
        for (const path of ['disk/b.db', 'disk/a/b.db', 'linked.db', 'twice.db', 'plain/b.db', 'plain/a/b.db']) {
          const store = make({ path });
          expect((await failure(store.probe?.(AbortSignal.abort()))).message, path).to.match(/not-mounted|plain/);
          await failure(store.open?.());
        }
      }),
    );

    it(
      'is good while a router uses it',
      withStore(async ({ open, make }) => {
        const store = await open();
        await store.append([anEntry(1)]);
        await make().probe?.(AbortSignal.abort());
        await store.close?.();
        await make().probe?.(AbortSignal.abort());
      }),
    );

    it(
      'is not good where it is something else, too new, or a directory',
      withStore(async ({ path, directory, open, make }) => {
        await (await open()).close?.();
        const db = connect(path, 5_000);
        db.exec('pragma user_version = 99');
        db.pragma('wal_checkpoint(truncate)');
        db.close();
        expect((await failure(make().probe?.(AbortSignal.abort()))).code).to.equal('STORE_TOO_NEW');
        await writeFile(path, 'a text');
        expect((await failure(make().probe?.(AbortSignal.abort()))).message).to.include('not a store');
        await mkdir(join(directory, 'folder.db'));
        await failure(make({ path: 'folder.db' }).probe?.(AbortSignal.abort()));
      }),
    );
  });
});
