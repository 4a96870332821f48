/** The two functions of the test runner that the suites use: those of mocha, jest or vitest, which are global, or else those of `node --test`. */
import nodeTest from 'node:test';

type Body = () => void | Promise<void>;
interface Runner {
  describe(title: string, body: () => void): void;
  it(title: string, body: Test): void;
}
/** `this` of mocha; the first argument of node:test and vitest. */
interface RunningTest {
  skip?(reason?: string): unknown;
  /** Of mocha, which shows no reason but the title. */
  readonly test?: { title: string };
}
type Test = (this: RunningTest | undefined, ...given: readonly (RunningTest | undefined)[]) => Promise<void>;

/** What a test throws where its fixture lacks what it needs. */
class PendingTest extends Error {
  override readonly name = 'PendingTest';
}

/** Ends a test as pending: `missing` says what to give, and how to declare that there is none. */
export function pending(missing: string): never {
  throw new PendingTest(missing);
}

/** Groups tests. */
export function describe(title: string, body: () => void): void {
  runner().describe(title, body);
}

/** One claim. Pending where it calls `pending`; fails in jest, which has no pending tests that begin to run. */
export function it(title: string, body: Body): void {
  // Without parameters: mocha and jest would pass a callback.
  runner().it(title, async function (...given) {
    try {
      await body();
    } catch (error) {
      const running = [this, ...given].find((one) => typeof one?.skip === 'function');
      if (!(error instanceof PendingTest) || running?.skip === undefined) throw error;
      if (running.test !== undefined) running.test.title = `${title} (pending: ${error.message})`;
      running.skip(error.message);
    }
  });
}

function runner(): Runner {
  const found = globalThis as Partial<Runner> & { readonly __vitest_worker__?: unknown };
  if (found.describe !== undefined && found.it !== undefined) return found as Runner;
  if (found.__vitest_worker__ !== undefined)
    throw new Error(
      'the suites of the testkit need `describe` and `it` of vitest: set test.globals to true in its configuration',
    );
  return {
    describe: (title, body) => void nodeTest.describe(title, body),
    it: (title, body) =>
      void nodeTest.it(title, (context) => body.call(undefined, { skip: (reason?: string) => context.skip(reason) })),
  };
}
