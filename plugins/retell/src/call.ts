/** `retell.call`: the inbound webhook of a phone number becomes a call whose answer is the reply. */
import {
  type Answer,
  type Call,
  callAt,
  callEvent,
  defineSource,
  type HttpReply,
  type JsonObject,
  readJsonObject,
  refuse,
  textAt,
  valueAt,
  variablesOf,
} from '@switchhook/sdk';
import { eventTypes } from './events.js';
import { callSamples } from './samples.js';
import { options, verifierOf } from './signature.js';

/** Retell waits 10 s and repeats the request up to 3 times: https://docs.retellai.com/features/inbound-call-webhook */
const deadlineMs = 10_000;
const retryMs = 4 * deadlineMs;
const inboundCall = 'call_inbound';
/** Of a text message. */
const inboundChat = 'chat_inbound';

/** The component. */
export const call = defineSource({
  type: 'retell.call',
  description: "Retell's inbound webhook, answered with dynamic variables while the phone rings.",
  options,
  calls: true,
  types: [inboundCall, inboundChat],
  deadlineMs,
  samples: callSamples,
  callBody: ({ from, to, agent }) => ({
    event: inboundCall,
    call_inbound: { ...(agent !== null && { agent_id: agent }), from_number: from, to_number: to },
  }),
  answerIn,
  create(credentials) {
    const { verify, sign } = verifierOf(credentials);
    return {
      receive(request) {
        const verifiedBy = verify(request);
        const data = readJsonObject(request.body, { harmful: 'drop' });
        const type = textAt(data, 'event', 128) ?? inboundCall;
        if (eventTypes.includes(type))
          throw refuse('MALFORMED', `${type} waits for no answer: it belongs to a source that uses retell.events`);
        const inbound = callOf(data, type);
        return {
          kind: 'call',
          verifiedBy,
          event: callEvent(type, inbound, request),
          call: inbound,
          deadlineMs,
          retryMs,
          reply: (answer) => reply(type, answer),
          fallback: () => fallback(type),
        };
      },
      fallback: () => fallback(inboundCall),
      sign,
    };
  },
});

/** The fields stand in an object that is named like the event. Retell has not always sent the id of the call. */
function callOf(data: JsonObject, type: string): Call {
  return callAt(data, {
    id: [`${type}.call_id`, `${type}.chat_id`],
    from: `${type}.from_number`,
    to: `${type}.to_number`,
    agent: `${type}.agent_id`,
  });
}

function reply(type: string, { variables, overrideAgent }: Answer): HttpReply {
  const override = overrideAgent === null ? {} : { override_agent_id: overrideAgent };
  return { status: 200, body: { [type]: { dynamic_variables: variables, ...override } } };
}

/** All fields are optional: without any, the agent of the number takes the call. */
function fallback(type: string): HttpReply {
  return { status: 200, body: { [type]: {} } };
}

function answerIn(body: JsonObject): Answer | null {
  const [type] = [inboundCall, inboundChat].filter((name) => typeof body[name] === 'object' && body[name] !== null);
  if (type === undefined) return null;
  return {
    variables: variablesOf(valueAt(body, `${type}.dynamic_variables`)),
    overrideAgent: textAt(body, `${type}.override_agent_id`, 256),
  };
}
