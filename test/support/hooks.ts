/** What the whole run shares, and gives back at its end, failed or not. */
import { appendFileSync } from 'node:fs';
import type { Context, Suite } from 'mocha';
import { stopPostgres } from './postgres.js';

export const mochaHooks = {
  /** `.ci/run` names a file in `FAILED_TEST_FILES`. */
  async afterAll(this: Context): Promise<void> {
    const list = process.env.FAILED_TEST_FILES;
    if (list !== undefined) appendFileSync(list, failedFiles(this.test?.parent));
    await stopPostgres();
  },
};

/** The file of each failed test, a line each; and once that of tests that were not run, because a hook before them has failed. */
function failedFiles(root: Suite | undefined): string {
  const failed: string[] = [];
  const notRun = new Set<string>();
  root?.eachTest(({ file = '', state, pending }) => {
    if (state === 'failed') failed.push(file);
    else if (state === undefined && !pending) notRun.add(file);
  });
  return [...failed, ...notRun].map((file) => `${file}\n`).join('');
}
