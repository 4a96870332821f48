/** What every destination must do, as tests. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { Delivery, Destination } from '@switchhook/sdk';
import { aDelivery, anEvent } from '../fixtures.js';
import { describe, it } from '../mocha.js';

/** A destination with something real behind it. */
export interface DestinationWorld {
  readonly destination: Destination;
  /** Delivery ids (or another mark of each delivery) that have arrived, in order of arrival, repetitions included. */
  arrived(): readonly string[] | Promise<readonly string[]>;
  /** From now on what is behind it is: well; refusing for good; down; or silent until the connection is cut. */
  behave(how: 'well' | 'refusing' | 'down' | 'hanging'): void | Promise<void>;
  close(): Promise<void>;
  /** The mark under which a delivery arrives; default its id. */
  mark?(delivery: Delivery): string;
}

/** Registers the suite. `make` gives a fresh, opened world for each test; `never` names what cannot happen to it. */
export function destinationSuite(
  name: string,
  make: () => Promise<DestinationWorld>,
  never: readonly ('refusing' | 'hanging' | 'down')[] = [],
): void {
  const inWorld = (body: (world: DestinationWorld) => Promise<void>) => async () => {
    const world = await make();
    try {
      await body(world);
    } finally {
      await world.close();
    }
  };
  const signal = (): AbortSignal => new AbortController().signal;
  const markOf = (world: DestinationWorld, delivery: Delivery): string => world.mark?.(delivery) ?? delivery.id;

  describe(`${name} is a destination`, () => {
    it(
      'delivers an event and says so',
      inWorld(async (world) => {
        const delivery = aDelivery();
        const outcome = await world.destination.deliver(delivery, signal());
        strictEqual(outcome.kind, 'delivered');
        deepStrictEqual(await world.arrived(), [markOf(world, delivery)]);
      }),
    );

    it(
      'takes deliveries in parallel and loses none',
      inWorld(async (world) => {
        const deliveries = Array.from({ length: 20 }, (_, index) => {
          const id = `01890a5d-ac96-774b-bcce-b302099a${8100 + index}`;
          return aDelivery({ id: `${id}.0`, event: anEvent({ id, key: `key-${index}`, subject: `conv_${index}` }) });
        });
        const outcomes = await Promise.all(deliveries.map((delivery) => world.destination.deliver(delivery, signal())));
        ok(outcomes.every(({ kind }) => kind === 'delivered'));
        const marks = new Set(await world.arrived());
        for (const delivery of deliveries) ok(marks.has(markOf(world, delivery)), `${delivery.id} is missing`);
      }),
    );

    if (!never.includes('refusing'))
      it(
        'calls a refusal for good rejected, with a reason in one line',
        inWorld(async (world) => {
          await world.behave('refusing');
          const outcome = await world.destination.deliver(aDelivery(), signal());
          strictEqual(outcome.kind, 'rejected');
          ok(outcome.kind === 'rejected' && outcome.reason !== '' && !outcome.reason.includes('\n'));
        }),
      );

    if (!never.includes('down'))
      it(
        'calls it unavailable while the other side is down, and delivers once it is back',
        inWorld(async (world) => {
          await world.behave('down');
          const outcome = await world.destination.deliver(aDelivery(), signal());
          strictEqual(outcome.kind, 'unavailable');
          ok(outcome.kind === 'unavailable' && outcome.reason !== '' && !outcome.reason.includes('\n'));
          await world.behave('well');
          strictEqual((await world.destination.deliver(aDelivery({ attempt: 2 }), signal())).kind, 'delivered');
        }),
      );

    if (!never.includes('hanging'))
      it(
        'stops when its time is up, though the other side says nothing',
        inWorld(async (world) => {
          await world.behave('hanging');
          const controller = new AbortController();
          const attempt = world.destination.deliver(aDelivery(), controller.signal);
          controller.abort(new Error('time is up'));
          const ended = await attempt.then(
            ({ kind }) => kind,
            () => 'threw',
          );
          ok(ended === 'unavailable' || ended === 'threw', `came to ${ended}`);
        }),
      );

    it(
      'can be closed without having been used',
      inWorld(async () => {}),
    );
  });
}
