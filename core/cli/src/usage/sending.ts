/** Commands that send a router what a platform would send. */
import type { Command } from 'commander';
import type { Output } from '../output.js';
import { collected, configCommand, count, routerCommand, whenRun } from './options.js';

export function sendCommand(output: Output): Command {
  return configCommand('send', 'Send a signed event to the router: a sample of its sources, or a file.')
    .argument('<sample|file>', 'a sample such as conversation_ended, or a JSON file with a body or an event')
    .option('-s, --source <name>', 'the source, where several could take it')
    .option(
      '--url <url>',
      "the router's URL, e.g. https://hooks.example.com; default: the address in the configuration",
    )
    .option('--same', 'send the sample with the ids it has, as a repeated request; default: with new ones')
    .option('--set <field=value>', 'change a field of the body, e.g. duration=10; can be repeated', collected, [])
    .option('--print', 'print the request instead of sending it')
    .option('--by-router', 'have the router sign it with its own secrets, through its API: they need not be here')
    .option(
      '--token <token>',
      'with --by-router: bearer token of its API; default: server.admin.token of the configuration',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook send conversation_ended
  switchhook send conversation_ended --set conversationId=conv_2 --set duration=10
  switchhook send captured.json --source agents --url https://hooks.example.com
  switchhook send conversation_ended --by-router --url https://hooks.example.com --token …

A file with an event, as switchhook events <id> --json prints it and the dashboard copies it, names its source.`,
    )
    .action(whenRun(output, async () => (await import('../commands/send.js')).runSend));
}

export function samplesCommand(output: Output): Command {
  return routerCommand('samples', 'List the bodies that the sources of the running router can be tried with.')
    .argument('[sample]', 'print the body of this one')
    .option('-s, --source <name>', 'of this source')
    .addHelpText(
      'after',
      `
Examples:
  switchhook samples
  switchhook samples conversation_ended > body.json
  switchhook explain body.json --source agents`,
    )
    .action(whenRun(output, async () => (await import('../commands/samples.js')).runSamples));
}

export function callCommand(output: Output): Command {
  return routerCommand('call', 'Request the answer to a call, as the platform does while the phone rings.')
    .requiredOption('--from <number>', "the caller's number, E.164; '' = withheld")
    .requiredOption('--to <number>', 'the called number, E.164')
    .option('--agent <id>', 'the agent of the called number')
    .option('-s, --source <name>', 'the source of calls, where there are several')
    .option('--offline', 'answer from the configuration itself, without a running router: nothing is recorded')
    .option('--repeat <number>', 'call so often; ${{ n }} in a number is 1, 2, …', count(1), 1)
    .option('--concurrency <number>', 'so many calls at the same time', count(1), 1)
    .addHelpText(
      'after',
      `
Examples:
  switchhook call --from +12345678912 --to +12345678913
  switchhook call --from +12345678912 --to +12345678913 --agent agent_sales --json
  switchhook call --from +12345678912 --to +12345678913 --offline
  switchhook call --from '+1202555\${{ 1000 + n }}' --to +12345678913 --repeat 100 --concurrency 10

The router's API reports where each value comes from and how each look-up went. Without access to the API, only the
reply is shown. A router treats calls between the same numbers within 40 s as one call and answers them alike:
--repeat with \${{ n }} makes different calls. With --offline, resolvers run as usual; what they
need of the router's own store is not there.`,
    )
    .action(whenRun(output, async () => (await import('../commands/call.js')).runCall));
}

export function simulateCommand(output: Output): Command {
  return routerCommand('simulate', 'Run scenarios as a calling platform would, signed, and evaluate the router.')
    .argument('[scenarios...]', 'a scenario that comes with the router, or a file')
    .option('--start', 'start a router for it: on a free port, with a temporary store, without real deliveries')
    .option('--to <number>', 'the number that is called, in place of the one in the scenario')
    .option('--agent <id>', 'the agent of that number')
    .option('--list', 'list the scenarios that come with the router')
    .addHelpText(
      'after',
      `
Examples:
  switchhook simulate --list
  switchhook simulate happy-call --start
  switchhook simulate fifty-phones --start --to +12345678913
  switchhook simulate my-scenario.yaml --url http://localhost:8080 --json

Without --start, the requests go to the router of the configuration or of --url: its routes deliver simulated events like
anything else. Exit code 1 if something broke. docs/simulating.md describes scenarios and how to write one.`,
    )
    .action(whenRun(output, async () => (await import('../commands/simulate.js')).runSimulate));
}
