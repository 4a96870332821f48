import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process that runs one of the scripts beside this file. */
export interface Running {
  readonly process: ChildProcess;
  /** What it has written so far, line by line. */
  readonly lines: readonly string[];
  /** Resolves when it has written so many lines. */
  wrote(count: number): Promise<void>;
  /** Kills it with SIGKILL; resolves when it is gone and everything it wrote has been read. */
  kill(): Promise<void>;
  /** Its exit code, when it has ended by itself. */
  ended(): Promise<number | null>;
}

export function run(script: string, ...parameters: readonly string[]): Running {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const closed = once(child, 'close');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const { resolve } of waiting.filter(({ count }) => lines.length >= count)) resolve();
    waiting = waiting.filter(({ count }) => lines.length < count);
  });
  return {
    process: child,
    lines,
    wrote: (count) =>
      new Promise((resolve, reject) => {
        if (lines.length >= count) return resolve();
        waiting.push({ count, resolve });
        void closed.then(() => reject(new Error(`the process ended after ${lines.length} lines`)));
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    ended: async () => {
      await closed;
      return child.exitCode;
    },
  };
}
