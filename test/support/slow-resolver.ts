/** A resolver that takes its time and knows nobody: with it, a phone that rings again at once does not ring a thousand times a second. */
import { Clock, definePlugin, defineResolver, duration, z } from '@switchhook/sdk';

const slow = defineResolver({
  type: 'slow',
  description: 'Knows nobody, after a while.',
  options: z.strictObject({ takes: duration('How long a look-up takes.') }),
  inject: { clock: Clock },
  create: ({ takes }, { clock }) => ({
    resolve: () => new Promise((resolve) => clock.after(takes, () => resolve({}))),
  }),
});

export default definePlugin({ name: 'slow-resolver', components: [slow] });
