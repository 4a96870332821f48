import { expect } from 'chai';
import { openDatabase } from '../src/database.js';
import { DuplicateIndex } from '../src/duplicate-index.js';
import { withStore } from './fixtures.js';

const settings = { synchronous: 'full', maxBytes: null, leasesEndMs: null, identity: null } as const;

describe('the index of duplicates', () => {
  it(
    'keeps keys apart that have the same hash, while they are new, in the index, after a restart and after a removal',
    withStore(async ({ path }) => {
      const { db, close } = openDatabase({ ...settings, path });
      const sameHash = () => 7;
      let index = new DuplicateIndex(db, sameHash);
      const keys = ['a', 'b', 'c'];
      for (const [n, key] of keys.entries()) {
        const seq = n + 1;
        db.exec(
          `insert into events (seq, id, source, key, type, occurred_at, received_at, routed, body) values (${seq}, 'id-${key}', 's', '${key}', 't', 0, 0, 0, x'')`,
        );
        expect(index.find('s', key), key).to.equal(null);
        index.add('s', key, seq);
        index.commit();
      }
      const found = () => [...keys, 'd'].map((key) => index.find('s', key));
      expect(found()).to.deep.equal(['id-a', 'id-b', 'id-c', null]);
      expect(index.find('other', 'a')).to.equal(null);
      index = new DuplicateIndex(db, sameHash);
      expect(found()).to.deep.equal(['id-a', 'id-b', 'id-c', null]);
      index.remove('s', 'b', 2);
      expect(found()).to.deep.equal(['id-a', null, 'id-c', null]);
      index.remove('s', 'a', 1);
      expect(found()).to.deep.equal([null, null, 'id-c', null]);
      close();
    }),
  );

  it(
    'knows what a transaction has removed after all when it is rolled back, and not what it has added',
    withStore(async ({ path }) => {
      const { db, close } = openDatabase({ ...settings, path });
      const index = new DuplicateIndex(db);
      const add = (seq: number) => {
        db.exec(
          `insert into events (seq, id, source, key, type, occurred_at, received_at, routed, body) values (${seq}, 'id-${seq}', 's', '${seq}', 't', 0, 0, 0, x'')`,
        );
        index.add('s', String(seq), seq);
      };
      const found = () => ['1', '2'].map((key) => index.find('s', key));
      add(1);
      index.commit();
      for (const change of [() => index.remove('s', '1', 1), () => {}]) {
        db.exec('begin');
        change();
        add(2);
        db.exec('rollback');
        index.rollback();
        expect(found()).to.deep.equal(['id-1', null]);
      }
      close();
    }),
  );
});
