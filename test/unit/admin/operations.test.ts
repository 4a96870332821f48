import {
  compileExpression,
  DeliveryPlan,
  DeliveryTelemetry,
  Dispatcher,
  maskFor,
  type ReplayRequest,
  Replays,
  type Route,
} from '@switchhook/core/internal';
import {
  type DeadGroup,
  type DeadGroupQuery,
  type DeliveryState,
  ExpressionError,
  type Settled,
} from '@switchhook/sdk';
import { FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { anOperator, aRoute, fickle } from '../../support/operations.js';
import { statusOf, storeWith } from '../../support/pipeline.js';

const dead = { deliveries: { state: 'dead' }, events: null } as const;
const request = (given: Partial<ReplayRequest> = {}): ReplayRequest => {
  return { filter: dead, dryRun: false, reroute: false, perSecond: 50, ...given };
};
const pipelineLog = new FakeLog();
const where = (text: string) => compileExpression(text, ['event'], 'bool');

describe('an operator', () => {
  it('is told the whole story of an event: its deliveries and every attempt', async () => {
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: async () => ({ kind: 'unavailable', reason: 'status 503', response: 'down' }) },
    });
    const [id = ''] = await received({ key: 'a' });
    await clock.advance(60_000);
    const { event, deliveries } = await operations.event(id);
    expect(event.key).to.equal('a');
    expect(deliveries.map(({ delivery: { state, reason, failure } }) => [state, reason, failure])).to.deep.equal([
      ['dead', 'exhausted', 'status 503'],
    ]);
    expect(deliveries[0]?.attempts.map(({ number, reason, response }) => [number, reason, response])).to.deep.equal([
      [1, 'status 503', 'down'],
      [2, 'status 503', 'down'],
      [3, 'status 503', 'down'],
    ]);
    await pipeline.close();
  });

  it('is told which body is missing where a delivery has gathered the event', async () => {
    const wait = { for: ['over'], withinMs: 1_000 };
    const { operations, received, clock, pipeline, store } = anOperator({
      routes: [aRoute({ wait })],
      destinations: { crm: async () => ({ kind: 'delivered' }) },
    });
    const [first = '', last = ''] = await received(
      { key: 'a', subject: 'one', type: 'begun' },
      { key: 'b', subject: 'one', type: 'over' },
    );
    await clock.advance(1_000);
    const scope = { types: ['over'] };
    expect(await store.prune({ beforeMs: clock.now(), limit: 9, remove: 'bodies', scope })).to.equal(1);
    const refused = await operations.replay(`${first}.0`).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'BODY_REMOVED' });
    expect(String(refused)).to.contain(`the body of event ${last} was removed`);
    const filter = { deliveries: { state: 'delivered' }, events: null } as const;
    const replay = await operations.replays.start(request({ filter }));
    expect(replay).to.deep.include({ changed: 0, skipped: { running: 0, unconfigured: 0, withoutBody: 1 } });
    await pipeline.close();
  });

  it('is told what a sender repeats, the latest first, and how often', async () => {
    const { duplicates, received, clock, pipeline } = anOperator();
    const [a = '', b = ''] = await received({ key: 'a', subject: 'one' }, { key: 'b', subject: 'two' });
    expect(duplicates.list({ limit: 10 }).items).to.deep.equal([]);
    await received({ key: 'a' }, { key: 'b' }, { key: 'a' });
    const of = (query: object) =>
      duplicates.list({ limit: 10, ...query }).items.map(({ eventId, times }) => [eventId, times]);
    expect(of({})).to.deep.equal([
      [a, 2],
      [b, 1],
    ]);
    const first = duplicates.list({ limit: 1 });
    expect(first.items.map(({ eventId }) => eventId)).to.deep.equal([a]);
    const { items: rest, cursor } = duplicates.list({ limit: 1, cursor: first.cursor ?? '' });
    expect([rest.map(({ eventId }) => eventId), cursor]).to.deep.equal([[b], null]);
    expect(
      [of({ source: 'agents' }), of({ source: 'others' }), of({ type: 'started' })].map((all) => all.length),
    ).to.deep.equal([2, 0, 0]);
    expect(duplicates.list({ limit: 1 }).items[0]?.lastAtMs).to.be.at.most(clock.now());
    await pipeline.close();
  });

  it('begins the list of what was settled by a time there, and still finds it', async () => {
    const asked: (number | undefined)[] = [];
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: fickle().deliver },
      store: (plain) => {
        const deliveries = plain.deliveries.bind(plain);
        plain.deliveries = (query) => {
          asked.push(query.untilMs);
          return deliveries(query);
        };
        return plain;
      },
    });
    await received({ key: 'a' });
    const settledMs = clock.now();
    await clock.advance(3_600_000);
    await received({ key: 'b' });
    const { items } = await operations.deliveries({ settledUntilMs: settledMs + 1, limit: 10 });
    expect(items).to.have.length(1);
    await operations.deliveries({ settledUntilMs: settledMs + 1, untilMs: settledMs + 2, limit: 10 });
    await operations.deliveries({ limit: 10 });
    expect(asked).to.deep.equal([settledMs + 60_001, settledMs + 2, undefined]);
    await pipeline.close();
  });

  it('forgets the events that were repeated longest ago', async () => {
    const { duplicates, received, pipeline } = anOperator();
    const keys = Array.from({ length: 1_001 }, (_, n) => ({ key: `k${n}` }));
    await received(...keys, ...keys);
    const { items: kept } = duplicates.list({ limit: 2_000 });
    expect(kept).to.have.length(1_000);
    await pipeline.close();
  });

  it('is told what the last attempt of each listed delivery failed with', async () => {
    const crm = fickle();
    const { operations, received, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    await received({ key: 'a' });
    crm.fate.outcome = { kind: 'delivered' };
    await received({ key: 'b' });
    const { items } = await operations.deliveries({ limit: 10 });
    expect(items.map(({ state, failure }) => [state, failure])).to.deep.equal([
      ['delivered', null],
      ['dead', 'status 400'],
    ]);
    await pipeline.close();
  });

  it('is refused a list for a name that nothing has, with the name that may be meant', async () => {
    const crm = fickle();
    const { operations, received, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    await received({ key: 'a' });
    const refusal = async (query: Parameters<typeof operations.deliveries>[0]) => {
      const error: unknown = await operations.deliveries(query).catch((error: unknown) => error);
      return error instanceof Error ? `${(error as Error & { code: string }).code}: ${error.message}` : 'listed';
    };
    const named = await refusal({ destination: 'crmm', limit: 10 });
    expect(named).to.equal('NO_SUCH_ROW: no destination "crmm" is configured; did you mean "crm"?');
    expect(await refusal({ route: 'nope', limit: 10 })).to.match(
      /^NO_SUCH_ROW: no route "nope" is configured; there is [\w-]+$/,
    );
    expect(await refusal({ destination: 'crm', state: 'waiting', limit: 10 })).to.equal('listed');
    const events = await operations.events({ source: 'nope', limit: 10 }).catch((error: unknown) => error);
    expect(events).to.have.property('code', 'NO_SUCH_ROW');
    await pipeline.close();
  });

  it('is shown what is dead by destination and failure, the most first', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    const ids = ['6f1c9a0e-0000-4000-8000-000000000001', '12345678', 'call_8f3a91c2d4e5f607'];
    const ends = [...ids.map((id) => `no contact ${id}`), 'status 400', 'status 401'];
    for (const [n, reason] of ends.entries()) {
      crm.fate.outcome = { kind: 'rejected', reason };
      await received({ key: `${n}` });
      await clock.advance(1_000);
    }
    const { groups, more } = await operations.deadGroups({});
    expect(groups.map(({ destination, failure, count }) => [destination, failure, count])).to.deep.equal([
      ['crm', 'no contact …', 3],
      ['crm', 'status 401', 1],
      ['crm', 'status 400', 1],
    ]);
    const [first] = groups;
    expect((first?.lastMs ?? 0) - (first?.firstMs ?? 0)).to.be.within(2_000, 2_999);
    expect(more).to.equal(false);
    await operations.discard(first?.latest ?? '');
    expect((await operations.deadGroups({})).groups.map(({ count }) => count)).to.deep.equal([2, 1, 1]);
    expect((await operations.deadGroups({ reason: 'discarded' })).groups.map(({ count }) => count)).to.deep.equal([1]);
    await pipeline.close();
  });

  it('is shown what the store has counted, those that failed alike as one, and whether that is all', async () => {
    const counted = (failure: string, count: number, atMs: number): DeadGroup => {
      const group = { destination: 'crm', reason: 'rejected', failure, count, firstMs: atMs, lastMs: atMs } as const;
      return { ...group, latest: `${failure}.0` };
    };
    const asked: DeadGroupQuery[] = [];
    const pages = (counts: readonly number[]) => async (query: DeadGroupQuery) => {
      asked.push(query);
      const n = Number(query.cursor ?? 0);
      const items = [counted(`no contact 1234567${n}`, counts[n] ?? 0, 10 - n), counted('status 400', 1, 20)];
      return { items, cursor: n + 1 < counts.length ? String(n + 1) : null };
    };
    const groupsOf = async (counts: readonly number[]) => {
      const { operations, pipeline } = anOperator({
        store: (plain) => storeWith(plain, { deadGroups: pages(counts) }),
      });
      const found = await operations.deadGroups({ destination: 'crm' });
      await pipeline.close();
      return {
        ...found,
        groups: found.groups.map(({ failure, count, firstMs, latest }) => [failure, count, firstMs, latest]),
      };
    };
    expect(await groupsOf([3, 4])).to.deep.equal({
      groups: [
        ['no contact …', 7, 9, 'no contact 12345670.0'],
        ['status 400', 2, 20, 'status 400.0'],
      ],
      more: false,
    });
    expect(asked.map(({ destination, cursor }) => [destination, cursor])).to.deep.equal([
      ['crm', undefined],
      ['crm', '1'],
    ]);
    expect(await groupsOf([60_000, 1])).to.deep.include({ more: true });
    expect(await groupsOf([60_000])).to.deep.include({ more: false });
  });

  it('replays a dead delivery under the same id, at once', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    const [id] = await received({ key: 'a' });
    crm.fate.outcome = { kind: 'delivered' };
    await operations.replay(`${id}.0`);
    await clock.advance(0);
    const { delivery, attempts } = await operations.delivery(`${id}.0`);
    expect([delivery.state, crm.seen]).to.deep.equal(['delivered', [`${id}.0`, `${id}.0`]]);
    expect(attempts.map(({ number, outcome }) => `${number} ${outcome}`)).to.deep.equal(['1 rejected', '2 delivered']);
    await pipeline.close();
  });

  it('cancels a pending retry by a replay', async () => {
    const crm = fickle({ kind: 'unavailable', reason: 'status 503' });
    const { operations, received, clock, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    const [id] = await received({ key: 'a' });
    crm.fate.outcome = { kind: 'delivered' };
    await operations.replay(`${id}.0`);
    await clock.advance(0);
    expect(crm.seen).to.have.length(2);
    await clock.advance(60_000);
    expect(crm.seen).to.have.length(2);
    await pipeline.close();
  });

  it('cannot replay what is running, what is not kept, and what has no destination any more', async () => {
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: () => new Promise(() => {}), gone: fickle().deliver },
      routes: [aRoute({ to: ['crm', 'gone'] })],
      gone: ['gone'],
    });
    const [id] = await received({ key: 'a' });
    expect(await statusOf(operations.replay(`${id}.0`))).to.equal('WRONG_STATE');
    expect(await statusOf(operations.replay(`${id}.1`))).to.equal('DESTINATION_GONE');
    expect(await statusOf(operations.replay(`${id}.2`))).to.equal('NOT_KEPT');
    expect(await statusOf(operations.event('nothing'))).to.equal('NOT_KEPT');
    const closing = pipeline.close();
    await clock.advance(10_000);
    await closing;
  });

  it('discards what is dead or waiting, once, and it is counted', async () => {
    const crm = fickle();
    const { operations, received, metrics, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    const [id] = await received({ key: 'a' });
    expect((await operations.discard(`${id}.0`)).delivery).to.include({ state: 'dead', reason: 'discarded' });
    expect(await statusOf(operations.discard(`${id}.0`))).to.equal('WRONG_STATE');
    crm.fate.outcome = { kind: 'delivered' };
    const [other] = await received({ key: 'b' });
    expect(await statusOf(operations.discard(`${other}.0`))).to.equal('WRONG_STATE');
    expect([...metrics.values].filter(([name]) => name.includes('discarded')).map(([, value]) => value)).to.deep.equal([
      1,
    ]);
    await pipeline.close();
  });

  it('sees each queue, also of a destination that is no longer configured', async () => {
    const { status, received, clock, pipeline } = anOperator({
      destinations: { crm: () => new Promise(() => {}), old: fickle().deliver },
      routes: [aRoute({ to: ['crm', 'old'] })],
      gone: ['old'],
    });
    await received(...[1, 2, 3].map((n) => ({ key: `a${n}` })));
    await clock.advance(4_999);
    const { destinations, uptimeMs, storeFailure } = await status.read();
    expect([uptimeMs, storeFailure]).to.deep.equal([5_000, null]);
    const facts = destinations.map(({ destination, policy, load, backlog }) => {
      return [destination, policy?.concurrency, load?.running, backlog?.running, backlog?.dead];
    });
    expect(facts).to.deep.equal([
      ['crm', 2, 2, 3, 0],
      ['old', undefined, 0, 0, 3],
    ]);
    const closing = pipeline.close();
    await clock.advance(10_000);
    await closing;
  });

  it('sees that the store is away, instead of nothing', async () => {
    const away = () => Promise.reject(new Error('disk full'));
    const { status } = anOperator({ store: (store) => storeWith(store, { append: away, backlog: away }) });
    const { storeFailure, destinations } = await status.read();
    expect(storeFailure).to.equal('disk full');
    expect(destinations.map(({ destination }) => destination)).to.deep.equal(['crm']);
  });
});

describe('an explanation', () => {
  it('says of every route why it does not match, with the values', async () => {
    const { operations, received, pipeline } = anOperator({
      routes: [
        aRoute({ name: 'others', from: ['chats'] }),
        aRoute({ name: 'starts', on: ['started', 'begun'] }),
        aRoute({ name: 'long', where: where('event.type == "ended" && event.data.duration > 30') }),
        aRoute({ name: 'analysed', where: where('event.data.analysis.score > 3') }),
        aRoute({ name: 'all' }),
      ],
    });
    const [id = ''] = await received({ key: 'a', duration: 12 });
    const [explanation] = await operations.explain({ event: id });
    expect(explanation?.routes.map(({ route, matches, reason }) => [route, matches, reason])).to.deep.equal([
      ['others', false, 'it takes events from chats, not agents'],
      ['starts', false, 'it takes events on started, begun, not ended'],
      ['long', false, 'event.data.duration > 30 is false (event.data.duration is 12)'],
      ['analysed', false, 'event.data.analysis.score > 3 has no value: event.data.analysis is missing'],
      ['all', true, null],
    ]);
    await pipeline.close();
  });

  it('shows what each destination would get, under the id it has, without sending it and without secrets', async () => {
    const crm = fickle();
    const { operations, received, pipeline } = anOperator({
      destinations: { crm: crm.deliver, slack: crm.deliver, mail: crm.deliver, quiet: crm.deliver },
      routes: [aRoute({ to: ['crm', 'slack', 'mail', 'quiet'], transforms: ['redact'] })],
      transforms: { redact: (event) => ({ ...event, data: { key: 'redacted' } }) },
      previews: {
        crm: ({ id, attempt, event }) => ({ url: 'https://crm/hunter2', id, attempt, key: event.data.key ?? null }),
        slack: () => {
          throw new ExpressionError('event.data.name is missing, hunter2', true, 'event.data.name');
        },
        mail: () => {
          throw new Error('a fault, hunter2');
        },
      },
    });
    const [id = ''] = await received({ key: 'a' });
    const before = crm.seen.length;
    const [explanation] = await operations.explain({ event: id });
    expect(explanation?.routes[0]?.destinations).to.deep.equal([
      {
        destination: 'crm',
        reason: null,
        rejected: false,
        preview: { url: 'https://crm/***', id: `${id}.0`, attempt: 2, key: 'redacted' },
      },
      {
        ...{ destination: 'slack', preview: null, rejected: true },
        reason:
          'template: event.data.name is missing, ***; default(event.data.name, "…") sends something else where it is missing',
      },
      { destination: 'mail', preview: null, reason: 'a fault, ***', rejected: false },
      { destination: 'quiet', preview: null, reason: 'the component shows no preview', rejected: false },
    ]);
    expect(crm.seen).to.have.length(before);
    await pipeline.close();
  });

  it('says that a transform keeps an event back, or fails', async () => {
    const { operations, received, pipeline } = anOperator({
      routes: [aRoute({ name: 'a', transforms: ['nothing'] }), aRoute({ name: 'b', transforms: ['broken'] })],
      transforms: {
        nothing: () => null,
        broken: () => {
          throw new Error('no such field');
        },
      },
    });
    const [id = ''] = await received({ key: 'a' });
    const [explanation] = await operations.explain({ event: id });
    expect(explanation?.routes.map(({ destinations: [one] }) => [one?.reason, one?.rejected])).to.deep.equal([
      ['a transform keeps it back', false],
      ['a transform failed: no such field', true],
    ]);
    await pipeline.close();
  });

  it('tells the events of a subject in their order', async () => {
    const { operations, received, clock, pipeline } = anOperator();
    await received({ key: 'a', subject: 'conv_1' }, { key: 'b', subject: 'conv_2' });
    await clock.advance(10);
    await received({ key: 'c', subject: 'conv_1' });
    const explanations = await operations.explain({ subject: 'conv_1' });
    expect(explanations.map(({ event, deliveries }) => [event.key, deliveries[0]?.delivery.state])).to.deep.equal([
      ['a', 'delivered'],
      ['c', 'delivered'],
    ]);
    expect(await statusOf(operations.explain({ subject: 'conv_9' }))).to.equal('NOT_KEPT');
    await pipeline.close();
  });
});

describe('a replay', () => {
  it('makes dead deliveries due again, and leaves discarded ones alone', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    const [first] = await received(...['a', 'b', 'c'].map((key) => ({ key })));
    await operations.discard(`${first}.0`);
    crm.fate.outcome = { kind: 'delivered' };
    expect(await operations.replays.start(request())).to.include({ state: 'done', matched: 2, changed: 2 });
    await clock.advance(1_000);
    const { items } = await operations.deliveries({ limit: 10 });
    expect(items.map(({ state, reason }) => reason ?? state)).to.deep.equal(['delivered', 'delivered', 'discarded']);
    await pipeline.close();
  });

  it('finds deliveries by what their events are', async () => {
    const crm = fickle();
    const { operations, received, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    await received({ key: 'a', subject: 'conv_1' }, { key: 'b', subject: 'conv_2' }, { key: 'c', subject: 'conv_1' });
    const filter = { ...dead, events: { subject: 'conv_1' } };
    expect(await operations.replays.start(request({ filter, dryRun: true }))).to.include({ matched: 2, changed: 0 });
    expect(await operations.replays.start(request({ filter }))).to.include({ matched: 2, changed: 2 });
    await pipeline.close();
  });

  it('finds deliveries by the failure of their group, and by that none came back', async () => {
    const crm = fickle();
    const { operations, received, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    for (const reason of ['no contact 12345678', 'status 400', 'no contact 87654321']) {
      crm.fate.outcome = { kind: 'rejected', reason };
      await received({ key: reason });
    }
    const { groups } = await operations.deadGroups({});
    expect(groups.map(({ failure, count }) => [failure, count])).to.deep.equal([
      ['no contact …', 2],
      ['status 400', 1],
    ]);
    const [largest] = groups;
    const matched = async (failure: string | null) =>
      (await operations.replays.start(request({ filter: { ...dead, failure }, dryRun: true }))).matched;
    expect(await matched(largest?.failure ?? '')).to.equal(largest?.count);
    // That of one delivery stands for its group, in a list, too.
    expect([await matched('no contact 12345678'), await matched(null)]).to.deep.equal([2, 0]);
    const listed = async (failure: string, limit: number, cursor?: string) => {
      const page = await operations.deliveries({ failure, limit, ...(cursor !== undefined && { cursor }) });
      return { failures: page.items.map((one) => one.failure), cursor: page.cursor };
    };
    const whole = ['no contact 87654321', 'no contact 12345678'];
    expect((await listed('no contact …', 50)).failures).to.deep.equal(whole);
    expect((await listed('no contact 12345678', 50)).failures).to.deep.equal(whole);
    const first = await listed('no contact …', 1);
    const second = await listed('no contact …', 1, first.cursor ?? '');
    expect([first.failures, second.failures]).to.deep.equal(whole.map((one) => [one]));
    // As the page ends it.
    for (const written of ['no contact 12345678.', ' no contact …. ', 'no contact …']) {
      expect((await listed(written, 50)).failures, written).to.deep.equal(whole);
      expect(await matched(written), written).to.equal(2);
    }
    expect(await listed('status 500', 50)).to.deep.equal({ failures: [], cursor: null });
    expect((await operations.deadGroups({ failure: 'status 400' })).groups.map(({ count }) => count)).to.deep.equal([
      1,
    ]);
    const filter = { ...dead, failure: 'status 400' };
    expect(await operations.discards.start(request({ filter }))).to.include({ matched: 1, changed: 1 });
    expect((await operations.deadGroups({})).groups.map(({ count }) => count)).to.deep.equal([2]);
    await pipeline.close();
  });

  it('only counts when it is a dry run', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline, stateOf } = anOperator({ destinations: { crm: crm.deliver } });
    await received({ key: 'a' });
    const replay = await operations.replays.start(request({ dryRun: true }));
    expect(replay).to.include({ state: 'done', matched: 1, changed: 0 });
    await clock.advance(60_000);
    expect([await stateOf(), crm.seen.length]).to.deep.equal([['rejected'], 1]);
    await pipeline.close();
  });

  it('spreads what becomes due over time, the oldest first', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline, store } = anOperator({ destinations: { crm: crm.deliver } });
    const ids = await received(...Array.from({ length: 25 }, (_, n) => ({ key: `a${n}` })));
    const before = crm.seen.length;
    crm.fate.outcome = { kind: 'delivered' };
    await operations.replays.start(request({ perSecond: 10 }));
    const { items } = await store.deliveries({ limit: 100, state: 'waiting' });
    const due = items.map(({ dueMs }) => (dueMs ?? 0) - clock.now());
    expect(Math.max(...due)).to.equal(2_000);
    await clock.advance(999);
    expect(crm.seen.length - before).to.equal(10);
    await clock.advance(2_000);
    expect(crm.seen.slice(before)).to.deep.equal(ids.map((id) => `${id}.0`));
    await pipeline.close();
  });

  it('follows what becomes of each, of the latest five replays', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline } = anOperator({ destinations: { crm: crm.deliver } });
    const outcomesOf = (id: string) => operations.replays.outcomes(id);
    const ids = await received(...Array.from({ length: 25 }, (_, n) => ({ key: `a${n}` })));
    const paced = await operations.replays.start(request({ perSecond: 10 }));
    // The first ten die again.
    await clock.advance(999);
    expect(await outcomesOf(paced.id)).to.deep.equal({
      delivered: 0,
      dead: 10,
      skipped: 0,
      again: 0,
      open: 15,
      openTo: ['crm'],
      unknown: 0,
    });
    crm.fate.outcome = { kind: 'delivered' };
    await clock.advance(3_000);
    const settled = { delivered: 15, dead: 10, skipped: 0, again: 0, open: 0, openTo: [], unknown: 0 };
    expect(await outcomesOf(paced.id)).to.deep.equal(settled);
    // What a later replay makes of them is that one's.
    const later = await operations.replays.start(request({ perSecond: 1_000 }));
    await clock.advance(1_000);
    expect(await outcomesOf(later.id)).to.deep.equal({ ...settled, delivered: 10, dead: 0 });
    expect(await outcomesOf(paced.id)).to.deep.equal({ ...settled, dead: 0, again: 10 });
    // Also one by one.
    await operations.replay(`${ids[24]}.0`);
    expect(await outcomesOf(paced.id)).to.deep.equal({ ...settled, delivered: 14, dead: 0, again: 11 });
    await clock.advance(1_000);
    expect(await outcomesOf((await operations.replays.start(request())).id), 'nothing was dead').to.equal(null);
    for (let n = 0; n < 4; n += 1) {
      crm.fate.outcome = { kind: 'rejected', reason: 'status 400' };
      await received({ key: `b${n}` });
      await operations.replays.start(request());
      await clock.advance(1_000);
    }
    expect(await outcomesOf(paced.id), 'five came later').to.equal(null);
    await pipeline.close();
  });

  it('sends an event through the routes of today, to whom it has not been', async () => {
    const crm = fickle({ kind: 'delivered' });
    const slack = fickle({ kind: 'delivered' });
    const destinations = { crm: crm.deliver, slack: slack.deliver };
    const before = anOperator({ destinations, routes: [aRoute({ name: 'old-name' })] });
    await before.received({ key: 'a', duration: 60 }, { key: 'b', duration: 5 });
    await before.pipeline.close();
    const routes = [
      aRoute({ name: 'new-name' }),
      aRoute({ name: 'long', to: ['slack', 'crm'], where: where('event.data.duration > 30') }),
    ];
    const { operations, clock, pipeline } = anOperator({
      ...{ destinations, routes, store: () => before.store, clock: new FakeClock(before.clock.now() + 1_000) },
    });
    const reroute = { reroute: true, filter: { deliveries: {}, events: {} } };
    // `old-name` is gone: what it gave to the CRM is not given again by another name.
    expect(await operations.replays.start(request({ ...reroute, dryRun: true }))).to.include({ matched: 1 });
    expect(await operations.replays.start(request(reroute))).to.include({ matched: 1, changed: 1 });
    await clock.advance(0);
    expect([crm.seen.length, slack.seen.map((id) => id.replace(/^.*\./, '.'))]).to.deep.equal([2, ['.1']]);
    expect(await operations.replays.start(request(reroute))).to.include({ matched: 0 });
    await pipeline.close();
  });

  it('makes deliveries for events that no route wanted', async () => {
    const crm = fickle({ kind: 'delivered' });
    const before = anOperator({ destinations: { crm: crm.deliver }, routes: [aRoute({ on: ['started'] })] });
    await before.received({ key: 'a' }, { key: 'b', type: 'started' });
    await before.pipeline.close();
    const { operations, clock, pipeline } = anOperator({
      ...{ destinations: { crm: crm.deliver }, store: () => before.store },
      clock: new FakeClock(before.clock.now() + 1_000),
    });
    const filter = { deliveries: {}, events: { unrouted: true } };
    expect(await operations.replays.start(request({ reroute: true, filter }))).to.include({ changed: 1 });
    await clock.advance(0);
    expect(crm.seen).to.have.length(2);
    await pipeline.close();
  });

  it('goes on by itself when it is long, one at a time, and says how far it is', async () => {
    const crm = fickle();
    let release = (): void => {};
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: crm.deliver },
      store: (store) =>
        storeWith(store, {
          replay: async (ids, dueMs) => {
            await new Promise<void>((resolve) => {
              release = resolve;
            });
            return store.replay(ids, dueMs);
          },
        }),
    });
    await received({ key: 'a' });
    const starting = operations.replays.start(request());
    await clock.advance(1_000);
    const { id, state, matched, changed } = await starting;
    expect([state, matched, changed]).to.deep.equal(['running', 1, 0]);
    expect(await statusOf(operations.replays.start(request()))).to.equal('REPLAY_RUNNING');
    release();
    await clock.advance(0);
    expect(operations.replays.get(id)).to.include({ state: 'done', changed: 1 });
    expect(operations.replays.list().map((replay) => replay.id)).to.deep.equal([id]);
    await pipeline.close();
  });

  it('is shown what a delivery has gathered, and has it erased there, however long the conversation is', async () => {
    const wait = { for: ['over'], withinMs: 1_000 };
    const seen: number[] = [];
    const { operations, received, store, clock, pipeline } = anOperator({
      routes: [aRoute({ wait })],
      destinations: { crm: async () => ({ kind: 'delivered' }) },
      previews: { crm: ({ events = [] }) => ({ keys: events.map(({ data }) => data.key ?? null) }) },
      erases: {
        crm: async (deliveries) => {
          seen.push(...deliveries.map(({ events = [] }) => events.length));
          return deliveries.length;
        },
      },
    });
    const [first = ''] = await received(
      { key: 'a', subject: 'one', type: 'begun' },
      { key: 'b', subject: 'one', type: 'said' },
      { key: 'c', subject: 'one', type: 'over' },
    );
    await clock.advance(1_000);
    const [begun] = (await store.events({ subject: 'one', type: 'begun', limit: 1 })).items;
    if (begun === undefined) throw new Error('the event is not kept');
    const later = Array.from({ length: 1_500 }, (_, n) => {
      const id = `01890a5d-ac96-774b-bcce-${String(n).padStart(12, '0')}`;
      return { event: { ...begun, id, key: `later ${n}`, receivedAtMs: clock.now() + n }, deliveries: [] };
    });
    await store.append(later);
    const [explained] = await operations.explain({ event: first });
    expect(explained?.routes[0]?.destinations[0]?.preview).to.deep.equal({ keys: ['a', 'b', 'c'] });
    await operations.erasures.start({ filter: { subject: 'one' }, dryRun: false, by: 'ada' });
    expect(seen).to.deep.equal([3]);
    await pipeline.close();
  });

  it('gathers events anew wherever the pages of the list end', async () => {
    const routes: Route[] = [];
    const gathered: number[] = [];
    const { operations, received, clock, pipeline } = anOperator({
      routes,
      destinations: {
        crm: async ({ events = [] }) => {
          gathered.push(events.length);
          return { kind: 'delivered' };
        },
      },
    });
    const calls = Array.from({ length: 30 }, (_, n) => `call_${n}`);
    for (const type of ['begun', 'over'])
      await received(...calls.map((subject) => ({ key: `${subject} ${type}`, subject, type })));
    routes.push(aRoute({ wait: { for: ['over'], withinMs: 60_000 } }));
    await operations.replays.start(request({ reroute: true, filter: { deliveries: {}, events: {} } }));
    await clock.advance(20_000);
    expect(gathered).to.deep.equal(calls.map(() => 2));
    await pipeline.close();
  });

  it('says that it failed, and can be started again', async () => {
    let away = true;
    const crm = fickle();
    const { operations, received, pipeline } = anOperator({
      destinations: { crm: crm.deliver },
      store: (store) =>
        storeWith(store, {
          replay: (ids, dueMs) => (away ? Promise.reject(new Error('disk full')) : store.replay(ids, dueMs)),
        }),
    });
    await received({ key: 'a' });
    expect(await operations.replays.start(request())).to.include({ state: 'failed', reason: 'disk full' });
    away = false;
    expect(await operations.replays.start(request())).to.include({ state: 'done', changed: 1 });
    await pipeline.close();
  });

  it('stops after its page when the router closes', async () => {
    const crm = fickle();
    const { operations, received, pipeline, store } = anOperator({ destinations: { crm: crm.deliver } });
    await received({ key: 'a' });
    const stopped = new Promise<void>((resolve) => {
      const stopping = storeWith(store, {
        deliveries: async (query) => {
          void replays.close().then(resolve);
          return store.deliveries(query);
        },
      });
      const { replays } = anOperator({ store: () => stopping }).operations;
      void replays
        .start(request())
        .then(({ state, changed }) => expect([state, changed]).to.deep.equal(['stopped', 0]));
    });
    await stopped;
    expect(
      await operations.delivery((await operations.deliveries({ limit: 1 })).items[0]?.id ?? ''),
    ).to.have.nested.property('delivery.state', 'dead');
    await pipeline.close();
  });

  it('never touches what is running, and its counts add up, whatever is there', async () => {
    const states = ['waiting', 'running', 'delivered', 'dead', 'skipped'] as const;
    const shape = fc.record({
      deliveries: fc.array(
        fc.tuple(fc.constantFrom(...states), fc.boolean(), fc.constantFrom('crm', 'slack', 'gone')),
        {
          maxLength: 40,
        },
      ),
      state: fc.option(fc.constantFrom(...states), { nil: undefined }),
      subject: fc.option(fc.constantFrom('even', 'odd'), { nil: undefined }),
      destination: fc.option(fc.constantFrom('crm', 'slack', 'gone'), { nil: undefined }),
      perSecond: fc.integer({ min: 1, max: 50 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ deliveries, state, subject, destination, perSecond }) => {
        const clock = new FakeClock();
        const store = memoryStore(clock);
        const facts = new Map<
          string,
          { state: DeliveryState; discarded: boolean; destination: string; subject: string }
        >();
        for (const [index, [wanted, discarded, to]] of deliveries.entries()) {
          const id = `event-${String(index).padStart(3, '0')}`;
          const ofSubject = index % 2 === 0 ? 'even' : 'odd';
          const event = {
            ...{ id, key: id, source: 'agents', type: 't', subject: ofSubject, agent: null, party: null },
            ...{ occurredAtMs: clock.now(), receivedAtMs: clock.now(), body: Buffer.from('{}') },
          };
          const open = { route: 'calls', destination: to, transforms: [], dueMs: clock.now() + 1e6 };
          await store.append([
            { event, deliveries: [{ ...open, state: wanted === 'waiting' ? 'waiting' : 'running' }] },
          ]);
          const settlement = {
            delivered: { state: 'delivered' },
            skipped: { state: 'skipped' },
            dead: { state: 'dead', reason: 'rejected' },
          } as const;
          if (wanted !== 'waiting' && wanted !== 'running') {
            const settled: Settled = { deliveryId: `${id}.0`, lease: 1, settlement: settlement[wanted], attempt: null };
            await store.settle([settled]);
          }
          if (wanted === 'dead' && discarded) await store.discard([`${id}.0`]);
          facts.set(`${id}.0`, {
            state: wanted,
            discarded: wanted === 'dead' && discarded,
            destination: to,
            subject: ofSubject,
          });
        }
        const announced = new Map<string, number>();
        const expect_ = (name: string, dueMs: number) =>
          void announced.set(name, Math.min(dueMs, announced.get(name) ?? dueMs));
        const destinations = { crm: fickle().deliver, slack: fickle().deliver };
        const { engine } = anOperator({ destinations, clock, store: () => store });
        const dispatcher = Object.assign(Object.create(engine.get(Dispatcher)), { expect: expect_ });
        const plan = { value: { routes: [], destinations: engine.get(DeliveryPlan).value.destinations } };
        const telemetry = engine.get(DeliveryTelemetry);
        const replays = new Replays(plan, store, dispatcher, telemetry, clock, pipelineLog, maskFor([]));
        const filter = {
          deliveries: { ...(state && { state }), ...(destination && { destination }) },
          events: subject === undefined ? null : { subject },
        };
        const replay = await replays.start({ filter, dryRun: false, reroute: false, perSecond });
        const matching = [...facts].filter(
          ([, fact]) =>
            !fact.discarded &&
            (state ?? fact.state) === fact.state &&
            (destination ?? fact.destination) === fact.destination &&
            (subject ?? fact.subject) === fact.subject,
        );
        const changeable = matching.filter(([, fact]) => fact.state !== 'running' && fact.destination !== 'gone');
        expect(replay.matched).to.equal(matching.length);
        expect(replay.changed).to.equal(changeable.length);
        expect(replay.changed + replay.skipped.running + replay.skipped.unconfigured).to.equal(replay.matched);
        const due: number[] = [];
        for (const [id, fact] of facts) {
          const now = await store.delivery(id);
          const changed = changeable.some(([other]) => other === id);
          expect(now?.state).to.equal(changed ? 'waiting' : fact.state);
          if (changed) due.push((now?.dueMs ?? 0) - clock.now());
          if (changed) expect(announced.get(fact.destination)).to.be.at.most(now?.dueMs ?? 0);
        }
        expect(due).to.deep.equal(due.toSorted((a, b) => a - b));
        for (const second of new Set(due)) expect(due.filter((one) => one === second).length).to.be.at.most(perSecond);
      }),
      { numRuns: 60 },
    );
  });
});
