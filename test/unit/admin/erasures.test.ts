import { Answers, Dispatcher, type ErasureFilter, Erasures, maskFor } from '@switchhook/core/internal';
import { type Delivery, type EventRecord, type Outcome, phoneNormalizer, type Store } from '@switchhook/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { anOperator, aRoute, type OperatorsWorld } from '../../support/operations.js';
import { aSwitchboard } from '../../support/ringing.js';

/** A promise that a test resolves. */
function deferred<T>() {
  let resolve = (_: T): void => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve: (value: T) => resolve(value) };
}

const delivered: Outcome = { kind: 'delivered' };

/** An operator who erases. */
function setup(world: OperatorsWorld = {}) {
  const made = anOperator(world);
  const { erasures } = made.operations;
  const run = (filter: ErasureFilter, dryRun = false) => erasures.start({ filter, dryRun, by: 'ada' });
  const subjects = async () => (await made.store.events({ limit: 100 })).items.map(({ subject }) => subject);
  return { ...made, erasures, run, subjects };
}

/** An event that another source than that of the pipeline has received. */
function stored(n: number, given: Partial<EventRecord>): EventRecord {
  return {
    ...{ id: `01890a5d-ac96-774b-bcce-${String(n).padStart(12, '0')}`, key: `k${n}`, source: 'agents', type: 'ended' },
    ...{ subject: `s${n}`, agent: null, party: null, occurredAtMs: 1, receivedAtMs: 1_000 + n },
    body: Buffer.from('{}'),
    ...given,
  };
}

describe('an erasure', () => {
  it('cancels what waits, and what is held in memory, which is never delivered after it', async () => {
    const first = deferred<Outcome>();
    const seen: string[] = [];
    const deliver = ({ event, attempt }: Delivery): Promise<Outcome> => {
      seen.push(`${event.subject} ${attempt}`);
      return event.subject === 'slow' ? first.promise : Promise.resolve(delivered);
    };
    const { received, run, clock, subjects } = setup({
      destinations: { crm: deliver },
      policy: { concurrency: 1 },
    });
    await received({ key: '1', subject: 'slow' }, { key: '2', subject: 'a' }, { key: '3', subject: 'b' });
    expect(seen).to.deep.equal(['slow 1']);
    const erasure = await run({ subject: 'a' });
    expect(erasure).to.deep.include({ state: 'done', sentCount: 0, events: [{ type: 'ended', count: 1 }] });
    first.resolve(delivered);
    await clock.advance(600_000);
    expect(seen).to.deep.equal(['slow 1', 'b 1']);
    expect((await subjects()).toSorted()).to.deep.equal(['b', 'slow']);
  });

  it('waits for an attempt under way, which settles without bringing the event back', async () => {
    const attempt = deferred<Outcome>();
    const atDestination: string[] = [];
    const { received, run, clock, store, erasures } = setup({
      destinations: { crm: () => attempt.promise.finally(() => atDestination.push('arrived')) },
      erases: {
        crm: async (deliveries) => {
          atDestination.push(`erased ${deliveries.map(({ event }) => event.data.key)}`);
          return deliveries.length;
        },
      },
    });
    const [id = ''] = await received({ key: '1', subject: 'a' });
    const running = run({ subject: 'a' });
    await clock.advance(1_000);
    expect((await running).state).to.equal('running');
    attempt.resolve({ kind: 'unavailable', reason: 'status 503' });
    await clock.advance(600_000);
    const erasure = erasures.get((await running).id);
    expect(erasure).to.deep.include({ state: 'done', sentCount: 1 });
    expect(erasure.sent).to.deep.equal([
      { destination: 'crm', eventId: id, deliveryId: `${id}.0`, atMs: null, arrived: false },
    ]);
    expect(atDestination).to.deep.equal(['arrived', 'erased 1']);
    expect([await store.event(id), await store.delivery(`${id}.0`)]).to.deep.equal([null, null]);
    expect((await store.deliveries({ limit: 10 })).items).to.deep.equal([]);
  });

  it('keeps before the events are gone what destinations have yet to erase, in case it is interrupted', async () => {
    const kept: unknown[] = [];
    const made = setup({
      destinations: { crm: async () => delivered },
      erases: {
        crm: async (deliveries) => {
          kept.push((await made.erasures.list({ limit: 10 })).items[0]?.destinations);
          return deliveries.length;
        },
      },
    });
    const [id] = await made.received({ key: '1', subject: 'a' });
    await made.run({ subject: 'a' });
    const failure = `the erasure was interrupted before it erased here: ${id}.0`;
    const crm = { destination: 'crm', deliveries: 1, able: true, records: 0 };
    expect(kept).to.deep.equal([[{ ...crm, failure }]]);
    expect((await made.erasures.list({ limit: 10 })).items[0]?.destinations).to.deep.equal([
      { ...crm, records: 1, failure: null },
    ]);
  });

  it('reports a destination that cannot erase, and goes on', async () => {
    const { received, run, subjects, store } = setup({
      destinations: { crm: async () => delivered, sheet: async () => delivered },
      routes: [aRoute({ to: ['crm', 'sheet'] })],
      erases: {
        crm: () => Promise.reject(new Error('no connection for hunter2')),
        sheet: async (deliveries) => deliveries.length,
      },
    });
    await received({ key: '1', subject: 'a' });
    const { destinations, state, id } = await run({ subject: 'a' });
    expect(state).to.equal('done');
    expect(destinations).to.deep.equal([
      { destination: 'sheet', deliveries: 1, able: true, records: 1, failure: null },
      { destination: 'crm', deliveries: 1, able: true, records: 0, failure: 'no connection for ***' },
    ]);
    expect(await subjects()).to.deep.equal([]);
    expect(JSON.parse((await store.state?.(`switchhook.erasures:${id}`)) ?? '')).to.deep.include({ destinations });
  });

  it('delivers what the store could not erase', async () => {
    let isBroken = true;
    const seen: string[] = [];
    const { received, run, clock } = setup({
      destinations: {
        crm: async ({ event }) => {
          seen.push(String(event.subject));
          return seen.length === 1 ? { kind: 'unavailable', reason: 'status 503' } : delivered;
        },
      },
      store: (store: Store) => {
        const erase = store.erase?.bind(store);
        store.erase = async (request) => {
          if (isBroken) throw new Error('the disk is full');
          return erase?.(request) ?? [];
        };
        return store;
      },
    });
    await received({ key: '1', subject: 'a' });
    expect(await run({ subject: 'a' })).to.deep.include({ state: 'failed', reason: 'the disk is full' });
    isBroken = false;
    await clock.advance(600_000);
    expect(seen).to.deep.equal(['a', 'a']);
  });

  it('finds a number in bodies, however it is written, with the conversations of these events, and no other one', async () => {
    const { store, run } = setup();
    const body = (value: unknown) => Buffer.from(JSON.stringify(value));
    const events = [
      stored(1, { party: '+14155550100' }),
      stored(2, { subject: 's1', body: body({ nothing: 'here' }) }),
      stored(3, { body: body({ text: 'call +1 (415) 555-0100.' }) }),
      stored(4, { body: Buffer.from('{"text":"\\u002b1 415 555 0100"}') }),
      stored(5, { body: body({ number: 14_155_550_100 }) }),
      stored(6, { body: body({ link: 'https://x.test/?from=%2B14155550100' }) }),
      stored(7, { subject: null, body: body({ text: '+1 415-555-0100' }) }),
      stored(8, { body: body({ text: '+14155550101, +144155550100, 5550100, 94155550100' }) }),
      stored(9, { subject: null }),
      stored(10, {
        source: 'router',
        type: 'delivery.dead',
        subject: 'crm',
        body: body({ eventId: stored(3, {}).id }),
      }),
      stored(11, {
        source: 'router',
        type: 'delivery.dead',
        subject: 'crm2',
        body: body({ eventId: stored(8, {}).id }),
      }),
    ];
    await store.append(events.map((event) => ({ event, deliveries: [] })));
    const erasure = await run({ number: '+14155550100' }, true);
    expect(erasure.foundBy).to.deep.equal({ party: 1, mentioned: 5, conversation: 1, derived: 1 });
    expect((await run({ number: '+14155550100' })).foundBy).to.deep.equal(erasure.foundBy);
    const left = (await store.events({ limit: 100 })).items.map(({ key }) => key);
    expect(left).to.deep.equal(['k11', 'k9', 'k8']);
  });

  it('counts and removes the kept answers of calls of a number, and of conversations that mention it, and no others', async () => {
    const [named, ...others] = ['+14155550100', '+14155550101', '+14155550102', 'anonymous'] as const;
    const number = fc.constantFrom(named, ...others);
    const conversation = fc.integer({ min: 0, max: 5 });
    const history = fc.record({
      callers: fc.array(number, { minLength: 1, maxLength: 6 }),
      events: fc.array(fc.record({ conversation, party: number, mentions: number }), { maxLength: 6 }),
    });
    const property = fc.asyncProperty(history, async ({ callers, events }) => {
      const { engine, ring, store, clock, log } = aSwitchboard();
      for (const [n, from] of callers.entries()) await ring({ id: `s${n}`, from });
      const made = events.map(({ conversation: of, party, mentions }, n) =>
        stored(n, { subject: `s${of}`, party, body: Buffer.from(`{"text":"${mentions}"}`) }),
      );
      await store.append([
        ...made.map((event) => ({ event, deliveries: [] })),
        { event: stored(99, { source: 'router', subject: 'crm', party: null }), deliveries: [] },
      ]);
      const plan = {
        ...{ destinations: new Map(), transforms: new Map(), emitters: new Set(''), keepMs: 1 },
        normalizePhone: phoneNormalizer(null),
      };
      const [dispatcher, parts] = [engine.get(Dispatcher), [engine.get(Answers)]];
      const erasures = new Erasures({ value: plan }, store, dispatcher, parts, clock, log, maskFor([]));
      const about = new Set([
        ...callers.flatMap((from, n) => (from === named ? [`s${n}`] : [])),
        ...made.flatMap(({ subject, party, body }) =>
          party === named || String(body).includes(named) ? [subject] : [],
        ),
      ]);
      const calls = callers.filter((_, n) => about.has(`s${n}`)).length;
      for (const dryRun of [true, false]) {
        const { removed } = await erasures.start({ filter: { number: named }, dryRun, by: 'ada' });
        expect(removed.calls).to.equal(calls);
      }
      const left = (await store.events({ limit: 100 })).items.map(({ subject }) => subject ?? '');
      expect(left.filter((subject) => about.has(subject))).to.deep.equal([]);
      expect(left).to.have.length(
        1 + [...callers.keys(), ...events.map((one) => one.conversation)].filter((n) => !about.has(`s${n}`)).length,
      );
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it("leaves the router's own events about other calls, of the same destination", async () => {
    const { store, run, clock } = setup();
    const dead = (n: number, about: EventRecord) =>
      stored(n, {
        ...{ source: 'router', type: 'delivery.dead', subject: 'crm', receivedAtMs: clock.now() },
        body: Buffer.from(JSON.stringify({ eventId: about.id })),
      });
    const [one, other] = [stored(1, { party: '+14155550100' }), stored(2, { party: '+14155550101' })];
    await store.append([one, other, dead(3, one), dead(4, other)].map((event) => ({ event, deliveries: [] })));
    await run({ number: '+14155550100' });
    expect((await store.events({ limit: 9 })).items.map(({ key }) => key)).to.deep.equal(['k4', 'k2']);
  });

  it('takes all conditions together, and what was received in a period', async () => {
    const { store, run } = setup();
    const agents = ['x', 'y', 'x'].map((agent, n) => stored(n, { agent, subject: 'same', party: '+14155550100' }));
    await store.append(agents.map((event) => ({ event, deliveries: [] })));
    const period = { sinceMs: 1_001, untilMs: 1_010 };
    const erasure = await run({ number: '+14155550100', agent: 'x', subject: 'same', ...period });
    expect([erasure.oldestMs, erasure.newestMs]).to.deep.equal([1_002, 1_002]);
    expect((await store.events({ limit: 9 })).items.map(({ key }) => key)).to.deep.equal(['k1', 'k0']);
  });

  it('keeps a record without what was named, and forgets the examples of dry runs', async () => {
    const { received, run, erasures } = setup();
    await received({ key: '1', subject: 'conv_1' });
    const dry = await run({ subject: 'conv_1' }, true);
    expect(dry.examples.map(({ event, by }) => [event.subject, by])).to.deep.equal([['conv_1', 'named']]);
    await run({ subject: 'conv_1' });
    expect(erasures.get(dry.id).examples).to.deep.equal([]);
    const { items: records } = await erasures.list({ limit: 10 });
    expect(records.map(({ by, state }) => [by, state])).to.deep.equal([['ada', 'done']]);
    expect(JSON.stringify(records)).not.to.include('conv_1');
    expect(records[0]?.filter.subject).to.match(/^[0-9a-f]{64}$/);
  });

  it('lists all records, however many there are, newest first', async () => {
    const { store, erasures } = setup();
    const ids = Array.from(
      { length: 2_100 },
      (_, n) => `0189${n.toString(16).padStart(4, '0')}-ac96-7000-8000-000000000000`,
    );
    for (const id of ids) await store.setState?.(`switchhook.erasures:${id}`, JSON.stringify({ id }), null);
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await erasures.list({ limit: 1_000, cursor });
      found.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(found).to.deep.equal(ids.toReversed());
  });

  it('finds what arrives while it runs, also where it had found nothing before', async () => {
    let hasArrived = false;
    const { run, subjects } = setup({
      store: (store: Store) => {
        const events = store.events.bind(store);
        store.events = async (query) => {
          const found = await events(query);
          const event = stored(1, { subject: 'a', receivedAtMs: Date.parse('2026-01-01') });
          if (!hasArrived) await store.append([{ event, deliveries: [] }]);
          hasArrived = true;
          return found;
        };
        return store;
      },
    });
    expect(await run({ subject: 'a' })).to.deep.include({ state: 'done', events: [{ type: 'ended', count: 1 }] });
    expect(await subjects()).to.deep.equal([]);
  });

  it('is refused where the store cannot erase', async () => {
    const { run } = setup({ store: (store) => Object.assign(store, { erase: undefined }) });
    const refusal = await run({ subject: 'a' }, true).catch((error: { code: string }) => error);
    expect(refusal).to.have.property('code', 'STORE_CANNOT_ERASE');
  });
});
