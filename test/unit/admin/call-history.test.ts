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
    const { calls, more } = await answeredCalls(store, ['calls', 'lines'], phoneNormalizer('US'), {
      limit: 50,
      ...query,
    });
    return { ids: calls.map(({ id }) => id), more };
  };
  return { list };
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
    expect(await list()).to.deep.equal({ ids: ['calls-4', 'lines-2', 'calls-1'], more: false });
  });

  it('leaves out events without an answer', async () => {
    const { list } = await setup(['calls', 1], ['calls', 2, {}], ['calls', 3, from('+1')]);
    expect(await list()).to.deep.equal({ ids: ['calls-3'], more: false });
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

  it('is as long as was asked for, and says that there are more', async () => {
    const { list } = await setup(...Array.from({ length: 250 }, (_, n) => ['calls', n, from('+1')] as const));
    expect(await list({ limit: 2 })).to.deep.equal({ ids: ['calls-249', 'calls-248'], more: true });
    const all = await list({ limit: 250 });
    expect([all.ids.length, all.more]).to.deep.equal([250, false]);
  });

  it('is of one source and one time', async () => {
    const { list } = await setup(['calls', 1, from('+1')], ['lines', 2, from('+1')], ['calls', 3, from('+1')]);
    expect((await list({ source: 'calls', sinceMs: 2_000 })).ids).to.deep.equal(['calls-3']);
    expect((await list({ untilMs: 3_000 })).ids).to.deep.equal(['lines-2', 'calls-1']);
    expect((await list({ source: 'agents' })).ids).to.deep.equal([]);
  });
});
