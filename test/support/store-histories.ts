/** Random histories of a store, for property tests. */

import type { Step } from '@switchhook/testkit';
import * as fc from 'fast-check';

const destination = fc.constantFrom('crm', 'slack');
const dueInMs = fc.integer({ min: -20, max: 60 });
const picks = fc.array(fc.nat(200), { minLength: 1, maxLength: 4 });
const delivery = fc.record({
  destination,
  state: fc.oneof({ weight: 3, arbitrary: fc.constant('waiting' as const) }, fc.constant('running' as const)),
  dueInMs,
  gathers: fc.constantFrom(null, null, false, true),
});
const entry = fc.record({
  repeats: fc.option(fc.nat(50), { freq: 5 }),
  subject: fc.constantFrom('a', 'b', null),
  deliveries: fc.array(delivery, { maxLength: 3 }),
});

const append: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('append'),
  entries: fc.array(entry, { minLength: 1, maxLength: 3 }),
});
const settle: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('settle'),
  claims: picks,
  settlement: fc.constantFrom('delivered', 'skipped', 'dead', 'retry', 'give back'),
  wasCalled: fc.boolean(),
  dueInMs,
});
const operator: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('replay' as const), deliveries: picks, dueInMs }),
  fc.record({ kind: fc.constant('discard' as const), deliveries: picks }),
  fc.record({
    kind: fc.constant('extend' as const),
    event: fc.nat(50),
    deliveries: fc.array(delivery, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    kind: fc.constant('erase' as const),
    events: picks,
    keysForMs: fc.integer({ min: -1, max: 60 }),
  }),
  fc.record({
    kind: fc.constant('prune' as const),
    ageMs: fc.integer({ min: -1, max: 60 }),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    kind: fc.constant('set' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.constantFrom('one', 'two', null),
    expectsNone: fc.boolean(),
    expiresInMs: fc.option(fc.integer({ min: -1, max: 60 })),
  }),
  fc.record({
    kind: fc.constant('list' as const),
    state: fc.constantFrom('waiting' as const, 'dead' as const, 'delivered' as const, 'gathered' as const, null),
    destination: fc.option(destination),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
  fc.constant<Step>({ kind: 'reopen' }),
);

/** Histories of up to `length` steps. A destination is ordered for a whole history, or now and then. */
export function histories(length: number): fc.Arbitrary<readonly Step[]> {
  const orders = fc.constantFrom(fc.constant(true), fc.constant(false), fc.boolean());
  return orders.chain((ordered) => {
    const claim: fc.Arbitrary<Step> = fc.record({
      kind: fc.constant('claim'),
      destination,
      ordered,
      limit: fc.integer({ min: 1, max: 5 }),
      maxAttempts: fc.integer({ min: 1, max: 4 }),
      leaseMs: fc.integer({ min: 1, max: 50 }),
    });
    const pass: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: -5, max: 40 }) });
    const step = fc.oneof(
      { weight: 3, arbitrary: append },
      { weight: 4, arbitrary: claim },
      { weight: 4, arbitrary: settle },
      { weight: 2, arbitrary: pass },
      { weight: 3, arbitrary: operator },
    );
    return fc.array(step, { minLength: 1, maxLength: length, size: 'max' });
  });
}
