/** The transform `mask` for Switchhook: masks personal data in an event's data. */
import { definePlugin, defineTransform, maskerFor, maskOptions, z } from '@switchhook/sdk';

const mask = defineTransform({
  type: 'mask',
  description: "Masks phone numbers, e-mail addresses, card numbers and named fields in an event's data.",
  options: z.strictObject(maskOptions),
  create: (options) => {
    const masked = maskerFor(options);
    return {
      apply(event) {
        const data = masked(event.data);
        return data === event.data ? event : { ...event, data };
      },
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-mask', components: [mask] });
