/** Commands that move what a router keeps into files, and back. */
import { Command, Option } from 'commander';
import type { Output } from '../output.js';
import {
  configCommand,
  configOption,
  whenRun,
  withAddress,
  withDeliveryFilter,
  withEventFilter,
  withPeriod,
  withSettledPeriod,
} from './options.js';

export function backupCommand(output: Output): Command {
  return configCommand('backup', 'Write all that the store keeps into one file, while the router runs.')
    .argument('<file>', 'the file to write, or - for standard output')
    .option('--force', 'replace the file if it exists')
    .option('--verify', 'only check an existing backup, and show what is inside')
    .addHelpText(
      'after',
      `
Examples:
  switchhook backup /var/backups/switchhook.backup
  switchhook backup --verify /var/backups/switchhook.backup
  switchhook backup - | ssh backup@example.com 'cat > switchhook.backup'

The file has events with their bodies, deliveries with their attempts, pauses, the state of plugins and the history, as
they were at one moment. It gets its name when all of it is on disk. switchhook restore reads it.`,
    )
    .action(whenRun(output, async () => (await import('../commands/backup.js')).runBackup));
}

export function restoreCommand(output: Output): Command {
  return configCommand('restore', 'Fill the empty store of a configuration with the content of a backup.')
    .argument('<file>', 'a file that switchhook backup has written')
    .option('--paused', 'pause all destinations, so that nothing is delivered before you resume them')
    .option('--force', 'remove first what the store keeps')
    .addHelpText(
      'after',
      `
Examples:
  switchhook restore /var/backups/switchhook.backup
  switchhook restore /var/backups/switchhook.backup --config new.yaml --paused

The router must be stopped. The whole file is verified before anything is changed. Deliveries that waited at the time of
the backup are made after the next start; those that were delivered later are made again, with the same delivery id.`,
    )
    .action(whenRun(output, async () => (await import('../commands/restore.js')).runRestore));
}

/** What can be exported, and its own filters. */
const exported = {
  events: {
    description: 'Export events: when, from which source, of which type, about what.',
    filtered: (command: Command) =>
      withEventFilter(command)
        .option('--number <number>', 'about this phone number')
        .option('--unrouted', 'only events that matched no route'),
  },
  calls: {
    description: 'Export the calls that were answered: who called, and the answer.',
    filtered: (command: Command) =>
      command
        .option('--number <number>', 'of this caller, or to this number, E.164')
        .option('--source <name>', 'of this source'),
  },
  deliveries: {
    description: 'Export deliveries: of which event, where to, and where they stand.',
    filtered: (command: Command) => withSettledPeriod(withDeliveryFilter(command)),
  },
} as const;
const exportedNames = ['events', 'calls', 'deliveries'] as const;

export function exportCommand(output: Output): Command {
  const command = new Command('export').description(
    'Write all events, calls or deliveries of a period, as JSON lines or CSV.',
  );
  for (const name of exportedNames) command.addCommand(exportOf(name, output));
  return command;
}

function exportOf(name: (typeof exportedNames)[number], output: Output): Command {
  const { description, filtered } = exported[name];
  const command = new Command(name).description(description).addOption(configOption('the configuration file'));
  return withPeriod(filtered(withAddress(command)))
    .option('--ndjson', 'one JSON object a line, whole; the default')
    .addOption(new Option('--csv', 'a table with a header, for spreadsheets').conflicts('ndjson'))
    .option('--data', 'with the body of the event')
    .option('--output <file>', 'write this file instead of standard output, for its owner only')
    .option('--force', 'replace the file if it exists')
    .addHelpText(
      'after',
      `
Examples:
  switchhook export ${name} --since today | wc -l
  switchhook export ${name} --since 2026-01-01 --until 2026-02-01 --utc --csv --output ${name}.csv

Newest first. Times are ISO 8601 in UTC.`,
    )
    .action(whenRun(output, async () => (await import('../commands/export.js')).exporters[name]));
}
