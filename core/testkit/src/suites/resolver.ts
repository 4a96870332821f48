/** What every resolver must do, as tests. */
import { deepStrictEqual, notDeepStrictEqual, strictEqual } from 'node:assert/strict';
import type { Call, Resolver } from '@switchhook/sdk';
import { aCall } from '../fixtures.js';
import { describe, it } from '../mocha.js';
import { type Parts, testsOfParts } from './never.js';

/** A resolver with a record of one caller. */
export interface ResolverFixture {
  readonly resolver: Resolver;
  /** The caller with a record. */
  readonly known: Call;
  /** Makes what is behind it silent until the connection is cut; undefined where `never` names it. */
  hang?(): void | Promise<void>;
  /** Takes away what is behind it; undefined where `never` names it. */
  down?(): void | Promise<void>;
  /** Cuts off the replies of what is behind it in the middle; undefined where `never` names it. */
  cutOff?(): void | Promise<void>;
  close(): Promise<void>;
}

const parts = {
  hang: { what: 'hang()', in: ({ hang }) => hang !== undefined },
  down: { what: 'down()', in: ({ down }) => down !== undefined },
  cutOff: { what: 'cutOff()', in: ({ cutOff }) => cutOff !== undefined },
} satisfies Parts<ResolverFixture, string>;

/** What becomes of the system behind a resolver: a method of the fixture. */
type Failure = keyof typeof parts;

/**
 * Registers the suite. `make` returns a fresh, opened fixture; `knowsEverybody` for resolvers that do not look at the caller; `never` names
 * the methods of the fixture that cannot be, for example because nothing is behind the resolver. A test whose method is absent otherwise is pending.
 */
export function resolverSuite(
  name: string,
  make: () => Promise<ResolverFixture>,
  {
    knowsEverybody = false,
    never = [],
  }: { readonly knowsEverybody?: boolean; readonly never?: readonly Failure[] } = {},
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

    const needs = testsOfParts((title, body) => it(title, withFixture(body)), parts, never);
    const failing = (how: Failure, title: string, body: (fixture: ResolverFixture) => Promise<string>): void =>
      needs(how, title, async (fixture) => {
        await fixture[how]?.();
        strictEqual(await body(fixture), 'threw');
      });
    const resolved = ({ resolver, known }: ResolverFixture) => ending(resolver.resolve(known, {}, signal(), leftMs));

    failing('hang', 'stops when its time is up', async ({ resolver, known }) => {
      const controller = new AbortController();
      const look = resolver.resolve(known, {}, controller.signal, leftMs);
      controller.abort(new Error('time is up'));
      return ending(look);
    });
    failing('cutOff', 'throws when the reply is cut off', resolved);
    failing('down', 'throws when it could not look', resolved);
  });
}
