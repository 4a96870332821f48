import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Answers, compileExpression, maskFor, Pauses, SharedCalls } from '@switchhook/core/internal';
import { template } from '@switchhook/sdk';
import { reading } from '@switchhook/sdk/internal';
import { aCall, FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

const callers = 100_000;
/** About a caller, in characters: an ordinary record. */
const record = 500;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function setup() {
  const clock = new FakeClock();
  let looks = 0;
  const resolver = {
    resolve: async ({ from }: { readonly from: string }) => {
      looks += 1;
      return { name: `Caller ${from}`, notes: from.repeat(Math.ceil(record / from.length)) };
    },
  };
  const reader = { compile: compileExpression, secret: () => {} };
  const name = reading(reader, () => template('', ['crm']).parse('${{ crm.name }}'));
  const open = { name: 'crm', resolver, timeoutMs: null, after: [], concurrency: 64, breaker: null };
  const row = {
    ...{ name: 'line', from: ['calls'], where: null, withinMs: 3_000, resolve: ['crm'] },
    ...{ variables: { name }, defaults: {}, overrideAgent: null, cache: { forMs: 86_400_000, staleMs: 86_400_000 } },
  };
  const plan = { answers: [row], resolvers: new Map([['crm', open]]) };
  const log = new FakeLog();
  const store = memoryStore(clock);
  const [pauses, shared] = [new Pauses(store, clock, log), new SharedCalls(store, clock, log)];
  const answers = new Answers({ value: plan }, clock, log, maskFor([]), pauses, shared);
  const ring = async (n: number) => {
    const call = aCall({ from: `+1202${String(n).padStart(7, '0')}` });
    const { trace } = await answers.answer('calls', { call, deadlineMs: 10_000, retryMs: 40_000 }, clock.elapsed());
    return trace.answer.variables.name;
  };
  return { ring, looks: () => looks };
}

describe('a hundred thousand callers', () => {
  it('are answered with memory that does not grow with them: whoever called long ago is looked up again', async () => {
    const { ring, looks } = setup();
    for (let n = 0; n < callers / 2; n += 1) await ring(n);
    const halfwayMb = heapMb();
    for (let n = callers / 2; n < callers; n += 1) await ring(n);
    // If all were kept, the second half alone would take 80.
    expect(heapMb() - halfwayMb).to.be.below(40);
    expect(looks()).to.equal(callers);
    expect(await ring(0)).to.equal('Caller +12020000000');
    expect(looks()).to.equal(callers + 1);
    await ring(callers - 1);
    expect(looks()).to.equal(callers + 1);
  });
});
