import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { after, aSwitchboard, type Resolve, type RingResult, variablesOf } from '../../support/ringing.js';

/** Quarters and halves keep the moments apart: nothing happens exactly when the time is up. */
const withinMs = 3_000.25;

interface Plan {
  /** Null = it never comes back. */
  readonly takesMs: number | null;
  readonly ends: 'found' | 'not found' | 'rejects' | 'throws at once' | 'returns nonsense';
  /** Null = none. */
  readonly timeoutMs: number | null;
  /** Which of the resolvers before it, it waits for. */
  readonly needs: readonly number[];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  takesMs: fc.option(fc.integer({ min: 0, max: 4_000 }), { freq: 6 }),
  ends: fc.constantFrom('found', 'found', 'found', 'not found', 'rejects', 'throws at once', 'returns nonsense'),
  timeoutMs: fc.option(fc.integer({ min: 0, max: 3_000 }).map((ms) => ms + 0.5)),
  needs: fc.uniqueArray(fc.nat({ max: 5 }), { maxLength: 3 }),
});

function resolveOf(clock: FakeClock, name: string, { takesMs, ends }: Plan): Resolve {
  return (): unknown => {
    if (ends === 'throws at once') throw new Error(name);
    if (takesMs === null) return new Promise(() => {});
    return after(clock, takesMs).then(() => {
      if (ends === 'rejects') throw new Error(name);
      if (ends === 'returns nonsense') return [name];
      return ends === 'found' ? { value: name } : {};
    });
  };
}

/** When each look-up is over and which of them find something, by the rules alone. */
function expectedOf(plans: readonly Plan[]) {
  const overMs: number[] = [];
  const found: string[] = [];
  for (const [index, { takesMs, ends, timeoutMs, needs }] of plans.entries()) {
    const startMs = Math.max(0, ...needs.filter((need) => need < index).map((need) => overMs[need] ?? 0));
    const leftMs = Math.min(timeoutMs ?? withinMs, withinMs - startMs);
    const neededMs = ends === 'throws at once' ? 0 : (takesMs ?? Number.POSITIVE_INFINITY);
    overMs.push(startMs + Math.max(0, Math.min(leftMs, neededMs)));
    if (ends === 'found' && neededMs < leftMs) found.push(`r${index}`);
  }
  return { found, overMs: Math.max(0, ...overMs) };
}

describe('for any resolvers', () => {
  it('the reply leaves when all are done or the time is up, with every variable that was there by then', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { maxLength: 6 }), async (plans) => {
        const clock = new FakeClock();
        const resolvers = Object.fromEntries(
          plans.map((each, index) => {
            const needed = each.needs.filter((need) => need < index).map((need) => `r${need}`);
            return [
              `r${index}`,
              { look: resolveOf(clock, `r${index}`, each), timeoutMs: each.timeoutMs, after: needed },
            ];
          }),
        );
        const names = Object.keys(resolvers);
        const variables = Object.fromEntries(names.map((name) => [name, `\${{ ${name}.value }}`]));
        const { rungOut } = aSwitchboard({ clock, answers: [{ variables, withinMs }], resolvers });
        const rung = await rungOut();
        const expected = expectedOf(plans);
        expect(rung.reply.status).to.equal(200);
        expect(variablesOf(rung)).to.deep.equal(Object.fromEntries(expected.found.map((name) => [name, name])));
        expect(rung.ms).to.be.closeTo(expected.overMs, 0.01);
        expect(rung.ms).to.be.at.most(withinMs);
        expect(clock.pending).to.equal(0);
      }),
      { numRuns: 150 },
    );
  });

  it('every call of a busy day is answered in time and in full, whatever the cache, the breakers and the retries do', async () => {
    const call = fc.record({
      waitMs: fc.integer({ min: 0, max: 20_000 }),
      from: fc.constantFrom('+1', '+2', '', 'sip:anonymous@x.invalid'),
      days: fc.array(plan, { minLength: 2, maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 15 }), async (calls) => {
        const clock = new FakeClock();
        let today: readonly Plan[] = [];
        const looking = (index: number): Resolve => {
          return (...given) => {
            const plan = today[index];
            return plan === undefined ? {} : resolveOf(clock, `r${index}`, plan)(...given);
          };
        };
        const breaker = { failures: 2, windowMs: 60_000, cooldownMs: 30_000 };
        const {
          ring,
          pipeline,
          calls: recorded,
        } = aSwitchboard({
          clock,
          answers: [
            {
              variables: { a: '${{ r0.value }}', b: '${{ r1.value }}' },
              defaults: { a: 'default', b: 'default' },
              cache: { forMs: 20_000, staleMs: 60_000 },
            },
          ],
          resolvers: {
            r0: { look: looking(0), breaker, concurrency: 1 },
            r1: { look: looking(1), breaker, after: ['r0'] },
          },
        });
        const variableSteps: Promise<RingResult>[] = [];
        for (const { waitMs, from, days } of calls) {
          await clock.advance(waitMs);
          today = days;
          variableSteps.push(ring({ from }));
        }
        await clock.advance(3_000);
        for (const rung of await Promise.all(variableSteps)) {
          expect(rung.reply.status).to.equal(200);
          expect(rung.ms).to.be.at.most(3_000);
          const { a, b } = variablesOf(rung) as Record<string, string>;
          expect(['r0', 'default']).to.include(a);
          expect(['r1', 'default']).to.include(b);
        }
        await pipeline.close();
        // Whoever was late comes back now, to nobody.
        await clock.advance(10_000);
        expect((await recorded()).length).to.be.within(1, calls.length);
        expect(clock.pending).to.equal(0);
      }),
      { numRuns: 60 },
    );
  });
});
