/** A destination that kills the process with one kind of event, and posts the others: what a bad native library would do. */
import { Clock, defineDestination, definePlugin, HttpClient, outcomeOf, z } from '@switchhook/sdk';

const deadly = defineDestination({
  type: 'deadly',
  description: 'Kills the process with events of one type.',
  options: z.strictObject({
    url: z.url().meta({ description: 'URL of the receiver.' }),
    kills: z.string().meta({ description: 'Type of the events that kill the process.' }),
  }),
  inject: { http: HttpClient, clock: Clock },
  create: ({ url, kills }, { http, clock }) => ({
    deliver: async ({ event, id, attempt }, signal) => {
      if (event.type === kills) process.kill(process.pid, 'SIGKILL');
      const headers = { 'x-delivery': id, 'x-attempt': String(attempt) };
      const body = JSON.stringify(event);
      return outcomeOf(await http.fetch(url, { method: 'POST', headers, body, signal }), clock.now());
    },
  }),
});

export default definePlugin({ name: 'deadly-destination', components: [deadly] });
