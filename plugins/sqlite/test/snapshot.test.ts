import { writeFile } from 'node:fs/promises';
import type { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { connect, setVersion } from '../src/sql-connection.js';
import { aClaim, anEntry, delivered, eventId, failure, withStore } from './fixtures.js';

/** Ids of all events of a snapshot that is taken now. */
async function eventsIn(store: Store): Promise<readonly string[]> {
  const snapshot = await store.snapshot?.();
  if (snapshot === undefined) throw new Error('the store has no snapshots');
  try {
    return (await snapshot.events(null, 1_000)).items.map(({ event }) => event.id);
  } finally {
    await snapshot.close();
  }
}

describe('a snapshot of a file', () => {
  it(
    'is taken by a store that is not open, while another one has the file, and again when it has closed it',
    withStore(async ({ make, open }) => {
      const store = await open();
      await store.append([anEntry(1)]);
      const reader = make();
      expect(await eventsIn(reader)).to.deep.equal([eventId(1)]);
      await store.append([anEntry(2)]);
      expect(await eventsIn(reader)).to.deep.equal([eventId(1), eventId(2)]);
      await store.close?.();
      expect(await eventsIn(reader)).to.deep.equal([eventId(1), eventId(2)]);
    }),
  );

  it(
    'sees the moment at which it was taken, although the log of the file is written into it meanwhile',
    withStore(async ({ make, open, path }) => {
      const store = await open();
      await store.append([1, 2, 3].map((n) => anEntry(n)));
      const snapshot = await make().snapshot?.();
      const { deliveries } = await store.claim(aClaim());
      await store.settle(deliveries.map((one) => delivered(one)));
      await store.append(Array.from({ length: 500 }, (_, n) => anEntry(n + 10, 1, `"${'x'.repeat(20_000)}"`)));
      const other = connect(path, 1_000);
      other.pragma('wal_checkpoint(passive)');
      other.close();
      const page = await snapshot?.events(null, 1_000);
      expect(page?.items.map(({ event, deliveries: [first] }) => [event.id, first?.record.state])).to.deep.equal(
        [1, 2, 3].map((n) => [eventId(n), 'waiting']),
      );
      expect((await snapshot?.events(page?.cursor ?? null, 1_000))?.items).to.deep.equal([]);
      await snapshot?.close();
      expect(await eventsIn(make())).to.have.length.greaterThan(100);
    }),
  );

  it(
    'has pages of a few megabytes, however large the events are',
    withStore(async ({ open }) => {
      const store = await open();
      await store.append(Array.from({ length: 10 }, (_, n) => anEntry(n, 1, `"${'x'.repeat(1_500_000)}"`)));
      const snapshot = await store.snapshot?.();
      const sizes: number[] = [];
      for (let after: string | null = null; ; ) {
        const page: Awaited<ReturnType<NonNullable<typeof snapshot>['events']>> | undefined = await snapshot?.events(
          after,
          1_000,
        );
        if (page === undefined || page.cursor === null) break;
        sizes.push(page.items.length);
        after = page.cursor;
      }
      await snapshot?.close();
      expect(sizes).to.deep.equal([3, 3, 3, 1]);
    }),
  );

  it(
    'is refused where there is no file, another one, or one of another version, which stays as it is',
    withStore(async ({ make, open, path }) => {
      expect((await failure(make().snapshot?.())).message).to.equal(`${path}: there is no such file`);
      const store = await open();
      await store.append([anEntry(1)]);
      await store.close?.();
      const versioned = async (version: number): Promise<string> => {
        const db = connect(path);
        db.exec(setVersion(version));
        db.close();
        const { code = '' } = await failure(make().snapshot?.());
        const again = connect(path);
        expect(again.pragma('user_version')).to.equal(version);
        again.close();
        return code;
      };
      expect(await versioned(1)).to.equal('STORE_TOO_OLD');
      expect(await versioned(99)).to.equal('STORE_TOO_NEW');
      await writeFile(path, 'version: 1\n'.repeat(200));
      expect((await failure(make().snapshot?.())).code).to.equal('SQLITE_NOTADB');
    }),
  );
});
