/** Response schemas of the API about bodies to try, and what became of one that was sent. */
import { z } from 'zod';
import { json, list, named } from './responses.js';

/** What a platform is replied. */
export const httpReply = z
  .object({
    status: z.int(),
    body: json.nullable().meta({ description: 'Null where there is none, or it is no JSON.' }),
    text: z.string().nullable().meta({ description: 'A body that is no JSON.' }),
  })
  .register(named, { id: 'HttpReply' });

const sampleSource = z
  .object({
    source: z.string(),
    use: z.string().meta({ description: 'Type of the component.' }),
    calls: z.boolean().meta({ description: 'True where its requests are calls, which get an answer.' }),
    signs: z.boolean().meta({
      description:
        'Whether it can sign a body as its platform does. False: POST /api/send and /api/explain refuse bodies for it.',
    }),
    samples: list(z.object({ name: z.string(), body: json })),
  })
  .register(named, { id: 'SampleSource' });

export const sampleList = z
  .object({ sources: list(sampleSource).meta({ description: 'In the order of the file; the source `router` last.' }) })
  .register(named, { id: 'SampleList' });
export type SampleList = z.output<typeof sampleList>;

export const sent = z
  .object({
    reply: httpReply.meta({ description: 'What the platform would have got.' }),
    event: z.string().nullable().meta({ description: 'Id of the event; null where it was refused, or is none.' }),
    duplicate: z.boolean().meta({
      description:
        'True where the event was kept already, or its call was answered already: nothing was delivered anew.',
    }),
    reason: z.string().nullable().meta({ description: 'Why the source refused it; null where it did not.' }),
    // A router of the version before does not send it.
    replaced: list(z.object({ old: z.string(), new: z.string() }))
      .default([])
      .meta({ description: 'With `newIds`: each id of the body that was replaced, and by what.' }),
    kept: list(z.object({ field: z.string().meta({ description: 'Its path, e.g. `call.id`.' }), value: z.string() }))
      .default([])
      .meta({
        description:
          'Where ids were replaced: the first ten that stay, because the source does not go by them. A system behind that does sees the same call or customer as before.',
      }),
  })
  .register(named, { id: 'Sent' });
