import { openMetrics } from '@switchhook/core/internal';
import { expect } from 'chai';
import { familiesOf } from '../../support/exposition.js';

function setup() {
  const metrics = openMetrics();
  const family = async (name: string, ...readings: Parameters<typeof metrics.expose>) =>
    familiesOf((await metrics.expose(...readings)).body).find((one) => one.name === `switchhook_${name}`);
  return { metrics, family };
}

describe('metrics', () => {
  it('escape what would end a label or its line', async () => {
    const { metrics, family } = setup();
    const odd = 'a "quoted" \\n\nname\\';
    metrics.count('notes_total', 'Notes', { author: odd });
    expect((await metrics.expose()).body).to.include('author="a \\"quoted\\" \\\\n\\nname\\\\"} 1\n');
    expect((await family('notes_total'))?.samples.map(({ labels }) => labels)).to.deep.equal([{ author: odd }]);
  });

  it('keep what they were told when the labels are used again for something else', async () => {
    const { metrics, family } = setup();
    const labels = { author: 'Ada' };
    metrics.count('notes_total', 'Notes', labels);
    labels.author = 'Bob';
    metrics.count('notes_total', 'Notes', labels, 2);
    expect((await family('notes_total'))?.samples.map(({ series, value }) => `${series} ${value}`)).to.deep.equal([
      'switchhook_notes_total{author="Ada"} 1',
      'switchhook_notes_total{author="Bob"} 2',
    ]);
  });

  it('put what is observed into the buckets that were asked for', async () => {
    const { metrics, family } = setup();
    for (const value of [1, 3, 900]) metrics.observe('batch_rows', 'Rows', value, {}, [1, 10, 100]);
    const found = await family('batch_rows');
    expect(found?.kind).to.equal('histogram');
    expect(found?.samples.map(({ series, value }) => `${series} ${value}`)).to.deep.equal([
      'switchhook_batch_rows_bucket{le="1"} 1',
      'switchhook_batch_rows_bucket{le="10"} 2',
      'switchhook_batch_rows_bucket{le="100"} 2',
      'switchhook_batch_rows_bucket{le="+Inf"} 3',
      'switchhook_batch_rows_sum 904',
      'switchhook_batch_rows_count 3',
    ]);
  });

  it('measure durations from a millisecond to half a minute where nothing else is said', async () => {
    const { metrics, family } = setup();
    metrics.observe('look_seconds', 'Looks', 0.02);
    const bounds = (await family('look_seconds'))?.samples.map(({ labels }) => labels.le);
    expect([bounds?.[0], bounds?.at(-4)]).to.deep.equal(['0.001', '30']);
  });

  it('show the readings of now, and none of earlier', async () => {
    const { family } = setup();
    const reading = (destination: string, value: number) => {
      return { name: 'waiting', help: 'Waiting', labels: { destination }, value };
    };
    const shown = async (...readings: Parameters<typeof family>[1][]) =>
      (await family('waiting', ...readings))?.samples.map(({ labels, value }) => `${labels.destination} ${value}`);
    expect(await shown([reading('crm', 3), reading('slack', 1)])).to.deep.equal(['crm 3', 'slack 1']);
    expect(await shown([reading('slack', 2)])).to.deep.equal(['slack 2']);
    expect(await shown([])).to.deep.equal([]);
  });

  it('of two routers in one process do not mix', async () => {
    const [one, other] = [setup(), setup()];
    one.metrics.count('notes_total', 'Notes');
    other.metrics.gauge('notes_total', 'Something else', 7, { author: 'Ada' });
    expect((await one.family('notes_total'))?.samples.map(({ value }) => value)).to.deep.equal([1]);
    expect((await other.family('notes_total'))?.samples.map(({ value }) => value)).to.deep.equal([7]);
  });
});
