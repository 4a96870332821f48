/** Adds the length of a call in minutes, and skips calls that are too short to matter. */
import { definePlugin, defineTransform, duration, valueAt, z } from '@switchhook/sdk';

const callLength = defineTransform({
  type: 'call-length',
  description: 'Adds the length of a call in minutes, and skips short calls.',
  options: z.strictObject({
    shortest: duration('Shorter calls are not delivered.').prefault('0s'),
  }),
  create: ({ shortest }) => ({
    apply(event) {
      const lengthMs = valueAt(event.data, 'call.duration_ms');
      if (typeof lengthMs !== 'number') return event;
      if (lengthMs < shortest) return null;
      return { ...event, data: { ...event.data, minutes: Math.round(lengthMs / 6_000) / 10 } };
    },
  }),
});

export default definePlugin({ name: 'call-length', components: [callLength] });
