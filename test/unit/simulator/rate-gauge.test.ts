import { RateGauge } from '@switchhook/simulator';
import { expect } from 'chai';

describe('RateGauge', () => {
  const arrivals = (gauge: RateGauge, count: number, nowMs: number): number =>
    Array.from({ length: count }, () => gauge.arrive(nowMs)).filter((isAllowed) => !isAllowed).length;

  it('allows the burst at once, and then the rate', () => {
    const gauge = new RateGauge({ perSecond: 10, burst: 20 });
    expect(arrivals(gauge, 20, 0)).to.equal(0);
    expect(arrivals(gauge, 1, 99)).to.equal(1);
    expect(arrivals(gauge, 1, 100)).to.equal(0);
    expect(arrivals(gauge, 11, 1_100)).to.equal(1);
  });

  it('saves up no more than the burst', () => {
    const gauge = new RateGauge({ perSecond: 10, burst: 20 });
    expect(arrivals(gauge, 30, 3_600_000)).to.equal(10);
  });

  it('allows the burst once more where the routers may not know what they have used', () => {
    const gauge = new RateGauge({ perSecond: 10, burst: 20 });
    arrivals(gauge, 20, 0);
    gauge.forgive();
    expect(arrivals(gauge, 21, 0)).to.equal(1);
  });
});
