/** The two functions of the test runner that the suites use: those of mocha, jest or vitest, which are global, or else those of `node --test`. */
import nodeTest from 'node:test';

type Body = () => void | Promise<void>;
interface Runner {
  describe(title: string, body: () => void): void;
  it(title: string, body: Body): void;
}

/** Groups tests. */
export function describe(title: string, body: () => void): void {
  runner().describe(title, body);
}

/** One claim. */
export function it(title: string, body: Body): void {
  runner().it(title, body);
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
    it: (title, body) => void nodeTest.it(title, body),
  };
}
