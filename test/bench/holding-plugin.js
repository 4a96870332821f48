// A destination that takes deliveries and never comes back: what it holds stays in the store.
import { defineDestination, definePlugin, z } from '@switchhook/sdk';

export default definePlugin({
  name: 'holding',
  components: [
    defineDestination({
      type: 'holding',
      description: 'Holds what it gets.',
      options: z.strictObject({}),
      create: () => ({ deliver: () => new Promise(() => {}) }),
    }),
  ],
});
