/** Commands that run a router, or read a configuration as a router does. */
import { Argument, Command } from 'commander';
import type { Shown } from '../commands/config.js';
import type { Output } from '../output.js';
import {
  collected,
  configCommand,
  configOption,
  count,
  portIn,
  routerCommand,
  whenRun,
  withPeriod,
} from './options.js';

export function startCommand(output: Output): Command {
  return configCommand(
    'start',
    'Run the router. SIGTERM or SIGINT ends it: what runs is finished, the rest waits for the next start.',
  )
    .option('--dry-run', 'on a free port, with a temporary store, without real deliveries')
    .option(
      '--port <number>',
      'listen at this port in place of server.port; with --dry-run in place of a free one',
      portIn,
    )
    .option(
      '--replaceable',
      'in a process of its own, which switchhook restart replaces by a new one without refusing a request',
    )
    .option('--watch', 'reload when the configuration file is saved, or a file that it refers to')
    .option(
      '--otel',
      'send traces by OpenTelemetry; default: only if its packages are installed and OTEL_EXPORTER_OTLP_ENDPOINT is set',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook start
  switchhook start --config /etc/switchhook/switchhook.yaml
  switchhook start --dry-run --port 8080
  switchhook start --watch
  switchhook start --replaceable
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 switchhook start

SIGHUP reloads the configuration, as switchhook reload does; on a terminal, which sends it when it is closed, it ends the router.
With --replaceable, SIGUSR2 restarts the router, as switchhook restart does. A socket from systemd (LISTEN_FDS) is listened on in
place of server.host and server.port.
A second signal ends at once; nothing that was acknowledged is lost either way.`,
    )
    .action(whenRun(output, async () => (await import('../commands/start.js')).runStart));
}

export function devCommand(output: Output): Command {
  return new Command('dev')
    .description('Run a router while you write: reload, check types and send an event after each save.')
    .addOption(configOption('the configuration file'))
    .option('--send <sample|file>', 'what is sent after each save: a sample such as conversation_ended, or a JSON file')
    .option('-s, --source <name>', 'of --send: the source, where several could take it')
    .option('--set <field=value>', 'of --send: change a field of the body; can be repeated', collected, [])
    .option('--event <id>', 'what is sent after each save: an event that a running router has received')
    .option('--url <url>', 'of --event: the URL of that router; default: the address in the configuration')
    .option('--token <token>', 'of --event: bearer token of its API; default: server.admin.token of the configuration')
    .option(
      '--deliver [name...]',
      'really deliver, to these destinations or to all; default: only show what they would get',
    )
    .option('--port <number>', 'listen at this port of this machine; default: a free one', portIn, 0)
    .addHelpText(
      'after',
      `
Examples:
  switchhook dev --send conversation_ended
  switchhook dev --send conversation_ended --deliver crm
  switchhook dev --send captured.json --source agents --config switchhook.yaml
  switchhook dev --event 01890a5d-ac96-774b-bcce-b302099a8057

It watches the configuration file, the files that it refers to, and local plugins with what they import. After a save with an error,
the last valid version keeps running. Without --send and --event, the event that was received last is sent again; it is a new event
after each save, no duplicate. The store is temporary. For a call, the answer is shown: each variable, and which resolver gave it.`,
    )
    .action(whenRun(output, async () => (await import('../commands/dev.js')).runDev));
}

/** What `config` shows. */
const shownParts: readonly Shown[] = ['text', 'routes', 'answers', 'components', 'types'];

export function showConfigCommand(output: Output): Command {
  const part = new Argument('[part]', 'what to show of it').choices(shownParts).default('text');
  return routerCommand('config', 'Show the configuration that a running router works with, without secrets.')
    .addArgument(part)
    .argument('[type]', 'with types: shows the options of this one, e.g. slack.message')
    .addHelpText(
      'after',
      `
Examples:
  switchhook config
  switchhook config answers --json
  switchhook config types slack.message --url http://127.0.0.1:8080

text shows the file as the router has read it, with *** in place of whatever is or may be a secret, its warnings, and whether it has changed
since then. types lists what is installed where the router runs; switchhook plugins lists what is installed here.`,
    )
    .action(whenRun(output, async () => (await import('../commands/config.js')).runConfig));
}

export function checkCommand(output: Output): Command {
  return configCommand('check', 'Check the configuration: every problem at once, with file, line and column.')
    .argument('[file]', 'the configuration file, as --config')
    .option('--connect', 'also reach what the store, destinations and resolvers depend on, without effect')
    .option('--prompt <file>', "an agent's prompt: is each of its {{ placeholders }} filled by the answers?")
    .option('--answer <name>', 'the answer the prompt belongs to, where there are several; default: all')
    .addHelpText(
      'after',
      `
Examples:
  switchhook check
  switchhook check config/examples/slack.yaml
  switchhook check --prompt sales-prompt.txt --answer sales-line
  switchhook check --connect --json`,
    )
    .action(whenRun(output, async () => (await import('../commands/check.js')).runCheck));
}

export function planCommand(output: Output): Command {
  const command = new Command('plan')
    .description(
      'Compare what was done with past events with what a configuration would do with them. Nothing is sent.',
    )
    .addOption(configOption('the configuration to try'))
    .addOption(configOption('the configuration of the running router, for its address and token', '--running <file>'))
    .option('--json', 'print JSON, for other programs')
    .option('--url <url>', "the running router's URL; default: the address in the configuration of --running")
    .option(
      '--token <token>',
      'bearer token of its API; default: server.admin.token of the configuration of --running',
    );
  return withPeriod(command, '7d')
    .option('--limit <number>', 'compare the newest events of the period, so many at most', count(1), 10_000)
    .option('--fixtures <path>', 'compare events in a folder, or in a .json or .ndjson file, without a router')
    .option(
      '--fail-on <list>',
      'exit with 1 if there is any of these, separated by commas: failed, unrouted, fewer, more, answers, any',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook plan --config new.yaml
  switchhook plan --config new.yaml --since 1d --running /etc/switchhook/switchhook.yaml
  switchhook plan --fixtures fixtures --fail-on failed,unrouted

--config names the configuration to try. With --fail-on:
  failed    a condition, a transform or an expression of a variable fails on an event
  unrouted  an event has no delivery any more
  fewer     a destination gets fewer deliveries
  more      a destination gets more deliveries
  answers   a call gets another answer
  any       any of these

Resolvers are not called: variables that need facts which are not kept are counted as unknown.`,
    )
    .action(whenRun(output, async () => (await import('../commands/plan.js')).runPlan));
}

export function crashtestCommand(output: Output): Command {
  return new Command('crashtest')
    .description(
      'Kill routers again and again under load (SIGKILL, at random moments), and count what was acknowledged but lost.',
    )
    .option('--kills <number>', 'how often', count(1), 50)
    .option(
      '--freezes <number>',
      'how often one is also suspended for longer than a lease; default: one in 50',
      count(0),
    )
    .option('--routers <number>', 'how many run at once, with a store that they share', count(1), 1)
    .option('--deploys <number>', 'how often all routers are replaced one after another; default: one in 10', count(0))
    .option(
      '--outages <number>',
      'how often all connections to a PostgreSQL break, for up to 3 s; default: one in 10',
      count(0),
    )
    .option(
      '--breakers <number>',
      'how often a destination fails until its circuit breaker opens, and recovers; default: one in 10',
      count(0),
    )
    .option(
      '--restart-command <command>',
      'a shell command that restarts that PostgreSQL: run at the first outage, and then at one in 5',
    )
    .option('--rate <number>', 'events per second', count(1), 300)
    .option('--seed <number>', 'repeats the draws of an earlier run', count(0))
    .option('--directory <path>', 'where the directory of the test is made; default: the directory for temporary files')
    .option('--store <row>', 'the store: a type, a row of the configuration, or the URL of a PostgreSQL', 'sqlite')
    .option('--plugin <package|file>', 'a plugin to load, e.g. for the store; can be repeated', collected, [])
    .option('--json', 'print JSON, for other programs')
    .addHelpText(
      'after',
      `
Examples:
  switchhook crashtest
  switchhook crashtest --kills 200 --directory /var/lib/switchhook
  switchhook crashtest --store "{ use: sqlite, synchronous: normal }" --seed 7 --json
  switchhook crashtest --store postgres://switchhook@localhost/switchhook --routers 3 --kills 100
  switchhook crashtest --store postgres://switchhook@localhost/switchhook --restart-command "systemctl restart postgresql"

It needs no configuration: the routers run with senders, callers, resolvers and receivers of the test, which fail, hang and cut
connections at random. With the URL of a PostgreSQL, everything is stored in its schema switchhook_crashtest, which must be empty, and is
emptied again where nothing was lost. A sender offers each event to the routers in turn, as a load balancer does.
Exit code 1 if an acknowledged event is lost, an attempt is made twice or beyond the last, an order is broken, a rate limit is
exceeded, a call is not answered in time, no router takes an event while routers are replaced, or routers go on calling a
destination whose circuit breaker has opened in one of them.
Ctrl-C ends it early and counts what was done; a second one ends it at once. Killing a process proves nothing about a
power failure: for that, the disk must keep what it has confirmed as written.`,
    )
    .action(whenRun(output, async () => (await import('../commands/crashtest.js')).runCrashtest));
}

export function storeCommand(output: Output): Command {
  return new Command('store').description('Move what a store keeps.').addCommand(
    new Command('copy')
      .description('Copy everything from one store to another, and compare the events of both.')
      .requiredOption('--from <file>', 'the configuration of the store to read; no router runs with it')
      .requiredOption('--to <file>', 'the configuration of the store to write; no router runs with it yet')
      .option('--json', 'print JSON, for other programs')
      .addHelpText(
        'after',
        `
Examples:
  switchhook store copy --from sqlite.yaml --to postgres.yaml

What is the same in both stores is skipped: a copy that was interrupted continues, and a second one brings what has
changed since the first. Afterwards the days (UTC) of both are compared. Exit code 1 if they differ.`,
      )
      .action(whenRun(output, async () => (await import('../commands/store-copy.js')).copyStore)),
  );
}
