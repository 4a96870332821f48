/** Response schemas of the API about the configuration at work: its text, its answers, what it can use, and what its codes mean. */
import { z } from 'zod';
import { configProblem, count, list, named, time } from './responses.js';

const kind = z.enum(['source', 'destination', 'resolver', 'transform', 'store']);

export const configuration = z
  .object({
    file: z.string().meta({ description: 'As it was named.' }),
    generation: count.meta({ description: '1 at the start; each reload counts one up.' }),
    since: time.meta({ description: 'Since when the router works with it.' }),
    digest: z.string().meta({ description: 'Short digest: routers with the same rows have the same.' }),
    format: z.enum(['file', 'program']).meta({
      description: '`program`: the file is TypeScript or JavaScript, and the text is what it exports, as YAML.',
    }),
    text: z.string().meta({
      description:
        'As it was read, line by line, with `***` in place of whatever is or may be a secret. References to variables are as they are written.',
    }),
    warnings: list(configProblem).meta({
      description: 'What is valid, but probably not meant. Their lines are those of the text; 0 if they have none.',
    }),
    files: list(z.string()).meta({
      description: 'All files that it was read from, those of `${file:…}` and local plugins included.',
    }),
    changed: list(z.string()).nullable().meta({
      description:
        'Those of the files that have another content by now, which a reload would read. Null where no file was read.',
    }),
    restart: list(z.object({ setting: z.string(), reason: z.string() })).meta({
      description: 'What of the text takes effect after a restart only.',
    }),
  })
  .register(named, { id: 'Configuration' });
export type Configuration = z.output<typeof configuration>;

const answer = z
  .object({
    name: z.string(),
    from: list(z.string()).meta({ description: 'Sources whose calls it answers.' }),
    where: z.string().nullable().meta({ description: 'Null: every call of them.' }),
    resolvers: list(z.string()).meta({ description: 'Whose facts it uses, those they need included.' }),
    withinSeconds: z.number().meta({
      description: 'When it is sent, even if look-ups are still running; earlier if the platform waits less.',
    }),
    variables: z.record(z.string(), z.string()).meta({ description: 'As written in the file, without secrets.' }),
    defaults: z.record(z.string(), z.string()).meta({ description: 'As written in the file, without secrets.' }),
    overrideAgent: z.string().nullable(),
    cache: z
      .object({ forSeconds: z.number(), staleSeconds: z.number() })
      .nullable()
      .meta({ description: 'How long facts about a caller are used again; null where they are not.' }),
  })
  .register(named, { id: 'AnswerRow' });
export const answerList = z
  .object({ answers: list(answer).meta({ description: 'In the order of the file: the first that matches answers.' }) })
  .register(named, { id: 'AnswerList' });
export type AnswerList = z.output<typeof answerList>;

const option = z
  .object({
    name: z.string().meta({ description: 'With the sections around it: `retry.first`; `*` is any name.' }),
    type: z.string().meta({ description: 'What may be written, in Markdown.' }),
    unit: z.string().nullable().meta({ description: 'What follows the number; null if nothing does.' }),
    required: z.boolean(),
    default: z.string().nullable().meta({ description: 'As it is written in a file; null: none.' }),
    secret: z.boolean().meta({ description: 'Whether its value is never shown.' }),
    description: z.string(),
  })
  .register(named, { id: 'Option' });

const componentType = z
  .object({
    kind,
    use: z.string(),
    plugin: z.string().nullable().meta({ description: 'Its package or file; null: the router itself.' }),
    version: z.string().nullable(),
    description: z.string(),
    options: list(option).meta({ description: 'Beside those of its kind.' }),
    pluginOptions: list(option).meta({ description: 'Of its plugin, in the row of `plugins`.' }),
  })
  .register(named, { id: 'ComponentType' });

const installed = z
  .object({
    types: list(componentType).meta({ description: 'Those that no row uses included.' }),
    kinds: list(z.object({ kind, options: list(option) })).meta({
      description: 'Options that every row of a kind has.',
    }),
    problems: list(z.object({ code: z.string(), message: z.string() })).meta({
      description: 'Plugins that are installed, and cannot be loaded.',
    }),
  })
  .register(named, { id: 'Installed' });
export type Installed = z.output<typeof installed>;

export const componentList = z
  .object({
    components: list(
      z.object({
        ...{ kind, name: z.string(), use: z.string(), description: z.string() },
        // A router of the version before does not send it.
        receivesAt: z.string().nullable().default(null).meta({
          description:
            'Path at which a source takes requests; `***` stands for what has its secret. Null for sources that pull, and other kinds.',
        }),
      }),
    ),
    installed: installed.optional().meta({ description: 'Only with `installed=true`.' }),
  })
  .register(named, { id: 'ComponentList' });
export type ComponentList = z.output<typeof componentList>;

export const errorList = z
  .object({
    errors: list(
      z
        .object({
          code: z.string(),
          status: z.int().nullable().meta({ description: 'Of a refused request; null where none is refused.' }),
          meaning: z.string(),
          advice: z.string(),
          page: z.string().meta({ description: 'Where the documentation explains it.' }),
        })
        .register(named, { id: 'ErrorCode' }),
    ),
  })
  .register(named, { id: 'ErrorList' });
export type ErrorList = z.output<typeof errorList>;
