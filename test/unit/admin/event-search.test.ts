import { compileExpression, EventSearches, maskFor } from '@switchhook/core/internal';
import { memoryStore } from '@switchhook/plugin-memory';
import { type Entry, type EventQuery, type JsonValue, phoneNormalizer, type Store } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { aRoute } from '../../support/operations.js';

/** A clock on which each look takes a millisecond. */
class SlowClock extends FakeClock {
  #looks = 0;
  override elapsed(): number {
    this.#looks += 1;
    return super.elapsed() + this.#looks;
  }
}

const secret = 'hunter2-of-the-crm';

function setup(bodies: readonly (string | JsonValue)[], clock = new FakeClock(), change = (store: Store) => store) {
  const kept = memoryStore(clock);
  const queries: EventQuery[] = [];
  const events = (query: EventQuery) => {
    queries.push(query);
    return kept.events(query);
  };
  const routes = [
    aRoute({ name: 'long', from: ['agents'], where: compileExpression('event.data.duration > 60', ['event'], 'bool') }),
    aRoute({
      name: 'others',
      from: ['agents'],
      on: ['analysed'],
      where: compileExpression('event.data.score > 6', ['event'], 'bool'),
    }),
  ];
  const value = { normalizePhone: phoneNormalizer('US'), routes };
  const plan = { value } as unknown as ConstructorParameters<typeof EventSearches>[0];
  const searches = new EventSearches(plan, change({ ...kept, events }), clock, maskFor([secret]));
  const entries = bodies.map((body, index): Entry => {
    const event = { source: 'agents', type: 'ended', subject: null, agent: null, party: '+12015550123' };
    const id = `01890a5d-ac96-774b-bcce-${String(index).padStart(12, '0')}`;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const times = { occurredAtMs: 1_000 + index, receivedAtMs: 1_000 + index };
    return { event: { ...event, id, key: `event ${index}`, ...times, body: Buffer.from(text) }, deliveries: [] };
  });
  const find = async (
    search: Partial<Parameters<EventSearches['find']>[0]>,
    query: Partial<EventQuery> = {},
    isWanted = () => true,
  ) => {
    const { items, ...rest } = await searches.find({ last: 1_000, ...search }, { limit: 50, ...query }, isWanted);
    return { keys: items.map(({ key }) => Number(key.slice('event '.length))), ...rest };
  };
  return { clock, searches, queries, find, kept: kept.append(entries) };
}

/** So many events, of which every tenth has a duration. */
const many = (length: number) =>
  Array.from({ length }, (_, index) => (index % 10 === 0 ? { duration: index } : { note: 'short' }));

describe('a search in the data of events', () => {
  it('finds a text in upper and lower case, in names, in numbers, and however JSON has escaped it', async () => {
    const { find, kept } = setup([
      { city: 'Königsberg', price: 12.5 },
      '{"city":"K\\u00f6nigsberg","url":"https:\\/\\/crm.example\\/a"}',
      '{"id":12345678901234567890,"price":1.0}',
      { says: 'the "best" one', secret: '***' },
    ]);
    await kept;
    const found = async (text: string) => (await find({ text })).keys;
    expect(await found('KÖNIGS')).to.deep.equal([1, 0]);
    expect(await found('https://crm.example/a')).to.deep.equal([1]);
    expect(await found('12345678901234567890')).to.deep.equal([2]);
    expect(await found('1.0')).to.deep.equal([2]);
    expect(await found('"price":12.5')).to.deep.equal([0]);
    expect(await found('"BEST" one')).to.deep.equal([3]);
    expect(await found('***')).to.deep.equal([3]);
    expect(await found('.*')).to.deep.equal([]);
  });

  it('finds by a condition, counts events without data and those that it fails for, and gives a reason without secrets', async () => {
    const { find, kept } = setup([{ duration: 10 }, { duration: 90 }, {}, { duration: 100, note: 'VIP' }, '']);
    await kept;
    const found = await find({ where: `event.data.duration > 60 && "${secret}" != ""` });
    expect(found.keys).to.deep.equal([3, 1]);
    expect([found.failed, found.failure]).to.deep.equal([1, 'event.data.duration is missing']);
    expect([found.examined, found.withoutData]).to.deep.equal([5, 1]);
    expect((await find({ where: 'true' })).keys).to.deep.equal([3, 2, 1, 0]);
    const masked = await find({ where: `event.data["${secret}"] == 1` });
    expect([masked.keys, masked.failed, masked.failure]).to.deep.equal([[], 4, 'event.data["***"] is missing']);
    expect((await find({ where: 'event.data.?duration.orValue(0) > 60', text: 'vip' })).keys).to.deep.equal([3]);
  });

  it('finds events for which the condition of a route cannot be evaluated', async () => {
    const { find, kept } = setup([{ duration: 10 }, { note: 'VIP' }, { duration: 90 }, { note: 'plain' }, '']);
    await kept;
    const found = await find({ unevaluated: 'long' });
    expect([found.keys, found.failed, found.withoutData]).to.deep.equal([[3, 1], 0, 1]);
    expect((await find({ unevaluated: 'long', text: 'vip' })).keys).to.deep.equal([1]);
    expect((await find({ unevaluated: 'others' })).keys, 'it takes no such events').to.deep.equal([]);
    const refusal = await find({ unevaluated: 'lonk' }).catch((error) => error);
    expect([refusal.code, refusal.message]).to.deep.equal([
      'NO_SUCH_ROW',
      'no route "lonk" is configured; did you mean "long"?',
    ]);
  });

  it('finds by the secret that has verified an event, without a look at data, and together with a text', async () => {
    const verified = ['2/2', '1/2', null, '2/3'];
    const change = (store: Store): Store => ({
      ...store,
      events: async (query) => {
        const page = await store.events(query);
        return {
          ...page,
          items: page.items.map((item) => ({ ...item, verified: verified[Number(item.key.slice(6))] ?? null })),
        };
      },
    });
    const { find, kept, queries } = setup(['', { city: 'Ulm' }, { city: 'Ulm' }, { city: 'Ulm' }], undefined, change);
    await kept;
    expect(await find({ secret: 2 })).to.deep.include({ keys: [3, 0], examined: 4, withoutData: 0 });
    expect(queries.every(({ bodies }) => bodies === false)).to.equal(true);
    expect((await find({ secret: 0 })).keys).to.deep.equal([]);
    expect(await find({ secret: 2, text: 'ulm' })).to.deep.include({ keys: [3], examined: 4, withoutData: 1 });
    expect(queries.at(-1)?.bodies).not.to.equal(false);
  });

  it('refuses a condition that cannot be read, with the code and the position of what is wrong', async () => {
    const { find, queries } = setup([]);
    for (const [where, code, position] of [
      ['event.type = "a"', 'EXPRESSION_SYNTAX', 12],
      ['event.type == kind', 'EXPRESSION_UNKNOWN_NAME', 15],
      ['"a" + 1 == "b"', 'EXPRESSION_TYPE', 1],
      ['event.type', 'EXPRESSION_TYPE', 1],
    ] as const) {
      const failure = await find({ where }).then(() => null, Object);
      expect(failure, where).to.include({ code: 'MALFORMED' });
      expect(failure.errors[0], where).to.include({ path: 'where', code, position });
      expect(failure.message).to.include(`where: ${code} at character ${position}: `);
    }
    expect(queries).to.deep.equal([]);
  });

  it('looks at the newest events of the other conditions, at most as many as asked for, in small pages, then at older ones', async () => {
    const { find, kept, queries } = setup(many(100));
    await kept;
    const first = await find({ text: 'duration', last: 60 }, { party: '(201) 555-0123' });
    expect(first.keys).to.deep.equal([90, 80, 70, 60, 50, 40]);
    expect(first).to.include({ examined: 60, examinedSinceMs: 1_040, isComplete: true, failed: 0, failure: null });
    expect(queries.every(({ limit, party }) => limit <= 25 && party === '+12015550123')).to.equal(true);
    const older = await find({ text: 'duration', last: 60 }, { cursor: first.cursor ?? '' });
    expect(older.keys).to.deep.equal([30, 20, 10, 0]);
    expect(older).to.include({ examined: 40, isComplete: true, cursor: null });
  });

  it('ends when as many match as a page may have, and its cursor leads to the next one', async () => {
    const { find, kept } = setup(many(100));
    await kept;
    const seen: number[] = [];
    let examined = 0;
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await find({ text: 'duration' }, { limit: 3, ...(cursor !== undefined && { cursor }) });
      expect(page.keys.length).to.be.at.most(3);
      expect(page.isComplete).to.equal(page.cursor === null);
      seen.push(...page.keys);
      examined += page.examined;
      cursor = page.cursor;
    }
    expect(seen).to.deep.equal([90, 80, 70, 60, 50, 40, 30, 20, 10, 0]);
    expect(examined).to.equal(100);
  });

  it('ends after five seconds with what it has found, and the cursor to continue', async () => {
    const clock = new FakeClock();
    const slow = (store: Store): Store => ({
      ...store,
      events: async (query) => {
        await clock.advance(2_000);
        return store.events(query);
      },
    });
    const { find, kept } = setup(many(200), clock, slow);
    await kept;
    const first = await find({ text: 'duration' });
    expect(first).to.include({ examined: 75, isComplete: false });
    expect(first.keys).to.have.length(7);
    expect((await find({ text: 'duration' }, { cursor: first.cursor ?? '' })).keys[0]).to.equal(120);
  });

  it('lets a call be answered while it looks at events', async () => {
    const { find, kept } = setup(many(100), new SlowClock());
    await kept;
    const order: string[] = [];
    const found = find({ where: 'event.data.duration > 60' }).then(() => order.push('found'));
    setImmediate(() => order.push('call'));
    await found;
    expect(order).to.deep.equal(['call', 'found']);
  });

  it('runs twice at the same time, and ends when the client has gone or the router closes', async () => {
    const { searches, find, kept } = setup(many(100));
    await kept;
    const [one, other, third] = await Promise.allSettled([1, 2, 3].map(() => find({ text: 'duration' })));
    expect([one?.status, other?.status]).to.deep.equal(['fulfilled', 'fulfilled']);
    expect(third?.status === 'rejected' && third.reason).to.include({ code: 'TOO_MANY_SEARCHES' });
    expect(await find({ text: 'duration' }, {}, () => false)).to.include({ examined: 25, isComplete: false });
    searches.close();
    expect(await find({ text: 'duration' })).to.include({ examined: 25, isComplete: false });
  });

  it('can be repeated after one that failed', async () => {
    const broken = (store: Store): Store => ({ ...store, events: () => Promise.reject(new Error('disk')) });
    const { find } = setup([], new FakeClock(), broken);
    for (let turn = 1; turn <= 3; turn += 1)
      expect(await find({ text: 'a' }).catch((error: Error) => error.message)).to.equal('disk');
  });
});
