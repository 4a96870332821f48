/** What every resolver must do, as tests. */
import { deepStrictEqual, notDeepStrictEqual, ok } from 'node:assert/strict';
import type { Call, Resolver } from '@switchhook/sdk';
import { aCall } from '../fixtures.js';
import { describe, it } from '../mocha.js';

/** A resolver with a record of one caller. */
export interface ResolverFixture {
  readonly resolver: Resolver;
  /** The caller with a record. */
  readonly known: Call;
  /** Makes what is behind it silent until the connection is cut; undefined where that cannot happen. */
  hang?(): void | Promise<void>;
  /** Takes away what is behind it; undefined where that cannot happen. */
  down?(): void | Promise<void>;
  /** Cuts off the replies of what is behind it in the middle; undefined where that cannot happen. */
  cutOff?(): void | Promise<void>;
  close(): Promise<void>;
}

/** Registers the suite. `make` returns a fresh, opened fixture; `knowsEverybody` for resolvers that do not look at the caller. */
export function resolverSuite(
  name: string,
  make: () => Promise<ResolverFixture>,
  { knowsEverybody = false }: { readonly knowsEverybody?: boolean } = {},
): void {
  const withFixture = (body: (fixture: ResolverFixture) => Promise<void>) => async () => {
    const fixture = await make();
    try {
      await body(fixture);
    } finally {
      await fixture.close();
    }
  };
  const signal = (): AbortSignal => new AbortController().signal;
  const leftMs = 3_000;
  const unknown = aCall({ from: '+12025550143' });
  const ending = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'answered',
      () => 'threw',
    );

  describe(`${name} is a resolver`, () => {
    it(
      'finds a caller with a record',
      withFixture(async ({ resolver, known }) => {
        notDeepStrictEqual(await resolver.resolve(known, {}, signal(), leftMs), {});
      }),
    );

    if (!knowsEverybody)
      it(
        'finds nothing about an unknown caller, which is no error',
        withFixture(async ({ resolver }) => {
          deepStrictEqual(await resolver.resolve(unknown, {}, signal(), leftMs), {});
        }),
      );

    it(
      'serves many calls at once',
      withFixture(async ({ resolver, known }) => {
        const found = await Promise.all(
          Array.from({ length: 50 }, () => resolver.resolve(known, {}, signal(), leftMs)),
        );
        for (const facts of found) deepStrictEqual(facts, found[0]);
      }),
    );

    it(
      'stops when its time is up',
      withFixture(async (fixture) => {
        if (fixture.hang === undefined) return;
        await fixture.hang();
        const controller = new AbortController();
        const look = fixture.resolver.resolve(fixture.known, {}, controller.signal, leftMs);
        controller.abort(new Error('time is up'));
        ok((await ending(look)) === 'threw');
      }),
    );

    it(
      'throws when the reply is cut off',
      withFixture(async (fixture) => {
        if (fixture.cutOff === undefined) return;
        await fixture.cutOff();
        ok((await ending(fixture.resolver.resolve(fixture.known, {}, signal(), leftMs))) === 'threw');
      }),
    );

    it(
      'throws when it could not look',
      withFixture(async (fixture) => {
        if (fixture.down === undefined) return;
        await fixture.down();
        ok((await ending(fixture.resolver.resolve(fixture.known, {}, signal(), leftMs))) === 'threw');
      }),
    );
  });
}
