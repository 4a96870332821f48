/** The process of the command line: runs the command, and only here the process ends. */

import { CommanderError } from 'commander';
import { CommandFailure, exitCodes, processOutput } from './output.js';
import { program } from './program.js';

// A reader that has gone, as `head` after its last line, costs lines, and nothing else: what a command changes is not cut short.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = await codeOf(error);
}
// What a component has left behind must not keep the process up; what was printed is still to be read.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

/** Prints the error, unless it was printed already, and returns the exit code. */
async function codeOf(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CommandFailure) {
    if (error.message !== '') processOutput.note(error.message);
    return error.exitCode;
  }
  // Not at the start: it brings the whole router.
  const { ComponentFailure } = await import('@switchhook/core');
  if (error instanceof ComponentFailure) {
    processOutput.note(`${error.code}: ${error.message}`);
    return exitCodes.failed;
  }
  processOutput.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCodes.failed;
}
