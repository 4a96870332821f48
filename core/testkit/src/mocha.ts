/** The two words of the test runner that the suites use; mocha (or anything with the same words) provides them. */
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
  const found = globalThis as Partial<Runner>;
  if (found.describe === undefined || found.it === undefined)
    throw new Error('the suites of the testkit run under mocha: no describe and it here');
  return found as Runner;
}
