/** The command line: one file per verb; here they are put together, and only here the process ends. */

import { ComponentFailure } from '@switchhook/core';
import { printable, version } from '@switchhook/core/internal';
import { Command, CommanderError } from 'commander';
import { callCommand } from './commands/call.js';
import { callsCommand } from './commands/calls.js';
import { checkCommand } from './commands/check.js';
import { pauseCommand, probeCommand, resetCommand, resumeCommand } from './commands/control.js';
import { crashtestCommand } from './commands/crashtest.js';
import { deadCommand } from './commands/dead.js';
import { deliveriesCommand } from './commands/deliveries.js';
import { discardCommand } from './commands/discard.js';
import { eventsCommand } from './commands/events.js';
import { explainCommand } from './commands/explain.js';
import { pluginsCommand } from './commands/plugins.js';
import { replayCommand } from './commands/replay.js';
import { schemaCommand } from './commands/schema.js';
import { sendCommand } from './commands/send.js';
import { simulateCommand } from './commands/simulate.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { storeCommand } from './commands/store-copy.js';
import { CommandFailure, exitCodes, processOutput } from './output.js';

/** What the parser prints may repeat an argument. */
const parserOutput = {
  writeOut: (text: string) => process.stdout.write(printable(text)),
  writeErr: (text: string) => process.stderr.write(printable(text)),
};

const program = new Command('switchhook')
  .description('A self-hosted router for the webhooks of voice-AI agents.')
  .version(version)
  .showHelpAfterError('(switchhook --help shows how)')
  .configureOutput(parserOutput)
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  switchhook check                              is the configuration right?
  switchhook start                              run the router
  switchhook send conversation_ended            send it a signed sample
  switchhook call --from +12345678912 --to +12345678913
  switchhook simulate happy-call --start        run a whole conversation, and evaluate the result
  switchhook status                             how do its destinations stand?
  switchhook explain conv_123                   why did this conversation not arrive?

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.`,
  );

for (const command of [
  startCommand,
  checkCommand,
  sendCommand,
  callCommand,
  callsCommand,
  simulateCommand,
  statusCommand,
  explainCommand,
  eventsCommand,
  deliveriesCommand,
  deadCommand,
  replayCommand,
  discardCommand,
  pauseCommand,
  resumeCommand,
  probeCommand,
  resetCommand,
  schemaCommand,
  pluginsCommand,
  storeCommand,
  crashtestCommand,
])
  program.addCommand(command(processOutput).configureOutput(parserOutput).exitOverride().showHelpAfterError());

// A reader that has gone, as `head` after its last line, costs lines, and nothing else: what a command changes is not cut short.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = codeOf(error);
}
// What a component has left behind must not keep the process up; what was printed is still to be read.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

/** Prints the error, unless it was printed already, and returns the exit code. */
function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CommandFailure) {
    if (error.message !== '') processOutput.note(error.message);
    return error.exitCode;
  }
  if (error instanceof ComponentFailure) {
    processOutput.note(`${error.code}: ${error.message}`);
    return exitCodes.failed;
  }
  processOutput.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCodes.failed;
}
