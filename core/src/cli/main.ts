/** The command line: one file per verb; here they are put together, and only here the process ends. */
import { Command, CommanderError } from 'commander';
import { ComponentFailure } from '../runtime/component-failure.js';
import { version } from '../version.js';
import { callCommand } from './call.js';
import { callsCommand } from './calls.js';
import { checkCommand } from './check.js';
import { crashtestCommand } from './crashtest.js';
import { deadCommand } from './dead.js';
import { deliveriesCommand } from './deliveries.js';
import { discardCommand } from './discard.js';
import { eventsCommand } from './events.js';
import { explainCommand } from './explain.js';
import { CommandFailure, exitCodes } from './failure.js';
import { processOutput } from './output.js';
import { pluginsCommand } from './plugins.js';
import { replayCommand } from './replay.js';
import { schemaCommand } from './schema.js';
import { sendCommand } from './send.js';
import { simulateCommand } from './simulate.js';
import { startCommand } from './start.js';
import { statusCommand } from './status.js';

const program = new Command('switchhook')
  .description('A self-hosted router for the webhooks of voice-AI agents.')
  .version(version)
  .showHelpAfterError('(switchhook --help shows how)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  switchhook check                              is the configuration right?
  switchhook start                              run the router
  switchhook send conversation_ended            send it a signed sample
  switchhook call --from +12345678912 --to +12345678913
  switchhook simulate happy-call --start        play a whole conversation, and judge what comes of it
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
  schemaCommand,
  pluginsCommand,
  crashtestCommand,
])
  program.addCommand(command(processOutput).exitOverride().showHelpAfterError());

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = codeOf(error);
}
// What a component has left behind must not keep the process up; what was printed is still to be read.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

/** Says what went wrong, unless that has been said, and with which code the process ends. */
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
