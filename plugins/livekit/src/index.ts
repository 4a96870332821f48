/** LiveKit for Switchhook: its signed webhooks become events. */
import {
  definePlugin,
  defineSource,
  duration,
  fieldReader,
  fieldsOption,
  Log,
  readJsonObject,
  textAt,
  untypedBody,
  z,
} from '@switchhook/sdk';
import { keysOption, verifierOf } from './authorization.js';
import { samples, types } from './samples.js';

const events = defineSource({
  type: 'livekit.events',
  description: "LiveKit's signed webhooks of rooms, participants, tracks, egress, ingress and agent jobs.",
  options: z.strictObject({
    keys: keysOption,
    tolerance: duration(
      'Largest difference between the time of signing and the clock of the router, in either direction. LiveKit sends the end of the validity: the time of signing is 5 minutes before.',
    ).prefault('5m'),
    fields: fieldsOption('The key is the id of the event.', {
      type: 'default(body.event, null)',
      subject: 'default(body.room.sid, default(body.job.room.sid, null))',
      agent: 'default(body.job.agentName, null)',
      occurredAt: 'default(body.createdAt, null)',
    }).prefault({}),
  }),
  accepts: ['application/webhook+json', 'application/json'],
  types,
  samples,
  inject: { log: Log },
  create({ keys, tolerance, fields }, { log }) {
    const { verify, sign } = verifierOf(keys, tolerance);
    const read = fieldReader(fields, log);
    return {
      receive(request) {
        const verifiedBy = verify(request);
        const data = readJsonObject(request.body);
        const { type, ...draft } = read(request, data, { key: () => textAt(data, 'id', 512) });
        if (type === null) throw untypedBody(fields, 'event');
        return { kind: 'events', events: [{ ...draft, type }], verifiedBy };
      },
      sign,
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-livekit', components: [events] });
