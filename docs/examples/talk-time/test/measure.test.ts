import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { JsonObject } from '@switchhook/sdk';
import { anEvent, createComponent, fakeServices, transformSuite } from '@switchhook/testkit';
import { measure } from '../src/measure.ts';

const analysed = JSON.parse(readFileSync(new URL('./fixtures/call-analyzed.json', import.meta.url), 'utf8'));
const services = fakeServices();
const make = (options: JsonObject = {}) => createComponent('transform', measure, options, services);
const appliedTo = (data: JsonObject, options?: JsonObject) => make(options).apply(anEvent({ data }))?.data;

transformSuite('talk-time.measure', () => make(), anEvent({ data: analysed }));

describe('talk-time.measure', () => {
  after(() => services.close());

  it('adds the seconds of both, and the share of the caller', () => {
    const talk_time = { agent: 1.5, caller: 0.5, caller_share: 0.25 };
    deepStrictEqual(appliedTo(analysed), { ...analysed, call: { ...analysed.call, talk_time } });
    deepStrictEqual(Object(appliedTo(analysed, { field: 'talk' })?.call).talk, talk_time);
  });

  it('skips a call in which the caller has talked less than `atLeast`', () => {
    strictEqual(appliedTo(analysed, { atLeast: '1s' }), undefined);
    strictEqual(appliedTo(analysed, { atLeast: '500ms' })?.event, 'call_analyzed');
  });

  it('leaves events without a transcript as they are, and words without times out', () => {
    for (const data of [
      {},
      { call: { call_id: 'call_1' } },
      { event: 'call_started', call: { transcript_object: 'none' } },
    ])
      deepStrictEqual(appliedTo(data), data);
    const silent = { call: { transcript_object: [{ role: 'user', words: [{}, { start: 2 }, { start: 3, end: 1 }] }] } };
    deepStrictEqual(Object(appliedTo(silent)?.call).talk_time, { agent: 0, caller: 0, caller_share: 0 });
  });
});
