/** `sigmamind.call`: the inbound-call webhook becomes a call whose answer is the reply. */
import {
  type Answer,
  type Call,
  callEvent,
  defineSource,
  fitting,
  type HttpReply,
  type JsonObject,
  Log,
  problem,
  type RawRequest,
  readJsonObject,
  refuse,
  sameText,
  secretAt,
  secretList,
  type VerifiedBy,
  variablesOf,
  z,
} from '@switchhook/sdk';
import { allowed, allowOption } from './allow.js';
import { agentIn, callIdIn, idIn, isAgentWebhook, openEnvelope } from './envelope.js';
import { callSamples } from './samples.js';
import { assumedSignature, assumptionsOf, secretsOption, verifierOf } from './signature.js';

/** SigmaMind waits 10 s, tries 3 more times, then drops the call: https://docs.sigmamind.ai/documentation/calls/receive-calls */
const deadlineMs = 10_000;
const retryMs = 4 * deadlineMs;
const inboundCall = 'inbound_call';

const options = z
  .strictObject({
    token: secretList(
      'A secret text, or a list, one of which each request must contain: as /hooks/{source}/<token>, ?token= or Authorization: Bearer. SigmaMind documents no signature for this webhook.',
    ).optional(),
    secrets: secretsOption.optional().meta({ description: 'Secret or list of secrets, if the requests are signed.' }),
    signature: assumedSignature.optional(),
    allow: allowOption.optional(),
  })
  .superRefine(({ token, secrets, signature, allow }, ctx) => {
    if (token === undefined && secrets === undefined && allow === undefined)
      ctx.addIssue(problem('expected token, secrets or allow: without any of them, anyone could request answers'));
    if (signature !== undefined && secrets === undefined) ctx.addIssue(problem('signature needs secrets'));
  });

/** The component. All of token, secrets and allow that is configured must hold. */
export const call = defineSource({
  type: 'sigmamind.call',
  description: "SigmaMind's inbound-call webhook, answered with dynamic variables while the phone rings.",
  options,
  calls: true,
  types: [inboundCall],
  deadlineMs,
  samples: callSamples,
  callBody: ({ from, to, agent }) => ({
    event: inboundCall,
    from_number: from,
    to_number: to,
    ...(agent !== null && { agent_id: agent }),
  }),
  answerIn,
  assumptions: ({ secrets, signature }) => (secrets === undefined ? [] : assumptionsOf(signature)),
  inject: { log: Log },
  create({ token: tokens, secrets, signature, allow }, { log }) {
    const verifier = secrets === undefined ? null : verifierOf(signature);
    return {
      receive(request) {
        if (allow !== undefined && !allowed(allow, request.remoteAddress))
          throw refuse('UNVERIFIED', `${request.remoteAddress} is not in allow; behind a proxy, see server.trustProxy`);
        const byToken = tokens === undefined ? null : requireToken(request, tokens);
        const verifiedBy = secrets === undefined || verifier === null ? byToken : verifier.verify(request, secrets);
        const data = readJsonObject(request.body, { harmful: 'drop' });
        const type = typeOf(data);
        const inboundCall = callOf(data, request.body);
        if (inboundCall.to === '') log.warn('call.number-missing', { fields: Object.keys(data).slice(0, 20) });
        return {
          kind: 'call',
          verifiedBy,
          event: callEvent(type, inboundCall, request, ownIds(inboundCall)),
          call: inboundCall,
          deadlineMs,
          retryMs,
          reply,
          fallback,
        };
      },
      fallback,
      sign: (body, nowMs) => ({
        headers: verifier?.sign(body, nowMs, secrets?.[0] ?? '') ?? {},
        rest: tokens === undefined ? '' : `/${encodeURIComponent(tokens[0] ?? '')}`,
      }),
    };
  },
});

/** Compares with all of them, so that the time taken does not reveal which one it is. */
function requireToken({ rest, query, headers }: RawRequest, tokens: readonly string[]): VerifiedBy {
  const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = [rest.replace(/\/$/, ''), query.token, bearer].filter((text) => text !== undefined && text !== '');
  const fitting = tokens.map((token) => given.filter((text = '') => sameText(text, token)).length > 0);
  if (fitting.includes(true)) return secretAt(fitting.lastIndexOf(true), tokens);
  const found = given.length === 0 ? 'no token came with the request' : 'the token is not a configured one';
  throw refuse('UNVERIFIED', `${found}; it belongs into the path, ?token= or Authorization: Bearer`);
}

/**
 * Only what is surely meant for another source is refused: a call without an answer is dropped. SigmaMind's page mentions
 * inbound text messages, but not the value of `event` for them: every other value is kept as the type, and answered like a call.
 */
function typeOf({ event }: JsonObject): string {
  if (typeof event !== 'string' || event === '') return inboundCall;
  if (event.toLowerCase().replace(/[-_. ]/g, '') === 'inboundcall') return inboundCall;
  if (isAgentWebhook(event))
    throw refuse('MALFORMED', `${event} is an agent webhook: those belong to a source that uses sigmamind.events`);
  return fitting(event, 128);
}

/** A body without numbers is a call too: it gets the answer an unknown caller gets. */
function callOf(data: JsonObject, bytes: Uint8Array): Call {
  const envelope = openEnvelope(data, bytes);
  return {
    id: fitting(callIdIn(envelope), 512),
    from: idIn(envelope, 'from') ?? '',
    to: idIn(envelope, 'to') ?? '',
    agent: fitting(agentIn(envelope), 256),
    data,
  };
}

/** No call id is documented. Where one is sent, the numbers keep apart what an id that is not the call's own would mix up. */
function ownIds({ id, from, to }: Call): readonly string[] | null {
  return id === null ? null : [id, from, to];
}

function reply({ variables, overrideAgent }: Answer): HttpReply {
  const override = overrideAgent === null ? {} : { override_agent_id: overrideAgent };
  return { status: 200, body: { dynamic_variables: variables, ...override } };
}

function answerIn({ dynamic_variables: given, override_agent_id: agent }: JsonObject): Answer | null {
  if (typeof given !== 'object' || given === null) return null;
  return { variables: variablesOf(given), overrideAgent: typeof agent === 'string' ? agent : null };
}

/** That no variables are accepted is not documented; that a call is dropped without a 2xx is. */
function fallback(): HttpReply {
  return reply({ variables: {}, overrideAgent: null });
}
