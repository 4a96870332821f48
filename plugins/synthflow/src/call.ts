/** `synthflow.call`: the inbound webhook of a phone number becomes a call whose answer is the reply. */
import {
  type Answer,
  callAt,
  callEvent,
  defineSource,
  duration,
  type HttpReply,
  type JsonObject,
  readJsonObject,
  refuse,
  requireTokenInPath,
  secretAt,
  secretList,
  textAt,
  valueAt,
  variablesOf,
  z,
} from '@switchhook/sdk';
import { inboundCall, postCall } from './events.js';
import { callSamples } from './samples.js';

/** The request is repeated up to 3 times: https://docs.synthflow.ai/inbound-webhook-api.md */
const tries = 4;

const fields = {
  id: 'call_inbound.call_id',
  from: 'call_inbound.from_number',
  to: 'call_inbound.to_number',
  agent: 'call_inbound.model_id',
};

/** The component. */
export const call = defineSource({
  type: 'synthflow.call',
  description: "Synthflow's inbound webhook, answered with custom variables while the phone rings.",
  options: z.strictObject({
    tokens: secretList(
      'A secret text, or a list, one of which must be the end of the URL: /hooks/{source}/<token>. Synthflow signs the id of a call only, which this request does not have.',
    ),
    deadline: duration(
      'How long Synthflow waits for the reply. It does not publish this: the default is an assumption.',
    ).prefault('5s'),
  }),
  calls: true,
  types: [inboundCall],
  samples: callSamples,
  callBody: ({ from, to, agent }) => ({
    event: inboundCall,
    call_inbound: { ...(agent !== null && { model_id: agent }), from_number: from, to_number: to },
  }),
  answerIn,
  create({ tokens, deadline: deadlineMs }) {
    return {
      receive(request) {
        const verifiedBy = secretAt(requireTokenInPath(request, tokens), tokens);
        const data = readJsonObject(request.body, { harmful: 'drop' });
        if (data.event === undefined && valueAt(data, 'call.call_id') !== undefined)
          throw refuse(
            'MALFORMED',
            `${postCall} waits for no answer: it belongs to a source that uses synthflow.events`,
          );
        const type = textAt(data, 'event', 128) ?? inboundCall;
        const inbound = callAt(data, fields);
        // No id is documented.
        const event = callEvent(type, inbound, request);
        const retryMs = tries * deadlineMs;
        return { kind: 'call', event, call: inbound, deadlineMs, retryMs, reply, fallback, verifiedBy };
      },
      fallback,
      sign: () => ({ headers: {}, rest: `/${encodeURIComponent(tokens[0] ?? '')}` }),
    };
  },
});

/** Without `override_model_id` Synthflow disconnects the call; with an empty one, the agent of the number takes it. */
function reply({ variables, overrideAgent }: Answer): HttpReply {
  return {
    status: 200,
    body: { call_inbound: { override_model_id: overrideAgent ?? '', custom_variables: variables } },
  };
}

function fallback(): HttpReply {
  return { status: 200, body: { call_inbound: { override_model_id: '' } } };
}

function answerIn(body: JsonObject): Answer | null {
  if (typeof valueAt(body, 'call_inbound.override_model_id') !== 'string') return null;
  return {
    variables: variablesOf(valueAt(body, 'call_inbound.custom_variables')),
    overrideAgent: textAt(body, 'call_inbound.override_model_id', 256),
  };
}
