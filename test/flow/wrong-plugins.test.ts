/** Plugins whose definitions are wrong: every mistake is found when they are loaded, all at once, with file and line. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openCatalog } from '@switchhook/core/internal';
import { expect } from 'chai';
import { repository, type Workplace, workplace } from '../support/workplace.js';

/** Three lines; what a case adds begins in line 4. */
const head = `import { definePlugin, defineDestination, defineResolver, defineSource, HttpClient, provide, token, z } from '@switchhook/sdk';
const options = z.strictObject({});
const fine = { type: 'crm.note', description: 'Writes a note.', options, create: () => ({ deliver: async () => ({ kind: 'delivered' }) }) };
`;
const plugin = (...components: readonly string[]) =>
  `export default definePlugin({ name: 'crm', components: [\n${components.join(',\n')}\n] });`;
const destination = (changes: string) => plugin(`defineDestination({ ...fine, ${changes} })`);
/** The first component of a plugin stands in line 5. */
const note = 'destination crm.note (wrong.js:5)';
const strict = 'allowed is z.strictObject({ … }), with z of @switchhook/sdk';

/** What is wrong, the plugin, and what is said of it. */
const cases: readonly (readonly [what: string, code: string, said: readonly string[]])[] = [
  [
    'one type twice',
    plugin('defineDestination(fine)', 'defineDestination(fine)'),
    [`destination crm.note (wrong.js:6): the plugin has another destination of this type (wrong.js:5)`],
  ],
  [
    'reserved names of options of a destination',
    destination(
      'options: z.strictObject({ timeout: z.string().meta({ description: "T." }), batch: z.string().meta({ description: "B." }) })',
    ),
    ['timeout', 'batch'].map(
      (name) => `${note}: option ${name}: every row of a destination has this key already; rename the option`,
    ),
  ],
  [
    'a reserved name of an option of a resolver',
    plugin(
      'defineResolver({ ...fine, type: "crm", options: z.strictObject({ after: z.string().meta({ description: "A." }) }) })',
    ),
    ['resolver crm (wrong.js:5): option after: every row of a resolver has this key already; rename the option'],
  ],
  ...['crm note', 'crm.', '.crm', 'crm.note.new', '1crm', ''].map((type) => {
    const label = type === '' ? 'components[0] (wrong.js:5)' : `destination ${type} (wrong.js:5)`;
    const found = type === '' ? 'an empty text' : `the text "${type}"`;
    return [
      `the type "${type}"`,
      destination(`type: '${type}'`),
      [
        `${label}: type is ${found}; allowed is \`word\` or \`word.what\`, with letters, digits, - and _, such as crm.note`,
      ],
    ] as const;
  }),
  ...['z.looseObject({})', 'z.object({})', 'z.strictObject({}).catchall(z.string())'].map(
    (schema) =>
      [
        `options that are ${schema}`,
        destination(`options: ${schema}`),
        [`${note}: options is no strict object, so misspelled keys would be ignored; ${strict}`],
      ] as const,
  ),
  [
    'options that are no object',
    destination('options: z.string()'),
    [`${note}: options is a schema of string; ${strict}`],
  ],
  [
    'options that are no schema',
    destination('options: { url: "text" }'),
    [`${note}: options is an object with url; ${strict}`],
  ],
  [
    'options without a description',
    destination(
      'options: z.strictObject({ a: z.string(), b: z.string().meta({ description: "B." }).optional(), c: z.string().meta({ description: "" }) })',
    ),
    ['a', 'c'].map((name) => `${note}: option ${name} has no description: add .meta({ description: '…' })`),
  ],
  ['no create', destination('create: undefined'), [`${note}: create is missing: a function`]],
  [
    'an unknown kind',
    plugin("{ ...fine, kind: 'destinaton' }"),
    [
      'destinaton crm.note (wrong.js:4): kind is the text "destinaton"; allowed is source, transform, store, destination, resolver',
    ],
  ],
  [
    'a misspelled field',
    destination("description: undefined, desciption: 'x'"),
    [
      `${note}: a destination has no field desciption; did you mean "description"?`,
      `${note}: description is missing: a sentence`,
    ],
  ],
  [
    'fields of another kind, or of the wrong type',
    plugin(
      'defineDestination({ ...fine, samples: {}, batches: 1 })',
      'defineSource({ ...fine, batches: true, accepts: "text/plain", deadlineMs: 0, answerBy: "later" })',
    ),
    [
      `${note}: a destination has no field samples`,
      `${note}: batches is 1; allowed is true or false`,
      'source crm.note (wrong.js:6): a source has no field batches',
      'source crm.note (wrong.js:6): accepts is the text "text/plain"; allowed is a list of texts',
      `source crm.note (wrong.js:6): answerBy is the text "later"; allowed is 'response' or 'call'`,
      'source crm.note (wrong.js:6): deadlineMs is 0; allowed is a number of milliseconds',
    ],
  ],
  [
    'limits that no row could have',
    destination("limits: { rateLimit: '10', concurrency: 0, timeout: 30 }"),
    [
      `${note}: limits.rateLimit: expected a rate such as 10/s or 100/m`,
      `${note}: limits.concurrency: expected at least 1`,
      `${note}: limits.timeout: expected a text`,
    ],
  ],
  [
    'something injected that is no token',
    destination('inject: { http: HttpClient, log: undefined, clock: "Clock", now: () => 0 }'),
    [
      ['log', 'undefined'],
      ['clock', 'the text "Clock"'],
      ['now', 'a function'],
    ].map(([name, found]) => `${note}: inject.${name} is ${found}; allowed is a token, such as HttpClient, or a class`),
  ],
  [
    'a component that is none',
    plugin('undefined'),
    ['components[0] (wrong.js:4): it is undefined; allowed is what defineSource, defineDestination, … return'],
  ],
  [
    'services with mistakes',
    `const Pool = token('crm.Pool');
export default definePlugin({ name: 'crm', components: [], services: [
  provide(Pool, { create: () => ({}) }), provide(Pool, { create: () => ({}) }), provide('Pool', { creat: () => ({}) }), provide(token('a'), { create: () => ({}), inject: { a: 1 } })
] });`,
    [
      'services[2] (wrong.js:6): a service has no field creat; did you mean "create"?',
      'services[2] (wrong.js:6): token is the text "Pool"; allowed is a token or a class',
      'services[2] (wrong.js:6): create is missing: a function',
      'services[3] (wrong.js:6): inject.a is 1; allowed is a token, such as HttpClient, or a class',
      'it provides crm.Pool twice (wrong.js:6)',
    ],
  ],
  [
    'fields of the plugin',
    "export default { api: 1, name: '', component: [], components: 'none' };",
    [
      'a plugin has no field component; did you mean "components"?',
      'name is an empty text; allowed is the name of the package',
      'components is the text "none"; allowed is a list of what defineSource, defineDestination, … return',
    ],
  ],
  [
    'options of its own with mistakes',
    `export default definePlugin({ name: 'crm', components: [], options: { token: token('crm.Account'), schema: z.object({ a: z.string() }) } });`,
    [`its own options (wrong.js:4): options is no strict object, so misspelled keys would be ignored; ${strict}`],
  ],
  [
    'options of its own without a description, under a token that it provides',
    `const Account = token('crm.Account');
export default definePlugin({ name: 'crm', components: [], services: [provide(Account, { create: () => ({}) })], options: { token: Account, schema: z.strictObject({ a: z.string() }) } });`,
    [
      'it provides crm.Account twice (wrong.js:5)',
      "its own options (wrong.js:5): option a has no description: add .meta({ description: '…' })",
    ],
  ],
  [
    'options of its own that are a schema',
    "export default definePlugin({ name: 'crm', components: [], options });",
    [
      'the plugin (wrong.js:4): options is an object with def, type; allowed is what provideOptions returns: a token and a schema',
    ],
  ],
  [
    'all of it',
    plugin("defineDestination({ ...fine, type: 'a b' })", 'defineDestination({ ...fine, create: 1 })', '{}'),
    [
      'destination a b (wrong.js:5): type is the text "a b"; allowed is `word` or `word.what`, with letters, digits, - and _, such as crm.note',
      'destination crm.note (wrong.js:6): create is 1; allowed is a function',
      'components[2] (wrong.js:4): kind is missing: source, transform, store, destination, resolver',
      'components[2] (wrong.js:4): type is missing: `word` or `word.what`, with letters, digits, - and _, such as crm.note',
      'components[2] (wrong.js:4): description is missing: a sentence',
      'components[2] (wrong.js:4): create is missing: a function',
      `components[2] (wrong.js:4): options is undefined; ${strict}`,
    ],
  ],
];

describe('a plugin with a wrong definition', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
  });
  afterEach(() => place.close());

  const problemsOf = async (code: string) => {
    await place.write('wrong.js', head + code);
    const { problems } = await openCatalog(place.directory).load('./wrong.js');
    return problems.map((problem) => ({ ...problem, message: problem.message.replaceAll(`${place.directory}/`, '') }));
  };

  for (const [what, code, said] of cases)
    it(`is refused for ${what}`, async () => {
      const problems = await problemsOf(code);
      expect(problems.map(({ message }) => message)).to.deep.equal(said.map((one) => `./wrong.js: ${one}`));
      expect(new Set(problems.map((problem) => problem.code))).to.deep.equal(new Set(['PLUGIN_BROKEN']));
    });

  it('is refused for a default export that is no plugin, or one of another contract', async () => {
    const found = 'wrong.js has no plugin as its default export, but';
    for (const [code, said] of [
      ['export default () => 1;', `PLUGIN_BROKEN ./${found} a function (wrong.js:4)`],
      ['export default { name: 1 };', `PLUGIN_BROKEN ./${found} an object with name (wrong.js:4)`],
      ['export default null;', `PLUGIN_BROKEN ./${found} null (wrong.js:4)`],
      ['export const plugin = 1;', `PLUGIN_BROKEN ./${found} an object with plugin (wrong.js:4)`],
      [
        'export default { name: "a", api: "2", components: [] };',
        'PLUGIN_API ./wrong.js is written for version 2 of the plugin contract, this router has 1 (wrong.js:4)',
      ],
      [
        'export default { get api() { throw new Error("no") }, components: [] };',
        'PLUGIN_BROKEN ./wrong.js: no (wrong.js:4:36)',
      ],
    ] as const) {
      const other = await workplace();
      await other.link();
      await other.write('wrong.js', head + code);
      await other.write('package.json', '{ "type": "module" }');
      const { problems } = await openCatalog(other.directory).load('./wrong.js');
      expect(
        problems.map((problem) => `${problem.code} ${problem.message}`.replaceAll(`${other.directory}/`, '')),
      ).to.deep.equal([said]);
      await other.close();
    }
  });

  it('is refused for an error of syntax, with its line and column, also in a file that it imports', async () => {
    const wrong = 'export const create = async () = > 1;\n';
    for (const [name, said] of [
      ['wrong.js', /Unexpected token '>' \(wrong\.js:2:34\)$/],
      // Node marks the beginning of the expression, esbuild the character that is wrong.
      ['wrong.ts', /\(wrong\.ts:2:(?:23|3\d)\)$/],
    ] as const) {
      await place.write(name, `\n${wrong}`);
      const imports = name.replace('wrong', 'imports');
      await place.write(imports, `import './${name}';\n`);
      for (const from of [`./${name}`, `./${imports}`]) {
        const file = await place.write('switchhook.yaml', `version: 1\nstore: { use: memory }\nplugins: [${from}]\n`);
        const { stdout } = await place.run(['check', file, '--json']);
        const problems: readonly { readonly code: string; readonly message: string }[] = JSON.parse(stdout).problems;
        expect(problems.find(({ code }) => code === 'PLUGIN_BROKEN')?.message, from).to.match(said);
      }
    }
  });

  it('is refused for a type that another plugin brings, and check lists all mistakes at the row of the plugin', async () => {
    await place.write('one.js', head + destination(''));
    await place.write('two.js', head + plugin('defineDestination(fine)', 'defineResolver({ ...fine, inject: {} })'));
    await place.write('three.js', head + destination('create: 1, desciption: 1'));
    const file = await place.write(
      'switchhook.yaml',
      'version: 1\nstore: { use: memory }\nsources: {}\nplugins:\n  - ./one.js\n  - ./one.js\n  - ./two.js\n  - ./three.js\n',
    );
    const { code, stdout, stderr } = await place.run(['check', file]);
    expect(code).to.equal(78);
    expect((stdout + stderr).replaceAll(`${place.directory}/`, '').match(/^switchhook.yaml.*PLUGIN.*/gm)).to.deep.equal(
      [
        'switchhook.yaml:7:5  PLUGIN_BROKEN  plugins[2]: ./two.js: destination crm.note (two.js:5): ./one.js brings this type, too (one.js:5); which one is meant?',
        'switchhook.yaml:8:5  PLUGIN_BROKEN  plugins[3]: ./three.js: destination crm.note (three.js:5): a destination has no field desciption; did you mean "description"?',
        'switchhook.yaml:8:5  PLUGIN_BROKEN  plugins[3]: ./three.js: destination crm.note (three.js:5): create is 1; allowed is a function',
      ],
    );
  });

  it('is reported once, with the rows that wait for it', async () => {
    await place.write('broken.js', "import 'not-installed';");
    await place.write('other.js', head + plugin("defineDestination({ ...fine, type: 'other.note' })"));
    const destinations = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `  ${name}: { use: crm.note }`);
    const route = 'routes: [{ to: [a, b, c, d, e, f, g, other, log] }]';
    const rest = [
      'store: { use: memory }',
      'sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }',
    ];
    const problems = async (plugins: string) => {
      const text = ['version: 1', plugins, ...rest, 'destinations:', ...destinations, '  other: { use: other.note }'];
      const file = await place.write('switchhook.yaml', [...text, '  log: { use: log }', route].join('\n'));
      const { stdout } = await place.command(['check', file, '--json']);
      const found: readonly { readonly code: string; readonly message: string; readonly hint: string }[] =
        JSON.parse(stdout).problems;
      return found.map(({ code, message, hint }) => [code, message.replace(/.* \((?=broken)/, '('), hint]);
    };
    const rows = 'destinations.a, destinations.b, destinations.c, destinations.d, destinations.e and 2 more';
    expect(await problems('plugins: [./broken.js, ./other.js]')).to.deep.equal([
      ['PLUGIN_BROKEN', `(broken.js:1); 7 rows wait for it: ${rows}`, 'npm install not-installed'],
    ]);
    expect(await problems('plugins: ["@acme/none", ./broken.js, ./other.js]')).to.deep.equal([
      [
        'PLUGIN_NOT_INSTALLED',
        `@acme/none is not installed; 7 rows wait for this or another plugin that cannot be loaded: ${rows}`,
        'npm install @acme/none',
      ],
      ['PLUGIN_BROKEN', '(broken.js:1)', 'npm install not-installed'],
    ]);
    const [[code, message, hint] = []] = await problems('plugins: [./other.js]');
    expect([code, message]).to.deep.equal([
      'PLUGIN_NOT_INSTALLED',
      `@switchhook/plugin-crm is not installed; 7 rows wait for it: ${rows}`,
    ]);
    expect(hint).to.match(/^npm install @switchhook\/plugin-crm, or name the file or package .*\bother\.note\b/);
  });

  it('is refused as package for a file that is not in it, and found where only `import` may have it', async () => {
    const other = await workplace();
    const folder = 'node_modules/@acme/crm';
    await mkdir(other.path(folder), { recursive: true });
    await symlink(join(repository, 'node_modules/@switchhook'), other.path('node_modules/@switchhook'));
    const problemsWith = async (manifest: object) => {
      await other.write(`${folder}/package.json`, JSON.stringify({ name: '@acme/crm', version: '1.0.0', ...manifest }));
      return (await openCatalog(other.directory).load('@acme/crm')).problems;
    };
    expect(await problemsWith({ exports: './dist/index.js' })).to.deep.equal([
      {
        code: 'PLUGIN_BROKEN',
        message: '@acme/crm is installed, but its package.json names dist/index.js, which is not there',
        hint: 'Build the package before it is packed: "exports" names the file, and "files" lists its folder.',
      },
    ]);
    const [problem] = await problemsWith({ exports: { './sub': './sub.js' } });
    expect(problem?.message).to.equal('@acme/crm is installed, but its package.json names no file for `import`');
    await other.write(`${folder}/index.js`, head + plugin('defineDestination(fine)'));
    expect(await problemsWith({ type: 'module', exports: { '.': { import: './index.js' } } })).to.deep.equal([]);
    await other.close();
  });

  it('is not refused for imports of types, and what only looks like an import', async () => {
    await place.write(
      'fine.ts',
      `import type { Config } from '@switchhook/core';
// import { createRouter } from '@switchhook/core';
/* import '@switchhook/core'; */
export const text = \`
import '@switchhook/core';
\`;
export const other = "require('@switchhook/core')";
export type Other = import('@switchhook/core').Config;
${head}${plugin('defineDestination(fine)')}`,
    );
    expect((await openCatalog(place.directory).load('./fine.ts')).problems).to.deep.equal([]);
    await place.write('module.js', "export * from '@switchhook/core';");
    await place.write('packed.js', "import'./module.js';import{z}from'@switchhook/sdk';export default z;");
    const { problems } = await openCatalog(place.directory).load('./packed.js');
    expect(problems.map(({ message }) => message.replace(`${place.directory}/`, ''))).to.deep.equal([
      './packed.js: it imports @switchhook/core (module.js:1)',
    ]);
  });

  it('is refused for another contract, unless its row accepts that version', async () => {
    await place.write(
      'next.js',
      `${head}export default { ...definePlugin({ name: 'crm', components: [defineDestination(fine)] }), api: 2 };`,
    );
    const checked = async (row: string) => {
      const file = await place.write(
        'switchhook.yaml',
        `version: 1
plugins: [${row}]
store: { use: memory }
sources: { agents: { use: bearer, tokens: [only-for-tests] } }
destinations: { crm: { use: crm.note } }
routes: [{ to: crm }]
`,
      );
      const { code, stdout } = await place.command(['check', file, '--json']);
      const { problems = [], warnings = [] } = JSON.parse(stdout);
      return {
        code,
        found: [...problems, ...warnings].map((one) => `${one.code} ${one.path}: ${one.message} ${one.hint}`),
      };
    };
    const refused = await checked('./next.js');
    expect(refused.code).to.equal(78);
    expect(refused.found).to.have.length(1);
    expect(refused.found[0]).to.match(
      /^PLUGIN_API plugins\[0\]: .*next\.js is written for version 2 .* \(.*next\.js:4\)/,
    );
    expect(refused.found[0]).to.include('try it with { use: "./next.js", acceptApi: 2 } in plugins');
    expect((await checked('{ use: ./next.js, acceptApi: 3 }')).code).to.equal(78);
    expect(await checked('{ use: ./next.js, acceptApi: 2 }')).to.deep.equal({
      code: 0,
      found: [
        'PLUGIN_API plugins[0].acceptApi: the plugin is written for version 2 of the plugin contract; it is loaded because of acceptApi Install a version of the plugin for this router.',
      ],
    });
    await place.write('next.js', head + plugin('defineDestination(fine)'));
    const { code, found } = await checked('{ use: ./next.js, acceptApi: 2 }');
    expect([code, found.length]).to.deep.equal([0, 1]);
    expect(found[0]).to.include(
      'written for version 1 of the plugin contract; acceptApi has no effect Remove `acceptApi`.',
    );
  });
});
