/** `telnyx.events`: a signed webhook becomes one event, its body kept as it was sent. */
import {
  defineSource,
  fieldReader,
  fieldsOption,
  Log,
  problem,
  readJsonObject,
  refuse,
  textAt,
  untypedBody,
  z,
} from '@switchhook/sdk';
import { eventSamples } from './samples.js';
import { isUnsigned, signatureOptions, verifierOf } from './signature.js';

/** Waits for an answer. */
export const initialization = 'assistant.initialization';
/** Those that Telnyx documents for AI assistants. */
export const eventTypes = [
  'call.initiated',
  'call.answered',
  'call.conversation.ended',
  'call.conversation_insights.generated',
];

/** The component. */
export const events = defineSource({
  type: 'telnyx.events',
  description: "Telnyx's signed webhooks: call.conversation.ended, call.conversation_insights.generated, and others.",
  options: z
    .strictObject({
      ...signatureOptions,
      fields: fieldsOption('The key is the id of the event.', {
        type: 'default(body.data.event_type, null)',
        subject: 'default(body.data.payload.call_control_id, default(body.data.payload.conversation_id, null))',
        agent: 'default(body.data.payload.assistant_id, null)',
        occurredAt: 'default(body.data.occurred_at, null)',
      }).prefault({}),
    })
    .superRefine((given, ctx) => {
      if (isUnsigned(given)) ctx.addIssue(problem('expected publicKeys, or testKey to try the source'));
    }),
  types: eventTypes,
  samples: eventSamples,
  inject: { log: Log },
  create({ fields, ...credentials }, { log }) {
    const { verify, sign } = verifierOf(credentials);
    const read = fieldReader(fields, log);
    return {
      receive(request) {
        const verifiedBy = verify(request);
        const data = readJsonObject(request.body);
        const { type, ...draft } = read(request, data, { key: () => textAt(data, 'data.id', 512) });
        if (type === null) throw untypedBody(fields, 'data.event_type');
        if (type === initialization)
          throw refuse('MALFORMED', `${type} waits for an answer: it belongs to a source that uses telnyx.call`);
        return { kind: 'events', events: [{ ...draft, type }], verifiedBy };
      },
      sign,
    };
  },
});
