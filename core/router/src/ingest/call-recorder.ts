/** Calls become events beside their replies: a few tries, a bounded number at a time, never in the way of a caller. */
import type { Clock, EventRecord, Log } from '@switchhook/sdk';
import { errorMessage, Sleep, withTimeout } from '@switchhook/sdk/internal';
import type { CallTelemetry } from '../calls/telemetry.js';
import type { Ingest } from './ingest.js';

interface Parts {
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly log: Log;
  readonly callTelemetry: CallTelemetry;
}

/** Waits between the tries: a store that is away for less than twenty minutes misses no call. */
const waitsMs = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000];
/** A try that takes longer may still succeed; the next one is then a duplicate. */
const tryMs = 10_000;
/** Calls that wait for a store at the same time; a few kilobytes each. */
const mostWaiting = 2_000;

export class CallRecorder {
  readonly #parts: Parts;
  readonly #recording = new Set<Promise<void>>();
  /** Ends the waits between tries. */
  readonly #sleep: Sleep;
  #closing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sleep = new Sleep(parts.clock);
  }

  /** Records a call, as far as the store lets it. Returns at once. */
  record(record: EventRecord): void {
    if (this.#recording.size >= mostWaiting) {
      this.#parts.callTelemetry.unrecorded(record, `${mostWaiting} calls wait for the store already`);
      return;
    }
    const recording = this.#tried(record).finally(() => this.#recording.delete(recording));
    this.#recording.add(recording);
  }

  /** The store is there: calls that wait for it are tried now. */
  open(): void {
    this.#sleep.wake();
  }

  /** Waits for no further try: each call that is not recorded gets its last one now. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#sleep.end();
    await Promise.all(this.#recording);
  }

  async #tried(record: EventRecord): Promise<void> {
    const { clock, log, ingest, callTelemetry } = this.#parts;
    for (const waitMs of [...waitsMs, null]) {
      const isLast = waitMs === null || this.#closing;
      try {
        // The same event twice is a duplicate.
        await withTimeout(clock, tryMs, ingest.commit([record]));
        return;
      } catch (error) {
        const reason = errorMessage(error);
        if (isLast) {
          callTelemetry.unrecorded(record, reason);
          return;
        }
        log.warn('call.recording-failed', { key: record.key, reason, waitMs });
        await this.#sleep.for(waitMs);
      }
    }
  }
}
