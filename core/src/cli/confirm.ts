/** Asks before many deliveries are changed. */
import { createInterface } from 'node:readline/promises';
import { CommandFailure, exitCodes } from './failure.js';
import type { Output } from './output.js';

/** Goes on where the answer is yes; ends the command otherwise, also where nobody is there to be asked. */
export async function confirm(question: string, output: Output): Promise<void> {
  if (!output.terminal || !process.stdin.isTTY)
    throw new CommandFailure(exitCodes.usage, `${question} Say --yes, or --dry-run to look first.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure(exitCodes.failed, 'Nothing was changed.');
}

/** `1 delivery`, `2 deliveries`. */
export function deliveries(count: number): string {
  return `${count} deliver${count === 1 ? 'y' : 'ies'}`;
}
