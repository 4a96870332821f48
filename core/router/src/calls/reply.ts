/** The reply to a ringing phone: the answer in the platform's format, or else the least the platform accepts. */
import type { Answer, Call, HttpReply, JsonObject, Log, Source } from '@switchhook/sdk';
import { invalidReturn, isJson, isPlain } from '../system/returned.js';
import type { CallAnswer, InboundCall } from './answer.js';
import type { VariableOrigin } from './variables.js';

/** If even the source has no fallback: every platform accepts a success. */
const bareSuccess: HttpReply = { status: 200, body: {} };

export const allowedReply =
  'a reply with a status from 200 to 499, headers that HTTP can send, and a body in JSON or a text of at most 1024 printable characters';

/** Header of the reply to a call that names the event the call becomes. Platforms do not look at it; `switchhook call` does. */
export const eventHeader = 'x-switchhook-event';

/** Header of a repeated reply to a call: the number of the request about it. First replies do not have it. */
export const requestNumberHeader = 'x-switchhook-request-number';

/** The answer in the platform's format. A reply that the source cannot write, or HTTP cannot send, is replaced by the fallback. */
export function replyTo(
  inboundCall: InboundCall,
  callAnswer: CallAnswer,
  source: Source | undefined,
  log: Log,
): HttpReply {
  const { trace, requests, repeated } = callAnswer;
  const answer = trace.name === null ? null : trace.answer;
  return replyWith(answer, inboundCall, { eventId: trace.eventId, requests: repeated ? requests : 1 }, source, log);
}

/** The reply to a request whose answer follows by a request of the source. */
export function acknowledgement(
  inboundCall: InboundCall,
  about: { readonly eventId: string; readonly requests: number },
  source: Source,
  log: Log,
): HttpReply {
  return replyWith({ variables: {}, overrideAgent: null }, inboundCall, about, source, log);
}

function replyWith(
  answer: Answer | null,
  inboundCall: InboundCall,
  { eventId, requests }: { readonly eventId: string; readonly requests: number },
  source: Source | undefined,
  log: Log,
): HttpReply {
  const own = answer === null ? null : written('reply', () => inboundCall.reply(answer), source, log);
  const reply =
    own ?? written('fallback', () => inboundCall.fallback(), source, log) ?? fallbackReply(source, log) ?? bareSuccess;
  const number = requests > 1 ? { [requestNumberHeader]: String(requests) } : {};
  return { ...reply, headers: { ...reply.headers, [eventHeader]: eventId, ...number } };
}

/** The least a source's platform accepts, where nothing is known of the call; null where the source has no calls. */
export function fallbackReply(source: Source | undefined, log: Log): HttpReply | null {
  return source?.fallback === undefined
    ? null
    : (written('fallback', () => source.fallback?.(), source, log) ?? bareSuccess);
}

function written(
  method: 'reply' | 'fallback',
  write: () => HttpReply | undefined,
  source: Source | undefined,
  log: Log,
): HttpReply | null {
  try {
    const reply = write();
    const status = reply?.status;
    if (canBeSent(reply)) return reply;
    const error = invalidReturn(source ?? {}, method, reply, allowedReply);
    log.error('reply.unsendable', { status, error });
  } catch (error) {
    log.error('reply.failed', { error });
  }
  return null;
}

/** False if HTTP could not send it. */
export function canBeSent(reply: HttpReply | undefined): reply is HttpReply {
  if (typeof reply !== 'object' || reply === null) return false;
  const { status, headers = {}, body = {}, text = '' } = reply;
  const sendable = Object.entries(headers).every(
    ([name, value]) =>
      /^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  );
  const isStatus = Number.isInteger(status) && [2, 3, 4].includes(Math.floor(status / 100));
  return sendable && isStatus && isPlain(body) && isJson(body) && isPrintable(text);
}

function isPrintable(text: unknown): boolean {
  return typeof text === 'string' && text.length <= 1_024 && !/\p{Cc}/u.test(text);
}

/** In the spelling of the bodies it stands in. */
export function traceOf({ from, to }: Call, { trace, requests, ms, sent }: CallAnswer): JsonObject {
  const { name, step, answer, origins, agentOrigin, lookups, limits } = trace;
  return {
    from,
    to,
    name,
    step,
    variables: answer.variables,
    override_agent: answer.overrideAgent,
    override_agent_origin: agentOrigin && originJson(agentOrigin),
    origins: Object.fromEntries(Object.entries(origins).map(([variable, origin]) => [variable, originJson(origin)])),
    lookups: lookups.map(({ resolver, outcome, startMs, ms, reason }) => {
      return { resolver, outcome, start_ms: tenths(startMs), ms: tenths(ms), reason };
    }),
    requests,
    ms: tenths(ms),
    ...(limits && { within_ms: limits.withinMs, deadline_ms: tenths(limits.deadlineMs) }),
    ...(sent && { sent: { ...sent, ms: tenths(sent.ms) } }),
  };
}

function originJson({ step, resolvers, reason }: VariableOrigin): JsonObject {
  return { step, resolvers, reason };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
