/** What tests may not do. */
import { only } from '../source.js';
import { place, type Rule } from './rule.js';

/** Waits by the clock, tests that are left out or run alone, modules that are patched. */
const unwelcome =
  /\.(only|skip)\(|\bx(it|describe)\(|\bset(Timeout|Interval)\(|['"](node:)?timers\/promises['"]|['"](sinon|proxyquire|esmock|nock)['"]/g;

/** Waits between two looks at what another process does, and not for a time. */
const betweenLooks = 'test/support/eventually.ts';

export const honestTests: Rule = {
  claim: 'no test is skipped or run alone, waits by the clock or patches a module',
  strays: (files) =>
    files
      .filter(({ path }) => path !== betweenLooks)
      .flatMap((file) =>
        [...only(['code', 'string'], file.text).matchAll(unwelcome)].map((found) => place(file, found.index, found[0])),
      ),
  planted: [
    "it.only('delivers', () => {});",
    "describe.skip('delivers', () => {});",
    'await new Promise((resolve) => setTimeout(resolve, 10));',
    "import { setTimeout } from 'node:timers/promises';",
    "import sinon from 'sinon';",
  ].map((text) => ({ path: 'test/unit/stray.test.ts', text: `${text}\n` })),
};
