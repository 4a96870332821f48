/** `helpdesk.ticket`: opens a ticket for each event. */
import { type Delivery, defineDestination, deliveryScope, outcomeOfFailure, text, z } from '@switchhook/sdk';
import { Helpdesk } from './helpdesk.ts';

export const ticket = defineDestination({
  type: 'helpdesk.ticket',
  description: 'Opens a ticket for each event.',
  options: z.strictObject({
    subject: text('Subject of the ticket.'),
    text: text('Text of the ticket.'),
    priority: z.enum(['low', 'normal', 'high']).default('normal').meta({ description: 'Priority of the ticket.' }),
  }),
  // The defaults of each row: what the helpdesk allows.
  limits: { rateLimit: '5/s', concurrency: 4 },
  inject: { helpdesk: Helpdesk },
  create: ({ subject, text, priority }, { helpdesk }) => {
    // A delivery is made at least once. The helpdesk keeps one ticket for each id, so a repeated one changes nothing.
    const requestFor = (delivery: Delivery) => {
      const scope = deliveryScope(delivery);
      const body = { subject: subject.render(scope), text: text.render(scope), priority };
      return { method: 'PUT', path: `/tickets/${encodeURIComponent(delivery.id)}`, body } as const;
    };
    return {
      async deliver(delivery, signal) {
        try {
          await helpdesk.request({ ...requestFor(delivery), signal });
          return { kind: 'delivered' };
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: requestFor,
      probe: async (signal) => {
        await helpdesk.request({ method: 'GET', path: '/tickets', query: { limit: '1' }, signal });
      },
    };
  },
});
