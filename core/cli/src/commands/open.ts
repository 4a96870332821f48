/** `switchhook open`: the URL of the dashboard, opened in a browser. */
import { spawn } from 'node:child_process';
import { type RouterOptions, withRouter } from '../api-client.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { printJson } from '../print.js';

interface OpenOptions extends RouterOptions {
  readonly browser: boolean;
}

/** By platform, what opens a URL in the browser of the user. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

export async function runOpen(output: Output, options: OpenOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (!(await router.hasPages()))
      throw new CommandFailure(
        exitCodes.failed,
        `The router at ${router.url} serves no dashboard: install @switchhook/dashboard beside it, and do not set server.dashboard to false.`,
      );
    const url = `${router.url}/`;
    if (options.json) printJson(output, { url });
    else output.line(url);
    if (output.terminal && options.browser && !options.json) openBrowser(url);
  });
}

/** The URL is printed already: without a browser, on a server for example, nothing more happens. */
function openBrowser(url: string): void {
  const [file, ...given] = openers[process.platform] ?? ['xdg-open'];
  spawn(file, [...given, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
