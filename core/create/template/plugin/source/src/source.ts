/** Receives signed webhooks: verifies each one, and makes an event of it. */
import {
  defineSource,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  secret,
  signatureHeaders,
  z,
} from '@switchhook/sdk';

/** How the sender signs its requests: see its documentation. */
const scheme: SignatureScheme = {
  header: 'x-signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: 'sha256=',
  timestampHeader: 'x-timestamp',
  toleranceMs: 300_000,
  signed: '{timestamp}.{body}',
};

const bodySchema = z.object({
  id: z.string().min(1).max(512),
  type: z.string().min(1).max(128),
  record: z.string().min(1).max(512),
});

export const events = defineSource({
  type: '{{word}}.events',
  description: 'Signed webhooks about records.',
  options: z.strictObject({ secret: secret('Secret with which the sender signs.') }),
  types: ['record.created', 'record.changed'],
  samples: { 'record.created': { id: 'evt_1', type: 'record.created', record: 'rec_1' } },
  create: ({ secret }) => ({
    receive(request) {
      requireSignature(scheme, [secret], request);
      const data = readJsonObject(request.body);
      const read = bodySchema.safeParse(data);
      if (!read.success) throw refuse('MALFORMED', 'id, type or record is missing or too long');
      const { id, type, record } = read.data;
      // By its key, the router recognizes an event that is sent again.
      return { kind: 'events', events: [{ key: id, type, subject: record, agent: null, occurredAtMs: null, data }] };
    },
    sign: (body, nowMs) => ({ headers: signatureHeaders(scheme, secret, { method: 'POST', body }, nowMs), rest: '' }),
  }),
});
