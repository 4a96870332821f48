/** Components for `monitored.ts`: a transform that keeps everything back, a source that answers by a call, and a resolver that knows one caller and fails for another. */
import { definePlugin, defineResolver, defineSource, defineTransform, refuse, z } from '@switchhook/sdk';

const options = z.strictObject({});

export default definePlugin({
  name: 'mine',
  components: [
    defineTransform({
      type: 'mine.nothing',
      description: 'Keeps everything back.',
      options,
      create: () => ({ apply: () => null }),
    }),
    defineSource({
      type: 'mine.call',
      description: 'Refuses every request.',
      options,
      calls: true,
      answerBy: 'call',
      create: () => ({
        receive: () => {
          throw refuse('UNVERIFIED', 'nothing is signed');
        },
        answer: async () => ({ kind: 'delivered' }),
      }),
    }),
    defineResolver({
      type: 'mine.customers',
      description: 'Knows Jim.',
      options,
      create: () => ({
        resolve: async ({ from }) => {
          if (from === '+13') throw new Error('out of order');
          return from === '+11' ? { first_name: 'Jim' } : {};
        },
      }),
    }),
  ],
});
