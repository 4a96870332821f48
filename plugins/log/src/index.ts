/** `log`: writes events to the log, the destination that needs nothing. */
import { defineDestination, definePlugin, z } from '@switchhook/core/plugin';

const log = defineDestination({
  type: 'log',
  description: 'Writes the event to the log.',
  options: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({ description: 'Level of the line.' }),
    data: z
      .boolean()
      .default(false)
      .meta({ description: "Whether the event's data is in the line. It may be personal: transcripts, numbers." }),
  }),
  create: ({ level, data: withData }, tools) => ({
    deliver: async ({ id: delivery, route, attempt, event }) => {
      const { data, ...facts } = event;
      tools.log[level]('event.logged', { delivery, route, attempt, ...facts, ...(withData ? { data } : {}) });
      return { kind: 'delivered' };
    },
  }),
});

export default definePlugin({ name: '@switchhook/plugin-log', components: [log] });
