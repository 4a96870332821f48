/** Tokens in a header for Switchhook: webhooks that carry one of the configured tokens become events. */
import {
  commonFields,
  definePlugin,
  defineSource,
  eventReader,
  fieldsOption,
  headerName,
  Log,
  requireToken,
  secretAt,
  secretList,
  z,
} from '@switchhook/sdk';

const authorization = 'Authorization';

const source = defineSource({
  type: 'bearer',
  description: 'Webhooks that carry a token, as Authorization: Bearer or in a header of their own.',
  options: z.strictObject({
    tokens: secretList('Token that each request must carry, or a list of tokens, each of which is accepted.'),
    header: headerName.default(authorization).meta({ description: 'Header that carries the token.' }),
    prefix: z
      .string()
      .optional()
      .meta({ description: 'Text before the token, in any case. Default: "Bearer " in Authorization, else none.' }),
    fields: fieldsOption('', commonFields).prefault({}),
  }),
  samples: { 'call.ended': { type: 'call.ended', call_id: 'call_1', duration: 73, timestamp: '2026-02-02T13:01:55Z' } },
  inject: { log: Log },
  create({ tokens, header, prefix = header.toLowerCase() === 'authorization' ? 'Bearer ' : '', fields }, { log }) {
    const read = eventReader(fields, log);
    return {
      receive(request) {
        const verifiedBy = secretAt(requireToken(request, { header, prefix }, tokens), tokens);
        return { ...read(request), verifiedBy };
      },
      sign: () => ({ headers: { [header.toLowerCase()]: `${prefix}${tokens[0]}` }, rest: '' }),
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-bearer', components: [source] });
