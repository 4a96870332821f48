import { followSchedule, schedule } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

const read = (text: string) => schedule('When.').safeParse(text);
const timesOf = (text: string, after: string, count: number) => {
  const times: string[] = [];
  for (let ms = Date.parse(after); times.length < count; ) {
    ms = schedule('When.').parse(text).next(ms) ?? Number.NaN;
    times.push(new Date(ms).toISOString().slice(0, 16));
  }
  return times;
};

describe('a schedule', () => {
  it('is an interval, or a cron expression in its time zone', () => {
    expect(timesOf('5m', '2026-01-01T00:00:00Z', 2)).to.deep.equal(['2026-01-01T00:05', '2026-01-01T00:10']);
    expect(timesOf('0 8 * * 1-5', '2026-01-02T08:00:00Z', 2)).to.deep.equal(['2026-01-05T08:00', '2026-01-06T08:00']);
    expect(timesOf(' 0  8 * * *  Europe/Berlin ', '2026-03-27T12:00:00Z', 3)).to.deep.equal([
      '2026-03-28T07:00',
      '2026-03-29T06:00',
      '2026-03-30T06:00',
    ]);
  });

  it('is refused where it is none, with what is wrong', () => {
    for (const [text, said] of [
      ['', 'expected an interval such as 5m'],
      ['often', 'expected an interval such as 5m'],
      ['0s', 'at least 1s'],
      ['* * * *', 'a cron expression of five fields'],
      ['0 0 8 * * *', 'there is no time zone "*"'],
      ['0 8 * * * Europe/Berlim', 'did you mean "Europe/Berlin"?'],
      ['0 8 * * * UTC UTC', 'a cron expression of five fields'],
      ['61 8 * * *', 'a cron expression of five fields'],
      ['x 8 * * *', 'a cron expression of five fields'],
    ] as const)
      expect(read(text).error?.issues[0]?.message ?? 'accepted', text).to.contain(said);
  });

  it('is followed one run at a time, without those that pass meanwhile, until the signal is aborted', async () => {
    const clock = new FakeClock();
    const [began, controller] = [clock.now(), new AbortController()];
    const runs: number[] = [];
    const waits = [0, 25_000, 0, 0];
    const followed = followSchedule(schedule('When.').parse('10s'), { clock, signal: controller.signal }, async () => {
      runs.push(clock.now() - began);
      if (runs.length === 3) await new Promise<void>((resolve) => clock.after(35_000, resolve));
      return waits[runs.length - 1];
    });
    await clock.advance(95_000);
    expect(runs).to.deep.equal([0, 10_000, 35_000, 80_000, 90_000]);
    controller.abort();
    await followed;
    expect(clock.pending).to.equal(0);
  });

  it('throws what its run throws, and waits where there is no time left', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const parts = { clock, signal: controller.signal };
    const failure = await followSchedule(schedule('When.').parse('10s'), parts, async () => {
      throw new Error('status 500');
    }).catch((error) => error);
    expect(failure.message).to.equal('status 500');
    const never = followSchedule(schedule('When.').parse('0 0 30 2 *'), parts, async () => 0);
    await clock.advance(86_400_000);
    controller.abort();
    await never;
    expect(clock.pending).to.equal(0);
  });
});
