/** Tries a body: what would become of it, and what a caller would get; or sends it to its source as its platform would. */
import {
  Clock,
  type HttpReply,
  type JsonObject,
  Log,
  type RawRequest,
  refuse,
  type SignedRequest,
  type Source,
  stringifyJson,
  token,
} from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { type AnswerPlan, Answers } from '../calls/answer.js';
import { eventHeader, requestNumberHeader } from '../calls/reply.js';
import type { Refusing } from '../ingest/refused-requests.js';
import { routerSource } from '../routing/router-events.js';
import { type CurrentInUse, inject, injectable } from '../system/injection.js';
import { noSuchRow } from '../system/lists.js';
import { noLog } from '../system/log.js';
import { Mask, maskedJson } from '../system/mask.js';
import {
  type CallDryRun,
  type CallParts,
  type DryRun,
  dryRunCall,
  exampleId,
  requestParts,
  triedBody,
} from './dry-run.js';
import { type AnswerExplanation, explainAnswers, explainRoutes } from './explain.js';
import { type KeptId, type ReplacedId, textWithIds, withNewIds } from './new-ids.js';
import type { AdminPlan, Explanation } from './operations.js';

/** What trials take from the configuration. */
export interface TrialPlan extends AdminPlan, AnswerPlan {}

export const TrialPlan = token<CurrentInUse<TrialPlan>>('switchhook.TrialPlan');

/** A body for a source. */
export interface Trial {
  /** Its name. */
  readonly source: string;
  readonly body: JsonObject;
}

/** An explanation of what is not kept, and the answer of a call. */
export interface TriedExplanation extends Explanation {
  /** Null where it is no call, or was not to be answered. */
  readonly call: ExplainedCall | null;
}

/** The answer of a call, and why it is this one. */
export interface ExplainedCall extends CallDryRun {
  readonly answers: readonly AnswerExplanation[];
}

/** A body that is to be sent for real. */
export interface Sending extends Trial {
  /** The body, character by character, as it is sent. Without it, the body is written by the router. */
  readonly text?: string;
  /** Give it other ids, so that it is another event than the one that it was made from. */
  readonly newIds: boolean;
  readonly by: string;
  /** Address of the client. */
  readonly from: string;
}

/** What takes requests for sources, from the server and from trials. */
export interface Intake {
  /** The URL before `/hooks` as senders use it. */
  readonly url: string;
  /** `startedAtMs`: when the request came in, before its body did, by the clock's `elapsed`. Throws a refusal. */
  receive(source: string, request: RawRequest, startedAtMs: number): Promise<HttpReply>;
  /** Counts and logs what `receive` has thrown; returns what the sender gets. */
  refused(refusing: Omit<Refusing, 'refusal'>, thrown: unknown): Refusing['refusal'];
}

/** What came of a body that was sent. */
export interface Sent {
  readonly reply: HttpReply;
  /** Id of the event; null where it was refused, or is none. */
  readonly event: string | null;
  /** True where the event was there already, or the call was answered before. */
  readonly isDuplicate: boolean;
  /** Why it was refused; null where it was not. */
  readonly reason: string | null;
  /** Ids of the body that were replaced by new ones; none where that was not asked for, or it has none that its source knows. */
  readonly replaced: readonly ReplacedId[];
  /** Where ids were replaced: others that stay. What goes by one of them sees the same call or customer. */
  readonly kept: readonly KeptId[];
}

@injectable()
export class Trials {
  constructor(
    @inject(TrialPlan) private readonly plan: CurrentInUse<TrialPlan>,
    @inject(Answers) private readonly answers: Answers,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /**
   * What would become of a body that its source receives now. `answered`: of a call, its resolvers are asked for the answer; nothing is
   * kept, counted or logged of it. Refuses as `MALFORMED` what the source does not take.
   */
  explain(trial: Trial, { answered }: { readonly answered: boolean }): Promise<readonly TriedExplanation[]> {
    const { clock, answers, mask } = this;
    return this.plan.use(async (plan) => {
      const dryRun = this.#dryRun(trial, plan);
      const isSentLater = dryRun.source?.answer !== undefined;
      const answer: CallParts['answer'] = (inboundCall, startedAtMs) =>
        answers.dryRun(trial.source, { ...inboundCall, eventId: exampleId(0), isSentLater }, startedAtMs, plan);
      const { events, call } = await triedBody(dryRun, answered ? { clock, log: noLog, answer } : null);
      const asOf = { source: trial.source, now: new Date(dryRun.nowMs) };
      const tried = call === null ? [] : explainAnswers(plan.answers, { ...call, ...asOf });
      const explained = call && { ...this.#shown(call), answers: tried };
      return events.map((event) => {
        const routes = explainRoutes(event, [], { ...plan, mask });
        return { event, deliveries: [], kept: false, routes, answers: tried, call: explained };
      });
    });
  }

  /** Answers a call and does not record it; one that is repeated gets the same answer. Refuses as `MALFORMED` what is no call. */
  ring(trial: Trial): Promise<CallDryRun> {
    const { clock, log, answers } = this;
    const answer: CallParts['answer'] = (...call) => answers.answer(trial.source, ...call);
    return this.plan.use((plan) => dryRunCall(this.#dryRun(trial, plan), { clock, log, answer }));
  }

  /**
   * Signs a body as its platform would, and hands it to its source as a request from outside: it is verified, kept, routed and delivered,
   * or its call is answered. Refuses as `NO_SUCH_ROW`, or as `SOURCE_CANNOT_SIGN`.
   */
  async send({ newIds, by, from, ...trial }: Sending, intake: Intake): Promise<Sent> {
    this.#source(trial.source, this.plan.value);
    const fresh = newIds ? await withNewIds((body) => this.#drafted({ ...trial, body }), trial.body) : null;
    const { text: given = stringifyJson(trial.body) } = trial;
    const text = fresh === null ? given : textWithIds(given, fresh);
    // By the secrets that the request is verified with: a reload may have replaced them meanwhile.
    const source = this.#source(trial.source, this.plan.value);
    const bytes = new TextEncoder().encode(text);
    const signed = signedBy(trial.source, source, bytes, this.clock.now());
    const request: RawRequest = {
      ...requestParts(signed),
      body: bytes,
      remoteAddress: from,
      url: `${intake.url}/hooks/${encodeURIComponent(trial.source)}${signed.rest}`,
      receivedAtMs: this.clock.now(),
    };
    const sent = await this.#received(trial.source, request, intake);
    const { reply, event, reason } = sent;
    this.log.info('trial.sent', { source: trial.source, by, from, status: reply.status, event, reason });
    return { ...sent, reply: this.#masked(reply), replaced: fresh?.replaced ?? [], kept: fresh?.kept ?? [] };
  }

  async #received(source: string, request: RawRequest, intake: Intake): Promise<Omit<Sent, 'replaced' | 'kept'>> {
    try {
      const reply = await intake.receive(source, request, this.clock.elapsed());
      const { id, duplicate } = reply.body ?? {};
      const number = reply.headers?.[requestNumberHeader];
      const event = reply.headers?.[eventHeader] ?? (typeof id === 'string' ? id : null);
      return { reply, event, isDuplicate: duplicate === true || number !== undefined, reason: null };
    } catch (error) {
      const { method, remoteAddress, body } = request;
      const refusal = intake.refused({ source, method, remoteAddress, bytes: body.length, request }, error);
      const reply = { status: refusal.status, body: { error: refusal.code } };
      return { reply, event: null, isDuplicate: false, reason: this.mask(refusal.message) };
    }
  }

  #source(name: string, { sources }: TrialPlan): Source {
    const source = sources.get(name);
    if (source === undefined) throw noSuchRow('source', name, [...sources.keys()]);
    if (name !== routerSource) return source;
    throw refuse(
      'SOURCE_CANNOT_SIGN',
      `the router itself makes the events of source ${name}, and takes none from outside`,
    );
  }

  async #drafted(trial: Trial) {
    return (await triedBody(this.#dryRun(trial, this.plan.value), null)).events;
  }

  #dryRun({ source: name, body }: Trial, { sources, normalizePhone, masks }: TrialPlan): DryRun {
    return { name, source: sources.get(name), body, nowMs: this.clock.now(), normalizePhone, mask: masks?.get(name) };
  }

  #shown({ reply, trace, ...rest }: CallDryRun): CallDryRun {
    return { ...rest, reply: this.#masked(reply), trace: maskedJson(trace, this.mask) };
  }

  /** Without the secrets of the configuration. */
  #masked(reply: HttpReply): HttpReply {
    const body = reply.body && maskedJson(reply.body, this.mask);
    return { ...reply, ...(body && { body }) };
  }
}

function signedBy(name: string, source: Source, body: Uint8Array, nowMs: number): SignedRequest {
  if (source.sign === undefined)
    throw refuse(
      'SOURCE_CANNOT_SIGN',
      `source ${name} cannot sign a body: its platform proves a request by something that only the platform has, such as a private key`,
    );
  try {
    return source.sign(body, nowMs);
  } catch (error) {
    throw refuse('SOURCE_CANNOT_SIGN', `source ${name} cannot sign a body: ${errorMessage(error)}`, { cause: error });
  }
}
