/** Writes a note for each event. */
import {
  Clock,
  type Delivery,
  defineDestination,
  deliveryScope,
  HttpClient,
  outcomeOfFailure,
  text,
} from '@switchhook/sdk';
import { accountOptions, apiOf } from './api.ts';

export const note = defineDestination({
  type: '{{word}}.note',
  description: 'Writes a note for each event.',
  options: accountOptions.extend({ text: text('Text of the note.') }),
  inject: { http: HttpClient, clock: Clock },
  create: ({ text, ...account }, services) => {
    const api = apiOf(account, services);
    // A delivery is at least once: by its id, the other system recognizes a repeated one.
    const bodyOf = (delivery: Delivery) => ({ id: delivery.id, text: text.render(deliveryScope(delivery)) });
    return {
      async deliver(delivery, signal) {
        try {
          await api.request({ method: 'POST', path: '/notes', body: bodyOf(delivery), signal });
          return { kind: 'delivered' };
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: (delivery) => ({ method: 'POST', url: `${account.url}/notes`, body: bodyOf(delivery) }),
    };
  },
});
