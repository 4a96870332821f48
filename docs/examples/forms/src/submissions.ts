/** `forms.submissions`: verifies signed webhooks of a form service, which verifies the URL before it uses it. */
import {
  defineSource,
  handshakeReply,
  type JsonObject,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  secretList,
  sentTimeMs,
  signatureHeaders,
  textAt,
  z,
} from '@switchhook/sdk';

/** How the service signs its requests: the digest of the time and the exact bytes of the body. */
const scheme: SignatureScheme = {
  header: 'x-forms-signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: 'sha256=',
  timestampHeader: 'x-forms-timestamp',
  toleranceMs: 300_000,
  signed: '{timestamp}.{body}',
};

/** What is needed of a body. All other fields stay in the data of the event. */
const bodySchema = z.object({
  submissions: z
    .array(z.looseObject({ id: z.string().min(1).max(256), form: z.string().min(1).max(256) }))
    .min(1)
    .max(100),
});

export const submissions = defineSource({
  type: 'forms.submissions',
  description: 'Submissions of forms, signed.',
  options: z.strictObject({
    secrets: secretList('Secrets with which the service signs; during a rotation, the new and the earlier one.'),
    tokens: secretList('Tokens of the handshake, which are entered at the service.'),
  }),
  types: ['form.submitted'],
  samples: {
    'form.submitted': { submissions: [{ id: 'sub_1', form: 'contact', submittedAt: '2026-01-02T03:04:05Z' }] },
  },
  create: ({ secrets, tokens }) => ({
    // GET /hooks/<source>?challenge=…&token=…: the service uses the URL once the reply is the challenge.
    handshake: (request) => handshakeReply(request, { challenge: 'challenge', token: { parameter: 'token', tokens } }),
    receive(request) {
      // First: what is not verified is not read.
      requireSignature(scheme, secrets, request);
      const { submissions: list, ...others } = readJsonObject(request.body);
      const read = bodySchema.safeParse({ submissions: list });
      if (!read.success) throw refuse('MALFORMED', 'submissions is no list of 1 to 100 objects with an id and a form');
      const events = read.data.submissions.map((submission) => ({
        // By its key, the router recognizes an event that is sent again. The ids of two forms may be equal.
        key: `${submission.form}/${submission.id}`,
        type: 'form.submitted',
        subject: submission.id,
        agent: null,
        occurredAtMs: sentTimeMs(textAt(submission as JsonObject, 'submittedAt', 64)),
        // All that was sent: zod keeps the fields of a loose object, which came from JSON.
        data: { ...others, ...(submission as JsonObject) },
      }));
      return { kind: 'events', events };
    },
    // For `switchhook send` and the tests: the first secret is the new one.
    sign: (body, nowMs) => ({
      headers: signatureHeaders(scheme, secrets[0] ?? '', { method: 'POST', body }, nowMs),
      rest: '',
    }),
  }),
});
