/** How much this process takes: its memory, and how busy its thread is. */
import { Clock } from '@switchhook/sdk';
import { inject, injectable } from './injection.js';

/** What the process takes. */
export interface ProcessLoad {
  /** Resident memory. */
  readonly memoryBytes: number;
  /** Of the time since about ten seconds ago, the share in which code ran: at 1, everything waits. */
  readonly busyShare: number;
}

/** Before that, a measurement is too short to say much. */
const shortestMs = 10_000;

@injectable()
export class ProcessLoadReader {
  #before = performance.eventLoopUtilization();
  #since = performance.eventLoopUtilization();
  #sinceMs: number;

  constructor(@inject(Clock) private readonly clock: Clock) {
    this.#sinceMs = clock.elapsed();
  }

  read(): ProcessLoad {
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, this.#before);
    const nowMs = this.clock.elapsed();
    if (nowMs - this.#sinceMs >= shortestMs) {
      this.#before = this.#since;
      this.#since = current;
      this.#sinceMs = nowMs;
    }
    return { memoryBytes: process.memoryUsage.rss(), busyShare: Math.min(1, Math.max(0, utilization)) };
  }
}
