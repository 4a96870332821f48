// A destination that never ends to close.
import { defineDestination, definePlugin, z } from '@switchhook/sdk';

export default definePlugin({
  name: 'unclosing',
  components: [
    defineDestination({
      type: 'unclosing',
      description: 'Never ends to close.',
      options: z.strictObject({}),
      create: () => ({
        deliver: async () => ({ kind: 'delivered' }),
        open: async () => {},
        close: () => new Promise(() => {}),
      }),
    }),
  ],
});
