/** Request schemas of the API about erasures. */
import { z } from 'zod';
import { part, period, who, word } from './requests.js';

export const erasureQuery = z.strictObject(part);

export const erasureBody = z
  .strictObject({
    number: word.optional().meta({
      description: 'A phone number, however it is written, or an address such as sip:ada@example.com.',
    }),
    subject: word.optional().meta({ description: 'Conversation or call id.' }),
    agent: word.optional().meta({ description: 'Id of an agent: everything of it.' }),
    ...period,
    dryRun: z.boolean().default(false).meta({ description: 'Count only; nothing is erased.' }),
    by: who.meta({ description: 'Who erases; the record shows it. Default: the address of the request.' }),
  })
  .refine(({ number, subject, agent }) => [number, subject, agent].some((one) => one !== undefined), {
    message: 'expected a number, a subject or an agent',
  });
