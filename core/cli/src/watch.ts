/** What is shown anew each second, also while the router is away. */
import { errorMessage } from '@switchhook/sdk/internal';
import { untilInterrupted } from './api-client.js';
import { type Output, styled } from './output.js';

const refreshMs = 1_000;

/** What a list that can be watched takes. */
export interface Watched {
  readonly watch?: true;
}

/** Shows something once, or with `--watch` again and again. */
export async function watched(
  { watch }: Watched,
  output: Output,
  show: (output: Output) => Promise<void>,
): Promise<void> {
  if (watch !== true) return show(output);
  await untilInterrupted(refreshMs, async () => {
    const steps: (() => void)[] = [];
    const kept: Output = {
      ...output,
      line: (text) => steps.push(() => output.line(text)),
      note: (text) => steps.push(() => output.note(text)),
    };
    await show(kept).catch((error: unknown) => kept.line(styled(output, 'red', errorMessage(error))));
    output.clear();
    for (const step of steps) step();
    return true;
  });
}
