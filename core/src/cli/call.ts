/** `switchhook call`: rings at the router like the platform would, and shows what it answers. */
import type { Command } from 'commander';
import type { Config } from '../config/config.js';
import { systemClock } from '../runtime/clock.js';
import { CommandFailure, exitCodes } from './failure.js';
import { type ConfigOptions, configCommand, configOf } from './options.js';
import { type Output, printJson, styled } from './output.js';
import { sent, signedRequest } from './send.js';

interface CallOptions extends ConfigOptions {
  readonly from: string;
  readonly to: string;
  readonly agent?: string;
  readonly source?: string;
  readonly url?: string;
}

export function callCommand(output: Output): Command {
  return configCommand(
    'call',
    'Ask the running router for the answer to a call, as the platform does while the phone rings.',
  )
    .requiredOption('--from <number>', "the caller's number, E.164")
    .requiredOption('--to <number>', 'the called number, E.164')
    .option('--agent <id>', 'the agent of the called number')
    .option('-s, --source <name>', 'the source of calls, where there are several')
    .option('--url <url>', 'the router; default: where the configuration says it listens')
    .addHelpText(
      'after',
      `
Examples:
  switchhook call --from +12345678912 --to +12345678913
  switchhook call --from +12345678912 --to +12345678913 --agent agent_sales --json`,
    )
    .action(async (options: CallOptions) => {
      const config = await configOf(options, output);
      const { name, component } = callSource(config, options.source);
      const body = component.callBody?.({ from: options.from, to: options.to, agent: options.agent ?? null });
      if (body === undefined) throw new CommandFailure(exitCodes.failed, `source ${name} cannot make a call by itself`);
      const request = signedRequest(config, name, body, options.url);
      const startedAt = systemClock.elapsed();
      const { status, reply } = await sent(request);
      const ms = Math.round(systemClock.elapsed() - startedAt);
      if (options.json) printJson(output, { source: name, status, ms, reply });
      else {
        output.line(`${styled(output, status < 300 ? 'green' : 'red', String(status))} in ${ms} ms`);
        output.line(JSON.stringify(reply, null, 2));
      }
      if (status >= 300) throw new CommandFailure(exitCodes.failed);
    });
}

function callSource(config: Config, wanted: string | undefined): Config['sources'][number] {
  const sources = config.sources.filter(({ component }) => component.calls === true);
  const [only, ...others] = wanted === undefined ? sources : sources.filter(({ name }) => name === wanted);
  const names = sources.map(({ name }) => name).join('|');
  if (only === undefined)
    throw new CommandFailure(
      exitCodes.usage,
      `the configuration has no such source of calls; it has: ${names || 'none'}`,
    );
  if (others.length > 0) throw new CommandFailure(exitCodes.usage, `say which source: --source ${names}`);
  return only;
}
