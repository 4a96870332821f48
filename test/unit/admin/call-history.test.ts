import { answeredCalls, type CallQuery } from '@switchhook/core/internal';
import { type JsonObject, phoneNormalizer } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

/** A store with events: source, seconds, and the answer in their data. */
async function setup(...events: readonly (readonly [source: string, second: number, answer?: JsonObject])[]) {
  const store = memoryStore(new FakeClock());
  const entries = events.map(([source, second, answer], index) => ({
    event: {
      id: `${source}-${second}`,
      key: String(index),
      source,
      type: 'inbound_call',
      subject: null,
      agent: null,
      party: null,
      occurredAtMs: second * 1_000,
      receivedAtMs: second * 1_000,
      body: Buffer.from(JSON.stringify({ ...(answer && { answer }) })),
    },
    deliveries: [],
  }));
  await store.append(entries);
  const list = async (query: Partial<CallQuery> = {}) => {
    const page = await answeredCalls(store, ['calls', 'lines'], phoneNormalizer('US'), { limit: 50, ...query });
    return { ids: page.items.map(({ id }) => id), cursor: page.cursor };
  };
  /** The ids on each page, to the end. */
  const pages = async (query: Partial<CallQuery>) => {
    const all: (readonly string[])[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await list({ ...query, cursor });
      all.push(page.ids);
      cursor = page.cursor;
    }
    return all;
  };
  return { list, pages };
}

const from = (number: string, to = '+12345678913'): JsonObject => ({ from: number, to });

describe('the list of calls', () => {
  it('has those of all sources of calls, newest first, and nothing else', async () => {
    const { list } = await setup(
      ['calls', 1, from('+1')],
      ['lines', 2, from('+2')],
      ['agents', 3],
      ['calls', 4, from('+3')],
    );
    expect(await list()).to.deep.equal({ ids: ['calls-4', 'lines-2', 'calls-1'], cursor: null });
  });

  it('has those with an answer, and those that needed the facts of a resolver', async () => {
    const given = (name: string, ...resolvers: readonly string[]) => ({
      ...from('+1'),
      name,
      lookups: resolvers.map((resolver) => ({ resolver })),
    });
    const { list } = await setup(
      ['calls', 1, given('sales', 'crm', 'vip')],
      ['lines', 2, given('sales')],
      ['calls', 3, given('help', 'crm')],
      ['calls', 4, from('+1')],
    );
    expect((await list({ answer: 'sales' })).ids).to.deep.equal(['lines-2', 'calls-1']);
    expect((await list({ resolver: 'crm' })).ids).to.deep.equal(['calls-3', 'calls-1']);
    expect((await list({ answer: 'sales', resolver: 'crm' })).ids).to.deep.equal(['calls-1']);
    expect((await list({ answer: 'none' })).ids).to.deep.equal([]);
  });

  it('has those that no answer matched, or whose answer came from a certain step', async () => {
    const of = (step: string, name: string | null) => ({ ...from('+1'), step, name });
    const { list } = await setup(
      ['calls', 1, of('unanswered', null)],
      ['lines', 2, of('fresh', 'unanswered')],
      ['calls', 3, of('default', 'sales')],
      ['lines', 4, of('unanswered', null)],
    );
    expect((await list({ step: 'unanswered' })).ids).to.deep.equal(['lines-4', 'calls-1']);
    expect((await list({ step: 'unanswered', source: 'calls' })).ids).to.deep.equal(['calls-1']);
    expect((await list({ step: 'default', answer: 'sales' })).ids).to.deep.equal(['calls-3']);
  });

  it('looks at as many events for a page, however many sources of calls there are', async () => {
    const { list } = await setup(
      ['calls', 0, from('+12025550100')],
      ...Array.from({ length: 6_000 }, (_, n) => [n % 2 ? 'calls' : 'lines', n + 1, from('+1')] as const),
    );
    expect((await list({ number: '+12025550100' })).ids).to.deep.equal([]);
    const all = await list({ number: '+12025550100', untilMs: 5_999_000 });
    expect(all).to.deep.equal({ ids: ['calls-0'], cursor: null });
  });

  it('leaves out events without an answer', async () => {
    const { list } = await setup(['calls', 1], ['calls', 2, {}], ['calls', 3, from('+1')]);
    expect(await list()).to.deep.equal({ ids: ['calls-3'], cursor: null });
  });

  it('finds a number, of the caller or the called, however it is written', async () => {
    const { list } = await setup(
      ['calls', 1, from('+12025550100')],
      ['calls', 2, from('+12025550199')],
      ['calls', 3, from('', '12025550100')],
      ['calls', 4, from('+1202555010')],
    );
    for (const number of ['+1 (202) 555-0100', '12025550100', '202.555.0100', 'tel:+12025550100'])
      expect((await list({ number })).ids, number).to.deep.equal(['calls-3', 'calls-1']);
    expect((await list({ number: '2025550' })).ids).to.deep.equal([]);
  });

  it('finds a number whatever else has the name of the answer, and in whatever order it is written', async () => {
    const decoy = { answer: from('+49301') };
    const { list } = await setup(
      ['calls', 1, { ...from('+12025550101'), name: decoy }],
      ['calls', 2, { name: 'sales', to: '+12345678913', from: '+12025550101' }],
      ['calls', 3, { ...from('+12025550102'), name: { answer: from('+12025550101') } }],
    );
    expect((await list({ number: '+12025550101' })).ids).to.deep.equal(['calls-2', 'calls-1']);
    expect((await list({ number: '+49301' })).ids).to.deep.equal([]);
  });

  it('is as long as was asked for, and has a cursor where there are more', async () => {
    const { list } = await setup(...Array.from({ length: 250 }, (_, n) => ['calls', n, from('+1')] as const));
    const first = await list({ limit: 2 });
    expect(first.ids).to.deep.equal(['calls-249', 'calls-248']);
    expect((await list({ limit: 2, cursor: first.cursor ?? '' })).ids).to.deep.equal(['calls-247', 'calls-246']);
    const all = await list({ limit: 250 });
    expect([all.ids.length, all.cursor]).to.deep.equal([250, null]);
  });

  it('has each call on one page, also where sources have calls of the same millisecond', async () => {
    const { list, pages } = await setup(
      ...[7, 1, 3, 5].map((n) => ['calls', n, from('+1')] as const),
      ...[4, 7, 6].map((n) => ['lines', n, from('+1')] as const),
    );
    const all = ['lines-7', 'calls-7', 'lines-6', 'calls-5', 'lines-4', 'calls-3', 'calls-1'];
    expect((await list()).ids).to.deep.equal(all);
    for (const limit of [1, 2, 3, 6]) {
      const found = await pages({ limit });
      expect(found.flat(), `pages of ${limit}`).to.deep.equal(all);
      expect(found).to.have.length(Math.ceil(7 / limit));
    }
    expect((await pages({ limit: 2, sinceMs: 3_000, untilMs: 7_000 })).flat()).to.deep.equal(all.slice(2, 6));
  });

  it('has an empty page with a cursor where few of many events fit', async () => {
    const { list, pages } = await setup(
      ['calls', 0, from('+12025550100')],
      ...Array.from({ length: 6_000 }, (_, n) => ['calls', n + 1, from('+12025550199')] as const),
    );
    const number = '+12025550100';
    expect((await list({ number })).cursor).not.to.equal(null);
    expect(await pages({ number })).to.deep.equal([[], [], ['calls-0']]);
  });

  it('refuses a cursor of another list', async () => {
    const { list } = await setup(['calls', 1, from('+1')]);
    const error = await list({ cursor: 'nothing' }).catch((thrown: unknown) => thrown);
    expect(error).to.deep.include({ code: 'MALFORMED' });
  });

  it('is of one source and one time', async () => {
    const { list } = await setup(['calls', 1, from('+1')], ['lines', 2, from('+1')], ['calls', 3, from('+1')]);
    expect((await list({ source: 'calls', sinceMs: 2_000 })).ids).to.deep.equal(['calls-3']);
    expect((await list({ untilMs: 3_000 })).ids).to.deep.equal(['lines-2', 'calls-1']);
    expect((await list({ source: 'agents' })).ids).to.deep.equal([]);
  });
});
