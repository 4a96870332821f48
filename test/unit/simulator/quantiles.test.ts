import { quantilesOf } from '@switchhook/simulator';
import { expect } from 'chai';
import fc from 'fast-check';

describe('quantiles', () => {
  it('are of a hundred durations the 50th, 95th, 99th and last', () => {
    const durations = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantilesOf(durations)).to.deep.equal({ p50: 50, p95: 95, p99: 99, max: 100 });
  });

  it('are of one duration all the same, and of none nothing', () => {
    expect(quantilesOf([7])).to.deep.equal({ p50: 7, p95: 7, p99: 7, max: 7 });
    expect(quantilesOf([])).to.equal(null);
  });

  it('are durations that were there, and are not exceeded by more than they say', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), (durations) => {
        const found = quantilesOf(durations);
        for (const [share, value] of [
          [0.5, found?.p50],
          [0.95, found?.p95],
          [0.99, found?.p99],
          [1, found?.max],
        ] as const) {
          expect(durations).to.include(value);
          const above = durations.filter((one) => one > (value ?? 0)).length;
          expect(above).to.be.at.most((1 - share) * durations.length + 1e-9);
        }
      }),
    );
  });
});
