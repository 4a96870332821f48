/** Runs the commands of a document the way its reader would: in one shell, beside a running router. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { workplace } from '../support/workplace.js';
import { environment } from './configurations.js';
import type { Block } from './documents.js';
import { repository } from './source.js';

/** The port of documents; a test takes a free one. */
const documentedPort = '8080';

/** Nothing in a document takes longer; what hangs is ended and named. */
export const longestRunMs = 180_000;

/** Runs blocks one after another, up to the first command that fails: `# path:line` of its block and what it said. Null where none does. */
export async function failureOf(blocks: readonly Block[], missing = missingPrograms()): Promise<string | null> {
  const place = await workplace();
  const commands = await commandServer();
  try {
    const port = await freePort();
    const file = await copyConfiguration(place.directory, port);
    await standIns(join(place.directory, 'bin'), missing);
    const uses = (words: RegExp) => blocks.some(({ code }) => words.test(code));
    if (uses(/switchhook restart\b/)) await place.start(file, ['--replaceable']);
    // Like the commands, in this process: the start of another one takes longer than most documents.
    else if (uses(/(?<![\w@/-])(switchhook|curl)\b/)) await place.serve(file);
    const script = blocks.map(({ path, line, code }) => `echo '# ${path}:${line}'\n${code}`).join('\n');
    return await run(script.replaceAll(`:${documentedPort}`, `:${port}`), place.directory, commands.port);
  } finally {
    await commands.close();
    await place.close();
  }
}

async function run(script: string, directory: string, commandPort: number): Promise<string | null> {
  const path = `${join(directory, 'bin')}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, ...environment, PATH: path, COMMAND_PORT: String(commandPort) };
  const options = { cwd: directory, env, timeout: longestRunMs };
  const child = promisify(execFile)('sh', ['-eu', '-c', script], options);
  return child.then(
    () => null,
    ({ stdout, stderr }) => `${stdout.match(/^# .*$/gm).at(-1)}\n${stderr || stdout}`,
  );
}

/** The repository's `config/`, with the port and the variables of the test. */
async function copyConfiguration(directory: string, port: number): Promise<string> {
  const folder = join(directory, 'config');
  await cp(join(repository, 'config'), folder, { recursive: true });
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(folder, '.env'), variables.join(''));
  const file = join(folder, 'switchhook.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(`port: ${documentedPort}`, `port: ${port}`));
  return file;
}

/**
 * What stands in for programs: `npx switchhook` is this repository's; `start` only checks, because the router runs
 * already; `npm` does nothing, because its scripts are looked up instead; a response of 400 and above fails `curl`.
 */
const programs: Readonly<Record<string, string>> = {
  npm: 'exit 0',
  npx: '[ "$1" = switchhook ] || { echo "npx $1: only switchhook runs here" >&2; exit 127; }\nexec "$@"',
  switchhook: `if [ "$1" = start ]; then shift; if [ "\${1:-}" = --replaceable ]; then shift; fi; set -- check "$@"; fi\nexec '${process.execPath}' '${standIn('switchhook')}' "$@"`,
  curl: `PATH="\${PATH#*${delimiter}}"\nexec curl --silent --show-error --fail "$@"`,
};

function standIn(name: string): string {
  return join(import.meta.dirname, `stand-ins/${name}.js`);
}

/** A command, as its stand-in passes it on. */
interface Command {
  readonly args: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the commands of the shell, one after another, in this process: most of the time of a short command is the start of its own. */
async function commandServer(): Promise<{ readonly port: number; close(): Promise<unknown> }> {
  // As the command imports its parts: a test's own import may be another copy, whose errors are of other classes.
  const { plainOutput, runCommand } = await import('@switchhook/cli/internal');
  const runOne = async ({ args, directory, env }: Command) => {
    const [out, error]: [string[], string[]] = [[], []];
    const before = { directory: process.cwd(), env: process.env };
    process.chdir(directory);
    process.env = { ...env };
    try {
      const [line, note] = [out, error].map((lines) => (text: string) => lines.push(`${text}\n`));
      const code = line && note ? await runCommand(args, plainOutput(line, note)) : 1;
      return { code, stdout: out.join(''), stderr: error.join('') };
    } finally {
      process.env = before.env;
      process.chdir(before.directory);
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const server = createHttpServer(async (incoming, outgoing) => {
    const command = (await json(incoming)) as Command;
    const ended = last.then(() => runOne(command));
    last = ended.catch(() => {});
    outgoing.end(JSON.stringify(await ended));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Makes them; `curl` and `openssl` are simple ones of ours where the machine has none. */
async function standIns(folder: string, missing: readonly string[]): Promise<void> {
  await mkdir(folder);
  const ours = missing.map((name) => [name, `exec '${process.execPath}' '${standIn(name)}' "$@"`]);
  for (const [name, script] of Object.entries({ ...programs, ...Object.fromEntries(ours) })) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
}

/** Which of the programs that documents use this machine lacks. */
function missingPrograms(): readonly string[] {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return ['curl', 'openssl'].filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

/** Below the ports that the system hands out by itself, so that no other process gets it before the router listens. */
async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_768);
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return freePort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
