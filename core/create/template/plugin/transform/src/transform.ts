/** Removes fields of an event before it is delivered. */
import { defineTransform, z } from '@switchhook/sdk';

export const redact = defineTransform({
  type: '{{word}}.redact',
  description: 'Removes fields of the body.',
  options: z.strictObject({
    fields: z.array(z.string().min(1)).min(1).meta({ description: 'Names of fields at the top of the body.' }),
  }),
  create: ({ fields }) => ({
    apply(event) {
      const kept = Object.entries(event.data).filter(([name]) => !fields.includes(name));
      // An event of which nothing is left is not delivered.
      return kept.length === 0 ? null : { ...event, data: Object.fromEntries(kept) };
    },
  }),
});
