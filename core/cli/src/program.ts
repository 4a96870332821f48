/** The command line as commander knows it: one file per verb, put together here. */

import { printable, version } from '@switchhook/core/internal';
import { Command } from 'commander';
import { callCommand } from './commands/call.js';
import { callsCommand } from './commands/calls.js';
import { checkCommand } from './commands/check.js';
import { completionCommand } from './commands/completion.js';
import { pauseCommand, probeCommand, resetCommand, resumeCommand } from './commands/control.js';
import { crashtestCommand } from './commands/crashtest.js';
import { deadCommand } from './commands/dead.js';
import { deliveriesCommand } from './commands/deliveries.js';
import { devCommand } from './commands/dev.js';
import { discardCommand } from './commands/discard.js';
import { doctorCommand } from './commands/doctor.js';
import { eventsCommand } from './commands/events.js';
import { explainCommand } from './commands/explain.js';
import { healthCommand } from './commands/health.js';
import { historyCommand } from './commands/history.js';
import { incompleteCommand } from './commands/incomplete.js';
import { initCommand, newCommand } from './commands/new.js';
import { openCommand } from './commands/open.js';
import { pluginsCommand } from './commands/plugins.js';
import { refusedCommand } from './commands/refused.js';
import { reloadCommand } from './commands/reload.js';
import { replayCommand } from './commands/replay.js';
import { restartCommand } from './commands/restart.js';
import { schemaCommand } from './commands/schema.js';
import { sendCommand } from './commands/send.js';
import { sigmamindCommand } from './commands/sigmamind.js';
import { simulateCommand } from './commands/simulate.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { storeCommand } from './commands/store-copy.js';
import { tailCommand } from './commands/tail.js';
import { processOutput } from './output.js';

/** What the parser prints may repeat an argument. */
const parserOutput = {
  writeOut: (text: string) => process.stdout.write(printable(text)),
  writeErr: (text: string) => process.stderr.write(printable(text)),
};

/** The command line, which writes to the process's own streams. */
export const program = new Command('switchhook')
  .description('A self-hosted router for the webhooks of voice-AI agents.')
  .version(version)
  .showHelpAfterError('(switchhook --help shows how)')
  .configureOutput(parserOutput)
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  switchhook init my-router                     make a folder with a router to start with
  switchhook check                              is the configuration right?
  switchhook start                              run the router
  switchhook dev --send conversation_ended      run a router while you write, and try it after each save
  switchhook reload                             have it read its configuration again
  switchhook send conversation_ended            send it a signed sample
  switchhook call --from +12345678912 --to +12345678913
  switchhook simulate happy-call --start        run a whole conversation, and evaluate the result
  switchhook status                             how do its destinations stand?
  switchhook history                            what happened in the last hour, and which deliveries are dead?
  switchhook tail                               what is received and delivered?
  switchhook explain conv_123                   why did this conversation not arrive?
  switchhook refused --group                    which requests are refused, and whose secret do they have?
  switchhook incomplete                         which conversations lack an event?

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.`,
  );

for (const command of [
  initCommand,
  newCommand,
  startCommand,
  devCommand,
  checkCommand,
  reloadCommand,
  restartCommand,
  sendCommand,
  callCommand,
  callsCommand,
  simulateCommand,
  statusCommand,
  healthCommand,
  historyCommand,
  tailCommand,
  openCommand,
  explainCommand,
  eventsCommand,
  deliveriesCommand,
  deadCommand,
  refusedCommand,
  incompleteCommand,
  replayCommand,
  discardCommand,
  pauseCommand,
  resumeCommand,
  probeCommand,
  resetCommand,
  schemaCommand,
  pluginsCommand,
  doctorCommand,
  sigmamindCommand,
  storeCommand,
  crashtestCommand,
  completionCommand,
])
  program.addCommand(command(processOutput).configureOutput(parserOutput).exitOverride().showHelpAfterError());
