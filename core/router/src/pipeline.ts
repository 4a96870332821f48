/** The product, from top to bottom: a request is received, an event is routed, committed and delivered, a call is answered. */
import {
  Clock,
  type EventDraft,
  type HttpReply,
  isRefusal,
  type PhoneNormalizer,
  type RawRequest,
  type Reception,
  refuse,
  type Source,
  token,
} from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import { type AnswerPlan, Answers } from './calls/answer.js';
import { Dispatcher } from './delivery/dispatcher.js';
import { CallRecorder } from './ingest/call-recorder.js';
import type { DraftMask } from './ingest/draft-mask.js';
import { Ingest } from './ingest/ingest.js';
import { type AskedCall, LaterAnswers } from './ingest/later-answers.js';
import { readHandshake, readReception } from './ingest/reception.js';
import { VerificationQueue } from './ingest/verification-queue.js';
import { recordFrom } from './routing/event-record.js';
import type { Routes } from './routing/routes.js';
import { type CurrentInUse, inject, injectable } from './system/injection.js';
import { Pauses } from './system/pauses.js';
import { inSpan, type SpanStart } from './system/tracing.js';

/** What the pipeline takes from the configuration: all that a request needs, so that it ends with the one it came with. */
export interface SourcePlan extends AnswerPlan {
  /** By name. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly normalizePhone: PhoneNormalizer;
  readonly routeTable: Routes;
  /** By the name of a source; missing where no source masks anything. */
  readonly masks?: ReadonlyMap<string, DraftMask>;
}

export const SourcePlan = token<CurrentInUse<SourcePlan>>('switchhook.SourcePlan');

/** Verifying takes microseconds; a source that calls another service first gets no more time of a ring, or of a sender's timeout. */
const verifyMs = { call: 2_000, events: 10_000 };

/** A call without a transcript is far smaller. */
const usualCallBytes = 65_536;

@injectable()
export class Pipeline {
  constructor(
    @inject(SourcePlan) private readonly plan: CurrentInUse<SourcePlan>,
    @inject(Answers) private readonly answers: Answers,
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(CallRecorder) private readonly recorder: CallRecorder,
    @inject(LaterAnswers) private readonly laterAnswers: LaterAnswers,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(VerificationQueue) private readonly verification: VerificationQueue,
    @inject(Clock) private readonly clock: Clock,
    @inject(Pauses) private readonly pauses: Pauses,
  ) {}

  /**
   * The store is open: takes up what it has left from before, and what waits for it. Requests may have come already.
   * Resolves when the pauses have been read, or reading them has failed once and goes on later; never rejects.
   */
  async open(): Promise<void> {
    this.recorder.open();
    this.dispatcher.open();
    this.laterAnswers.open();
    await this.pauses.open();
  }

  /**
   * Starts no further attempt; resolves when the running ones are settled, and calls are recorded. Attempts are not waited for
   * after `attemptsOver` has resolved: the next start repeats them.
   */
  async close(attemptsOver: Promise<void> = new Promise(() => {})): Promise<void> {
    this.pauses.close();
    const attempts = Promise.race([this.dispatcher.close(), attemptsOver]);
    await Promise.all([this.laterAnswers.close(), this.recorder.close(), attempts]);
    // What was answered meanwhile.
    await this.recorder.close();
  }

  /** After `close`, where it took too long: leaves what is not settled to the next start. */
  abandon(): void {
    this.dispatcher.abandon();
  }

  /** A request for a source, begun at `startedAtMs` by the clock's `elapsed`: verified, then committed or answered. A refusal is thrown. */
  receive(name: string, request: RawRequest, startedAtMs: number): Promise<HttpReply> {
    return this.plan.use(async (plan) => {
      const source = plan.sources.get(name);
      if (source === undefined) throw refuse('NOT_FOUND', 'no such source');
      if (request.method === 'GET') return this.#shakeHands(source, request);
      const reception = await this.#verified(name, source, request, plan);
      if (reception.kind === 'handshake') return reception.reply;
      this.ingest.noteVerified(name, reception.verifiedBy);
      // Only what is verified continues a trace of its sender.
      return inSpan(`receive ${name}`, receiving(name, request), () => {
        if (reception.kind === 'events') return this.#accept(name, request, reception.events, plan);
        const asked = { source, request, inboundCall: reception, startedAtMs };
        return source.answer === undefined
          ? this.#answer(name, asked, plan)
          : this.laterAnswers.accept(name, asked, plan);
      });
    });
  }

  /** A sender verifies the URL. */
  async #shakeHands(source: Source, request: RawRequest): Promise<HttpReply> {
    if (source.handshake === undefined) throw refuse('METHOD_NOT_ALLOWED', 'the source has no handshake');
    try {
      const shaking = Promise.resolve(source.handshake(request));
      const { reply } = readHandshake(await withTimeout(this.clock, verifyMs.events, shaking), source);
      return reply;
    } catch (error) {
      if (isRefusal(error)) throw error;
      throw refuse('SOURCE_FAILED', 'the source failed', { cause: error });
    }
  }

  async #verified(name: string, source: Source, request: RawRequest, plan: SourcePlan): Promise<Reception> {
    const { normalizePhone: read, masks } = plan;
    const mask = masks?.get(name);
    try {
      const received = this.#read(source, request);
      if (!isPromise(received)) return readReception(received, read, source, mask);
      const waitMs = source.fallback === undefined ? verifyMs.events : verifyMs.call;
      return readReception(await withTimeout(this.clock, waitMs, received), read, source, mask);
    } catch (error) {
      if (isRefusal(error)) throw error;
      const reply = source.answer === undefined ? this.answers.fallback(source) : null;
      if (reply === null) throw refuse('SOURCE_FAILED', 'the source failed', { cause: error });
      this.recorder.unread(name, error);
      return { kind: 'handshake', reply };
    }
  }

  /** A call of the usual size does not wait for others: its phone rings. */
  #read(source: Source, request: RawRequest): Reception | Promise<Reception> {
    const { remoteAddress, body } = request;
    const receive = () => source.receive(request);
    const isOfCalls = source.fallback !== undefined || source.answer !== undefined;
    if (isOfCalls && body.length <= usualCallBytes) return receive();
    return this.verification.run(remoteAddress, body.length, receive);
  }

  /** Acknowledges events once they are committed together with their deliveries. */
  async #accept(
    name: string,
    request: RawRequest,
    drafts: readonly EventDraft[],
    { routeTable }: SourcePlan,
  ): Promise<HttpReply> {
    const records = drafts.map((draft) => recordFrom(draft, name, request.receivedAtMs));
    const appended = await this.ingest.commit(records, routeTable);
    const [first] = appended;
    if (first === undefined) return { status: 200, body: {} };
    const duplicate = appended.every((one) => one.duplicate);
    return { status: 200, body: { id: first.eventId, ...(duplicate && { duplicate }) } };
  }

  /** Answers a ringing call. Whatever fails, the platform gets a reply in time; the event is recorded after it. */
  async #answer(name: string, asked: AskedCall, plan: SourcePlan): Promise<HttpReply> {
    const { source, request, inboundCall, startedAtMs } = asked;
    const callAnswer = await this.answers.answer(name, inboundCall, startedAtMs, plan);
    const reply = this.answers.reply(inboundCall, callAnswer, source);
    const { routeTable: routes, masks } = plan;
    void this.recorder.record({ source: name, request, inboundCall, callAnswer, routes, mask: masks?.get(name) });
    return reply;
  }
}

function receiving(source: string, { headers, receivedAtMs }: RawRequest): SpanStart {
  const { traceparent, tracestate } = headers;
  const parent = { ...(traceparent !== undefined && { traceparent }), ...(tracestate !== undefined && { tracestate }) };
  return { kind: 'SERVER', attributes: { 'switchhook.source': source }, startedAtMs: receivedAtMs, parent };
}

function isPromise(received: Reception | Promise<Reception> | undefined): received is Promise<Reception> {
  return typeof received === 'object' && received !== null && 'then' in received;
}
