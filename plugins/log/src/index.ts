/** `log`: writes events to the log, the destination that needs nothing. */
import { type Delivery, defineDestination, definePlugin, Log, z } from '@switchhook/sdk';

const log = defineDestination({
  type: 'log',
  description: 'Writes the event to the log.',
  options: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({ description: 'Level of the line.' }),
    data: z.boolean().default(false).meta({
      description: "Whether the line contains the event's data, which may be personal: transcripts, numbers.",
    }),
  }),
  inject: { log: Log },
  create: ({ level, data: withData }, { log }) => {
    const fieldsOf = ({ id: delivery, route, attempt, event }: Delivery) => {
      const { data, ...facts } = event;
      return { delivery, route, attempt, ...facts, ...(withData ? { data } : {}) };
    };
    return {
      deliver: async (delivery) => {
        log[level]('event.logged', fieldsOf(delivery));
        return { kind: 'delivered' };
      },
      preview: (delivery) => ({ level, event: 'event.logged', ...fieldsOf(delivery) }),
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-log', components: [log] });
