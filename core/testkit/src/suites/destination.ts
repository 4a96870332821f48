/** What every destination must do, as tests. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { Delivery, Destination, EventDraft } from '@switchhook/sdk';
import { aDelivery, anEvent } from '../fixtures.js';
import { describe, it } from '../mocha.js';
import { type Parts, testsOfParts } from './never.js';

/** A destination with something real behind it. */
export interface DestinationFixture {
  readonly destination: Destination;
  /** Delivery ids (or another mark of each delivery) that have arrived, in order of arrival, repetitions included. */
  arrived(): readonly string[] | Promise<readonly string[]>;
  /**
   * From now on what is behind it is: well; refusing for good; down; silent until the connection is cut; or well, but for a
   * response that is cut off after its status.
   */
  behave(how: 'well' | 'refusing' | 'down' | 'hanging' | 'cut-off'): void | Promise<void>;
  close(): Promise<void>;
  /** The mark under which a delivery arrives; default its id. */
  mark?(delivery: Delivery): string;
  /** Of one that emits events: what it has emitted, `emitted` of its `fakeServices()`. */
  readonly emitted?: readonly EventDraft[];
  /** Values of its options that no outcome and no error may contain: tokens, passwords, URLs with a token in them. */
  readonly secrets?: readonly string[];
}

const parts = {
  erase: { what: 'erase of the destination', in: ({ destination }) => destination.erase !== undefined },
  emits: { what: '`emitted`', in: ({ emitted }) => emitted !== undefined },
  secrets: { what: '`secrets`', in: ({ secrets = [] }) => secrets.length > 0 },
} satisfies Parts<DestinationFixture, string>;

/** What cannot happen to the system of a destination, and what the destination does not have: `erase`, events of its own, secrets. */
export type NeverOfDestination = 'refusing' | 'hanging' | 'down' | 'cut-off' | keyof typeof parts;

/**
 * Registers the suite. `make` returns a fresh, opened fixture for each test; `never` names what cannot happen to it and what it does not
 * have. A test whose fixture lacks something that `never` does not name is pending.
 */
export function destinationSuite(
  name: string,
  make: () => Promise<DestinationFixture>,
  never: readonly NeverOfDestination[] = [],
): void {
  const withFixture = (body: (fixture: DestinationFixture) => Promise<void>) => async () => {
    const fixture = await make();
    try {
      await body(fixture);
    } finally {
      await fixture.close();
    }
  };
  const signal = (): AbortSignal => new AbortController().signal;
  const erasing = (destination: Destination) => async (deliveries: readonly Delivery[]) =>
    destination.erase?.(deliveries, signal()) ?? Number.NaN;
  const markOf = (fixture: DestinationFixture, delivery: Delivery): string => fixture.mark?.(delivery) ?? delivery.id;

  describe(`${name} is a destination`, () => {
    const needs = testsOfParts((title, body) => it(title, withFixture(body)), parts, never);

    it(
      'delivers an event and returns delivered',
      withFixture(async (fixture) => {
        const delivery = aDelivery();
        const outcome = await fixture.destination.deliver(delivery, signal());
        strictEqual(outcome.kind, 'delivered');
        deepStrictEqual(await fixture.arrived(), [markOf(fixture, delivery)]);
      }),
    );

    it(
      'delivers an event with an integer beyond 2^53',
      withFixture(async (fixture) => {
        const delivery = aDelivery({ event: anEvent({ data: { n: 8202522731445525543n } }) });
        const outcome = await fixture.destination.deliver(delivery, signal());
        strictEqual(outcome.kind, 'delivered', 'write JSON with stringifyJson');
      }),
    );

    it(
      'takes deliveries in parallel and loses none',
      withFixture(async (fixture) => {
        const deliveries = Array.from({ length: 20 }, (_, index) => {
          const id = `01890a5d-ac96-774b-bcce-b302099a${8100 + index}`;
          return aDelivery({ id: `${id}.0`, event: anEvent({ id, key: `key-${index}`, subject: `conv_${index}` }) });
        });
        const outcomes = await Promise.all(
          deliveries.map((delivery) => fixture.destination.deliver(delivery, signal())),
        );
        ok(outcomes.every(({ kind }) => kind === 'delivered'));
        const marks = new Set(await fixture.arrived());
        for (const delivery of deliveries) ok(marks.has(markOf(fixture, delivery)), `${delivery.id} is missing`);
      }),
    );

    it(
      'returns one outcome for each of several deliveries, in order, as a batch if it takes batches',
      withFixture(async ({ destination }) => {
        const deliveries = [1, 2, 3].map((n) =>
          aDelivery({ id: `batch.${n}`, event: anEvent({ id: `batch.${n}`, key: `batch-${n}` }) }),
        );
        const outcomes = [...((await destination.deliverMany?.(deliveries, signal())) ?? [])];
        if (destination.deliverMany === undefined)
          for (const delivery of deliveries) outcomes.push(await destination.deliver(delivery, signal()));
        deepStrictEqual(
          outcomes.map(({ kind }) => kind),
          ['delivered', 'delivered', 'delivered'],
        );
      }),
    );

    needs(
      'emits',
      'emits events with keys that follow from the delivery: another attempt emits the same ones, another event others',
      async ({ destination, emitted = [] }) => {
        const keysOf = async (delivery: Delivery): Promise<readonly string[]> => {
          const before = emitted.length;
          await destination.deliver(delivery, signal());
          return emitted.slice(before).map(({ key }) => key);
        };
        const first = await keysOf(aDelivery());
        ok(first.length > 0, 'it has emitted nothing');
        strictEqual(new Set(first).size, first.length, 'two events of one delivery have the same key');
        deepStrictEqual(await keysOf(aDelivery({ attempt: 2 })), first, 'the second attempt has emitted other keys');
        const id = '01890a5d-ac96-774b-bcce-b302099a8058';
        const other = await keysOf(
          aDelivery({ id: `${id}.0`, event: anEvent({ id, key: 'other', subject: 'conv_2' }) }),
        );
        ok(
          !other.some((key) => first.includes(key)),
          'another event has the key of the first: it would be a duplicate',
        );
      },
    );

    needs(
      'erase',
      'erases what deliveries have left, and nothing else, however often it is called',
      async (fixture) => {
        const { destination } = fixture;
        const erase = erasing(destination);
        const [first, second, absent] = [1, 2, 3].map((n) => {
          const id = `01890a5d-ac96-774b-bcce-b302099a${8200 + n}`;
          return aDelivery({ id: `${id}.0`, event: anEvent({ id, key: `key-${n}`, subject: `conv_${n}` }) });
        }) as [Delivery, Delivery, Delivery];
        strictEqual(await erase([absent]), 0, 'nothing has arrived yet');
        for (const delivery of [first, second])
          strictEqual((await destination.deliver(delivery, signal())).kind, 'delivered');
        ok((await erase([first, absent])) > 0, 'it has to return how many records it removed');
        deepStrictEqual(await fixture.arrived(), [markOf(fixture, second)]);
        strictEqual(await erase([first]), 0);
        deepStrictEqual(await fixture.arrived(), [markOf(fixture, second)]);
      },
    );

    if (!never.includes('down'))
      needs('erase', 'throws, with a reason and without a secret, if it cannot erase', async (fixture) => {
        const { destination, secrets = [] } = fixture;
        const erase = erasing(destination);
        const delivery = aDelivery();
        await destination.deliver(delivery, signal());
        await fixture.behave('down');
        const reason = await erase([delivery]).then(
          () => '',
          (error: unknown) => (error instanceof Error ? error.message : ''),
        );
        ok(reason !== '', 'erase has to reject with an error that has a message');
        for (const secret of secrets) ok(!reason.includes(secret), 'the message contains a secret');
        await fixture.behave('well');
        ok((await erase([delivery])) > 0, 'erase has to work again');
      });

    if (!never.includes('refusing'))
      it(
        'calls a refusal for good rejected, with a reason in one line',
        withFixture(async (fixture) => {
          await fixture.behave('refusing');
          const outcome = await fixture.destination.deliver(aDelivery(), signal());
          strictEqual(outcome.kind, 'rejected');
          ok(outcome.kind === 'rejected' && outcome.reason !== '' && !outcome.reason.includes('\n'));
        }),
      );

    if (!never.includes('down'))
      it(
        'calls it unavailable while the other side is down, and delivers once it is back',
        withFixture(async (fixture) => {
          await fixture.behave('down');
          const outcome = await fixture.destination.deliver(aDelivery(), signal());
          strictEqual(outcome.kind, 'unavailable');
          ok(outcome.kind === 'unavailable' && outcome.reason !== '' && !outcome.reason.includes('\n'));
          await fixture.behave('well');
          strictEqual((await fixture.destination.deliver(aDelivery({ attempt: 2 }), signal())).kind, 'delivered');
        }),
      );

    if (!never.includes('hanging'))
      it(
        'stops when its time is up, although the other side does not answer',
        withFixture(async (fixture) => {
          await fixture.behave('hanging');
          const controller = new AbortController();
          const attempt = fixture.destination.deliver(aDelivery(), controller.signal);
          controller.abort(new Error('time is up'));
          const ended = await attempt.then(
            ({ kind }) => kind,
            () => 'threw',
          );
          ok(ended === 'unavailable' || ended === 'threw', `came to ${ended}`);
        }),
      );

    if (!never.includes('cut-off'))
      it(
        'counts a response that is cut off after its status as what the status says',
        withFixture(async (fixture) => {
          await fixture.behave('cut-off');
          strictEqual((await fixture.destination.deliver(aDelivery(), signal())).kind, 'delivered');
        }),
      );

    for (const how of ['well', 'refusing', 'down', 'hanging', 'cut-off'] as const)
      if (how === 'well' || !never.includes(how))
        needs('secrets', `reveals none of its secrets when the other side is ${how}`, async (fixture) => {
          const { secrets = [], destination } = fixture;
          await fixture.behave(how);
          const controller = new AbortController();
          const attempt = destination.deliver(aDelivery(), controller.signal);
          if (how === 'hanging') controller.abort(new Error('time is up'));
          const text = await attempt.then((outcome) => JSON.stringify(outcome), String);
          for (const secret of secrets)
            for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
              ok(!text.includes(form), 'a reason, a response or an error contains a secret');
        });

    it(
      'can be closed without having been used',
      withFixture(async () => {}),
    );
  });
}
