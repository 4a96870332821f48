/** What every transform must do, as tests. */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { appliedTo } from '@switchhook/core/internal';
import { type Event, parseJson, stringifyJson, type Transform } from '@switchhook/sdk';
import { anEvent } from '../fixtures.js';
import { describe, it } from '../mocha.js';

/** Registers the suite. `make` returns a transform, or a promise of it; `sample` is an event that it lets through, default `anEvent()`. */
export function transformSuite(
  name: string,
  make: () => Transform | Promise<Transform>,
  sample: Event = anEvent(),
): void {
  const withData = (data: Event['data']): Event => anEvent({ ...sample, data: { ...sample.data, ...data } });

  describe(`${name} is a transform`, () => {
    it('returns an event of the contract, at once', async () => {
      ok(
        appliedTo(sample, await make()) !== null,
        'it keeps the sample back: give the suite an event that it lets through',
      );
    });

    it('changes nothing of the event it is given: other destinations get the same object', async () => {
      const event = frozen(parseJson(stringifyJson(sample)) as unknown as Event);
      appliedTo(event, await make());
    });

    it('makes the same of the same event each time: it is applied before each attempt', async () => {
      const transform = await make();
      deepStrictEqual(appliedTo(sample, transform), appliedTo(sample, transform));
    });

    it('takes an event of an unknown type, without data', async () => {
      appliedTo(anEvent({ type: 'unheard_of', subject: null, agent: null, data: {} }), await make());
    });

    it('takes an integer beyond 2^53 and keys that JavaScript gives a meaning', async () => {
      appliedTo(
        withData({ x_number: 8202522731445525543n, x_details: { constructor: 'ACME Builders' } }),
        await make(),
      );
    });
  });
}

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner);
  return Object.freeze(value);
}
