/** The package of a plugin: the files of each kind of component that it has, and those that it has in any case. */
import { filesOf } from './template.js';

/** What a component of a kind adds to the texts that all kinds share. */
interface KindParts {
  /** What `src/<kind>.ts` exports. */
  readonly component: string;
  readonly purpose: string;
  /** Its row in the configuration of the README. */
  readonly example: (word: string) => readonly string[];
}

const account = 'url: https://api.example.com, token: "${API_TOKEN}"';

const kindParts = {
  destination: {
    component: 'note',
    purpose: 'writes a note for each event',
    example: (word) => [
      'destinations:',
      `  notes: { use: ${word}.note, ${account}, text: "Call \${{ event.subject }} ended" }`,
    ],
  },
  resolver: {
    component: 'contact',
    purpose: 'looks up the caller',
    example: (word) => ['resolvers:', `  customer: { use: ${word}.contact, ${account} }`],
  },
  source: {
    component: 'events',
    purpose: 'receives signed webhooks',
    example: (word) => ['sources:', `  records: { use: ${word}.events, secret: "\${SIGNING_SECRET}" }`],
  },
  transform: {
    component: 'redact',
    purpose: 'removes fields',
    example: (word) => ['transforms:', `  without-transcript: { use: ${word}.redact, fields: [transcript] }`],
  },
} as const satisfies Readonly<Record<string, KindParts>>;

/** A kind of component that a new plugin can have. */
export type PluginKind = keyof typeof kindParts;

/** All of them. */
export const pluginKinds = Object.keys(kindParts) as readonly PluginKind[];

/** A plugin to be made. */
export interface NewPlugin {
  /** Of its package. */
  readonly name: string;
  /** Name of its directory. */
  readonly folder: string;
  readonly kinds: readonly PluginKind[];
  /** Of the packages of Switchhook. */
  readonly version: string;
}

/** All files of a new plugin, by their paths. */
export async function pluginFiles({ name, folder, kinds, version }: NewPlugin): Promise<ReadonlyMap<string, string>> {
  const word = wordOf(name);
  const callsApi = kinds.includes('destination') || kinds.includes('resolver');
  const folders = ['base', ...(callsApi ? ['api'] : []), ...kinds].map((kind) => `plugin/${kind}`);
  const own = kinds.map((kind) => ({ kind, ...kindParts[kind] }));
  const parts = await Promise.all(
    kinds.map(async (kind) => (await filesOf(`plugin/${kind}`, { word })).get('part.md')),
  );
  const values = {
    ...{ name, folder, version, word },
    description: `A plugin for Switchhook that ${listed(own.map(({ purpose }) => purpose))}.`,
    imports: own.map(({ kind, component }) => `import { ${component} } from './${kind}.ts';`).join('\n'),
    components: own.map(({ component }) => component).join(', '),
    example: own.flatMap(({ example }) => example(word)).join('\n'),
    parts: parts.map((part = '') => part.trim()).join('\n\n'),
  };
  const files = await Promise.all(folders.map((template) => filesOf(template, values)));
  return new Map(files.flatMap((each) => [...each]).filter(([path]) => path !== 'part.md'));
}

/** The first word of its types: of `@acme/switchhook-crm` it is `crm`. */
function wordOf(name: string): string {
  const word = name
    .replace(/^.*\//, '')
    .replace(/^(switchhook-)?(plugin-)?/, '')
    .replace(/[^a-z0-9-]+/gi, '-')
    .replace(/^[^a-z]+|-+$/gi, '');
  return word === '' ? 'mine' : word;
}

function listed(purposes: readonly string[]): string {
  const last = purposes.at(-1) ?? '';
  return purposes.length < 2 ? last : `${purposes.slice(0, -1).join(', ')} and ${last}`;
}
