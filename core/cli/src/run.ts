/** Runs a command to its end. */
import { CommanderError } from 'commander';
import { CommandFailure, exitCodes, type Output } from './output.js';
import { programFor } from './program.js';

/** Runs the command of these words, prints what has failed, and resolves with its exit code. Never rejects. */
export async function runCommand(words: readonly string[], output: Output): Promise<number> {
  try {
    await programFor(output).parseAsync(words, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    return codeOf(error, output);
  }
}

/** Prints the error, unless it was printed already, and returns the exit code. */
async function codeOf(error: unknown, output: Output): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CommandFailure) {
    if (error.message !== '') output.note(error.message);
    return error.exitCode;
  }
  // Not at the start: it brings the whole router.
  const { ComponentFailure } = await import('@switchhook/core');
  if (error instanceof ComponentFailure) {
    output.note(`${error.code}: ${error.message}`);
    return exitCodes.failed;
  }
  output.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCodes.failed;
}
