/** A directory of its own for a test, with a configuration in it, and routers that run from there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createRouter, type Router, type RouterOptions } from '@switchhook/core';

/** The script of the command. */
export const commandFile = fileURLToPath(new URL('../../core/cli/bin/switchhook.js', import.meta.url));
const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Variables beside those of the tests. */
type Environment = Readonly<Record<string, string>>;

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A router in a process of its own. */
export interface RouterProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** Log lines so far, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

/** A test's own directory. */
export interface Workplace {
  readonly directory: string;
  /** Path of a file in it. */
  path(name: string): string;
  write(name: string, content: string): Promise<string>;
  /** Makes the repository's packages importable from files of this directory. */
  link(): Promise<void>;
  /** An opened router in this process, listening. Closed with the workplace. */
  router(
    yaml: string,
    options?: RouterOptions,
  ): Promise<{ readonly router: Router; readonly url: string; readonly lines: string[] }>;
  /** `switchhook start` in a process of its own, ready. Killed with the workplace. */
  start(file: string, args?: readonly string[], environment?: Environment): Promise<RouterProcess>;
  /** An opened router of a file, in this process, listening. Closed with the workplace. */
  serve(file: string): Promise<{ readonly url: string }>;
  /** Runs a command of `switchhook` in this process, where what it does is tested and not the process. Takes a fiftieth of the time of `run`. */
  command(args: readonly string[]): Promise<Ended>;
  /** Runs a command of `switchhook` to its end, in a process of its own. */
  run(args: readonly string[], environment?: Environment): Promise<Ended>;
  /** The exit code of a command when what reads its two outputs has gone before the first line. */
  runUnread(args: readonly string[]): Promise<number | null>;
  close(): Promise<void>;
}

/** Makes one. Close it at the end of the test. */
export async function workplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-test-'));
  const before = process.cwd();
  const ends: (() => unknown)[] = [
    () => rm(directory, { recursive: true, force: true }),
    // Before it is removed.
    () => process.chdir(before),
  ];
  const path = (name: string): string => join(directory, name);
  const write = async (name: string, content: string): Promise<string> => {
    await writeFile(path(name), content);
    return path(name);
  };
  const opened = async (file: string, options: RouterOptions): Promise<{ router: Router; url: string }> => {
    const router = await createRouter(file, options);
    await router.open();
    ends.push(() => router.close());
    return { router, url: await router.listen() };
  };
  const launched = (args: readonly string[], environment: Environment) =>
    spawn(process.execPath, [commandFile, ...args], {
      cwd: directory,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    directory,
    path,
    write,
    link: () => symlink(join(repository, 'node_modules'), path('node_modules')),
    router: async (yaml, options = {}) => {
      const lines: string[] = [];
      const file = await write('switchhook.yaml', yaml);
      return {
        ...(await opened(file, { logTo: { write: (line) => lines.push(line) }, lingerMs: 0, ...options })),
        lines,
      };
    },
    serve: (file) => opened(file, { logTo: { write: () => {} }, lingerMs: 0 }),
    command: async (args) => {
      const [out, error]: [string[], string[]] = [[], []];
      process.chdir(directory);
      // As the command imports its parts: a test's own import may be another copy, whose errors are of other classes.
      const { plainOutput, runCommand } = await import('@switchhook/cli/internal');
      const code = await runCommand(
        args,
        plainOutput(
          (text) => out.push(`${text}\n`),
          (text) => error.push(`${text}\n`),
        ),
      );
      return { code, stdout: out.join(''), stderr: error.join('') };
    },
    start: async (file, args = [], environment = {}) => {
      const started = await startedRouter(file, directory, args, environment);
      ends.push(() => started.kill());
      return started;
    },
    run: async (args, environment = {}) => {
      const child = launched(args, environment);
      const [stdout, stderr] = [child.stdout, child.stderr].map(collected);
      const [code] = await once(child, 'close');
      return { code, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '' };
    },
    runUnread: async (args) => {
      const child = launched(args, {});
      child.stdout.destroy();
      child.stderr.destroy();
      const [code] = await once(child, 'exit');
      return code;
    },
    close: async () => {
      for (const end of ends.reverse()) await end();
    },
  };
}

async function startedRouter(
  file: string,
  directory: string,
  args: readonly string[],
  environment: Environment,
): Promise<RouterProcess> {
  const child = spawn(process.execPath, [commandFile, 'start', '--config', file, ...args], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: Readonly<Record<string, unknown>>[] = [];
  // With all it has written.
  const exited = once(child, 'close');
  const listening = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text);
      log.push(line);
      if (line.event === 'router.listening') resolve(line.url);
    });
    void exited.then(([code]) => reject(new Error(`the router ended with ${code}`)));
  });
  const url = await listening;
  return {
    url,
    process: child,
    log,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    },
  };
}

function collected(stream: NodeJS.ReadableStream): string[] {
  const chunks: string[] = [];
  stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  return chunks;
}

/** The repository's own directory: its plugins are installed for what runs below it. */
export { repository };
