import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createComponent, eventOf, fakeServices, refusalOf, signedRequest, sourceSuite } from '@switchhook/testkit';
import { events } from '../src/source.ts';

const created = JSON.parse(readFileSync(new URL('./fixtures/record-created.json', import.meta.url), 'utf8'));
const services = fakeServices();
const make = (secret = 'only-for-tests') => createComponent('source', events, { secret }, services);

sourceSuite(
  '{{word}}.events',
  () => ({
    source: make(),
    sample: created,
    different: [{ ...created, id: 'evt_2' }],
    signing: { other: make('another-secret'), toleranceMs: 300_000 },
  }),
  ['last'],
);

describe('{{word}}.events', () => {
  after(() => services.close());

  it('makes an event of a body, with the id of the sender as its key', async () => {
    const source = make();
    deepStrictEqual(await eventOf(source, signedRequest(source, created)), {
      key: 'evt_1',
      type: 'record.created',
      subject: 'rec_1',
      agent: null,
      occurredAtMs: null,
      data: created,
    });
  });

  it('refuses a body without a record', async () => {
    const source = make();
    const { record: _record, ...without } = created;
    strictEqual((await refusalOf(source, signedRequest(source, without)))?.code, 'MALFORMED');
  });
});
