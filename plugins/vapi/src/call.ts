/** `vapi.call`: the assistant request of a phone number becomes a call, whose answer names the assistant and its variables. */
import {
  type Answer,
  defineSource,
  eventKey,
  fitting,
  type JsonObject,
  readJsonObject,
  textAt,
  valueAt,
  variablesOf,
  z,
} from '@switchhook/sdk';
import { options, verifierOf } from './credentials.js';
import { assistantRequest, draftOf, messageTypes, partiesIn, typeIn } from './messages.js';
import { callSamples } from './samples.js';

/** From end to end, and not configurable: https://docs.vapi.ai/server-url/events */
const deadlineMs = 7_500;

/** The component. */
export const call = defineSource({
  type: 'vapi.call',
  description: "Vapi's assistant requests, answered with an assistant and its variables while the phone rings.",
  options: options.extend({
    assistant: z.string().min(1).max(256).meta({
      description:
        'Id of the assistant that takes the calls for which the answer names no other agent. Vapi asks because the phone number has none.',
    }),
  }),
  calls: true,
  types: [assistantRequest, ...messageTypes],
  deadlineMs,
  samples: callSamples,
  callBody: ({ from, to, agent }) => ({
    message: {
      type: assistantRequest,
      call: { type: 'inboundPhoneCall', ...(agent !== null && { assistantId: agent }) },
      customer: { number: from },
      phoneNumber: { number: to },
    },
  }),
  answerIn,
  create({ assistant, ...credentials }) {
    const { verify, sign } = verifierOf(credentials);
    // Without an assistant Vapi cannot take the call.
    const fallback = () => ({ status: 200, body: { assistantId: assistant } });
    const reply = ({ variables, overrideAgent }: Answer) => ({
      status: 200,
      body: { assistantId: overrideAgent ?? assistant, assistantOverrides: { variableValues: variables } },
    });
    return {
      receive(request) {
        const verifiedBy = verify(request);
        const { body, receivedAtMs } = request;
        const data = readJsonObject(body, { harmful: 'drop' });
        const type = typeIn(data) ?? assistantRequest;
        const draft = draftOf(data, type, body);
        // A phone number has one URL for all of its messages.
        if (type !== assistantRequest) return { kind: 'events', events: [draft], verifiedBy };
        const { id, from, to, agent } = partiesIn(data);
        const own = id === null ? [draft.key, String(receivedAtMs)] : [type, id];
        return {
          kind: 'call',
          verifiedBy,
          event: { ...draft, key: fitting(eventKey(...own), 512) },
          call: { id, from: from ?? '', to: to ?? '', agent, data },
          deadlineMs,
          reply,
          fallback,
        };
      },
      fallback,
      sign,
    };
  },
});

function answerIn(body: JsonObject): Answer | null {
  const overrideAgent = textAt(body, 'assistantId', 256);
  if (overrideAgent === null) return null;
  return { variables: variablesOf(valueAt(body, 'assistantOverrides.variableValues')), overrideAgent };
}
