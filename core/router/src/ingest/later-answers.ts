/** Answers the calls of sources that answer by a request of their own: kept first, acknowledged, answered once, then recorded. */
import {
  Clock,
  fingerprint,
  type HttpReply,
  Log,
  type NamedToken,
  type RawRequest,
  refuse,
  type Source,
  token,
} from '@switchhook/sdk';
import { errorMessage, Sleep, withTimeout } from '@switchhook/sdk/internal';
import { type AnswerPlan, Answers, type CallAnswer, type InboundCall, unansweredCall } from '../calls/answer.js';
import { CallDedup, type Remembered } from '../calls/call-dedup.js';
import { callKey } from '../calls/call-key.js';
import { acknowledgement } from '../calls/reply.js';
import { CallTelemetry } from '../calls/telemetry.js';
import type { Routes } from '../routing/routes.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { newEventId } from '../system/ids.js';
import { type CurrentInUse, inject, injectable } from '../system/injection.js';
import { Mask } from '../system/mask.js';
import { sendAnswer } from './answer-sender.js';
import { CallRecorder } from './call-recorder.js';
import type { DraftMask } from './draft-mask.js';
import { type OpenCall, OpenCalls } from './open-calls.js';

/** What answering later takes from the configuration: a call is answered with the one with which it is begun. */
export interface LaterPlan extends AnswerPlan {
  /** By name. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly routeTable: Routes;
  /** By the name of a source. */
  readonly masks?: ReadonlyMap<string, DraftMask>;
}

export const LaterPlan: NamedToken<CurrentInUse<LaterPlan>> = token('switchhook.LaterPlan');

/** The platform may send its request again: a store that takes longer keeps it from waiting for nothing. */
const acknowledgeMs = 5_000;
/** The phone rings: an answer that is there waits no longer for the store. */
const keepMs = 1_000;
/** Texts of calls that are recorded already. */
const removeMs = 10_000;
/** Between two looks for calls that were left open: in a shared store, or where it could not be read. */
const betweenLooksMs = 2_000;

/** A request about a call, as its source has read it. */
export interface AskedCall {
  readonly source: Source;
  readonly request: RawRequest;
  readonly inboundCall: InboundCall;
  /** When it came, by the clock's `elapsed`. */
  readonly startedAtMs: number;
}

/** A call that is being answered. */
interface Answering {
  readonly id: string;
  readonly open: OpenCall;
  /** False where it is that of another router. */
  readonly kept: Promise<boolean>;
  /** When its request came, by the clock's `elapsed`. */
  readonly startedAtMs: number;
  /** From when on resolvers have the time of its answer: for one that an earlier run has left, not from its request. */
  readonly fromMs: number;
  /** Requests about it so far. */
  readonly requests: () => number;
}

@injectable()
export class LaterAnswers {
  readonly #calls = new CallDedup<void>();
  /** By the id of the event: of one call, an earlier run of the router may have left another one. */
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #sleep: Sleep;
  #isClosed = false;

  constructor(
    @inject(LaterPlan) private readonly plan: CurrentInUse<LaterPlan>,
    @inject(OpenCalls) private readonly openCalls: OpenCalls,
    @inject(Answers) private readonly answers: Answers,
    @inject(CallRecorder) private readonly recorder: CallRecorder,
    @inject(CallTelemetry) private readonly telemetry: CallTelemetry,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(Mask) private readonly mask: Mask,
  ) {
    this.#sleep = new Sleep(clock);
  }

  /**
   * A request about a call, which came with this configuration: begins to answer it, and acknowledges it once it is on disk. Refuses
   * it where that fails; the call is answered anyhow.
   */
  async accept(
    name: string,
    { source, request, inboundCall, startedAtMs }: AskedCall,
    plan: LaterPlan,
  ): Promise<HttpReply> {
    const { call, event, deadlineMs, retryMs = deadlineMs } = inboundCall;
    const key = callKey(name, call);
    // Such calls are refused by `readReception`.
    if (key === null) throw refuse('SOURCE_FAILED', 'the call has no id');
    const earlier = this.#calls.get(key, this.clock.elapsed());
    let taken: Remembered<void>;
    if (earlier === null) {
      const { receivedAtMs } = request;
      const { holder } = this.openCalls;
      const open = { source: name, eventId: newEventId(), receivedAtMs, deadlineMs, retryMs, event, call, holder };
      const begun = { id: fingerprint(Buffer.from(key)), open, startedAtMs, requests: () => taken.requests };
      const answered = this.#begin(begun, plan);
      taken = this.#calls.put(key, { eventId: open.eventId, answered }, startedAtMs, retryMs);
    } else {
      taken = earlier;
      this.telemetry.repeated(name, call, taken.requests);
    }
    try {
      await withTimeout(this.clock, acknowledgeMs, taken.answered);
    } catch (error) {
      throw refuse('STORE_UNAVAILABLE', `the call is answered, but not kept yet: ${errorMessage(error)}`, {
        cause: error,
      });
    }
    return acknowledgement(inboundCall, taken, source, this.log);
  }

  /** Removes what is kept about calls to find repeated requests. */
  forget(erased: ErasedThings, isDryRun: boolean): Removed {
    return { calls: this.#calls.forget(erased, isDryRun) };
  }

  /** The store is open: answers the calls that other runs have left open, or records that it is too late. */
  open(): void {
    void this.#look();
  }

  /** Resolves when the calls under way are answered and recorded. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sleep.end();
    await Promise.all(this.#running.values());
  }

  /** Resolves when the call is on disk: as an open call, or recorded. */
  #begin(begun: Omit<Answering, 'kept' | 'fromMs'>, plan: LaterPlan): Promise<void> {
    const { id, open, startedAtMs: fromMs } = begun;
    const kept = this.openCalls.keep(id, open);
    const recorded = this.#run(open, plan, () => this.#answer({ ...begun, kept, fromMs }, plan));
    return kept.then(
      () => {},
      async (error: unknown) => {
        this.log.warn('call.keeping-failed', { source: open.source, eventId: open.eventId, error });
        if (!(await recorded)) throw error;
      },
    );
  }

  #run({ source, eventId }: OpenCall, plan: LaterPlan, work: () => Promise<boolean>): Promise<boolean> {
    const ends = [this.openCalls.hold(), this.plan.hold(plan)];
    const running = work()
      .catch((error: unknown) => {
        this.log.error('call.unrecorded', { source, error });
        return false;
      })
      .finally(() => {
        for (const end of ends) end();
        this.#running.delete(eventId);
      });
    this.#running.set(eventId, running);
    return running;
  }

  /** Whether the call is recorded, or is that of another router. */
  async #answer({ id, open, kept, startedAtMs, fromMs, requests }: Answering, plan: LaterPlan): Promise<boolean> {
    const { clock, log, mask } = this;
    const { source: name, call, deadlineMs, eventId } = open;
    const source = plan.sources.get(name);
    if (source === undefined) return false;
    // Only what is known to be answered elsewhere is not answered here.
    const isOwn = withTimeout(clock, keepMs, kept).catch(() => true);
    const endMs = startedAtMs + deadlineMs;
    const timed = { call, deadlineMs: endMs - fromMs, eventId };
    const callAnswer = await this.answers.answerOnce(name, timed, fromMs, plan);
    if (!(await isOwn)) {
      this.telemetry.repeated(name, call, requests() + 1);
      return true;
    }
    const answer = callAnswer.trace.name === null ? null : callAnswer.trace.answer;
    const unsent = { source: name, call, answer, startedAtMs, endMs };
    const sent = await sendAnswer(unsent, { source, clock, log, mask });
    this.telemetry.sent(name, call, eventId, sent);
    const recorded = { ...callAnswer, sent, requests: requests() };
    const isRecorded = await this.#record(open, recorded, plan);
    if (isRecorded) await this.#remove(id, open, kept);
    return isRecorded;
  }

  /** What stays is recorded once more by the next start, as a duplicate. */
  async #remove(id: string, open: OpenCall, kept: Promise<boolean>): Promise<void> {
    const removed = kept.then(() => this.openCalls.remove(id, open));
    await withTimeout(this.clock, removeMs, removed).catch((error: unknown) =>
      this.log.warn('call.removing-failed', { source: open.source, eventId: open.eventId, error }),
    );
  }

  /** Once, or as long as other routers share the store. */
  async #look(): Promise<void> {
    const { openCalls, log } = this;
    const answersLater = () => [...this.plan.value.sources.values()].some(({ answer }) => answer);
    let isFirst = true;
    for (let hasFailed = false; !this.#isClosed; await this.#sleep.for(betweenLooksMs))
      try {
        const ids = isFirst || hasFailed || answersLater() ? await openCalls.list() : [];
        for (const id of ids) {
          const open = await openCalls.get(id);
          const own = open === null || this.#running.has(open.eventId) ? null : await openCalls.take(id, open);
          const plan = this.plan.value;
          if (own !== null) void this.#run(own, plan, () => this.#resume(id, own, plan));
        }
        hasFailed = false;
        isFirst = false;
        if (!openCalls.areShared) return;
      } catch (error) {
        if (!hasFailed) log.warn('calls.unread', { error });
        hasFailed = true;
      }
  }

  #record(open: OpenCall, callAnswer: CallAnswer, { routeTable: routes, masks }: LaterPlan): Promise<boolean> {
    const { source } = open;
    const mask = masks?.get(source);
    return this.recorder.record({ source, request: open, inboundCall: open, callAnswer, routes, mask });
  }

  async #resume(id: string, open: OpenCall, plan: LaterPlan): Promise<boolean> {
    const { clock, openCalls } = this;
    const { source, call, eventId, receivedAtMs, deadlineMs } = open;
    const ms = clock.now() - receivedAtMs;
    if (ms < deadlineMs && plan.sources.get(source)?.answer !== undefined) {
      const kept = openCalls.mark(id, open).then(async (isOwn) => {
        if (!isOwn) await openCalls.remove(id, open);
        return isOwn;
      });
      const fromMs = clock.elapsed();
      return this.#answer({ id, open, kept, startedAtMs: fromMs - ms, fromMs, requests: () => 1 }, plan);
    }
    const reason = 'the router ended before it had recorded an answer; whether the platform got one is not known';
    const sent = { outcome: 'late', attempts: 0, ms, reason } as const;
    this.telemetry.sent(source, call, eventId, sent);
    const isRecorded = await this.#record(open, unansweredCall(eventId, sent), plan);
    if (isRecorded) await this.#remove(id, open, Promise.resolve(true));
    return isRecorded;
  }
}
