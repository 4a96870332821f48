import { TimeoutError, withTimeout } from '@switchhook/sdk/internal';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

describe('a deadline', () => {
  it('passes on what comes in time, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    expect(await withTimeout(clock, 100, async () => 'found')).to.equal('found');
    expect(clock.pending).to.equal(0);
  });

  it('passes on a failure, also of a run that throws at once', async () => {
    const run = (): Promise<never> => {
      throw new Error('broken');
    };
    const thrown = await withTimeout(new FakeClock(), 100, run).catch((error: unknown) => error);
    expect(thrown).to.have.property('message', 'broken');
  });

  it('rejects when the time is up, though the run never heeds its signal', async () => {
    const clock = new FakeClock();
    const signals: AbortSignal[] = [];
    const result = withTimeout(clock, 100, (signal) => {
      signals.push(signal);
      return new Promise(() => {});
    }).catch((error: unknown) => error);
    await clock.advance(99);
    expect(signals[0]?.aborted).to.equal(false);
    await clock.advance(1);
    expect(await result).to.be.instanceOf(TimeoutError);
    expect(signals[0]?.aborted).to.equal(true);
  });
});
