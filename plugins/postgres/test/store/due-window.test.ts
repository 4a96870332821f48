import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { DueWindow } from '../../src/store/due-window.js';

describe('from which due time on claims read', () => {
  /** Claims that take so long; returns where each began. */
  const claiming = () => {
    const clock = new FakeClock();
    const window = new DueWindow(clock);
    const begun: number[] = [];
    /** How far ahead was looked; null = at all of it. */
    const ahead: (number | null)[] = [];
    const note = (fromMs: number, untilMs: number): void => {
      begun.push(fromMs);
      ahead.push(untilMs === Number.MAX_SAFE_INTEGER ? null : untilMs - clock.now());
    };
    const claim = async (tookMs: number, claimedMs = clock.now()): Promise<void> => {
      await window.claim('crm', clock.now(), async (fromMs, untilMs) => {
        note(fromMs, untilMs);
        await clock.advance(tookMs);
        return { claimedMs };
      });
    };
    const next = (tookMs: number, dueMs: number | null, isFull = false) =>
      window.next('crm', { nowMs: clock.now(), isFull }, async (fromMs, untilMs) => {
        note(fromMs, untilMs);
        await clock.advance(tookMs);
        return dueMs;
      });
    return { clock, begun, ahead, claim, next, expect: (dueMs: number, to?: string) => window.expect(dueMs, to) };
  };

  it('is the beginning, where that takes no time', async () => {
    const { begun, claim } = claiming();
    await claim(0);
    await claim(0);
    expect(begun).to.deep.equal([0, 0]);
  });

  it('is a second before what was claimed, for 100 times as long as reading from the beginning took', async () => {
    const { clock, begun, claim } = claiming();
    const startMs = clock.now();
    await claim(100);
    await claim(0, startMs + 50);
    await clock.advance(9_999);
    await claim(0);
    await clock.advance(1);
    await claim(0);
    expect(begun).to.deep.equal([0, startMs - 1_000, startMs - 900, 0]);
  });

  it('is the last claimed delivery where more than it may take are due', async () => {
    const { clock, begun, claim } = claiming();
    await claim(100, clock.now() - 60_000);
    const from = clock.now() - 60_100;
    await claim(0);
    expect(begun).to.deep.equal([0, from]);
  });

  it('is earlier, once, where a delivery is known that was committed long after its due time, also during a claim', async () => {
    const { clock, begun, claim, expect: expectAt } = claiming();
    const startMs = clock.now();
    await claim(100);
    expectAt(startMs - 30_000, 'slack');
    expectAt(startMs - 20_000, 'crm');
    expectAt(startMs - 10_000);
    await claim(0);
    expectAt(startMs - 40_000);
    await claim(0);
    await claim(0);
    const claiming3 = claim(50);
    expectAt(startMs - 50_000);
    await claiming3;
    await claim(0);
    await claim(0);
    expect(begun).to.deep.equal([
      ...[0, startMs - 20_000, startMs - 40_000, startMs - 900, startMs - 900, startMs - 50_000],
      startMs - 850,
    ]);
  });

  it('is the beginning again where the time of day was set back', async () => {
    const { clock, begun, claim } = claiming();
    await claim(100);
    clock.jumpTo(clock.now() - 3_600_000);
    await claim(0);
    expect(begun).to.deep.equal([0, 0]);
  });

  it('is asked again for the next due time only when the last one has come, or finding it took its part of the time', async () => {
    const { clock, begun, next } = claiming();
    const dueMs = clock.now() + 1_000;
    expect([await next(100, dueMs), await next(0, null), begun.length]).to.deep.equal([dueMs, dueMs, 1]);
    await clock.advance(900);
    expect([await next(0, null), begun.length]).to.deep.equal([clock.now() + 1_000, 2]);
    await clock.advance(9_100);
    expect([await next(100, null), begun.length]).to.deep.equal([null, 3]);
    await clock.advance(9_999);
    expect([await next(0, 7), begun.length]).to.deep.equal([null, 3]);
    await clock.advance(1);
    expect([await next(0, 7), begun.length]).to.deep.equal([7, 4]);
  });

  it('is looked at a second ahead only, where looking at all of it takes more than 5 ms and is not due', async () => {
    const { clock, ahead, claim, next } = claiming();
    await next(5, null, true);
    await next(6, null, true);
    const soonMs = clock.now() + 700;
    expect([await next(1, soonMs, true), await next(1, null)]).to.deep.equal([soonMs, soonMs]);
    await clock.advance(500);
    await next(1, null, true);
    await clock.advance(98);
    await next(0, null, true);
    expect(ahead).to.deep.equal([null, null, 1_000, 1_000, null]);
    for (const tookMs of [6, 0, 600]) {
      await claim(tookMs);
      await clock.advance(tookMs);
    }
    await claim(0);
    expect(ahead.slice(5)).to.deep.equal([null, 1_000, 1_000, null]);
  });

  it('is asked for the next due time after each full claim, and knows what this router has made due since', async () => {
    const { clock, begun, next, expect: expectAt } = claiming();
    expect(await next(100, null)).to.equal(null);
    expect([await next(0, clock.now(), true), begun.length]).to.deep.equal([clock.now(), 2]);
    await clock.advance(10_000);
    expect(await next(100, null)).to.equal(null);
    expectAt(clock.now() + 50);
    expectAt(clock.now() + 70);
    expect([await next(0, null), begun.length]).to.deep.equal([clock.now() + 50, 3]);
    // It becomes due while what is due next is read, which does not see it.
    await clock.advance(10_000);
    const reading = next(100, null);
    const dueMs = clock.now() + 1_000;
    expectAt(dueMs);
    await reading;
    expect(await next(0, null)).to.equal(dueMs);
  });
});
