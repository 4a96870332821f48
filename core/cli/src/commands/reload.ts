/** `switchhook reload`: has a running router read its configuration again. */
import { type ReloadReport, reloadReport } from '@switchhook/core/api';
import { type Command, Option } from 'commander';
import { type RouterOptions, RouterRefusal, routerCommand, withRouter } from '../api-client.js';
import { changesIn } from '../format/reload.js';
import { CommandFailure, exitCodes, noteProblems, type Output, printJson, styled } from '../output.js';

interface ReloadOptions extends RouterOptions {
  readonly dryRun?: true;
  readonly removed: 'drain' | 'keep';
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
    .action((options: ReloadOptions) =>
      withRouter(options, output, async (router) => {
        const { dryRun = false, removed } = options;
        try {
          const report = await router.post('/api/reload', reloadReport, { dryRun, removed });
          if (options.json) printJson(output, report);
          else print(report, output);
        } catch (error) {
          throw error instanceof RouterRefusal ? explained(error, options, output) : error;
        }
      }),
    );
}

/** What is wrong is printed as `check` prints it. */
function explained(refusal: RouterRefusal, { json }: ReloadOptions, output: Output): CommandFailure {
  const { code, message, problems } = refusal;
  if (code === 'API_TOKEN_WRONG')
    return new CommandFailure(
      exitCodes.failed,
      `${message}\nIf the file has a new token, the router still expects the earlier one: pass that with --token, or send the router SIGHUP.`,
    );
  if (problems.length === 0) return refusal;
  if (json) printJson(output, { valid: false, problems });
  else {
    noteProblems(output, problems);
    output.note('\nNothing was changed.');
  }
  return new CommandFailure(exitCodes.configuration);
}

function print(report: ReloadReport, output: Output): void {
  const { file, dryRun, generation, draining, restart, warnings } = report;
  if (warnings.length > 0) {
    noteProblems(output, warnings, 'warning');
    output.note('');
  }
  const lines = changesIn(report);
  const state = dryRun ? `would be reloaded${lines.length === 0 ? '' : ', with these changes'}` : 'reloaded';
  const nothing = lines.length === 0 ? ', nothing has changed' : '';
  output.line(
    `${styled(output, 'green', 'ok')} ${file}: ${state}${nothing}${dryRun ? '' : ` (generation ${generation})`}`,
  );
  for (const line of lines) output.line(`  ${line}`);
  const removed = report.destinations.removed.filter((name) => !draining.includes(name));
  if (draining.length > 0) output.line(`Deliveries that wait for ${draining.join(', ')} are still made.`);
  if (removed.length > 0) output.line(`Deliveries for ${removed.join(', ')} wait until it is configured again.`);
  for (const { setting, reason } of restart)
    output.line(`${styled(output, 'yellow', 'after a restart')}: ${setting} (${reason})`);
}
