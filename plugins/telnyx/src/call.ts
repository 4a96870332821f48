/** `telnyx.call`: the request for the dynamic variables of an AI assistant becomes a call whose answer is the reply. */
import {
  type Answer,
  callAt,
  callEvent,
  defineSource,
  duration,
  type HttpReply,
  type JsonObject,
  Log,
  overrideWarning,
  problem,
  readJsonObject,
  refuse,
  requireTokenInPath,
  secretAt,
  secretList,
  textAt,
  variablesOf,
  z,
} from '@switchhook/sdk';
import { eventTypes, initialization } from './events.js';
import { callSamples } from './samples.js';
import { isUnsigned, signatureOptions, verifierOf } from './signature.js';

/** The longest that can be set for an assistant. */
const longestDeadlineMs = 10_000;

const fields = {
  id: ['data.payload.call_control_id', 'data.payload.conversation_id'],
  from: 'data.payload.telnyx_end_user_target',
  to: 'data.payload.telnyx_agent_target',
  agent: 'data.payload.assistant_id',
};

/** The component. Both the signature and the token must hold, where they are configured. */
export const call = defineSource({
  type: 'telnyx.call',
  description: "Telnyx's requests for the dynamic variables of an AI assistant, answered while the phone rings.",
  options: z
    .strictObject({
      ...signatureOptions,
      tokens: secretList(
        'A secret text, or a list, one of which must be the end of the URL: /hooks/{source}/<token>. Telnyx does not publish whether these requests are signed.',
      ).optional(),
      deadline: duration('How long Telnyx waits for the reply: the timeout that is set for the assistant, 10s at most.')
        .refine((ms) => ms <= longestDeadlineMs, problem('expected 10s at most'))
        .prefault('1500ms'),
    })
    .superRefine((given, ctx) => {
      if (isUnsigned(given) && given.tokens === undefined)
        ctx.addIssue(problem('expected publicKeys or tokens: without them, anyone could request answers'));
    }),
  calls: true,
  types: [initialization],
  deadlineMs: longestDeadlineMs,
  samples: callSamples,
  callBody: ({ from, to, agent }) => ({
    data: {
      record_type: 'event',
      event_type: initialization,
      payload: {
        telnyx_conversation_channel: 'phone_call',
        telnyx_agent_target: to,
        telnyx_end_user_target: from,
        ...(agent !== null && { assistant_id: agent }),
      },
    },
  }),
  answerIn,
  inject: { log: Log },
  create({ tokens, deadline: deadlineMs, ...credentials }, { log }) {
    const signature = isUnsigned(credentials) ? null : verifierOf(credentials);
    const warn = overrideWarning(log, 'Telnyx');
    const reply = (answer: Answer): HttpReply => {
      warn(answer);
      return replyWith(answer.variables);
    };
    return {
      receive(request) {
        const byToken = tokens === undefined ? null : secretAt(requireTokenInPath(request, tokens), tokens);
        const verifiedBy = signature?.verify(request) ?? byToken;
        const data = readJsonObject(request.body, { harmful: 'drop' });
        const type = textAt(data, 'data.event_type', 128) ?? initialization;
        if (eventTypes.includes(type))
          throw refuse('MALFORMED', `${type} waits for no answer: it belongs to a source that uses telnyx.events`);
        const inbound = callAt(data, fields);
        const id = textAt(data, 'data.id', 512);
        const event = callEvent(type, inbound, request, id === null ? null : [id]);
        return { kind: 'call', event, call: inbound, deadlineMs, reply, fallback, verifiedBy };
      },
      fallback,
      sign(body, nowMs) {
        const rest = tokens === undefined ? '' : `/${encodeURIComponent(tokens[0] ?? '')}`;
        return { headers: signature?.sign(body, nowMs).headers ?? {}, rest };
      },
    };
  },
});

function replyWith(variables: Readonly<Record<string, string>>): HttpReply {
  return { status: 200, body: { dynamic_variables: variables } };
}

/** Without variables the assistant uses its defaults, as when there is no reply. */
function fallback(): HttpReply {
  return replyWith({});
}

function answerIn({ dynamic_variables: given }: JsonObject): Answer | null {
  if (typeof given !== 'object' || given === null) return null;
  return { variables: variablesOf(given), overrideAgent: null };
}
