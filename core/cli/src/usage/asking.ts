/** Commands that ask a running router and change nothing. */
import { type Command, Option } from 'commander';
import type { Output } from '../output.js';
import {
  configCommand,
  routerCommand,
  whenRun,
  withDeliveryFilter,
  withDiedPeriod,
  withEventFilter,
  withPart,
  withPeriod,
  withSettledPeriod,
  withWatch,
} from './options.js';

export function statusCommand(output: Output): Command {
  return routerCommand(
    'status',
    'Show how the router, its store and each destination stand; on a terminal until Ctrl-C.',
  )
    .option('--once', 'show it once, also on a terminal')
    .addHelpText(
      'after',
      `
Examples:
  switchhook status
  switchhook status --once
  switchhook status --json

Exit code 1, with a line for each trouble and for what needs attention: the store cannot commit or its disk is nearly
full, a destination or resolver is paused or its circuit breaker is open, half of a destination's attempts fail, it has
asked to wait for more than a minute, its oldest delivery is older than a minute, it has dead deliveries or is not
configured any more, a source cannot pull its events, or in the last hour a source has refused requests or had calls that
no answer matched, or the condition of a route could not be evaluated.`,
    )
    .action(whenRun(output, async () => (await import('../commands/status.js')).runStatus));
}

export function healthCommand(output: Output): Command {
  return configCommand(
    'health',
    'Ask whether the router responds; with --ready, whether it also accepts events. Needs no token.',
  )
    .option('--url <url>', "the router's URL; default: the address in the configuration")
    .option('--ready', 'fail, too, where the router refuses events: its store cannot commit, or it is stopping')
    .addHelpText(
      'after',
      `
Examples:
  switchhook health
  switchhook health --ready --url http://127.0.0.1:8080

Exit codes: 0 the router responds (--ready: it accepts events), 1 otherwise, also without a reply within 5 s. Restart a router that fails this; do not restart one that only
fails it with --ready: it still answers calls, and recovers by itself.`,
    )
    .action(whenRun(output, async () => (await import('../commands/health.js')).runHealth));
}

export function historyCommand(output: Output): Command {
  return withPeriod(
    routerCommand(
      'history',
      'Show events, calls and deliveries of the last 48 hours, step by step; default: of the last hour.',
    ),
    '1h',
  )
    .option('--step <duration>', 'how long each line is, in whole minutes; default: about a dozen lines')
    .option('--source <name>', 'only events and calls of this source')
    .option('--destination <name>', 'only deliveries for this destination')
    .addHelpText(
      'after',
      `
Examples:
  switchhook history
  switchhook history --since 1d --step 1h
  switchhook history --since today --destination crm`,
    )
    .action(whenRun(output, async () => (await import('../commands/history.js')).runHistory));
}

export function tailCommand(output: Output): Command {
  const command = routerCommand('tail', 'Show events and attempts of deliveries as they happen, until Ctrl-C.');
  return withEventFilter(command)
    .option('--number <number>', 'about this phone number')
    .option('--destination <name>', 'only attempts of this destination')
    .addOption(new Option('--show <what>', 'also the data of each event').choices(['data']))
    .option('--after <cursor>', 'continue where an earlier run ended; --json prints the cursor')
    .option('--limit <number>', 'end after this many events and attempts')
    .addHelpText(
      'after',
      `
Examples:
  switchhook tail
  switchhook tail --destination crm
  switchhook tail --type conversation_ended --show data
  switchhook tail --json

With --json each line is one JSON object. If the router does not answer for a while, the command continues where it stopped.
Of more than 200 changes at once, it shows the first 200 and counts the others.`,
    )
    .action(whenRun(output, async () => (await import('../commands/tail.js')).runTail));
}

export function openCommand(output: Output): Command {
  return routerCommand('open', 'Print the URL of the dashboard; on a terminal, open it in the browser, too.')
    .option('--no-browser', 'only print it')
    .addHelpText('after', '\nExamples:\n  switchhook open\n  switchhook open --no-browser')
    .action(whenRun(output, async () => (await import('../commands/open.js')).runOpen));
}

export function explainCommand(output: Output): Command {
  return routerCommand('explain', 'Show why an event was routed as it was: every route, every delivery, every attempt.')
    .argument(
      '<what>',
      'id of an event or a delivery; the subject of events, which is the id of their conversation; a JSON file with a body or an event; or, with --source, a sample of the source',
    )
    .option(
      '-s, --source <name>',
      'of a file or sample: the source that would receive it; needed for a sample, and where there are several',
    )
    .option('--cursor <cursor>', 'of a conversation: the events before those that were explained')
    .addHelpText(
      'after',
      `
Examples:
  switchhook explain conv_123
  switchhook explain 01890a5d-ac96-774b-bcce-b302099a8057
  switchhook explain captured.json --source agents
  switchhook explain conversation_ended --source agents
  switchhook explain delivery.dead --source router

A file or a sample is explained by the configuration file as it is now, without a router; with --url by the router there. The ids of its
event and deliveries are examples, as are the headers made from them, such as Idempotency-Key: real ones are made on receipt.`,
    )
    .action(whenRun(output, async () => (await import('../commands/explain.js')).runExplain));
}

export function eventsCommand(output: Output): Command {
  const command = routerCommand('events', 'List events, or show one: its data, its deliveries, every attempt.');
  return withWatch(withPart(withPeriod(withEventFilter(command.argument('[id]', 'id of an event')))))
    .option('--number <number>', 'about this phone number')
    .option('--state <state>', 'with a delivery that is waiting, running, delivered, dead, skipped or gathered')
    .option('--unrouted', 'only events that matched no route')
    .option('--came-again', 'only events that came again since the router started')
    .option('--duplicates', 'events that came again since the router started, and how often')
    .option('--text <text>', 'only events whose data contain this text, in upper or lower case')
    .option('--where <condition>', 'only events for which this condition is true, e.g. "event.data.duration > 60"')
    .option('--secret <position>', 'only events that this secret of their source has verified: 2 = the second one')
    .option('--unevaluated <route>', 'only events for which the condition of this route cannot be evaluated')
    .option(
      '--last <number>',
      'with --text, --where, --secret or --unevaluated: how many events to look at, up to 10000; default: 1000',
    )
    .option('--body', 'of one event: only its data, as text that is kept character by character')
    .addHelpText(
      'after',
      `
Examples:
  switchhook events --since 2h --type conversation_ended
  switchhook events --text "+49 30 1234567" --since 1d
  switchhook events --type conversation_ended --where "event.data.duration > 600" --last 10000
  switchhook events --source agents --secret 2 --last 10000
  switchhook events --type conversation_ended --watch
  switchhook events 01890a5d-ac96-774b-bcce-b302099a8057

--text, --where, --secret and --unevaluated look at the newest 1,000 events that match the other options, for 5 s at most. A condition is CEL, as in where of a route.`,
    )
    .action(whenRun(output, async () => (await import('../commands/events.js')).runEvents));
}

export function deliveriesCommand(output: Output): Command {
  const command = routerCommand('deliveries', 'List deliveries, or show one with all its attempts.');
  const list = withSettledPeriod(withPeriod(withDeliveryFilter(command.argument('[id]', 'id of a delivery'))));
  return withWatch(withPart(list))
    .addHelpText(
      'after',
      `

Examples:
  switchhook deliveries --state waiting --destination crm --watch
  switchhook deliveries --failure "HTTP 503 Service Unavailable"
  switchhook deliveries --event 01890a5d-ac96-774b-bcce-b302099a8057
  switchhook deliveries 01890a5d-ac96-774b-bcce-b302099a8057.0`,
    )
    .action(whenRun(output, async () => (await import('../commands/deliveries.js')).runDeliveries));
}

export function callsCommand(output: Output): Command {
  const command = routerCommand('calls', 'List the calls that were answered, or show one.');
  return withWatch(withPart(withPeriod(command.argument('[event]', 'id of its event'))))
    .option('--number <number>', 'of this caller, or to this number, E.164')
    .option('--source <name>', 'of this source')
    .option('--answer <name>', 'with this answer')
    .option('--step <step>', 'fresh, cached, stale, default, none, minimum, or unanswered: no answer matched')
    .option('--resolver <name>', 'that needed facts of this resolver')
    .addHelpText(
      'after',
      `
Examples:
  switchhook calls --since 2h --watch
  switchhook calls --number +12345678912 --limit 10
  switchhook calls --step unanswered --since 1d
  switchhook calls 01890a5d-ac96-774b-bcce-b302099a8057`,
    )
    .action(whenRun(output, async () => (await import('../commands/calls.js')).runCalls));
}

export function deadCommand(output: Output): Command {
  const command = routerCommand(
    'dead',
    'List dead deliveries that were neither replayed nor discarded, with their failures.',
  );
  return withWatch(withPart(withDiedPeriod(withPeriod(command))))
    .option('--destination <name>', 'for this destination')
    .option('--route <name>', 'by this route')
    .option('--reason <reason>', 'rejected or exhausted')
    .option('--failure <text>', 'whose last attempt failed so, as this list or `dead --group` shows it')
    .option('--group', 'count them by destination and failure instead of listing them')
    .addHelpText(
      'after',
      `
Examples:
  switchhook dead --watch
  switchhook dead --group --died-since yesterday
  switchhook dead --destination crm --since 1d`,
    )
    .action(whenRun(output, async () => (await import('../commands/dead.js')).runDead));
}

export function refusedCommand(output: Output): Command {
  const command = routerCommand(
    'refused',
    'List requests to sources that were refused since the router started: when, why, and whose secret they have.',
  ).argument('[id]', 'with --save: id of the request; default: the latest that is kept whole');
  return withPart(withPeriod(command))
    .option('--source <name>', 'to this source')
    .option('--agent <id>', 'that name this agent, which is not verified')
    .option('--code <code>', 'with this code, e.g. UNVERIFIED')
    .option('--group', 'count them by source, agent, code and reason instead of listing them')
    .option('--save <file>', 'write one that is kept whole (capture: true), with personal data, for doctor signature')
    .addHelpText(
      'after',
      `
Examples:
  switchhook refused --group
  switchhook refused --source agents --since 1h
  switchhook refused --code UNVERIFIED --agent agent_sales
  switchhook refused --source agents --save request.http`,
    )
    .action(whenRun(output, async () => (await import('../commands/refused.js')).runRefused));
}

export function incompleteCommand(output: Output): Command {
  return withPart(
    routerCommand('incomplete', 'List conversations of which an event did not arrive in time, the latest first.'),
  )
    .option('-s, --source <name>', 'of this source')
    .option('--subject <id>', 'of this conversation or call')
    .option('--utc', "show times in UTC instead of by this machine's clock")
    .addHelpText(
      'after',
      `
Examples:
  switchhook incomplete
  switchhook incomplete --source agents --json

\`followedBy\` of a source sets which event follows which, and within what time. A conversation whose event arrives late
is removed from the list, and others when the retention of the store has passed.`,
    )
    .action(whenRun(output, async () => (await import('../commands/incomplete.js')).runIncomplete));
}
