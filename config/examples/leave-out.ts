/** A local plugin with the transform `leave-out`. docs/writing-a-plugin.md describes how to write plugins. */
import { definePlugin, defineTransform, z } from '@switchhook/sdk';

const leaveOut = defineTransform({
  type: 'leave-out',
  description: 'Leaves fields of the body out.',
  options: z.strictObject({
    fields: z.array(z.string()).min(1).meta({ description: 'Names of the fields.' }),
  }),
  create: ({ fields }) => ({
    apply: (event) => ({
      ...event,
      data: Object.fromEntries(Object.entries(event.data).filter(([name]) => !fields.includes(name))),
    }),
  }),
});

export default definePlugin({ name: 'leave-out', components: [leaveOut] });
