import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { anEvent, createComponent, fakeServices, transformSuite } from '@switchhook/testkit';
import { redact } from '../src/transform.ts';

const callEnded = JSON.parse(readFileSync(new URL('./fixtures/call-ended.json', import.meta.url), 'utf8'));
const services = fakeServices();
const make = (...fields: readonly string[]) => createComponent('transform', redact, { fields }, services);

transformSuite('{{word}}.redact', () => make('call'), anEvent({ data: callEnded }));

describe('{{word}}.redact', () => {
  after(() => services.close());

  it('removes the fields, and keeps the others', () => {
    deepStrictEqual(make('call').apply(anEvent({ data: callEnded }))?.data, { event: 'call_ended' });
  });

  it('skips an event of which nothing is left', () => {
    strictEqual(make('call', 'event').apply(anEvent({ data: callEnded })), null);
  });
});
