/** The mistakes that authors of plugins make, as data: each message names the plugin or its component, the file, and the line. */
import { createRouter } from '@switchhook/core';
import { openCatalog } from '@switchhook/core/internal';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

/** What each plugin begins with: three lines. */
const head = `import { definePlugin, defineDestination, defineResolver, defineSource, defineTransform, Emitter, HttpClient, provide, provideOptions, token, z } from '@switchhook/sdk';
const options = z.strictObject({});
const fine = { type: 'crm.note', description: 'Writes a note.', options, create: () => ({ deliver: async () => ({ kind: 'delivered' }) }) };
`;
const plugin = (...components: readonly string[]) =>
  `export default definePlugin({ name: 'crm', components: [\n${components.join(',\n')}\n] });`;
const destination = (changes: string) => plugin(`defineDestination({ ...fine, ${changes} }) // here`);
const services = (...all: readonly string[]) => `const [A, B] = [token('crm.A'), token('crm.B')];
export default definePlugin({ name: 'crm', components: [defineDestination({ ...fine, inject: { a: A } })], services: [
${all.join('\n, ')}
] });`;
/** A plugin of each kind that an event or a call comes by; `changed` replaces a method. */
const kinds = (changed: { source?: string; transform?: string; destination?: string; resolver?: string }) => `
const data = ({ body }) => JSON.parse(Buffer.from(body));
const reply = () => ({ status: 200, body: {} });
const receive = (request) => ({ kind: 'events', events: [{ key: 'k', type: 't', subject: null, agent: null, occurredAtMs: null, data: data(request) }] });
const ring = (request) => ({ kind: 'call', event: receive(request).events[0], call: { id: 'c', from: '+12025550123', to: '+12025550124', agent: null, data: {} }, deadlineMs: 5_000, retryMs: 5_000, reply, fallback: reply });
export default definePlugin({ name: 'crm', components: [
  defineSource({ ...fine, type: 'crm.in', create: () => ({ receive, ${changed.source ?? ''} }) }),${changed.source === undefined ? '' : ' // here'}
  defineSource({ ...fine, type: 'crm.calls', calls: true, create: () => ({ receive: ring, fallback: reply }) }),
  defineTransform({ ...fine, type: 'crm.change', create: () => ({ apply: (event) => event, ${changed.transform ?? ''} }) }),${changed.transform === undefined ? '' : ' // here'}
  defineDestination({ ...fine, create: () => ({ deliver: async () => ({ kind: 'delivered' }), ${changed.destination ?? ''} }) }),${changed.destination === undefined ? '' : ' // here'}
  defineResolver({ ...fine, type: 'crm.who', create: () => ({ resolve: async () => ({ name: 'Ada' }), ${changed.resolver ?? ''} }) }),${changed.resolver === undefined ? '' : ' // here'}
] });`;

/** Where a mistake shows: when the plugin is loaded, when a router starts, with the first event, with the first call. */
type Stage = 'load' | 'start' | 'event' | 'call';

/** What is wrong, where it shows, the plugin with `// here` on the line that the message names, and a part of the message. */
const mistakes: readonly (readonly [what: string, stage: Stage, code: string, said: RegExp])[] = [
  ['code that cannot be parsed', 'load', 'const a = ; // here', /Unexpected token.*\nThis line is no valid code/],
  [
    'an import of a package that is not installed',
    'load',
    "import '@acme/not-installed/sub'; // here",
    /not-installed.*\nnpm install @acme\/not-installed$/,
  ],
  [
    'an import of a file that is not there',
    'load',
    "import './nowhere.js'; // here",
    /nowhere\.js.*\nThe path of an import starts at the file that imports/,
  ],
  [
    'an import of a file inside of the router',
    'load',
    "import '@switchhook/core/dist/runtime/router.js'; // here",
    /dist\/runtime\/router\.js.*\n?.*Import from @switchhook\/sdk/s,
  ],
  ...['@switchhook/core', '@switchhook/core/internal', '@switchhook/sdk/internal', '@switchhook/plugin-http'].map(
    (name) =>
      [
        `an import of ${name}`,
        'load',
        `throw new Error('it has been imported');\nimport { z as y } from '${name}'; // here`,
        new RegExp(`it imports ${name} .*\\nImport from @switchhook/sdk`),
      ] as const,
  ),
  [
    'an import of the router in a function',
    'load',
    "export const later = () => import('@switchhook/core'); // here",
    /it imports @switchhook\/core/,
  ],
  [
    'another zod than that of the sdk',
    'load',
    "import { z as other } from 'zod/v3'; other.string().meta({ description: 'T.' }); // here",
    /meta is not a function.*\nImport z from @switchhook\/sdk/,
  ],
  ['a text that is thrown', 'load', "throw 'no licence'; // here", /no licence.*\nThrow an Error/],
  [
    'require in an ES module',
    'load',
    "const { definePlugin: define } = require('@switchhook/sdk'); // here",
    /require is not defined.*\nThe file is an ES module/s,
  ],
  [
    'a component as default export',
    'load',
    'export default defineDestination(fine); // here',
    /but an object of kind .*\nThis is a component: write `export default definePlugin/,
  ],
  [
    'an import of a name that the sdk does not have',
    'load',
    "import { defineSink } from '@switchhook/sdk'; // here",
    /defineSink.*\nCheck the spelling/,
  ],
  [
    'a throw while it is imported',
    'load',
    "throw new Error('no licence'); // here",
    /no licence.*\nIt is thrown while/,
  ],
  ['a variable that does not exist', 'load', 'definePlugins({}); // here', /definePlugins is not defined/],
  [
    'a default export that is a function',
    'load',
    'export default () => 1; // here',
    /has no plugin as its default export, but a function/,
  ],
  [
    'a named export in place of the default one',
    'load',
    'export const crm = definePlugin({ name: "crm", components: [] }); // here',
    /has no plugin as its default export.*\nWrite `export default definePlugin/,
  ],
  [
    'another version of the contract',
    'load',
    'export default { name: "crm", api: 2, components: [] }; // here',
    /version 2 of the plugin contract/,
  ],
  [
    'a plugin without a name',
    'load',
    "export default definePlugin({ name: '', components: [] }); // here",
    /name is an empty text/,
  ],
  [
    'one type twice',
    'load',
    plugin('defineDestination(fine)', 'defineDestination(fine) // here'),
    /another destination of this type/,
  ],
  ['a type with a space', 'load', destination("type: 'crm note'"), /type is the text "crm note"/],
  [
    'an option with the name of a key of every row',
    'load',
    destination('options: z.strictObject({ timeout: z.string().meta({ description: "T." }) })'),
    /option timeout: every row/,
  ],
  ['options that take unknown keys', 'load', destination('options: z.object({})'), /no strict object/],
  ['options that are no schema', 'load', destination('options: { url: "" }'), /options is an object with url/],
  [
    'an option without a description',
    'load',
    destination('options: z.strictObject({ url: z.string() })'),
    /option url has no description/,
  ],
  ['no create', 'load', destination('create: undefined'), /create is missing/],
  ['a misspelled field', 'load', destination("desciption: 'x'"), /no field desciption; did you mean "description"/],
  ['a field of another kind', 'load', destination('calls: true'), /a destination has no field calls/],
  ['limits that no row could have', 'load', destination("limits: { rateLimit: '10' }"), /limits\.rateLimit/],
  [
    'something injected that is no token',
    'load',
    destination("inject: { http: 'HttpClient' }"),
    /inject\.http is the text/,
  ],
  [
    'a component that is undefined',
    'load',
    "export default definePlugin({ name: 'crm', components: [undefined] }); // here",
    /it is undefined/,
  ],
  [
    'a component that was not defined',
    'load',
    "export default definePlugin({ name: 'crm', components: [fine] }); // here",
    /kind is missing/,
  ],
  [
    'a service of another plugin that is not loaded',
    'start',
    destination("inject: { client: token('account.Client') }"),
    /nothing provides account\.Client: .* or name the plugin that provides it in plugins/,
  ],
  ['a service without create', 'load', services('provide(A, {}) // here'), /create is missing/],
  [
    'a service whose token is a text',
    'load',
    services("provide('A', { create: () => ({}) }) // here"),
    /token is the text "A"/,
  ],
  [
    'a service that is provided twice',
    'load',
    services('provide(A, { create: () => ({}) })', 'provide(A, { create: () => ({}) }) // here'),
    /provides crm\.A twice/,
  ],
  [
    'services that need each other',
    'load',
    services(
      'provide(A, { inject: { b: B }, create: () => ({}) }) // here',
      'provide(B, { inject: { a: A }, create: () => ({}) })',
    ),
    /its services need each other/,
  ],
  [
    'options of its own that take unknown keys',
    'load',
    "export default definePlugin({ name: 'crm', components: [], options: provideOptions(token('crm.O'), z.object({})) }); // here",
    /its own options.*no strict object/,
  ],

  ['a create that throws', 'start', kinds({ destination: '...JSON.parse("no")' }), /could not be made/],
  ['a create that returns nothing', 'start', destination('create: () => {}'), /create returned undefined/],
  [
    'a create that is async',
    'start',
    destination('create: async () => ({ deliver: async () => ({ kind: "delivered" }) })'),
    /create returned a promise/,
  ],
  [
    'a component without its method',
    'start',
    destination('create: () => ({ delivers: async () => {} })'),
    /allowed is a destination with deliver/,
  ],
  ['events of a destination that declares none', 'start', destination('inject: { emit: Emitter }'), /declares `emits`/],
  [
    'a service whose create throws',
    'start',
    services("provide(A, { create: () => { throw new Error('no account'); } }) // here"),
    /no account/,
  ],
  [
    'a service that cannot be opened',
    'start',
    services("provide(A, { create: () => ({ open: async () => { throw new Error('no account'); } }) }) // here"),
    /no account/,
  ],
  [
    'an open that throws',
    'start',
    destination(
      "create: () => ({ open: async () => { throw new Error('no account'); }, deliver: async () => ({ kind: 'delivered' }) })",
    ),
    /could not be opened: no account/,
  ],

  [
    'a receive that throws',
    'event',
    kinds({ source: 'receive: () => undefined.body' }),
    /Cannot read properties of undefined/,
  ],
  ['a receive that returns nothing', 'event', kinds({ source: 'receive: () => {}' }), /receive returned undefined/],
  [
    'an event without a key',
    'event',
    kinds({
      source:
        "receive: () => ({ kind: 'events', events: [{ type: 't', subject: null, agent: null, occurredAtMs: null, data: {} }] })",
    }),
    /receive returned/,
  ],
  [
    'a transform that throws',
    'event',
    kinds({ transform: 'apply: ({ data }) => data.a.b' }),
    /Cannot read properties of undefined/,
  ],
  [
    'a transform that is async',
    'event',
    kinds({ transform: 'apply: async (event) => event' }),
    /apply returned a promise/,
  ],
  [
    'a deliver that throws',
    'event',
    kinds({ destination: "deliver: async () => { throw new Error('no account'); }" }),
    /no account/,
  ],
  [
    'a deliver that throws a text',
    'event',
    kinds({ destination: "deliver: async () => { throw 'no account'; }" }),
    /no account/,
  ],
  [
    'a deliver that returns the response',
    'event',
    kinds({ destination: "deliver: async () => ({ status: 200, text: () => '' })" }),
    /deliver returned an object with status, text; allowed is/,
  ],
  [
    'a look-up that throws a text',
    'call',
    kinds({ resolver: "resolve: async () => { throw 'no account'; }" }),
    /no account/,
  ],
  [
    'a deliver that returns nothing',
    'event',
    kinds({ destination: 'deliver: async () => {}' }),
    /deliver returned undefined/,
  ],
  [
    'an outcome of a kind that does not exist',
    'event',
    kinds({ destination: "deliver: async () => ({ kind: 'done' })" }),
    /an object of kind/,
  ],
  [
    'a look-up that throws',
    'call',
    kinds({ resolver: "resolve: async () => { throw new Error('no account'); }" }),
    /no account/,
  ],
  [
    'a look-up that returns a text',
    'call',
    kinds({ resolver: "resolve: async () => 'Ada'" }),
    /resolve returned the text/,
  ],
];

describe('A mistake of an author of plugins', () => {
  let place: Workplace;
  let count = 0;

  before(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
  });
  after(() => place.close());

  const yaml = (file: string, isWhole: boolean) => `version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [./${file}]
store: { use: memory }
sources:
  agents: { use: sigmamind.events, secrets: [only-for-tests] }
${isWhole ? '  in: { use: crm.in }\n  calls: { use: crm.calls }\ntransforms: { change: { use: crm.change } }\nresolvers: { who: { use: crm.who } }\nanswers: [{ from: calls, resolve: who, variables: { name: "${{ who.name }}" } }]' : ''}
destinations: { notes: { use: crm.note, retry: { attempts: 1 } } }
routes: [{ to: notes${isWhole ? ', transform: change' : ''} }]
`;
  /** What is said of the mistake. */
  const messages: Readonly<Record<Stage, (file: string, code: string) => Promise<readonly string[]>>> = {
    load: async (file) =>
      (await openCatalog(place.directory).load(`./${file}`)).problems.map(
        ({ message, hint = '' }) => `${message}\n${hint}`,
      ),
    start: async (file, code) => {
      const path = await place.write('switchhook.yaml', yaml(file, code.includes('crm.in')));
      const router = await createRouter(path, { logTo: { write: () => {} } }).catch((error: Error) => error);
      if (router instanceof Error) return [router.message];
      const failure = await router.open().then(
        () => 'it has started',
        (error: Error) => error.message,
      );
      await router.close();
      return [failure];
    },
    event: (file) => logged(file, 'in'),
    call: (file) => logged(file, 'calls'),
  };
  /** The lines of the log about one request, in which the word of a failure is. */
  const logged = async (file: string, source: string) => {
    const { router, url, lines } = await place.router(yaml(file, true));
    await fetch(`${url}/hooks/${source}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await router.close();
    return lines.filter((line) => /"(reason|at|error)":/.test(line));
  };

  it('is one of at least thirty', () => expect(mistakes).to.have.length.of.at.least(30));

  for (const [what, stage, code, said] of mistakes)
    it(`gets a message with plugin, file and line (${stage}): ${what}`, async () => {
      const file = `mistake-${++count}.js`;
      const text = head + code;
      await place.write(file, text);
      const line = text.split('\n').findIndex((one) => one.includes('// here')) + 1;
      const found = (await messages[stage](file, code)).find((message) => said.test(message));
      expect(found, 'a message').to.be.a('string');
      expect(found, 'the plugin').to.match(new RegExp(`\\./${file}|crm\\.\\w+|"(destination|source|resolver|by|at)":`));
      expect(found, 'file and line').to.match(new RegExp(`\\b${file}:${line}\\b`));
    });
});
