/** HTTP Basic authentication for Switchhook: webhooks with a user name and a password become events. */
import {
  commonFields,
  definePlugin,
  defineSource,
  eventReader,
  fieldsOption,
  Log,
  requireToken,
  secretAt,
  secretList,
  z,
} from '@switchhook/sdk';

const userName = z
  .string()
  .regex(/^[^:\p{Cc}]+$/u, 'expected a user name, which has no colon and no control characters');
const place = { header: 'Authorization', prefix: 'Basic ' };

const source = defineSource({
  type: 'basic',
  description: 'Webhooks with a user name and a password, as Authorization: Basic.',
  options: z.strictObject({
    users: z
      .record(userName, secretList('Password of this user, or a list of passwords, each of which is accepted.'))
      .refine((users) => Object.keys(users).length > 0, 'expected at least one user')
      .meta({ description: 'Map from user names to passwords.' }),
    fields: fieldsOption('', commonFields).prefault({}),
  }),
  samples: { 'call.ended': { type: 'call.ended', call_id: 'call_1', duration: 73, timestamp: '2026-02-02T13:01:55Z' } },
  inject: { log: Log },
  create({ users, fields }, { log }) {
    const read = eventReader(fields, log);
    // Of each user by itself: a second user is no second password.
    const all = Object.entries(users).flatMap(([user, passwords]) =>
      passwords.map((password, index) => ({
        token: Buffer.from(`${user}:${password}`).toString('base64'),
        verifiedBy: secretAt(index, passwords),
      })),
    );
    const tokens = all.map(({ token }) => token);
    return {
      receive(request) {
        const found = all[requireToken(request, place, tokens)];
        return { ...read(request), ...(found && { verifiedBy: found.verifiedBy }) };
      },
      sign: () => ({ headers: { authorization: `${place.prefix}${tokens[0]}` }, rest: '' }),
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-basic', components: [source] });
