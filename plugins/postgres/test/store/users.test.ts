import type { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { type Fixtures, withStore } from './fixtures.js';

/** Who uses the schema, as a store that is not open finds out while time passes and `meanwhile` is repeated. */
async function usersOf({ make, clock }: Fixtures, meanwhile: () => Promise<unknown> = async () => {}) {
  let isKnown = false;
  const users = make({ listen: false })
    .users?.()
    .finally(() => {
      isKnown = true;
    });
  while (!isKnown) {
    await meanwhile();
    await clock.advance(100);
  }
  const { routers = [], others } = (await users) ?? {};
  return [routers.map(({ id }) => id), others];
}

/** Sends the next heartbeat. */
function beating(store: Store, id: string): () => Promise<unknown> {
  let beat = 0;
  return async () => store.coordination?.beat({ id, beat: ++beat, report: '' });
}

describe('the users of a schema', () => {
  it(
    'are those that have it open, with and without heartbeats, until they close it',
    withStore(async (fixtures) => {
      const [first, second] = [await fixtures.open(), await fixtures.open()];
      expect(await usersOf(fixtures)).to.deep.equal([[], 2]);
      const beat = beating(first, 'a');
      await beat();
      expect(await usersOf(fixtures, beat)).to.deep.equal([['a'], 1]);
      expect(await usersOf(fixtures), 'it hangs').to.deep.equal([[], 2]);
      await second.close?.();
      await first.close?.();
      expect(await usersOf(fixtures)).to.deep.equal([[], 0]);
    }),
  );

  it(
    'are also those behind a pooler, which hold no lock',
    withStore(async (fixtures) => {
      const store = await fixtures.open({ prepare: false, listen: false });
      const beat = beating(store, 'a');
      await beat();
      expect(await usersOf(fixtures, beat)).to.deep.equal([['a'], 0]);
      expect(await usersOf(fixtures), 'it was killed').to.deep.equal([[], 0]);
    }),
  );

  it(
    'do not include those of other schemas',
    withStore(async (fixtures) => {
      const other = await fixtures.open({ schema: `${fixtures.schema}_other` });
      const store = await fixtures.open();
      expect(await usersOf(fixtures)).to.deep.equal([[], 1]);
      await store.close?.();
      expect(await usersOf(fixtures)).to.deep.equal([[], 0]);
      await other.close?.();
      await fixtures.database.query(`drop schema ${fixtures.schema}_other cascade`);
    }),
  );

  it(
    'are found in a schema of an earlier version, which stays as it is, and in one that no router has used',
    withStore(async (fixtures) => {
      const { open, database } = fixtures;
      expect(await usersOf(fixtures)).to.deep.equal([[], 0]);
      expect((await database.query(`select to_regclass('migrations') is null as missing`))[0]?.missing).to.equal(true);
      const store = await open();
      await database.query('alter table routers drop column beaten_at');
      await database.query('delete from migrations where version > 13');
      let beat = 0;
      const older = () =>
        database.query(
          `insert into routers (id, beat, report) values ('old', $1, '') on conflict (id) do update set beat = $1`,
          [++beat],
        );
      await older();
      expect(await usersOf(fixtures, older)).to.deep.equal([['old'], 0]);
      expect((await database.query('select max(version) as version from migrations'))[0]?.version).to.equal(13);
      await database.query('drop table routers');
      await database.query('delete from migrations where version > 8');
      expect(await usersOf(fixtures)).to.deep.equal([[], 1]);
      await store.close?.();
    }),
  );
});
