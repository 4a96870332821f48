/** Response schemas of the API about routes, and what they do with an event. */
import { z } from 'zod';
import { callAnswer } from './call-responses.js';
import { cursor, deliveryDetails, heldBack, json, list, named, wholeEvent } from './responses.js';
import { httpReply } from './trial-responses.js';

const wait = z
  .object({
    for: list(z.string()).meta({ description: 'Event types that end the wait.' }),
    withinSeconds: z.number().meta({ description: 'How long it waits, from the first event on.' }),
  })
  .nullable()
  .meta({ description: 'Null where each event is delivered by itself, at once.' });

const route = z.object({
  name: z.string(),
  from: list(z.string()),
  on: list(z.string()),
  where: z.string().nullable(),
  to: list(z.string()),
  transforms: list(z.string()),
  wait,
});
export const routeList = z
  .object({ routes: list(route).meta({ description: 'In the order of the file.' }) })
  .register(named, { id: 'RouteList' });

const explainedValue = z.object({
  text: z.string().meta({ description: 'As written in the file.' }),
  value: z.unknown().meta({ description: 'Null where it could not be evaluated.' }),
  failure: z.string().nullable().meta({ description: 'Why it could not be evaluated.' }),
});

const verdict = {
  matches: z.boolean(),
  reason: z.string().nullable().meta({ description: 'Why it does not match.' }),
  where: z.string().nullable(),
  parts: list(
    explainedValue.extend({
      decides: z.boolean().meta({ description: 'True where the condition came to what it did because of this part.' }),
      operands: list(explainedValue),
    }),
  ),
};

const routeExplanation = z
  .object({
    route: z.string(),
    ...verdict,
    wait,
    destinations: list(
      z.object({
        destination: z.string(),
        preview: json.nullable().meta({ description: 'What it would be sent, without secrets.' }),
        reason: z.string().nullable().meta({ description: 'Why there is no preview.' }),
        // A router of the version before does not send it.
        rejected: z.boolean().default(false).meta({
          description:
            'True: a delivery would be rejected for this reason, before a request is made. False: the other side may still refuse it.',
        }),
        ...heldBack,
      }),
    ),
  })
  .register(named, { id: 'RouteExplanation' });

const answerExplanation = z.object({ answer: z.string(), ...verdict }).register(named, { id: 'AnswerExplanation' });

const callDryRun = z
  .object({
    answer: callAnswer,
    answers: list(answerExplanation).meta({
      description: 'Every answer, in the order of the file: the first that matches answers the call.',
    }),
    reply: httpReply,
    sentLater: z.boolean().meta({
      description: 'True: the reply only acknowledges the request, and the source sends the answer by one of its own.',
    }),
    // A router of the version before does not send it.
    numbers: z.string().nullable().default(null).meta({
      description:
        'Which of `from` and `to` is missing or no phone number; null where nothing is wrong. A withheld one is not wrong.',
    }),
  })
  .register(named, { id: 'CallDryRun' });

export const explanation = z
  .object({
    event: wholeEvent,
    kept: z
      .boolean()
      .meta({ description: 'False where it is only made from a body: its ids, which begin with zeros, are examples.' }),
    deliveries: list(deliveryDetails),
    routes: list(routeExplanation).meta({
      description: 'Every route, in the order of the file; none where retention has removed the body.',
    }),
    // A router of the version before does not send it.
    answers: list(answerExplanation).default([]).meta({
      description:
        'Of a call: every answer of today, in the order of the file, for the call as it came; empty where it is no call. The first that matches answers a call.',
    }),
    call: callDryRun.nullable().meta({
      description:
        'Of a body that is a call: what a caller would get now, and what the platform would be sent. Its resolvers are asked; nothing is kept or counted.',
    }),
  })
  .register(named, { id: 'Explanation' });
export type Explanation = z.output<typeof explanation>;
export const explanationList = z
  .object({
    explanations: list(explanation).meta({ description: 'Oldest first.' }),
    cursor: cursor.default(null).meta({ description: 'Of a subject: for earlier events; null where there are none.' }),
  })
  .register(named, { id: 'ExplanationList' });
