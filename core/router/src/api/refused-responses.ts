/** Response schemas of the API about refused requests. */
import { z } from 'zod';
import { count, cursor, list, named, time, verifiedBy } from './responses.js';

const owner = z
  .object({
    source: z.string(),
    agent: z.string().nullable().meta({ description: 'Null: the secret is that of the whole source.' }),
  })
  .register(named, { id: 'SecretOwner' });

const source = z.string().meta({ description: 'Empty if there is no such source.' });

const refusal = {
  agent: z.string().nullable().meta({
    description: 'The agent that the request names. It is not verified. Null where the source does not know it.',
  }),
  code: z.string().meta({ description: 'Code of the refusal, e.g. UNVERIFIED.' }),
  secret: z
    .object({
      expected: owner.nullable().meta({
        description: 'Whose secret was expected. Null: the request names no agent, and each agent has its own secret.',
      }),
      fits: list(owner).meta({
        description: 'Whose secret the request has instead; empty where no configured one fits, or it was not tried.',
      }),
    })
    .nullable()
    .meta({ description: 'Only with the code UNVERIFIED.' }),
};

// A router of the version before does not send it.
const advice = z.string().default('').meta({ description: 'What to do about it.' });

export const refusedRequest = z
  .object({
    id: z.string(),
    at: time,
    source,
    ...refusal,
    reason: z.string(),
    advice,
    remoteAddress: z.string(),
    method: z.string(),
    captured: z.boolean().meta({ description: 'Whether it is kept whole, because its source has `capture: true`.' }),
    bytes: count.nullable().meta({ description: 'Length of the body, as it was read or announced.' }),
  })
  .register(named, { id: 'RefusedRequest' });
export type RefusedRequest = z.output<typeof refusedRequest>;
export const refusedList = z.object({ requests: list(refusedRequest), cursor }).register(named, { id: 'RefusedList' });

export const capture = z
  .object({
    id: z.string(),
    file: z.base64().meta({
      description: 'The request for `switchhook doctor signature --capture`: line, headers, an empty line, the body.',
    }),
    masked: list(z.string()).meta({ description: 'What is `***` in it.' }),
  })
  .register(named, { id: 'Capture' });

export const refusalGroup = z
  .object({
    source,
    ...refusal,
    reason: z.string().meta({ description: 'Without numbers that differ.' }),
    advice,
    requests: count.meta({ description: 'How many.' }),
    firstAt: time,
    lastAt: time,
    latest: z.string().meta({ description: 'Id of the latest one.' }),
    minutes: list(z.object({ at: time.meta({ description: 'When the minute began.' }), requests: count })).meta({
      description: 'Requests by minute, in the latest 60 minutes in which there were any.',
    }),
  })
  .register(named, { id: 'RefusalGroup' });
export const refusalGroupList = z
  .object({ groups: list(refusalGroup).meta({ description: 'The largest first.' }) })
  .register(named, { id: 'RefusalGroupList' });

export const sourceStatus = z
  .object({
    source: z.string().meta({ description: 'Empty: requests for which there is no source.' }),
    use: z.string().nullable().meta({ description: 'Type of the component.' }),
    received: count.meta({ description: 'Requests that were answered with success since the router started.' }),
    refused: count.meta({ description: 'Requests that were refused since the router started.' }),
    lastRefusedAt: time.nullable(),
    // A router of the version before does not send it.
    calls: z
      .object({
        answered: count,
        unanswered: count.meta({ description: 'Those of them that no answer of the configuration matched.' }),
      })
      .default({ answered: 0, unanswered: 0 })
      .meta({ description: 'Calls of the last hour that this router has answered.' }),
    refusal: z
      .object({ ...refusal, reason: z.string(), requests: count })
      .nullable()
      .meta({ description: 'The most frequent reason of the last hour, and how many requests were refused for it.' }),
    secrets: list(
      z.object({ ...verifiedBy, requests: count, lastAt: time.meta({ description: 'When a request had it last.' }) }),
    )
      .default([])
      .meta({
        description:
          'Which of its secrets the requests had since the router started, as far as the source says. A secret that is missing was not used.',
      }),
  })
  .register(named, { id: 'SourceStatus' });
export type SourceStatus = z.output<typeof sourceStatus>;
