import { settled } from '@switchhook/testkit';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { aPipeline, type Deliver } from '../../support/pipeline.js';

const attempts = 4;
const minuteMs = 60_000;

type Fault = 'take' | 'fail' | 'hang';
type Step = 'send' | { readonly advanceMs: number } | { readonly jumpMs: number };

const faults = fc.array(fc.constantFrom<Fault>('take', 'take', 'fail', 'hang'), { minLength: 1, maxLength: 12 });
const steps = fc.array(
  fc.oneof(
    fc.constant<Step>('send'),
    fc.record({ advanceMs: fc.integer({ min: 0, max: 2 * minuteMs }) }),
    // Further than a lease, either way.
    fc.record({ jumpMs: fc.integer({ min: -10 * minuteMs, max: 10 * minuteMs }) }),
  ),
  { minLength: 1, maxLength: 25 },
);

/** A destination that takes, fails or hangs as it is told; it never takes what it has left hanging. */
function destination(told: readonly Fault[]) {
  const seen: { readonly id: string; readonly attempt: number; readonly fate: Fault }[] = [];
  const deliver: Deliver = async ({ id, attempt }) => {
    const fate = told[seen.length % told.length] ?? 'take';
    seen.push({ id, attempt, fate });
    if (fate === 'take') return { kind: 'delivered' };
    if (fate === 'fail') return { kind: 'unavailable', reason: 'not now' };
    return new Promise(() => {});
  };
  return { seen, deliver };
}

describe('a clock that jumps', () => {
  for (const ordered of [false, true])
    it(`loses nothing, repeats no attempt and delivers nothing twice, ${ordered ? 'in' : 'without'} order`, async () => {
      const property = fc.asyncProperty(steps, faults, async (history, told) => {
        const { seen, deliver } = destination(told);
        const fixture = aPipeline({
          destinations: { crm: deliver },
          policy: { ordered, retry: { attempts, firstMs: 1_000, maxMs: minuteMs } },
        });
        let sent = 0;
        for (const step of history) {
          if (step === 'send') await fixture.send({ key: `key-${++sent}`, subject: `subject-${sent % 2}` });
          else if ('advanceMs' in step) await fixture.clock.advance(step.advanceMs);
          else {
            // An attempt in flight may be made again when its lease seems to be over; only the others must not.
            await settled();
            fixture.clock.jumpTo(fixture.clock.now() + step.jumpMs);
          }
        }
        // What a jump back has put off comes when its time comes.
        for (let open = sent; open > 0; ) {
          await fixture.clock.advance(10 * minuteMs);
          open = (await fixture.stateOf()).filter((state) => state === 'waiting' || state === 'running').length;
        }
        const states = await fixture.stateOf();
        expect(states).to.have.length(sent);
        const taken = seen.filter(({ fate }) => fate === 'take').map(({ id }) => id);
        expect(new Set(taken).size, 'delivered once').to.equal(taken.length);
        expect(states.filter((state) => state === 'delivered')).to.have.length(taken.length);
        const made = seen.map(({ id, attempt }) => `${id} ${attempt}`);
        expect(new Set(made).size, 'each attempt once').to.equal(made.length);
        for (const { attempt } of seen) expect(attempt).to.be.within(1, attempts);
      });
      const thereAndBack: [Step[], Fault[]] = [
        ['send', 'send', 'send', { jumpMs: 90_000 }, 'send', { jumpMs: -20_000 }],
        ['hang', 'hang', 'take'],
      ];
      await fc.assert(property, { numRuns: 200, examples: [thereAndBack] });
    });
});
