import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { connect } from '../src/sql-connection.js';
import { aClaim, anEntry, delivered, eventId, type Fixtures, withStore } from './fixtures.js';

const number = '+14155550100';
/** Long enough for pages of its own, so that it is also in what is removed whole. */
const body = JSON.stringify({ from: number, transcript: `my secret is pineapple. ${'and so on '.repeat(2_000)}` });
const traces = [number, 'pineapple', 'conv_personal', 'reply-about-mangoes'];

/** What of these texts is in the files of the store, as `text in file`. */
async function left({ path }: Pick<Fixtures, 'path'>): Promise<readonly string[]> {
  const files = await Promise.all(
    ['', '-wal', '-shm'].map(async (end) => ({
      end,
      bytes: await readFile(`${path}${end}`).catch(() => Buffer.alloc(0)),
    })),
  );
  return files.flatMap(({ end, bytes }) =>
    traces.filter((text) => bytes.includes(text)).map((text) => `${text} in the file ${end}`),
  );
}

function aPersonalEntry(n: number) {
  const entry = anEntry(n, 1, body);
  return { ...entry, event: { ...entry.event, subject: 'conv_personal', party: number } };
}

describe('the store sqlite, when events are erased,', () => {
  for (const maxSize of [undefined, '64mb'])
    it(`leaves no byte of them in its files${maxSize === undefined ? '' : ', also with maxSize'}`, () =>
      withStore(async (fixtures) => {
        const store = await fixtures.open(maxSize === undefined ? {} : { maxSize });
        const numbers = Array.from({ length: 60 }, (_, n) => n);
        for (const n of numbers) await store.append([n % 3 === 0 ? aPersonalEntry(n) : anEntry(n)]);
        const { deliveries } = await store.claim(aClaim(30));
        await store.settle(deliveries.map((one) => delivered(one, 'reply-about-mangoes')));
        expect(await left(fixtures)).not.to.deep.equal([]);
        const eventIds = numbers.filter((n) => n % 3 === 0).map(eventId);
        expect(await store.erase?.({ eventIds, keysUntilMs: fixtures.clock.now() + 1_000 })).to.deep.equal(eventIds);
        expect(await store.purge?.()).to.equal(null);
        expect(await left(fixtures)).to.deep.equal([`reply-about-mangoes in the file `]);
        await store.erase?.({ eventIds: numbers.map(eventId), keysUntilMs: fixtures.clock.now() + 1_000 });
        expect(await store.purge?.()).to.equal(null);
        expect(await left(fixtures)).to.deep.equal([]);
        await store.close?.();
        expect(await left(fixtures)).to.deep.equal([]);
      })());

  it(
    'overwrites what retention removes, too, when its write-ahead log is emptied',
    withStore(async (fixtures) => {
      const store = await fixtures.open();
      await store.append([aPersonalEntry(1), anEntry(2)]);
      const { deliveries } = await store.claim(aClaim());
      await store.settle(deliveries.map((one) => delivered(one, 'reply-about-mangoes')));
      await store.prune({ beforeMs: Number.MAX_SAFE_INTEGER, limit: 10 });
      await store.close?.();
      expect(await left(fixtures)).to.deep.equal([]);
    }),
  );

  it(
    'says that the write-ahead log still has them while another program reads the file',
    withStore(async (fixtures) => {
      const store = await fixtures.open();
      await store.append([aPersonalEntry(1)]);
      const reader = connect(fixtures.path);
      reader.exec('begin');
      reader.prepare('select * from events').all();
      await store.erase?.({ eventIds: [eventId(1)], keysUntilMs: fixtures.clock.now() + 1_000 });
      const purged = store.purge?.();
      while ((await Promise.race([purged, fixtures.clock.advance(500)])) === undefined);
      expect(await purged).to.match(/another program reads the file/);
      reader.close();
      expect(await store.purge?.()).to.equal(null);
      expect(await left(fixtures)).to.deep.equal([]);
    }),
  );
});
