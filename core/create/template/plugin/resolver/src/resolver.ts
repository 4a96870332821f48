/** Looks up the caller. */
import { Clock, defineResolver, HttpClient, z } from '@switchhook/sdk';
import { accountOptions, apiOf } from './api.ts';

/** The facts that answers use; zod removes all other fields of the reply. */
const contactSchema = z.object({ first_name: z.string(), tier: z.string() });

export const contact = defineResolver({
  type: '{{word}}.contact',
  description: 'Looks up the caller by phone number.',
  options: accountOptions,
  inject: { http: HttpClient, clock: Clock },
  create: (account, services) => {
    const api = apiOf(account, services);
    return {
      async resolve({ from }, _known, signal) {
        const path = `/contacts/${encodeURIComponent(from)}`;
        const { status, body } = await api.request({ method: 'GET', path, signal, allow: [404] });
        return status === 404 ? {} : contactSchema.parse(body);
      },
    };
  },
});
