/** `switchhook reload`: has a running router read its configuration again. */
import { type ReloadReport, reloadReport } from '@switchhook/core/api';
import { type RouterOptions, RouterRefusal, withRouter } from '../api-client.js';
import { changesIn } from '../format/reload.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { noteProblems, printJson } from '../print.js';

interface ReloadOptions extends RouterOptions {
  readonly dryRun?: true;
  readonly removed: 'drain' | 'keep';
}

export async function runReload(output: Output, options: ReloadOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    const { dryRun = false, removed } = options;
    try {
      const report = await router.post('/api/reload', reloadReport, { dryRun, removed });
      if (options.json) printJson(output, report);
      else print(report, output);
    } catch (error) {
      throw error instanceof RouterRefusal ? explained(error, options, output) : error;
    }
  });
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
