/** Detects code that blocks the process, so that no call is answered, and reports its file and line. */
import { Worker } from 'node:worker_threads';
import type { Clock, Log, Metrics } from '@switchhook/sdk';
import { workMemory } from './current-work.js';

/** What the watching thread is given. The counter grows while all is well. */
export interface Watched {
  readonly beats: SharedArrayBuffer;
  readonly beatMs: number;
  /** Names the row that is loaded or made: see `workIn`. */
  readonly work: SharedArrayBuffer;
  /** Silence that is reported. */
  readonly limitMs: number;
  /** Of a command: the exit code, and the silence after which it ends the process. A router is never ended. */
  readonly end?: { readonly afterMs: number; readonly exitCode: number };
}

/** A stretch of time in which nothing else could run. */
export interface Block {
  readonly ms: number;
  /** Package, or file, of the innermost code that is not the router's own; `unknown` where it could not be seen. */
  readonly by: string;
  /** `function file:line:column`, innermost first. */
  readonly stack: readonly string[];
}

const beatMs = 250;

/**
 * Watches a command that imports plugins and makes their components: code of others that has not returned after `reportMs`
 * is reported on standard error by file and line, and after `endMs` the process ends with `exitCode`. Both count from
 * the last moment at which anything else could run. The thread does not keep the process running.
 */
export function watchLoading(limits: { reportMs: number; endMs: number; exitCode: number }): {
  close(): Promise<void>;
} {
  const end = { afterMs: limits.endMs, exitCode: limits.exitCode };
  const { worker, counter } = startThread({ limitMs: limits.reportMs, end });
  // A timer would keep the process running; questions of the thread do not.
  worker.on('message', () => Atomics.add(counter, 0, 1));
  worker.on('error', () => {}); // Without its thread, a command works as before.
  worker.unref();
  return { close: async () => void (await worker.terminate()) };
}

/** Starts watching a router. The thread costs some megabytes and four wake-ups a second; it looks into the main thread only while that is blocked. */
export function openWatchdog(clock: Clock, log: Log, metrics: Metrics): { close(): Promise<void> } {
  const { worker, counter } = startThread({ limitMs: 1_000 });
  // The message arrives when the block is over.
  worker.on('message', ({ ms, by, stack }: Block) => {
    log.error('loop.blocked', { ms, by, stack });
    metrics.count('loop_blocks_total', 'Times something kept the process to itself for more than a second', { by });
  });
  worker.on('error', (error) => log.warn('watchdog.failed', { error }));
  worker.unref();

  let cancel = (): void => {};
  const beat = (): void => {
    Atomics.add(counter, 0, 1);
    cancel = clock.after(beatMs, beat);
  };
  beat();
  return {
    close: async () => {
      cancel();
      await worker.terminate();
    },
  };
}

function startThread(limits: Pick<Watched, 'limitMs' | 'end'>): { worker: Worker; counter: Int32Array } {
  const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const workerData: Watched = { beats, beatMs, work: workMemory, ...limits };
  // Without loaders of the process (tsx), which would only make it larger.
  const options = { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 2 } };
  const worker = new Worker(new URL('./watchdog-worker.js', import.meta.url), options);
  return { worker, counter: new Int32Array(beats) };
}
