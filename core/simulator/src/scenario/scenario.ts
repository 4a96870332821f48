/** Scenarios: what a platform does, step by step, and what is expected of the router. */

import { duration, rate, template, text } from '@switchhook/sdk';
import { z } from 'zod';

/** The variables of a step's texts: the repetition, an id of this run, and the time. */
const names = ['n', 'run', 'now'];

const expectSchema = z
  .strictObject({
    status: z.int().min(100).max(599).optional().meta({ description: 'Status of the reply. Default: any success.' }),
    within: duration('Longest time until the reply.').optional(),
    variables: z
      .record(z.string().min(1), text('Value of a variable.', names))
      .optional()
      .meta({ description: 'Variables the answer to a call must have, with these values; it may have others.' }),
    anyVariables: z.boolean().optional().meta({
      description: 'True: the answer to a call must have a variable; false: it must have none.',
    }),
    duplicate: z.boolean().optional().meta({
      description: 'True: the router must have the event already; false: it must not.',
    }),
    same: z.boolean().default(false).meta({
      description: 'All requests of the step must get the same answer, or be the same event.',
    }),
  })
  .prefault({})
  .meta({ description: 'What must be true of each reply.' });

const ringSchema = z
  .strictObject({
    from: text("The caller's number.", names),
    to: text('The called number.', names),
    agent: text('Id of the agent of the called number.', names).optional(),
  })
  .meta({ description: "A call: the source of calls writes its platform's request." });

const stepSchema = z
  .strictObject({
    at: duration('When it begins, from the start of the scenario.').prefault('0ms'),
    ring: ringSchema.optional(),
    send: template('A sample of the source, by its name, or a whole body.', names).optional(),
    as: z.string().min(1).optional().meta({
      description:
        'Who receives it: name of a source, or `events` or `call` for the first of that kind. Default: the first that has the sample.',
    }),
    set: z
      .record(z.string().min(1), template('Value of a field.', names))
      .default({})
      .meta({ description: 'Fields of the body that are other than in the sample; `a.b` is a field in a field.' }),
    repeat: z.int().min(1).max(1_000_000).default(1).meta({ description: 'How often it is sent, in all.' }),
    concurrency: z.int().min(1).max(1_000).default(1).meta({
      description: 'How many may wait for their reply at the same time.',
    }),
    rate: rate('Pace, at most. Default: each as soon as it may be sent.').optional(),
    expect: expectSchema,
  })
  .superRefine(({ ring, send, set }, ctx) => {
    const issue = (path: string, message: string): void => {
      ctx.addIssue({ code: 'custom', path: [path], message, params: { problem: 'INVALID_VALUE' } });
    };
    if (ring === undefined && send === undefined) issue('send', 'a step sends something, or rings');
    if (ring !== undefined && send !== undefined) issue('send', 'a step sends something or rings, not both');
    if (ring !== undefined && Object.keys(set).length > 0) issue('set', 'a ring has no fields to set: send a body');
  });

const ringTimes = z
  .strictObject({
    p50: duration('What half of the calls must not exceed.').optional(),
    p95: duration('What 95 of 100 calls must not exceed.').optional(),
    p99: duration('What 99 of 100 calls must not exceed.').optional(),
    max: duration('What no call may exceed.').optional(),
  })
  .default({})
  .meta({ description: 'Longest ring times, over all calls.' });

/** A scenario file. */
export const scenarioSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'a name has small letters, digits and hyphens')
    .meta({ description: 'How it is called.' }),
  description: z.string().min(1).meta({ description: 'What happens, in a sentence or two.' }),
  steps: z.array(stepSchema).min(1).meta({ description: 'Each begins at its own time, whatever the others do.' }),
  evaluate: z
    .strictObject({
      ring: ringTimes,
      received: z.boolean().default(true).meta({
        description: 'Everything that was acknowledged, and every call, must be listed by the API afterwards.',
      }),
      lookups: z.boolean().default(false).meta({
        description:
          'True: every look-up must have a result, which may be that there is no record; none may be late, failed, busy or skipped.',
      }),
    })
    .prefault({})
    .meta({ description: 'What must be true of the whole.' }),
});

/** A scenario, read and checked. */
export type Scenario = z.output<typeof scenarioSchema>;
/** Something that is sent, once or often. */
export type Step = Scenario['steps'][number];
/** What must be true of each reply to a step. */
export type Expectation = Step['expect'];
