import { expect } from 'chai';
import { anEntry, failure, withStore } from './fixtures.js';

describe('postgres, while its disk is full', () => {
  it(
    'is not ready before tables can grow again, although the log still has room',
    withStore(async ({ database, open, schema }) => {
      const store = await open();
      await store.append([anEntry(1)]);
      await database.query(`create function full_disk() returns trigger language plpgsql
        as $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`);
      await database.query('create trigger full_disk before insert on seen execute function full_disk()');
      expect((await failure(store.append([anEntry(2)]))).message).to.equal('could not extend file (53100)');

      // What is in the way of the proof fails it.
      await database.query(`create table ${schema}.proof ()`);
      expect((await failure(store.append([]))).message).to.match(/"proof" already exists/);
      expect((await failure(store.append([]))).message).to.match(/"proof" already exists/);
      await database.query(`drop table ${schema}.proof`);
      expect(await store.append([])).to.deep.equal([]);
      expect(
        await database.query(`select from pg_tables where schemaname = $1 and tablename = 'proof'`, [schema]),
      ).to.have.length(0);

      await database.query(`create table ${schema}.proof ()`);
      expect(await store.append([])).to.deep.equal([]);
    }),
  );
});
