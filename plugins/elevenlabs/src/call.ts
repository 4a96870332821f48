/** `elevenlabs.call`: the request for the data of an inbound Twilio call becomes a call whose answer is the reply. */
import {
  type Answer,
  callAt,
  callEvent,
  defineSource,
  duration,
  type HttpReply,
  headerName,
  type JsonObject,
  Log,
  overrideWarning,
  readJsonObject,
  requireToken,
  secretAt,
  secretList,
  variablesOf,
  z,
} from '@switchhook/sdk';
import { callSamples } from './samples.js';

/** The body of a request has no type; that of the reply has. */
const inboundCall = 'inbound_call';
const replyType = 'conversation_initiation_client_data';

const fields = { id: 'call_sid', from: 'caller_id', to: 'called_number', agent: 'agent_id' };

/** The component. */
export const call = defineSource({
  type: 'elevenlabs.call',
  description:
    "ElevenLabs' requests for the data of an inbound call, answered with dynamic variables while the phone rings.",
  options: z.strictObject({
    secrets: secretList(
      "A secret or a list of secrets, one of which each request must have: the value of the header that is configured in ElevenLabs' settings. ElevenLabs documents no signature for this request.",
    ),
    header: headerName
      .default('Authorization')
      .meta({ description: 'Header that carries the secret, with or without `Bearer `.' }),
    deadline: duration(
      'How long ElevenLabs waits for the reply. It does not publish this: the default is an assumption.',
    ).prefault('5s'),
  }),
  calls: true,
  types: [inboundCall],
  samples: callSamples,
  callBody: ({ from, to, agent }) => ({
    caller_id: from,
    ...(agent !== null && { agent_id: agent }),
    called_number: to,
  }),
  answerIn,
  inject: { log: Log },
  create({ secrets, header, deadline: deadlineMs }, { log }) {
    const warn = overrideWarning(log, 'ElevenLabs');
    const reply = (answer: Answer): HttpReply => {
      warn(answer);
      return replyWith(answer.variables);
    };
    return {
      receive(request) {
        const token = (request.headers[header.toLowerCase()] ?? '').replace(/^Bearer +/i, '');
        const index = requireToken({ headers: { [header.toLowerCase()]: token } }, { header, prefix: '' }, secrets);
        const verifiedBy = secretAt(index, secrets);
        const inbound = callAt(readJsonObject(request.body, { harmful: 'drop' }), fields);
        // A test in the dashboard may send no id.
        const event = callEvent(inboundCall, inbound, request);
        return { kind: 'call', event, call: inbound, deadlineMs, reply, fallback, verifiedBy };
      },
      fallback,
      sign: () => ({ headers: { [header.toLowerCase()]: `Bearer ${secrets[0]}` }, rest: '' }),
    };
  },
});

function replyWith(variables: Readonly<Record<string, string>>): HttpReply {
  return { status: 200, body: { type: replyType, dynamic_variables: variables } };
}

function fallback(): HttpReply {
  return replyWith({});
}

function answerIn({ type, dynamic_variables: given }: JsonObject): Answer | null {
  if (type !== replyType) return null;
  return { variables: variablesOf(given), overrideAgent: null };
}
