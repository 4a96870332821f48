import type { Config, Problem } from '@switchhook/core';
import {
  type Catalog,
  type CheckedConfig,
  checkConfig,
  documentFrom,
  type Found,
  type PluginProblem,
} from '@switchhook/core/internal';
import {
  type Component,
  defineDestination,
  defineResolver,
  defineSource,
  defineStore,
  defineTransform,
  duration,
  type Kind,
  secret,
  template,
  text,
  z,
} from '@switchhook/sdk';

const unused = (): never => {
  throw new Error('a configuration makes no component');
};

/** Components that show every way options can be written. */
export const components: readonly Component[] = [
  defineSource({
    type: 'agents.events',
    description: 'Events of agents.',
    types: ['conversation_started', 'conversation_ended', 'conversation_analysed', 'ping'],
    options: z.strictObject({
      secrets: z
        .union([z.array(secret('A secret.')).min(1), z.record(z.string(), secret('A secret.'))])
        .meta({ description: 'Secrets of the signature.' }),
    }),
    create: unused,
  }),
  defineSource({
    type: 'lines.guessed',
    description: 'Events of a platform that does not publish how it signs.',
    options: z.strictObject({
      secret: secret('Secret of the signature.'),
      signature: z
        .strictObject({ header: z.string().optional().meta({ description: 'The header.' }) })
        .prefault({})
        .meta({ description: 'The signature.' }),
    }),
    assumptions: ({ signature: { header } }) => {
      if (header === 'broken') throw new Error('a fault of the plugin');
      const assumed = {
        path: ['signature', 'header'],
        message: 'the header is assumed to be x-sig',
        hint: 'Compare it.',
      };
      return header === undefined ? [assumed] : [];
    },
    create: unused,
  }),
  defineSource({
    type: 'agents.call',
    description: 'Calls.',
    calls: true,
    deadlineMs: 10_000,
    options: z.strictObject({ token: secret('Token of the sender.') }),
    create: unused,
  }),
  defineDestination({
    type: 'http.post',
    description: 'Posts events.',
    options: z.strictObject({
      url: text('Where to.'),
      method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').meta({ description: 'Method.' }),
      body: template('What is sent.').optional(),
      sign: secret('Signs requests.').optional(),
      wait: duration('How long to wait.').prefault('1s'),
      limits: z
        .strictObject({
          size: z.int().positive().default(10).meta({ description: 'Size.' }),
          strict: z.boolean().default(false).meta({ description: 'Strict.' }),
        })
        .prefault({})
        .meta({ description: 'Limits.' }),
    }),
    create: unused,
  }),
  defineDestination({ type: 'log', description: 'Logs.', options: z.strictObject({}), create: unused }),
  defineResolver({
    type: 'static',
    description: 'Always the same.',
    options: z.strictObject({ values: z.record(z.string(), z.string()).meta({ description: 'Values.' }) }),
    create: unused,
  }),
  defineTransform({ type: 'redact', description: 'Removes.', options: z.strictObject({}), create: unused }),
  defineStore({
    type: 'sqlite',
    description: 'A file.',
    options: z.strictObject({ path: z.string().default('./data/switchhook.db').meta({ description: 'File.' }) }),
    create: unused,
  }),
];

export const catalog: Catalog = {
  async load({ use: from }) {
    const problem: PluginProblem = { code: 'PLUGIN_BROKEN', message: `${from} cannot be loaded` };
    return { plugin: null, problems: from === '@acme/broken' ? [problem] : [] };
  },
  providing: async () => null,
  async find(kind: Kind, use: string): Promise<Found> {
    const component = components.find((each) => each.kind === kind && each.type === use);
    if (component !== undefined) return { component };
    const [plugin] = use.split('.');
    return plugin === 'slack'
      ? {
          problems: [
            {
              code: 'PLUGIN_NOT_INSTALLED',
              message: 'the plugin is not installed',
              hint: 'npm install @switchhook/plugin-slack',
            },
          ],
        }
      : { problems: [{ code: 'UNKNOWN_COMPONENT', message: `there is no ${kind} ${use}` }] };
  },
};

/** The smallest configuration of these components. */
export const smallest = `version: 1
sources:
  agents: { use: agents.events, secrets: [a-long-secret] }
destinations:
  out: { use: log }
routes:
  - { to: out }
`;

export type Environment = Readonly<Record<string, string>>;

/** Checks a text as if it stood in a file of an empty directory. */
export async function checked(yaml: string, environment: Environment = {}): Promise<CheckedConfig> {
  return checkConfig(documentFrom(yaml, '/nowhere/switchhook.yaml', environment), catalog);
}

/** The configuration of a text that must be right. */
export async function configOf(yaml: string, environment?: Environment): Promise<Config> {
  const result = await checked(yaml, environment);
  if (result.kind === 'config') return result.config;
  throw new Error(result.problems.map(brief).join('\n'));
}

/** The problems of a text, in short. */
export async function problemsOf(yaml: string, environment?: Environment): Promise<readonly string[]> {
  const result = await checked(yaml, environment);
  return result.kind === 'config' ? [] : result.problems.map(brief);
}

/** `3:5 UNKNOWN_KEY server.prot: unknown key "prot"; …` */
export function brief({ line, column, code, path, message }: Problem): string {
  return `${line}:${column} ${code} ${path === '' ? '' : `${path}: `}${message}`;
}
