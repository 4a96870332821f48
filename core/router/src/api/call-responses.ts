/** Response schemas of calls: how each was answered, and what was looked up for it. */
import { z } from 'zod';
import { answerSteps } from './requests.js';
import { count, cursor, named } from './responses.js';

const lookup = z.object({
  resolver: z.string(),
  outcome: z.enum(['found', 'not-found', 'cached', 'late', 'failed', 'skipped', 'busy']),
  start_ms: z.number().meta({ description: 'Milliseconds after the request.' }),
  ms: z.number(),
  reason: z.string().nullable().meta({ description: 'Why there are no facts.' }),
});

const origin = z.object({
  step: z.enum(['fresh', 'cached', 'stale', 'default', 'none']),
  resolvers: z.array(z.string()).readonly().meta({ description: 'Whose facts it is made from.' }),
  reason: z
    .string()
    .nullable()
    .optional()
    .meta({ description: 'Why it is the default, or nothing. Missing where an earlier version recorded the call.' }),
});

/** How a call was answered, as it stands in the data of its event: `data.answer`. */
export const callAnswer = z
  .object({
    from: z.string().meta({ description: "The caller's number; empty = withheld." }),
    to: z.string().meta({ description: 'The called number.' }),
    name: z.string().nullable().meta({ description: 'Name of the answer; null where none matched.' }),
    step: z.enum(answerSteps).meta({
      description: 'The last step (`fresh`, `cached`, `stale`, `default`, `none`) that a part of the answer came from.',
    }),
    variables: z.record(z.string(), z.string()),
    override_agent: z.string().nullable(),
    override_agent_origin: origin.nullable().optional().meta({
      description:
        'Of the other agent; null where none is configured. Missing where an earlier version recorded the call.',
    }),
    origins: z.record(z.string(), origin).meta({ description: 'Of each variable.' }),
    lookups: z.array(lookup).readonly(),
    requests: count.meta({ description: 'Requests about this call until it was answered.' }),
    ms: z.number().meta({ description: 'From the request to the answer.' }),
    within_ms: z.number().nullable().optional().meta({
      description:
        '`within` of the answer when it was made: how long after the request it is sent, even if look-ups are still running. Null where none matched. Missing where an earlier version recorded the call.',
    }),
    deadline_ms: z.number().optional().meta({
      description:
        'How long after the request the platform waits for the answer. Missing where an earlier version recorded the call.',
    }),
    sent: z
      .object({
        outcome: z.enum(['sent', 'failed', 'late']).meta({
          description: '`late`: the router was not running while the platform waited.',
        }),
        attempts: count,
        ms: z.number().meta({ description: "From the platform's request to the end of the last attempt." }),
        reason: z.string().nullable().meta({ description: 'Why it was not sent.' }),
      })
      .optional()
      .meta({ description: 'Of sources that send the answer by a request of their own.' }),
  })
  .register(named, { id: 'CallAnswer' });

/** A call that was answered. */
export const call = z
  .object({
    id: z.string().meta({ description: 'Id of its event.' }),
    source: z.string(),
    subject: z.string().nullable().meta({ description: 'Call id, where the platform sends one.' }),
    agent: z.string().nullable(),
    receivedAt: z.iso.datetime(),
    // A router of the version before does not send it.
    ringMs: z.number().nullable().default(null).meta({
      description:
        'Ring time in milliseconds: from the request about the call to the end of its reply, or of the request by which the source has sent the answer. Null where it was sent too late.',
    }),
    answer: callAnswer,
  })
  .register(named, { id: 'Call' });

/** Some calls. */
export const callList = z
  .object({
    calls: z.array(call).readonly(),
    cursor: cursor.meta({
      description:
        'For the next page; null at the end. A page may be empty before the end: 8,000 events are looked at.',
    }),
  })
  .register(named, { id: 'CallList' });
