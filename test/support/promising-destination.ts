/** A plugin whose destination promises batches, and cannot take one. */
import { defineDestination, definePlugin, z } from '@switchhook/sdk';

const promising = defineDestination({
  type: 'promising',
  description: 'Promises more than it does.',
  options: z.strictObject({}),
  batches: true,
  create: () => ({ deliver: async () => ({ kind: 'delivered' }) }),
});

export default definePlugin({ name: 'promising', components: [promising] });
