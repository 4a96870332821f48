import { settlementFor } from '@switchhook/core/internal';
import { expect } from 'chai';
import fc from 'fast-check';

const policy = { attempts: 10, firstMs: 5_000, maxMs: 3_600_000 };
const unavailable = { kind: 'unavailable', reason: 'status 503' } as const;
const always = (value: number) => () => value;

describe('the settlement of an attempt', () => {
  it('ends a delivered one and a skipped one', () => {
    expect(settlementFor({ kind: 'delivered' }, 1, policy, 0, always(0))).to.deep.equal({ state: 'delivered' });
    expect(settlementFor({ kind: 'skipped' }, 1, policy, 0, always(0))).to.deep.equal({ state: 'skipped' });
  });

  it('gives up at once what was rejected', () => {
    expect(settlementFor({ kind: 'rejected', reason: 'status 400' }, 1, policy, 0, always(0))).to.deep.equal({
      state: 'dead',
      reason: 'rejected',
    });
  });

  it('tries what was unavailable exactly as often as the policy says', () => {
    expect(settlementFor(unavailable, 9, policy, 0, always(0)).state).to.equal('waiting');
    expect(settlementFor(unavailable, 10, policy, 0, always(0))).to.deep.equal({ state: 'dead', reason: 'exhausted' });
  });

  it('doubles the longest wait with each attempt, up to the maximum', () => {
    const longest = [1, 2, 3, 4].map((attempt) => settlementFor(unavailable, attempt, policy, 0, always(1)));
    expect(longest.map((settlement) => settlement.state === 'waiting' && settlement.untilMs)).to.deep.equal([
      5_000, 10_000, 20_000, 40_000,
    ]);
    const late = settlementFor(unavailable, 30, { ...policy, attempts: 50 }, 0, always(1));
    expect(late.state === 'waiting' && late.untilMs).to.equal(3_600_000);
  });

  it('waits as long as the other side wishes and a little more, but no longer than the maximum', () => {
    const wish = (retryAfterMs: number, random = 0.5) =>
      settlementFor({ ...unavailable, retryAfterMs }, 1, policy, 1_000, always(random));
    expect(wish(30_000, 0)).to.deep.equal({ state: 'waiting', untilMs: 31_000, counted: true });
    expect(wish(30_000)).to.deep.equal({ state: 'waiting', untilMs: 33_500, counted: true });
    expect(wish(1e12)).to.deep.equal({ state: 'waiting', untilMs: 3_601_000, counted: true });
  });

  it('keeps to its schedule where the other side wishes to be asked at once', () => {
    const until = (outcome: object, attempt: number) => {
      const settlement = settlementFor({ ...unavailable, ...outcome }, attempt, policy, 0, always(0.5));
      return settlement.state === 'waiting' ? settlement.untilMs : settlement.state;
    };
    expect([1, 2, 3].map((attempt) => until({ retryAfterMs: 0 }, attempt))).to.deep.equal([3_750, 7_500, 15_000]);
    expect(until({ retryAfterMs: 0, needsOperator: true }, 1)).to.equal(2_700_000);
  });

  it('goes slowly where an operator has to act first', () => {
    const soonest = settlementFor({ ...unavailable, needsOperator: true }, 1, policy, 0, always(0));
    expect(soonest.state === 'waiting' && soonest.untilMs).to.equal(1_800_000);
  });

  it('outlasts an hour with the default schedule, whatever is drawn', () => {
    const defaults = { ...policy, attempts: 12 };
    const waits = Array.from({ length: defaults.attempts - 1 }, (_, index) => {
      const settlement = settlementFor(unavailable, index + 1, defaults, 0, always(0));
      return settlement.state === 'waiting' ? settlement.untilMs : Number.NaN;
    });
    expect(waits.reduce((sum, ms) => sum + ms, 0)).to.be.greaterThan(3_600_000);
  });

  it('never waits less than nothing or more than the maximum', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 200 }),
        fc.nat(10_000_000),
        fc.nat(100_000_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.option(fc.integer({ min: -10, max: 1e9 }), { nil: undefined }),
        (attempt, attempts, firstMs, maxMs, random, retryAfterMs) => {
          const outcome = retryAfterMs === undefined ? unavailable : { ...unavailable, retryAfterMs };
          const settlement = settlementFor(outcome, attempt, { attempts, firstMs, maxMs }, 0, always(random));
          if (settlement.state === 'dead') return attempt >= attempts;
          return settlement.state === 'waiting' && settlement.untilMs >= 0 && settlement.untilMs <= maxMs;
        },
      ),
    );
  });
});
