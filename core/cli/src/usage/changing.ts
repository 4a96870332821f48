/** Commands by which an operator changes what a running router does. */
import { type Command, Option } from 'commander';
import type { Output } from '../output.js';
import { routerCommand, whenRun, withDeliveryFilter, withDiedPeriod, withEventFilter, withPeriod } from './options.js';

export function replayCommand(output: Output): Command {
  const command = routerCommand(
    'replay',
    'Make deliveries again: one, those of an event, or all that fit. Without --state: dead ones.',
  );
  const one = command.argument('[id]', 'id of a delivery or of an event');
  return withDiedPeriod(withPeriod(withEventFilter(withDeliveryFilter(one))))
    .option(
      '--reroute',
      'create the deliveries that the current routes require and the event lacks; keep its other deliveries',
    )
    .option('--unrouted', 'with --reroute: only events that matched no route')
    .option('--dry-run', 'only count them')
    .option('--per-second <number>', 'so many become due each second', '50')
    .option('--yes', 'do not ask for confirmation')
    .option('--list', 'list the latest replays of many, how far they are and what they chose')
    .option('--cancel', 'end the replay that is running; what it has replayed stays replayed')
    .addHelpText(
      'after',
      `
Examples:
  switchhook replay 01890a5d-ac96-774b-bcce-b302099a8057.0
  switchhook replay --destination crm --since 1d --dry-run
  switchhook replay --state delivered --destination warehouse --since 2026-01-01 --yes
  switchhook replay --reroute --unrouted --since 2h

A replay of many goes on in the router where you end the command with Ctrl-C. Running deliveries are skipped; a pending retry is replaced by its replay. Discarded ones need --reason discarded.`,
    )
    .action(whenRun(output, async () => (await import('../commands/replay.js')).runReplay));
}

export function discardCommand(output: Output): Command {
  const command = routerCommand(
    'discard',
    'End deliveries that are waiting or dead, by id or all that fit. Without --state: dead ones.',
  );
  const some = command.argument('[id...]', 'ids of deliveries');
  return withDiedPeriod(withPeriod(withEventFilter(withDeliveryFilter(some))))
    .option('--dry-run', 'only count them')
    .option('--per-second <number>', 'so many are discarded each second', '1000')
    .option('--yes', 'do not ask for confirmation')
    .option('--list', 'list the latest discards of many, how far they are and what they chose')
    .option('--cancel', 'end the discard of many that is running; what it has discarded stays discarded')
    .addHelpText(
      'after',
      `
Examples:
  switchhook discard 01890a5d-ac96-774b-bcce-b302099a8057.0
  switchhook discard --destination old-crm --state waiting --dry-run
  switchhook discard --reason rejected --until 30d --yes

A discard of many goes on in the router where you end the command with Ctrl-C. A replay with --reason discarded brings them back.`,
    )
    .action(whenRun(output, async () => (await import('../commands/discard.js')).runDiscard));
}

export function eraseCommand(output: Output): Command {
  return routerCommand(
    'erase',
    'Erase all that the router keeps about a number, a conversation or an agent. Only a record without these data stays.',
  )
    .option('--number <number>', 'a phone number, however it is written, or an address such as sip:ada@example.com')
    .option('--subject <id>', 'a conversation or call')
    .option('--agent <id>', 'an agent: everything of it')
    .option('--since <time>', 'only what was received not longer ago than 2h, or since 2026-01-01')
    .option('--until <time>', 'only what was received longer ago than 2h, or before 2026-01-01')
    .option('--utc', "read and show times in UTC instead of by this machine's clock")
    .option('--by <name>', 'who erases; default: your user name and host')
    .option('--dry-run', 'only count and list what would be erased')
    .option('--yes', 'do not ask for confirmation')
    .option('--list', 'list the records of all erasures, or of those of a --number, --subject or --agent')
    .option('--limit <number>', 'with --list: how many at most, up to 1000', '50')
    .option('--cursor <cursor>', 'with --list: continue where the last page ended')
    .addHelpText(
      'after',
      `
Examples:
  switchhook erase --number "+1 415 555 0100" --dry-run
  switchhook erase --number "+1 415 555 0100" --yes
  switchhook erase --agent agent_old --until 2026-01-01
  switchhook erase --list

All given conditions must hold. Deliveries that wait are cancelled. What was sent to destinations already is listed, to be erased there,
unless the destination erases it itself. An erasure cannot be undone, except from a backup. Exit code 1 if anything may be left at a destination
that can erase.`,
    )
    .action(whenRun(output, async () => (await import('../commands/erase.js')).runErase));
}

export function reloadCommand(output: Output): Command {
  return routerCommand(
    'reload',
    'Have the running router read its configuration again. If it is wrong, nothing changes, and every problem is listed.',
  )
    .option('--dry-run', 'change nothing; show what would change')
    .addOption(
      new Option('--removed <what>', 'deliveries that wait for removed destinations: make them, or keep them waiting')
        .choices(['drain', 'keep'])
        .default('drain'),
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook reload --dry-run
  switchhook reload
  switchhook reload --removed keep

The router reads the file that it was started with. This command reads only the router's address and token from --config; if you
have changed server.port or server.admin.token there, pass the earlier ones with --url or --token, or send the router SIGHUP.

Exit codes: 0 reloaded, 1 a component could not be opened or the router could not be reached, 78 wrong configuration.`,
    )
    .action(whenRun(output, async () => (await import('../commands/reload.js')).runReload));
}

export function restartCommand(output: Output): Command {
  return routerCommand(
    'restart',
    'Have a new process take over from the running router, without refusing a request: for a new version, or for settings that a reload cannot change.',
  )
    .addHelpText(
      'after',
      `
Examples:
  npm install @switchhook/cli@latest && switchhook restart

The router must run with switchhook start --replaceable. The new process loads the program, the plugins and the configuration as they
are now; if it does not get ready, the running router goes on. Events that arrive during the change wait until the new process has opened the store.

Exit codes: 0 the new process answers, 1 it did not get ready or the router could not be reached.`,
    )
    .action(whenRun(output, async () => (await import('../commands/restart.js')).runRestart));
}

export function pauseCommand(output: Output): Command {
  return controlCommand('pause', 'Pause a destination or a resolver, also over restarts.')
    .requiredOption('--reason <text>', 'why; `switchhook status` shows it')
    .option('--by <name>', 'who; default: your user name and host')
    .addHelpText(
      'after',
      `
Examples:
  switchhook pause crm --reason "migration until noon"
  switchhook pause lookup --kind resolver --reason "wrong names"

Events for a paused destination are accepted and stored, and wait. A paused resolver is skipped without a wait.`,
    )
    .action(whenRun(output, async () => (await import('../commands/control.js')).runPause));
}

export function resumeCommand(output: Output): Command {
  return controlCommand('resume', 'Resume a destination or a resolver that is paused.')
    .addHelpText('after', '\nExamples:\n  switchhook resume crm')
    .action(whenRun(output, async () => (await import('../commands/control.js')).runResume));
}

export function resetCommand(output: Output): Command {
  return controlCommand(
    'reset',
    'Close the circuit breaker of a destination or a resolver; a wait that a destination has asked for ends, too.',
  )
    .addHelpText('after', '\nExamples:\n  switchhook reset crm')
    .action(whenRun(output, async () => (await import('../commands/control.js')).runReset));
}

export function probeCommand(output: Output): Command {
  return controlCommand(
    'probe',
    'Make one attempt now, through a pause, an open circuit breaker and a wait: with the next delivery that waits, or else to reach what a destination or resolver depends on.',
  )
    .addHelpText('after', '\nExamples:\n  switchhook probe crm\n\nExit code 1 if it fails.')
    .action(whenRun(output, async () => (await import('../commands/control.js')).runProbe));
}

function controlCommand(verb: string, description: string): Command {
  return routerCommand(verb, description)
    .argument('<name>', 'name of a destination or a resolver')
    .addOption(new Option('--kind <kind>', 'which one, where both have the name').choices(['destination', 'resolver']));
}
