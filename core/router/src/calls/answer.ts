/** Answers calls: runs the resolvers within the time that is left, and always replies in time. */
import { Clock, type Expression, type HttpReply, Log, type Reception, type Source, token } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { newEventId } from '../system/ids.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { Mask } from '../system/mask.js';
import { Pauses } from '../system/pauses.js';
import { AnswerMaker, type AnswerRequest, unanswered } from './answer-maker.js';
import { CallDedup } from './call-dedup.js';
import { callKey, isErasedCall, isOfErasedCaller } from './call-key.js';
import type { CachePolicy } from './facts-cache.js';
import { fallbackReply, replyTo } from './reply.js';
import type { Lookup, OpenResolver, ResolverLoad } from './resolver-bulkhead.js';
import { SharedCalls } from './shared-calls.js';
import type { ResolvedVariables, VariableRow, VariableStep } from './variables.js';

/** A row of configuration: the reply to a call. */
export interface AnswerRow extends VariableRow {
  readonly name: string;
  /** Names of the sources whose calls it answers. */
  readonly from: readonly string[];
  /** Over `call` and `now`; null = every call. */
  readonly where: Expression | null;
  /** When the reply is sent, even if look-ups are still running; never later than the platform's deadline. */
  readonly withinMs: number;
  /** Names of resolvers. */
  readonly resolve: readonly string[];
  /** Null = nothing is kept. */
  readonly cache: CachePolicy | null;
}

/** A call that waits for its reply. */
export type InboundCall = Extract<Reception, { kind: 'call' }>;

/** The last step that a part of an answer comes from. `minimum`: the answer could not be made. `unanswered`: none matched. */
export type AnswerStep = VariableStep | 'minimum' | 'unanswered';

/** An answer, and how it came about. */
export interface AnswerTrace extends Omit<ResolvedVariables, 'step'> {
  /** Id of the event that the call becomes: the same for all requests about it. */
  readonly eventId: string;
  /** Name of the answer; null where none matched. */
  readonly name: string | null;
  readonly step: AnswerStep;
  readonly lookups: readonly Lookup[];
  /** Its resolvers with an open circuit breaker. */
  readonly openBreakers: readonly string[];
  /** What it had of the ring. Missing where a router of an earlier version has made it. */
  readonly limits?: AnswerLimits;
}

/** What an answer may take of a ring, in milliseconds after the request. */
export interface AnswerLimits {
  /** Of its row; null where none matched. */
  readonly withinMs: number | null;
  /** When the platform stops waiting. */
  readonly deadlineMs: number;
}

/** The answer to one request about a call. */
export interface CallAnswer {
  readonly trace: AnswerTrace;
  /** Requests about this call so far. */
  readonly requests: number;
  /** False for the first request. The others get what it got. */
  readonly repeated: boolean;
  /** It was made by another router of the store. */
  readonly isOfOther?: boolean;
  /** From the request to the answer. */
  readonly ms: number;
  /** Where the source answers by a call of its own: what came of it. */
  readonly sent?: SentAnswer;
}

/** How an answer got to the platform by a request of the source. */
export interface SentAnswer {
  /** `late`: the router was not running while the platform waited. */
  readonly outcome: 'sent' | 'failed' | 'late';
  readonly attempts: number;
  /** From the platform's request to the end of the last attempt. */
  readonly ms: number;
  /** Why it was not sent; null where it was. */
  readonly reason: string | null;
}

/** What answers take from the configuration. */
export interface AnswerPlan {
  readonly answers: readonly AnswerRow[];
  /** By name. */
  readonly resolvers: ReadonlyMap<string, OpenResolver>;
}

export const AnswerPlan = token<Current<AnswerPlan>>('switchhook.AnswerPlan');

/** Kept back from a platform's deadline for the way of the reply. */
const replyReserveMs = 500;
/** The same where the source answers by a request of its own, which may have to be made twice. */
const requestReserveMs = 2_500;

/** All answers. */
@injectable()
export class Answers {
  readonly #maker: AnswerMaker;
  readonly #calls = new CallDedup<AnswerTrace>();

  constructor(
    @inject(AnswerPlan) private readonly plan: Current<AnswerPlan>,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(Mask) mask: Mask,
    @inject(Pauses) pauses: Pauses,
    @inject(SharedCalls) private readonly shared: SharedCalls,
  ) {
    this.#maker = new AnswerMaker({ clock, log, mask, pauses, shared });
  }

  /** How each resolver stands, by name. */
  get loads(): ReadonlyMap<string, ResolverLoad> {
    return new Map([...this.#maker.bulkheadsOf(this.plan.value)].map(([name, bulkhead]) => [name, bulkhead.load]));
  }

  /** Closes the circuit breaker of a resolver. */
  reset(resolver: string): void {
    this.#maker.bulkheadsOf(this.plan.value).get(resolver)?.reset();
  }

  /**
   * Answers one request about a call by the first row that matches; a further request gets the same answer. Never rejects,
   * and resolves before the platform's deadline. `startedAtMs` is when the request came, by the clock's `elapsed`; `plan`, the
   * configuration with which it came.
   */
  async answer(
    source: string,
    inboundCall: Pick<InboundCall, 'call' | 'deadlineMs' | 'retryMs'>,
    startedAtMs: number,
    plan: AnswerPlan = this.plan.value,
  ): Promise<CallAnswer> {
    const { clock } = this;
    const { call, deadlineMs, retryMs = deadlineMs } = inboundCall;
    const request = requestOf(source, inboundCall, startedAtMs, plan, replyReserveMs);
    const { hardEndMs: endMs } = request;
    const make = async (eventId: string): Promise<AnswerTrace> => {
      return { eventId, ...(await this.#maker.make(request)) };
    };
    const callAnswer = (trace: AnswerTrace, requests: number): CallAnswer => {
      return { trace, requests, repeated: requests > 1, ms: clock.elapsed() - startedAtMs };
    };
    const key = callKey(source, call);
    if (key === null) return callAnswer(await make(newEventId()), 1);
    const known = this.#calls.get(key, clock.elapsed());
    if (known !== null) {
      const { requests, eventId } = known;
      // The first request may have more time left than this one, where their deadlines differ.
      const trace = await withTimeout(clock, endMs - clock.elapsed(), known.answered).catch(() => make(eventId));
      return callAnswer(trace, requests);
    }
    const eventId = newEventId();
    let isOfOther = false;
    const makeOrFind = async (): Promise<AnswerTrace> => {
      const answer = await this.shared.answerOr(key, endMs - clock.elapsed(), () => make(eventId));
      isOfOther = 'found' in answer;
      if ('found' in answer) return { eventId, ...answer.found };
      this.shared.keepAnswer(key, answer.made, retryMs);
      return answer.made;
    };
    const answered = this.shared.isOn ? makeOrFind() : make(eventId);
    const first = this.#calls.put(key, { eventId, answered }, startedAtMs, retryMs);
    const trace = await answered;
    if (isOfOther) first.requests += 1;
    return { ...callAnswer(trace, first.requests), repeated: isOfOther, isOfOther };
  }

  /** Answers a call whose answer its source sends; its repeated requests are found elsewhere. Never rejects. */
  async answerOnce(
    source: string,
    { eventId, ...inboundCall }: Pick<InboundCall, 'call' | 'deadlineMs'> & Pick<AnswerTrace, 'eventId'>,
    startedAtMs: number,
    plan: AnswerPlan,
  ): Promise<CallAnswer> {
    const request = requestOf(source, inboundCall, startedAtMs, plan, requestReserveMs);
    const trace = { eventId, ...(await this.#maker.make(request)) };
    return { trace, requests: 1, repeated: false, ms: this.clock.elapsed() - startedAtMs };
  }

  /**
   * The answer that a call would get if it rang now for the first time: its resolvers are asked, and nothing is kept, counted or logged of
   * it. `isSentLater`: its source sends the answer by a request of its own. Never rejects.
   */
  async dryRun(
    source: string,
    { eventId, isSentLater, ...inboundCall }: DryRunCall,
    startedAtMs: number,
    plan: AnswerPlan,
  ): Promise<CallAnswer> {
    const reserveMs = isSentLater ? requestReserveMs : replyReserveMs;
    const trace = await this.#maker.dryRun(requestOf(source, inboundCall, startedAtMs, plan, reserveMs));
    return { trace: { eventId, ...trace }, requests: 1, repeated: false, ms: this.clock.elapsed() - startedAtMs };
  }

  /** The reply in the platform's format. */
  reply(inboundCall: InboundCall, callAnswer: CallAnswer, source: Source | undefined): HttpReply {
    return replyTo(inboundCall, callAnswer, source, this.log);
  }

  /** The reply if the source cannot read the request; null for a source without calls. */
  fallback(source: Source): HttpReply | null {
    return fallbackReply(source, this.log);
  }

  /** Removes the answers and facts that are kept about what was erased, and the reasons of the last failures. */
  async forget(erased: ErasedThings, isDryRun: boolean): Promise<Removed> {
    if (!isDryRun) for (const bulkhead of this.#maker.bulkheadsOf(this.plan.value).values()) bulkhead.forget();
    const [calls, facts] = [this.#calls.forget(erased, isDryRun), this.#maker.factsCache.forget(erased, isDryRun)];
    const fits = {
      answer: (key: string) => isErasedCall(key, erased),
      facts: (key: string) => isOfErasedCaller(key, erased),
    };
    // Most of them are in memory, too.
    const shared = await this.shared.forget(fits, isDryRun);
    return { calls: Math.max(calls, shared.answer), facts: Math.max(facts, shared.facts) };
  }
}

/** A call that does not ring. */
export interface DryRunCall extends Pick<InboundCall, 'call' | 'deadlineMs'>, Pick<AnswerTrace, 'eventId'> {
  readonly isSentLater: boolean;
}

function requestOf(
  source: string,
  { call, deadlineMs }: Pick<InboundCall, 'call' | 'deadlineMs'>,
  startedAtMs: number,
  plan: AnswerPlan,
  reserveMs: number,
): AnswerRequest {
  const hardEndMs = startedAtMs + deadlineMs - Math.min(reserveMs, deadlineMs / 2);
  return { source, call, startedAtMs, deadlineMs, hardEndMs, plan };
}

/** A call that nothing was looked up for. */
export function unansweredCall(eventId: string, sent: SentAnswer): CallAnswer {
  return { trace: { eventId, ...unanswered }, requests: 1, repeated: false, ms: sent.ms, sent };
}
