/** The suites of the testkit under other test runners than mocha. */
import { execFile } from 'node:child_process';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

describe('the suites of the testkit', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
  });
  afterEach(() => place.close());

  const suite = (applied: string, before = '') => `import { anEvent, transformSuite } from '@switchhook/testkit';
${before}
transformSuite('crm.change', async () => ({ apply: (event) => ${applied} }), anEvent());
`;
  const ended = (...args: readonly string[]) =>
    new Promise<{ readonly code: unknown; readonly text: string }>((resolve) => {
      // Without the loaders of this process.
      execFile(process.execPath, args, { cwd: place.directory, env: {} }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, text: stdout + stderr }),
      );
    });

  it('run under node --test, where a claim can also fail', async () => {
    await place.write('fine.test.js', suite('event'));
    const fine = await ended('--test', 'fine.test.js');
    expect(fine.code, fine.text).to.equal(0);
    expect(fine.text)
      .to.match(/# pass [1-9]/)
      .and.to.include('crm.change');
    await place.write('wrong.test.js', suite('1'));
    const wrong = await ended('--test', 'wrong.test.js');
    expect(wrong.code).to.equal(1);
    expect(wrong.text).to.match(/# fail [1-9]/);
  });

  it('ask for the globals of vitest', async () => {
    const file = await place.write('vitest.js', `globalThis.__vitest_worker__ = {};\nawait import('./fine.test.js');`);
    await place.write('fine.test.js', suite('event'));
    expect((await ended(file)).text).to.include('set test.globals to true');
  });
});
