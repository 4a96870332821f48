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
});
