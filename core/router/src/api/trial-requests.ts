/** Request schemas of the API about bodies to try. */
import { z } from 'zod';
import { who, word } from './requests.js';
import { json } from './responses.js';

export const sampleQuery = z.strictObject({ source: word.optional().meta({ description: 'Name of the source.' }) });

export const sendBody = z
  .strictObject({
    source: word.meta({ description: 'Name of a source.' }),
    body: json.optional().meta({ description: 'A body as its platform would send it.' }),
    text: z.string().min(1).optional().meta({
      description: 'In place of `body`: the same as JSON, character by character, where digits such as `1.0` matter.',
    }),
    newIds: z.boolean().default(false).meta({
      description: 'Give it other ids before, so that it is another event than the one that it is a copy of.',
    }),
    by: who.meta({ description: 'Who sends it; the log shows it. Default: the address of the request.' }),
  })
  .refine(({ body, text }) => (body === undefined) !== (text === undefined), { message: 'expected body or text' });

export const explainBody = z.union(
  [
    z.strictObject({ event: word.meta({ description: 'Id of an event.' }) }),
    z.strictObject({
      subject: word.meta({ description: 'Conversation or call id: its latest 20 events, or 20 before the cursor.' }),
      cursor: word.optional().meta({ description: 'Of the reply with later events.' }),
    }),
    z.strictObject({
      source: word.meta({ description: 'Name of a source.' }),
      body: json.meta({ description: 'A body as it would be sent to this source.' }),
    }),
  ],
  { error: 'expected { event }, { subject } or { source, body }' },
);
