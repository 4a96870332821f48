import { IngestTelemetry, maskFor, Observations } from '@switchhook/core/internal';
import { refuse } from '@switchhook/sdk';
import { FakeClock, FakeLog, FakeMetrics } from '@switchhook/testkit';
import { expect } from 'chai';

describe('the log lines of refused requests', () => {
  const unverified = refuse('UNVERIFIED', 'signature does not match the body');

  it('are limited for each source and code, and count what was left out', async () => {
    const [clock, log, metrics] = [new FakeClock(), new FakeLog(), new FakeMetrics()];
    const telemetry = new IngestTelemetry(log, metrics, clock, maskFor([]), new Observations());
    for (let n = 0; n < 1_000; n += 1) telemetry.refused('agents', unverified, '203.0.113.7');
    expect(log.lines).to.have.length(10);
    telemetry.refused('calls', unverified, '203.0.113.7');
    telemetry.refused('agents', refuse('MALFORMED', 'the body is empty'), '203.0.113.7');
    expect(log.lines).to.have.length(12);
    await clock.advance(10_000);
    telemetry.refused('agents', unverified, '203.0.113.7');
    telemetry.refused('agents', unverified, '203.0.113.7');
    expect(log.lines.slice(12).map(({ fields }) => fields?.suppressed)).to.deep.equal([990, undefined]);
  });

  it('are short, whatever the reason', () => {
    const log = new FakeLog();
    new IngestTelemetry(log, new FakeMetrics(), new FakeClock(), maskFor([]), new Observations()).refused(
      'a',
      refuse('MALFORMED', 'x'.repeat(9_999)),
      '',
    );
    expect(JSON.stringify(log.lines[0]).length).to.be.below(1_000);
  });
});
