/** The command line as commander knows it: names, descriptions and options. Each command itself is imported when it runs. */
import { version } from '@switchhook/core/client';
import { Command } from 'commander';
import type { Output } from './output.js';
import * as asking from './usage/asking.js';
import * as changing from './usage/changing.js';
import * as installing from './usage/installing.js';
import * as keeping from './usage/keeping.js';
import * as running from './usage/running.js';
import * as sending from './usage/sending.js';

const commands = [
  installing.initCommand,
  installing.newCommand,
  running.startCommand,
  running.devCommand,
  running.checkCommand,
  running.showConfigCommand,
  running.planCommand,
  changing.reloadCommand,
  changing.restartCommand,
  sending.sendCommand,
  sending.samplesCommand,
  sending.callCommand,
  asking.callsCommand,
  sending.simulateCommand,
  asking.statusCommand,
  asking.healthCommand,
  asking.historyCommand,
  asking.tailCommand,
  asking.openCommand,
  asking.explainCommand,
  asking.eventsCommand,
  asking.deliveriesCommand,
  asking.deadCommand,
  asking.refusedCommand,
  asking.incompleteCommand,
  changing.replayCommand,
  changing.discardCommand,
  changing.eraseCommand,
  changing.pauseCommand,
  changing.resumeCommand,
  changing.probeCommand,
  changing.resetCommand,
  installing.schemaCommand,
  installing.pluginsCommand,
  installing.errorsCommand,
  installing.doctorCommand,
  installing.sigmamindCommand,
  keeping.backupCommand,
  keeping.restoreCommand,
  keeping.exportCommand,
  running.storeCommand,
  running.crashtestCommand,
  installing.completionCommand,
];

/** The command line, which writes to this output. */
export function programFor(output: Output): Command {
  // What the parser prints may repeat an argument.
  const parserOutput = {
    writeOut: (text: string) => output.line(text.replace(/\n$/, '').split('\n')),
    writeErr: (text: string) => output.note(text.replace(/\n$/, '')),
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
  switchhook init my-router                     make a folder with a router to start with
  switchhook check                              is the configuration right?
  switchhook start                              run the router
  switchhook dev --send conversation_ended      run a router while you write, and try it after each save
  switchhook plan --config new.yaml             what would it have done with past events?
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
  switchhook backup switchhook.backup           write all that its store keeps into one file

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.`,
    );
  // Subcommands do not end the process themselves, either.
  const settled = (command: Command): Command => {
    command.commands.forEach(settled);
    return command.configureOutput(parserOutput).exitOverride().showHelpAfterError();
  };
  for (const command of commands) program.addCommand(settled(command(output)));
  return program;
}
