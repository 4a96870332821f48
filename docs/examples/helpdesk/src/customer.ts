/** `helpdesk.customer`: looks up the caller while the phone rings. */
import { defineResolver, z } from '@switchhook/sdk';
import { Helpdesk } from './helpdesk.ts';

/** The facts that answers use; zod leaves out all other fields of the reply. */
const customerSchema = z.object({ name: z.string(), openTickets: z.number() });

export const customer = defineResolver({
  type: 'helpdesk.customer',
  description: 'Looks up the caller by phone number.',
  options: z.strictObject({}),
  inject: { helpdesk: Helpdesk },
  create: (_options, { helpdesk }) => ({
    async resolve({ from }, _known, signal) {
      // Empty where the number is withheld.
      if (from === '') return {};
      const path = `/customers/${encodeURIComponent(from)}`;
      const { status, body } = await helpdesk.request({ method: 'GET', path, signal, allow: [404] });
      return status === 404 ? {} : customerSchema.parse(body);
    },
  }),
});
