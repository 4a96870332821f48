/** Records answered calls as events: after the reply, with retries, for a bounded number of calls at a time. */
import { Clock, type EventDraft, type EventRecord, Log, type RawRequest } from '@switchhook/sdk';
import { errorMessage, Sleep, withTimeout } from '@switchhook/sdk/internal';
import type { CallAnswer, InboundCall } from '../calls/answer.js';
import { traceOf } from '../calls/reply.js';
import { CallTelemetry } from '../calls/telemetry.js';
import { recordOf } from '../routing/event-record.js';
import type { Routes } from '../routing/routes.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { inject, injectable } from '../system/injection.js';
import type { DraftMask } from './draft-mask.js';
import { Ingest } from './ingest.js';

/** Waits between the tries: a store that is away for less than twenty minutes misses no call. */
const waitsMs = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000];
/** A try that takes longer may still succeed; the next one is then a duplicate. */
const tryMs = 10_000;
/** Calls that wait for a store at the same time; a few kilobytes each. */
const mostWaiting = 2_000;

/** A request about a call, and its answer. */
export interface AnsweredRequest {
  readonly source: string;
  readonly request: Pick<RawRequest, 'receivedAtMs'>;
  readonly inboundCall: Pick<InboundCall, 'event' | 'call'>;
  readonly callAnswer: CallAnswer;
  /** Those of the configuration with which the call was answered. */
  readonly routes?: Routes;
  /** Of its source. */
  readonly mask?: DraftMask | undefined;
}

/** The event of a call, with its answer. `mask`: of its source; what was found for the answer is masked, too. */
export function answeredDraft(
  { event: { body: _, ...draft }, call }: Pick<InboundCall, 'event' | 'call'>,
  callAnswer: CallAnswer,
  mask: DraftMask = (whole) => whole,
): EventDraft {
  return mask({ ...draft, data: { ...draft.data, answer: traceOf(call, callAnswer) } });
}

@injectable()
export class CallRecorder {
  readonly #recording = new Map<Promise<boolean>, EventRecord>();
  /** Those among them that were erased meanwhile. */
  readonly #erased = new WeakSet<EventRecord>();
  /** Between tries. */
  readonly #sleep: Sleep;
  #closing = false;

  constructor(
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(CallTelemetry) private readonly telemetry: CallTelemetry,
  ) {
    this.#sleep = new Sleep(clock);
  }

  /**
   * A request about a call has its answer: logs it, and stores the call with its first request. Never throws; resolves with whether the
   * call is stored, which may take as long as all tries.
   */
  async record({ source, request, inboundCall, callAnswer, routes, mask }: AnsweredRequest): Promise<boolean> {
    const { event, call } = inboundCall;
    try {
      this.telemetry.answered(source, call, callAnswer);
      // The router that has answered may have ended before it stored the call. By its id, the store finds out whether it has.
      const mayBeLost = callAnswer.isOfOther === true && call.id !== null;
      if (callAnswer.repeated && !mayBeLost) return true;
      const whole = answeredDraft({ event, call }, callAnswer, mask);
      const record = recordOf(whole, source, request.receivedAtMs, callAnswer.trace.eventId);
      return await this.#store(record, routes);
    } catch (error) {
      this.log.error('call.unrecorded', { source, error });
      return false;
    }
  }

  /** The source could not read a request about a call, and its fallback was sent. */
  unread(source: string, error: unknown): void {
    this.log.error('source.failed', { source, error });
    this.telemetry.unread(source);
  }

  /** The store is open: calls that wait for it are tried now. */
  open(): void {
    this.#sleep.wake();
  }

  /** Waits for no further try: each call that is not recorded gets its last one now. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#sleep.end();
    await Promise.all(this.#recording.keys());
  }

  /** Calls that wait for the store and are about what was erased are not recorded any more. */
  forget(erased: ErasedThings, isDryRun: boolean): Removed {
    const found = [...this.#recording.values()].filter((record) =>
      erased.isAbout({ ...record, text: () => new TextDecoder().decode(record.body) }),
    );
    if (!isDryRun) for (const record of found) this.#erased.add(record);
    return { unrecorded: found.length };
  }

  async #store(record: EventRecord, routes?: Routes): Promise<boolean> {
    if (this.#recording.size >= mostWaiting) {
      this.telemetry.unrecorded(record, `${mostWaiting} calls already wait for the store`);
      return false;
    }
    const recording = this.#tried(record, routes).finally(() => this.#recording.delete(recording));
    this.#recording.set(recording, record);
    return recording;
  }

  async #tried(record: EventRecord, routes?: Routes): Promise<boolean> {
    for (const waitMs of [...waitsMs, null]) {
      const isLast = waitMs === null || this.#closing;
      if (this.#erased.has(record)) return true;
      try {
        // The same event twice is a duplicate.
        await withTimeout(this.clock, tryMs, this.ingest.commit([record], routes));
        return true;
      } catch (error) {
        const reason = errorMessage(error);
        if (isLast) {
          this.telemetry.unrecorded(record, reason);
          return false;
        }
        this.log.warn('call.recording-failed', { key: record.key, error, waitMs });
        await this.#sleep.for(waitMs);
      }
    }
    return false;
  }
}
