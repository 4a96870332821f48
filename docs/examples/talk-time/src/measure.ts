/** `talk-time.measure`: adds to an analysed call how long the agent and the caller have talked, by the words of Retell's transcript. */
import { defineTransform, duration, type JsonObject, z } from '@switchhook/sdk';

/** What is needed of the body: `transcript_object` of a call, whose words have their times in seconds. */
const bodySchema = z.object({
  call: z.looseObject({
    transcript_object: z.array(
      z.object({
        role: z.string(),
        words: z.array(z.object({ start: z.number().optional(), end: z.number().optional() })),
      }),
    ),
  }),
});

type Utterance = z.output<typeof bodySchema>['call']['transcript_object'][number];

export const measure = defineTransform({
  type: 'talk-time.measure',
  description: "Adds how long the agent and the caller have talked, by the words of Retell's transcript.",
  options: z.strictObject({
    field: z
      .string()
      .regex(/^[a-z]\w{0,63}$/i, 'expected a name of letters, digits and _')
      .default('talk_time')
      .meta({ description: 'Field of `call` that is added.' }),
    atLeast: duration('Calls in which the caller has talked less are not delivered.').prefault('0s'),
  }),
  create: ({ field, atLeast }) => ({
    apply(event) {
      const read = bodySchema.safeParse(event.data);
      // Other events, and calls without a transcript, stay as they are.
      if (!read.success) return event;
      const { transcript_object: transcript } = read.data.call;
      const [agent, caller] = [secondsOf(transcript, 'agent'), secondsOf(transcript, 'user')];
      // Null: the delivery ends as skipped.
      if (caller * 1_000 < atLeast) return null;
      const all = agent + caller;
      const added = { agent, caller, caller_share: all === 0 ? 0 : rounded(caller / all) };
      // A new object: other destinations get the event as it is stored.
      return { ...event, data: { ...event.data, call: { ...(event.data.call as JsonObject), [field]: added } } };
    },
  }),
});

function secondsOf(transcript: readonly Utterance[], role: string): number {
  const words = transcript.filter((utterance) => utterance.role === role).flatMap((utterance) => utterance.words);
  return rounded(words.reduce((sum, { start = 0, end = start }) => sum + Math.max(0, end - start), 0));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
