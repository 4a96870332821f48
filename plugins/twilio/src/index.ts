/** Twilio for Switchhook: its signed status callbacks become events, and events become text messages. */
import { definePlugin, defineSource, fieldReader, fieldsOption, Log, secretList, z } from '@switchhook/sdk';
import { samples } from './samples.js';
import { verifierOf } from './signature.js';
import { sms } from './sms.js';

const events = defineSource({
  type: 'twilio.events',
  description: "Twilio's signed status callbacks: forms whose parameters are the fields of the event.",
  options: z.strictObject({
    secrets: secretList(
      'The Auth Token of the account or the secret of a shared key, or a list of them, of which each is tried, for rotation.',
    ),
    url: z
      .string()
      .regex(
        /^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/,
        'expected a URL without a query, such as https://hooks.example.com/hooks/calls',
      )
      .optional()
      .meta({
        description:
          'The URL that is entered in Twilio, which is signed, without its query. Default: server.publicUrl and the path. `switchhook send` needs it.',
      }),
    fields: fieldsOption('Twilio sends no id of an event.', {
      type: 'default(body.CallStatus, null)',
      subject: 'default(body.CallSid, null)',
      occurredAt: 'default(body.Timestamp, null)',
    }).prefault({}),
  }),
  accepts: ['application/x-www-form-urlencoded', 'application/json'],
  samples,
  inject: { log: Log },
  create({ secrets, url, fields }, { log }) {
    const { verify, sign } = verifierOf(secrets, url);
    const read = fieldReader(fields, log);
    return {
      receive(request) {
        const { data, bytes, verifiedBy } = verify(request);
        const { type, ...draft } = read({ ...request, body: bytes }, data);
        return { kind: 'events', events: [{ ...draft, type: type ?? 'webhook' }], verifiedBy };
      },
      sign,
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-twilio', components: [events, sms] });
