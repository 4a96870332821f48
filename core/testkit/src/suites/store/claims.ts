/** The suite's part about the work on deliveries: claim and settle. */
import { deepStrictEqual, notStrictEqual, rejects, strictEqual } from 'node:assert/strict';
import { deliveryId } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  aRecord,
  aSettled,
  eventId,
  leaseMs,
  numbers,
  retryAt,
  startMs,
} from './fixtures.js';

export function claimTests(test: Test): void {
  describe('claim', () => {
    test('takes a delivery over: the attempt is counted, the lease held', async ({ store }) => {
      await store.append([anEntry(1, {}, [aNewDelivery({ transforms: ['mask'] })])]);
      const { deliveries, exhausted, nextDueMs } = await store.claim(aClaim());
      const [claimed] = deliveries;
      const { event, ...facts } = claimed ?? { event: null };
      const id = deliveryId(eventId(1), 0);
      deepStrictEqual(facts, { id, route: 'calls', destination: 'crm', transforms: ['mask'], attempt: 1, lease: 1 });
      deepStrictEqual(
        { ...event, body: Buffer.from(event?.body ?? []).toString() },
        { ...aRecord(1), body: '{"n":1}' },
      );
      deepStrictEqual([deliveries.length, exhausted.length, nextDueMs], [1, 0, startMs + leaseMs]);
      const kept = await store.delivery(id);
      deepStrictEqual([kept?.state, kept?.attempts, kept?.dueMs], ['running', 1, startMs + leaseMs]);
    });

    test('takes the oldest due first, no more than the limit, and reports that more is due', async ({ store }) => {
      const entries = [3, 1, 2].map((n) => anEntry(n, {}, [aNewDelivery({ dueMs: startMs - 10 + n })]));
      await store.append(entries);
      const { deliveries, nextDueMs } = await store.claim(aClaim({ limit: 2 }));
      deepStrictEqual(numbers(deliveries), [1, 2]);
      strictEqual(nextDueMs, startMs - 7);
    });

    test('takes those due at the same time in order of arrival', async ({ store }) => {
      await store.append([5, 2, 9].map((n) => anEntry(n)));
      deepStrictEqual(numbers((await store.claim(aClaim())).deliveries), [5, 2, 9]);
    });

    test('takes nothing that is not due yet, and returns when it will be', async ({ store }) => {
      await store.append([anEntry(1, {}, [aNewDelivery({ dueMs: startMs + 1 })])]);
      deepStrictEqual(await store.claim(aClaim()), { deliveries: [], exhausted: [], nextDueMs: startMs + 1 });
      strictEqual((await store.claim(aClaim({ nowMs: startMs + 1 }))).deliveries.length, 1);
    });

    test('takes nothing of another destination', async ({ store }) => {
      await store.append([anEntry(1)]);
      const none = { deliveries: [], exhausted: [], nextDueMs: null };
      deepStrictEqual(await store.claim(aClaim({ destination: 'slack' })), none);
    });

    test('leaves what is under a lease until the lease has run out, then takes it over with a higher one', async ({
      store,
    }) => {
      await store.append([anEntry(1, {}, [aNewDelivery({ state: 'running', dueMs: startMs + leaseMs })])]);
      deepStrictEqual(await store.claim(aClaim()), { deliveries: [], exhausted: [], nextDueMs: startMs + leaseMs });
      const { deliveries } = await store.claim(aClaim({ nowMs: startMs + leaseMs }));
      deepStrictEqual(
        deliveries.map(({ attempt, lease }) => [attempt, lease]),
        [[2, 2]],
      );
    });

    test('gives a delivery to one of many claims that come at once', async ({ store }) => {
      await store.append(Array.from({ length: 20 }, (_, n) => anEntry(n)));
      const claims = await Promise.all(Array.from({ length: 10 }, () => store.claim(aClaim({ limit: 3 }))));
      const ids = claims.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
      deepStrictEqual([ids.length, new Set(ids).size], [20, 20]);
    });

    test('ends a delivery that has used up its attempts', async ({ store }) => {
      await store.append([anEntry(1, {}, [aNewDelivery({ state: 'running', dueMs: startMs })]), anEntry(2)]);
      const claim = await store.claim(aClaim({ maxAttempts: 1, nowMs: startMs + 5 }));
      const id = deliveryId(eventId(1), 0);
      deepStrictEqual([numbers(claim.deliveries), claim.exhausted], [[2], [id]]);
      const dead = await store.delivery(id);
      deepStrictEqual(
        [dead?.state, dead?.reason, dead?.dueMs, dead?.settledAtMs],
        ['dead', 'exhausted', null, startMs + 5],
      );
      strictEqual(dead?.attempts, 1);
    });

    test('looks at no more than the limit, exhausted ones included', async ({ store }) => {
      await store.append([1, 2].map((n) => anEntry(n, {}, [aNewDelivery({ state: 'running', dueMs: startMs })])));
      const claim = await store.claim(aClaim({ maxAttempts: 1, limit: 1 }));
      deepStrictEqual([claim.deliveries.length, claim.exhausted.length, claim.nextDueMs], [0, 1, startMs]);
    });
  });
}

export function settleTests(test: Test): void {
  describe('settle', () => {
    test('ends a delivery as delivered and keeps the attempt', async ({ store, clock }) => {
      await store.append([anEntry(1)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      clock.jumpTo(startMs + 20);
      await store.settle([aSettled(claimed)]);
      const kept = await store.delivery(deliveryId(eventId(1), 0));
      deepStrictEqual(
        [kept?.state, kept?.attempts, kept?.dueMs, kept?.settledAtMs],
        ['delivered', 1, null, startMs + 20],
      );
      const attempt = {
        number: 1,
        startedAtMs: startMs,
        durationMs: 12.5,
        outcome: 'delivered',
        reason: null,
        response: 'ok',
      };
      deepStrictEqual(await store.attempts(deliveryId(eventId(1), 0)), [attempt]);
      strictEqual((await store.claim(aClaim({ nowMs: startMs + 1e9 }))).nextDueMs, null);
    });

    test('settles what was handed over in memory under lease 1', async ({ store }) => {
      await store.append([anEntry(1, {}, [aNewDelivery({ state: 'running', dueMs: startMs + leaseMs })])]);
      const id = deliveryId(eventId(1), 0);
      await store.settle([aSettled({ id, lease: 1 })]);
      strictEqual((await store.delivery(id))?.state, 'delivered');
    });

    test('keeps why a delivery is dead, or that it was skipped', async ({ store }) => {
      await store.append([anEntry(1), anEntry(2)]);
      const [first, second] = (await store.claim(aClaim())).deliveries;
      await store.settle([
        aSettled(first, { state: 'dead', reason: 'rejected' }),
        aSettled(second, { state: 'skipped' }),
      ]);
      const { items } = await store.deliveries({ limit: 10 });
      deepStrictEqual(
        items.map(({ state, reason }) => [state, reason]),
        [
          ['skipped', null],
          ['dead', 'rejected'],
        ],
      );
    });

    test('lets a delivery wait for its next attempt', async ({ store }) => {
      await store.append([anEntry(1)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      await store.settle([aSettled(claimed, { state: 'waiting', untilMs: startMs + 500, counted: true })]);
      const kept = await store.delivery(deliveryId(eventId(1), 0));
      deepStrictEqual(
        [kept?.state, kept?.attempts, kept?.dueMs, kept?.settledAtMs],
        ['waiting', 1, startMs + 500, null],
      );
      strictEqual((await store.claim(aClaim())).nextDueMs, startMs + 500);
      const [again] = (await store.claim(aClaim({ nowMs: startMs + 500 }))).deliveries;
      deepStrictEqual([again?.attempt, again?.lease], [2, 2]);
    });

    test('gives an attempt back that was never made', async ({ store }) => {
      await store.append([anEntry(1)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      const back = { state: 'waiting', untilMs: startMs, counted: false } as const;
      await store.settle([aSettled(claimed, back, { attempt: null })]);
      const id = deliveryId(eventId(1), 0);
      deepStrictEqual([(await store.delivery(id))?.attempts, await store.attempts(id)], [0, []]);
      const [again] = (await store.claim(aClaim())).deliveries;
      deepStrictEqual([again?.attempt, again?.lease], [1, 2]);
      await store.settle([aSettled(again)]);
      deepStrictEqual(
        (await store.attempts(id)).map(({ number }) => number),
        [1],
      );
    });

    test('keeps every attempt, oldest first; one whose end never came leaves a gap', async ({ store }) => {
      await store.append([anEntry(1)]);
      const retry = { state: 'waiting', untilMs: startMs, counted: true } as const;
      await store.settle([aSettled((await store.claim(aClaim())).deliveries[0], retry)]);
      await store.claim(aClaim());
      await store.settle([aSettled((await store.claim(aClaim({ nowMs: startMs + leaseMs }))).deliveries[0])]);
      const attempts = await store.attempts(deliveryId(eventId(1), 0));
      deepStrictEqual(
        attempts.map(({ number, outcome }) => [number, outcome]),
        [
          [1, 'unavailable'],
          [3, 'delivered'],
        ],
      );
    });

    test('ignores what comes late: under an earlier lease, a second time, or for nothing', async ({ store }) => {
      await store.append([anEntry(1)]);
      const [first] = (await store.claim(aClaim())).deliveries;
      const [second] = (await store.claim(aClaim({ nowMs: startMs + leaseMs }))).deliveries;
      const id = deliveryId(eventId(1), 0);
      await store.settle([aSettled(first)]);
      deepStrictEqual([(await store.delivery(id))?.state, await store.attempts(id)], ['running', []]);
      await store.settle([aSettled(second), aSettled(second, { state: 'dead', reason: 'rejected' })]);
      await store.settle([aSettled(second, { state: 'skipped' }), aSettled({ id: 'nothing', lease: 1 })]);
      strictEqual((await store.delivery(id))?.state, 'delivered');
      strictEqual((await store.attempts(id)).length, 1);
    });

    test('still accepts a late settlement while no other router holds the delivery', async ({ store, clock }) => {
      await store.append([anEntry(1)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      clock.jumpTo(startMs + leaseMs + 1);
      await store.settle([aSettled(claimed)]);
      strictEqual((await store.delivery(deliveryId(eventId(1), 0)))?.state, 'delivered');
    });

    test('lets one of them win where a settlement and another claim come at once', async ({ store }) => {
      await store.append([anEntry(1)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      const [, claim] = await Promise.all([
        store.settle([aSettled(claimed)]),
        store.claim(aClaim({ nowMs: startMs + leaseMs })),
      ]);
      const kept = await store.delivery(deliveryId(eventId(1), 0));
      notStrictEqual(kept?.state === 'delivered', claim.deliveries.length === 1);
    });

    test('takes times with fractions', async ({ store }) => {
      await store.append([anEntry(1, { occurredAtMs: startMs + 0.25 }, [aNewDelivery({ dueMs: startMs - 0.5 })])]);
      const [claimed] = (await store.claim(aClaim({ leaseUntilMs: startMs + 0.5 }))).deliveries;
      await store.settle([aSettled(claimed, retryAt(startMs + 9.5))]);
      strictEqual((await store.claim(aClaim({ nowMs: startMs + 10 }))).deliveries.length, 1);
      deepStrictEqual(await store.extend(eventId(1), [aNewDelivery({ dueMs: startMs + 0.5 })]), [
        deliveryId(eventId(1), 1),
      ]);
      deepStrictEqual(await store.replay([deliveryId(eventId(1), 1)], startMs + 1.5), [deliveryId(eventId(1), 1)]);
    });

    test('has no attempts for a delivery it does not keep', async ({ store }) => {
      deepStrictEqual(await store.attempts(deliveryId(eventId(1), 0)), []);
      strictEqual(await store.delivery('nothing'), null);
      strictEqual(await store.event('nothing'), null);
      await rejects(store.events({ limit: 1, cursor: 'nonsense' }), { code: 'MALFORMED' });
    });
  });
}
