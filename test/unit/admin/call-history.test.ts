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
    const { calls, completeSinceMs } = await answeredCalls(store, ['calls', 'lines'], phoneNormalizer('US'), {
      limit: 50,
      ...query,
    });
    return { ids: calls.map(({ id }) => id), completeSinceMs };
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
    expect(await list()).to.deep.equal({ ids: ['calls-4', 'lines-2', 'calls-1'], completeSinceMs: null });
  });

  it('leaves out events without an answer', async () => {
    const { list } = await setup(['calls', 1], ['calls', 2, {}], ['calls', 3, from('+1')]);
    expect(await list()).to.deep.equal({ ids: ['calls-3'], completeSinceMs: null });
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
    expect(await list({ limit: 2 })).to.deep.equal({ ids: ['calls-249', 'calls-248'], completeSinceMs: 248_001 });
    const all = await list({ limit: 250 });
    expect([all.ids.length, all.completeSinceMs]).to.deep.equal([250, null]);
  });

  it('reports since when it is complete where two sources have different numbers of calls', async () => {
    const { list } = await setup(
      ...[1, 3, 5, 7].map((n) => ['calls', n, from('+1')] as const),
      ...[4, 6].map((n) => ['lines', n, from('+1')] as const),
    );
    expect(await list({ limit: 3 })).to.deep.equal({
      ids: ['calls-7', 'lines-6', 'calls-5'],
      completeSinceMs: 5_001,
    });
    expect(await list({ limit: 3, untilMs: 5_001 })).to.deep.equal({
      ids: ['calls-5', 'lines-4', 'calls-3'],
      completeSinceMs: 3_001,
    });
    expect(await list({ limit: 3, untilMs: 3_001 })).to.deep.equal({
      ids: ['calls-3', 'calls-1'],
      completeSinceMs: null,
    });
  });

  it('reports how far it has looked where few of many events fit', async () => {
    const { list } = await setup(
      ['calls', 0, from('+12025550100')],
      ...Array.from({ length: 20_000 }, (_, n) => ['calls', n + 1, from('+12025550199')] as const),
    );
    const number = '+12025550100';
    expect(await list({ number })).to.deep.equal({ ids: [], completeSinceMs: 1_001 });
    expect(await list({ number, untilMs: 1_001 })).to.deep.equal({ ids: ['calls-0'], completeSinceMs: null });
  });

  it('is of one source and one time', async () => {
    const { list } = await setup(['calls', 1, from('+1')], ['lines', 2, from('+1')], ['calls', 3, from('+1')]);
    expect((await list({ source: 'calls', sinceMs: 2_000 })).ids).to.deep.equal(['calls-3']);
    expect((await list({ untilMs: 3_000 })).ids).to.deep.equal(['lines-2', 'calls-1']);
    expect((await list({ source: 'agents' })).ids).to.deep.equal([]);
  });
});
