/** `vapi.events`: a server message becomes one event, its body kept as it was sent. */
import { defineSource, readJsonObject, refuse, withBody } from '@switchhook/sdk';
import { options, verifierOf } from './credentials.js';
import { assistantRequest, draftOf, messageTypes, typeIn } from './messages.js';
import { eventSamples } from './samples.js';

/** The component. */
export const events = defineSource({
  type: 'vapi.events',
  description: "Vapi's server messages: status-update, end-of-call-report, and others.",
  options,
  types: messageTypes,
  samples: eventSamples,
  create(credentials) {
    const { verify, sign } = verifierOf(credentials);
    return {
      receive(request) {
        const verifiedBy = verify(request);
        const { body } = request;
        const data = readJsonObject(body);
        const type = typeIn(data);
        if (type === null) throw refuse('MALFORMED', 'the body has no message.type');
        if (type === assistantRequest)
          throw refuse('MALFORMED', `${type} waits for an answer: it belongs to a source that uses vapi.call`);
        const draft = draftOf(data, type, body);
        return { kind: 'events', events: [withBody(draft, body)], verifiedBy };
      },
      sign,
    };
  },
});
