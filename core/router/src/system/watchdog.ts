/** Detects code that blocks the process, so that no call is answered, and reports its file and line. */
import { Worker } from 'node:worker_threads';
import type { Clock, Log, Metrics } from '@switchhook/sdk';

/** What the watching thread is given. The counter grows while all is well. */
export interface Watched {
  readonly beats: SharedArrayBuffer;
  readonly beatMs: number;
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

/** Starts watching. The thread costs some megabytes and four wake-ups a second; it looks into the main thread only while that is blocked. */
export function openWatchdog(clock: Clock, log: Log, metrics: Metrics): { close(): Promise<void> } {
  const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const counter = new Int32Array(beats);
  const workerData: Watched = { beats, beatMs };
  // Without loaders of the process (tsx), which would only make it larger.
  const options = { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 2 } };
  const worker = new Worker(new URL('./watchdog-worker.js', import.meta.url), options);
  worker.unref();
  // One second of silence is the thread's limit; the message arrives when the block is over.
  worker.on('message', ({ ms, by, stack }: Block) => {
    log.error('loop.blocked', { ms, by, stack });
    metrics.count('loop_blocks_total', 'Times something kept the process to itself for more than a second', { by });
  });
  worker.on('error', (error) => log.warn('watchdog.failed', { error }));

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
