/** `elevenlabs.call`: the request for the data of an inbound Twilio call becomes a call whose answer is the reply. */
import {
  type Answer,
  type Call,
  defineSource,
  duration,
  eventKey,
  fingerprint,
  fitting,
  type HttpReply,
  headerName,
  type JsonObject,
  Log,
  readJsonObject,
  refuse,
  sameText,
  secretList,
  textAt,
  z,
} from '@switchhook/sdk';
import { callSamples } from './samples.js';

/** The body of a request has no type; that of the reply has. */
const inboundCall = 'inbound_call';
const replyType = 'conversation_initiation_client_data';

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
    let isWarned = false;
    const reply = ({ variables, overrideAgent }: Answer): HttpReply => {
      if (overrideAgent !== null) {
        const hint = 'The reply to ElevenLabs has no field for another agent: the agent of the number takes the call.';
        log[isWarned ? 'debug' : 'warn']('override.ignored', { agent: overrideAgent, hint });
        isWarned = true;
      }
      return replyWith(variables);
    };
    return {
      receive(request) {
        const { headers, body, receivedAtMs } = request;
        const token = (headers[header.toLowerCase()] ?? '').replace(/^Bearer +/i, '');
        if (token === '') throw refuse('UNVERIFIED', `header ${header} is missing`);
        if (secrets.filter((one) => sameText(one, token)).length === 0)
          throw refuse('UNVERIFIED', `header ${header} has none of the secrets`);
        const data = readJsonObject(body, { harmful: 'drop' });
        const inbound = callOf(data);
        const { id, from, agent } = inbound;
        // A test in the dashboard may send no id: each request is an event of its own.
        const own = id === null ? [fingerprint(body), String(receivedAtMs)] : [id];
        const key = fitting(eventKey(inboundCall, ...own), 512);
        const event = { key, type: inboundCall, subject: id, agent, party: from || null, occurredAtMs: null, data };
        return { kind: 'call', event, call: inbound, deadlineMs, reply, fallback };
      },
      fallback,
      sign: () => ({ headers: { [header.toLowerCase()]: `Bearer ${secrets[0]}` }, rest: '' }),
    };
  },
});

/** Without numbers it is a call, too: of an unknown caller. */
function callOf(data: JsonObject): Call {
  return {
    id: textAt(data, 'call_sid', 512),
    from: textAt(data, 'caller_id', 256) ?? '',
    to: textAt(data, 'called_number', 256) ?? '',
    agent: textAt(data, 'agent_id', 256),
    data,
  };
}

function replyWith(variables: Readonly<Record<string, string>>): HttpReply {
  return { status: 200, body: { type: replyType, dynamic_variables: variables } };
}

function fallback(): HttpReply {
  return replyWith({});
}

function answerIn({ type, dynamic_variables: given }: JsonObject): Answer | null {
  if (type !== replyType) return null;
  const variables = Object.entries(given ?? {}).map(([name, value]) => [name, String(value)]);
  return { variables: Object.fromEntries(variables), overrideAgent: null };
}
