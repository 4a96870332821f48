/** The product, from top to bottom: a request is received, an event is routed, committed and delivered, a call is answered. */
import {
  type EventDraft,
  type EventRecord,
  type HttpReply,
  isRefusal,
  type PhoneNormalizer,
  type RawRequest,
  type Reception,
  refuse,
  type Source,
} from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import type { Answers, CallAnswer, InboundCall } from './calls/answer.js';
import { fallbackReply, replyTo, traceOf } from './calls/reply.js';
import type { CallTelemetry } from './calls/telemetry.js';
import { Dispatcher, type DispatcherParts } from './delivery/dispatcher.js';
import type { QueueLoad } from './delivery/queue.js';
import { CallRecorder } from './ingest/call-recorder.js';
import type { RecentDuplicate } from './ingest/duplicates.js';
import { Ingest } from './ingest/ingest.js';
import { readReception } from './ingest/reception.js';
import type { IngestTelemetry } from './ingest/telemetry.js';
import { recordFrom, recordOf } from './routing/event-record.js';

/** What the pipeline is made of; the maps are by name. */
export interface PipelineParts extends DispatcherParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly answers: Answers;
  readonly numbers: PhoneNormalizer;
  readonly ingestTelemetry: IngestTelemetry;
  readonly callTelemetry: CallTelemetry;
}

/** Verifying takes microseconds; a source that asks somebody else first gets no more of a ring, or of a sender's patience. */
const verifyMs = { call: 2_000, events: 10_000 };

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #dispatcher: Dispatcher;
  readonly #recorder: CallRecorder;
  readonly #ingest: Ingest;

  constructor(parts: PipelineParts) {
    const { store, clock, log, ingestTelemetry, callTelemetry } = parts;
    this.#parts = parts;
    this.#dispatcher = new Dispatcher(parts);
    this.#ingest = new Ingest({ store, dispatcher: this.#dispatcher, clock, ingestTelemetry });
    this.#recorder = new CallRecorder({ ingest: this.#ingest, clock, log, callTelemetry });
  }

  /** The store is open: takes up what it has left from before, and what waits for it. Requests may have come already. */
  open(): void {
    this.#recorder.open();
    this.#dispatcher.open();
  }

  /** Starts no further attempt; resolves when the running ones are settled, and calls are recorded. */
  async close(): Promise<void> {
    await Promise.all([this.#recorder.close(), this.#dispatcher.close()]);
  }

  /** After `close`, where it took too long: leaves what is not settled to the next start. */
  abandon(): void {
    this.#dispatcher.abandon();
  }

  /** The store has something for a destination, due at this time. */
  expect(destination: string, dueMs: number): void {
    this.#dispatcher.expect(destination, dueMs);
  }

  /** What each lane is doing, by destination. */
  get loads(): ReadonlyMap<string, QueueLoad> {
    return this.#dispatcher.loads;
  }

  /** Events that wait for their commit. */
  get committing(): number {
    return this.#ingest.pending;
  }

  /** Events that came again since the start, the latest first. */
  get recentDuplicates(): readonly RecentDuplicate[] {
    return this.#ingest.duplicates.list();
  }

  /** Rejects where the store cannot commit. */
  async canCommit(): Promise<void> {
    await this.#ingest.commit([]);
  }

  /** A request for a source, begun at `startedAtMs` by the clock's `elapsed`: verified, then committed or answered. A refusal is thrown. */
  async receive(source: string, request: RawRequest, startedAtMs: number): Promise<HttpReply> {
    const reception = await this.#verified(source, request);
    switch (reception.kind) {
      case 'handshake':
        return reception.reply;
      case 'events':
        return this.#accept(source, request, reception.events);
      case 'call':
        return this.#answer(source, request, reception, startedAtMs);
    }
  }

  async #verified(name: string, request: RawRequest): Promise<Reception> {
    const source = this.#parts.sources.get(name);
    if (source === undefined) throw refuse('NOT_FOUND', 'no such source');
    const { clock, log, callTelemetry, numbers } = this.#parts;
    try {
      const reception = source.receive(request);
      if ('kind' in reception) return readReception(reception, numbers);
      const waitMs = source.fallback === undefined ? verifyMs.events : verifyMs.call;
      return readReception(await withTimeout(clock, waitMs, reception), numbers);
    } catch (error) {
      if (isRefusal(error)) throw error;
      const least = fallbackReply(source, log);
      if (least === null) throw refuse('SOURCE_FAILED', 'the source failed', { cause: error });
      log.error('source.failed', { source: name, error });
      callTelemetry.unread(name);
      return { kind: 'handshake', reply: least };
    }
  }

  /** Acknowledges events once they are committed together with their deliveries. */
  async #accept(source: string, request: RawRequest, drafts: readonly EventDraft[]): Promise<HttpReply> {
    const appended = await this.#ingest.commit(drafts.map((draft) => recordFrom(draft, source, request.receivedAtMs)));
    const [first] = appended;
    if (first === undefined) return { status: 200, body: {} };
    const duplicate = appended.every((one) => one.duplicate);
    return { status: 200, body: { id: first.eventId, ...(duplicate && { duplicate }) } };
  }

  /** Answers a ringing phone. Whatever happens, the platform gets its reply in time; the event is recorded beside it. */
  async #answer(name: string, request: RawRequest, inboundCall: InboundCall, startedAtMs: number): Promise<HttpReply> {
    const { answers, log, callTelemetry, sources } = this.#parts;
    const callAnswer = await answers.answer(name, inboundCall, startedAtMs);
    const reply = replyTo(inboundCall, callAnswer, sources.get(name), log);
    try {
      callTelemetry.answered(name, inboundCall.call, callAnswer);
      if (!callAnswer.repeated) this.#recorder.record(this.#callRecord(name, request, inboundCall, callAnswer));
    } catch (error) {
      log.error('call.unrecorded', { source: name, error });
    }
    return reply;
  }

  #callRecord(source: string, request: RawRequest, { event, call }: InboundCall, callAnswer: CallAnswer): EventRecord {
    const { body: _, ...draft } = event;
    const data = { ...draft.data, answer: traceOf(call, callAnswer) };
    return recordOf({ ...draft, data }, source, request.receivedAtMs, callAnswer.trace.eventId);
  }
}
