import { ChangeFeed } from '@switchhook/core/internal';
import { memoryStore } from '@switchhook/plugin-memory';
import { type Entry, phoneNormalizer, type Store } from '@switchhook/sdk';
import { aClaim, aNewDelivery, FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

let given = 0;
function anEntry(type = 'started', party: string | null = null, to: readonly string[] = []): Entry {
  given += 1;
  const id = `01890a5d-ac96-774b-bcce-${String(given).padStart(12, '0')}`;
  const event = { id, key: id, source: 'agents', type, subject: null, agent: null, party, occurredAtMs: 1 };
  return {
    event: { ...event, receivedAtMs: 1, body: new Uint8Array(100) },
    deliveries: to.map((destination) => aNewDelivery({ destination })),
  };
}

function setup(change: (store: Store) => Store = (store) => store) {
  const clock = new FakeClock();
  const kept = memoryStore(clock);
  let [reads, most] = [0, 0];
  const changes: NonNullable<Store['changes']> = (after, limit, counted) => {
    reads += 1;
    if (after !== null) most = Math.max(most, limit);
    return kept.changes?.(after, limit, counted) ?? Promise.reject(new Error('none'));
  };
  const store = change({ ...kept, append: kept.append.bind(kept), changes });
  const plan = { value: { normalizePhone: phoneNormalizer('US') } } as ConstructorParameters<typeof ChangeFeed>[0];
  const feed = new ChangeFeed(plan, store, clock);
  const append = (...entries: readonly Entry[]) => kept.append(entries);
  /** Claims all of `slack`, and settles it. */
  const settle = async () => {
    const { deliveries } = await kept.claim(aClaim({ destination: 'slack', limit: 10_000 }));
    const attempt = { startedAtMs: 1, durationMs: 1, outcome: 'delivered', reason: null, response: null } as const;
    const settlement = { state: 'delivered' } as const;
    await kept.settle(deliveries.map(({ id, lease }) => ({ deliveryId: id, lease, attempt, settlement })));
  };
  return { clock, feed, append, settle, reads: () => reads, most: () => most };
}

const { signal } = new AbortController();

describe('the feed of changes', () => {
  it('shows a hundred of what comes at once, and counts the rest', async () => {
    const { clock, feed, append } = setup();
    const pages = feed.follow({ type: 'started' }, null, signal)[Symbol.asyncIterator]();
    expect((await pages.next()).value).to.include({ hidden: 0 });
    await append(...Array.from({ length: 1_200 }, () => anEntry()), anEntry('ended'));
    const next = pages.next();
    await clock.advance(500);
    const { changes, hidden } = (await next).value;
    expect([changes.length, hidden]).to.deep.equal([100, 1_100]);
  });

  it('shows half of each, events and attempts, to a client that follows everything, and reads no more than it shows', async () => {
    const { clock, feed, append, settle, most } = setup();
    const pages = feed.follow({}, null, signal)[Symbol.asyncIterator]();
    await pages.next();
    const page = async () => {
      const next = pages.next();
      await clock.advance(500);
      const { changes, hidden } = (await next).value;
      const attempts = changes.filter(({ kind }: { readonly kind: string }) => kind === 'attempt').length;
      return [changes.length - attempts, attempts, hidden];
    };
    await append(...Array.from({ length: 1_200 }, () => anEntry('started', null, ['slack'])));
    await settle();
    expect(await page()).to.deep.equal([50, 50, 2_300]);
    await append(...Array.from({ length: 90 }, () => anEntry('started', null, ['slack'])));
    expect(await page()).to.deep.equal([90, 0, 0]);
    await settle();
    await append(...Array.from({ length: 20 }, () => anEntry()));
    expect(await page()).to.deep.equal([20, 80, 10]);
    expect(most()).to.equal(100);
  });

  it('shows the same where the store counts nothing', async () => {
    const { clock, feed, append } = setup((store) => ({
      ...store,
      changes: async (after, limit) => {
        const { changes, cursor } = (await store.changes?.(after, limit)) ?? { changes: [], cursor: '' };
        return { changes, cursor };
      },
    }));
    const pages = feed.follow({}, null, signal)[Symbol.asyncIterator]();
    await pages.next();
    await append(...Array.from({ length: 1_200 }, () => anEntry()));
    const next = pages.next();
    await clock.advance(500);
    const { changes, hidden } = (await next).value;
    expect([changes.length, hidden]).to.deep.equal([100, 1_100]);
  });

  it('reads the store once for all who follow it', async () => {
    const { clock, feed, append, reads } = setup();
    const followers = Array.from({ length: 3 }, () => feed.follow({}, null, signal)[Symbol.asyncIterator]());
    await Promise.all(followers.map((pages) => pages.next()));
    for (let turn = 1; turn <= 2; turn += 1) {
      const next = Promise.all(followers.map((pages) => pages.next()));
      await append(anEntry());
      await clock.advance(500);
      for (const { value } of await next) expect(value.changes).to.have.length(1);
      expect(reads()).to.equal(1 + turn);
    }
  });

  it('finds what fits, numbers as they are written here, and nothing but attempts for a destination', async () => {
    const { clock, feed, append } = setup();
    const { cursor } = await feed.read({}, null, 100);
    await append(anEntry('started', '+12015550123'), anEntry('ended'));
    await clock.advance(500);
    const found = async (filter: Parameters<typeof feed.read>[0]) =>
      (await feed.read(filter, cursor, 100)).changes.length;
    expect(await found({})).to.equal(2);
    expect(await found({ party: '(201) 555-0123' })).to.equal(1);
    expect(await found({ type: 'ended', source: 'agents' })).to.equal(1);
    expect(await found({ destination: 'crm' })).to.equal(0);
  });

  it('sends a page without changes each fifteen seconds, and ends after a quarter of an hour', async () => {
    const { clock, feed } = setup();
    const startMs = clock.elapsed();
    const times: number[] = [];
    const ended = (async () => {
      for await (const page of feed.follow({}, null, signal)) {
        expect(page.changes).to.deep.equal([]);
        times.push((clock.elapsed() - startMs) / 1_000);
      }
    })();
    for (let second = 0; second < 901; second += 1) await clock.advance(1_000);
    await ended;
    expect(times.slice(0, 3)).to.deep.equal([0, 15, 30]);
    expect(times).to.have.length(60);
  });

  it('goes on when the store answers again, and begins now where it does not know the cursor', async () => {
    let isDown = true;
    const { clock, feed, append } = setup((store) => ({
      ...store,
      changes: (after, limit) =>
        isDown ? Promise.reject(new Error('down')) : (store.changes?.(after, limit) ?? Promise.reject(new Error())),
    }));
    const next = feed.follow({}, 'of another store', signal)[Symbol.asyncIterator]().next();
    await clock.advance(5_000);
    isDown = false;
    await append(anEntry());
    await clock.advance(1_000);
    expect((await next).value.changes).to.deep.equal([]);
  });

  it('has 32 followers at most, and a place again when one has gone', async () => {
    const { feed } = setup();
    const followers = Array.from({ length: 32 }, () => feed.follow({}, null, signal)[Symbol.asyncIterator]());
    await Promise.all(followers.map((pages) => pages.next()));
    expect(() => feed.follow({}, null, signal)).to.throw('32 are open');
    await followers[0]?.return?.();
    feed.follow({}, null, signal);
  });

  it('has a place again half a second after a follower has gone for which nothing happens', async () => {
    const { clock, feed } = setup();
    const gone = new AbortController();
    const followers = Array.from({ length: 32 }, () => feed.follow({}, null, gone.signal)[Symbol.asyncIterator]());
    await Promise.all(followers.map((pages) => pages.next()));
    const waiting = followers.map((pages) => pages.next());
    gone.abort();
    await clock.advance(500);
    expect((await Promise.all(waiting)).map(({ done }) => done)).to.not.include(false);
    feed.follow({}, null, signal);
  });

  it('is refused where the store has no changes', async () => {
    const { feed } = setup(({ changes: _, ...store }) => store);
    expect(() => feed.follow({}, null, signal)).to.throw('the store has no method changes');
  });
});
