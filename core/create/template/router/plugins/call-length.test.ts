import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { JsonObject } from '@switchhook/sdk';
import { anEvent, createComponent, fakeServices, transformSuite } from '@switchhook/testkit';
import plugin from './call-length.ts';

const services = fakeServices();
const make = (options: JsonObject = {}) => createComponent('transform', plugin.components[0], options, services);
const callOf = (duration_ms: number) =>
  anEvent({ type: 'call_ended', data: { event: 'call_ended', call: { call_id: 'call_1', duration_ms } } });

transformSuite('call-length', make, callOf(73_000));

describe('call-length', () => {
  after(() => services.close());

  it('adds the length in minutes', () => {
    deepStrictEqual(make().apply(callOf(73_000))?.data, { ...callOf(73_000).data, minutes: 1.2 });
  });

  it('skips calls that are too short', () => {
    strictEqual(make({ shortest: '10s' }).apply(callOf(9_999)), null);
    strictEqual(make({ shortest: '10s' }).apply(callOf(10_000))?.data.minutes, 0.2);
  });
});
