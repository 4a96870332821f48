/** Local plugins in TypeScript: imported by Node where it can, with its errors explained, and by tsx elsewhere. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { repository, type Workplace, workplace } from '../support/workplace.js';

/** Node 22.18 and newer. */
const byNode = 'typescript' in process.features && process.features.typescript !== false;

const yaml = `version: 1
plugins: [./plugins/crm.ts]
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { crm: { use: crm.note } }
routes: [{ to: crm }]
`;
const plugin = (
  first: string,
  description: string,
) => `import { defineDestination, definePlugin, z } from '@switchhook/sdk';
${first}
const description: string = ${description};
export default definePlugin({ name: 'crm', components: [defineDestination({
  type: 'crm.note', description, options: z.strictObject({}),
  create: () => ({ deliver: async (): Promise<{ kind: 'delivered' }> => ({ kind: 'delivered' }) }),
})] });
`;

describe('a local plugin in TypeScript', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('switchhook.yaml', yaml);
    await mkdir(place.path('plugins'));
    await place.write('plugins/texts.ts', "export const text: string = 'Writes a note.';\n");
  });
  afterEach(() => place.close());

  const problemsOf = async () => {
    const { stdout, stderr } = await place.run(['check', '--json']);
    return { problems: JSON.parse(stdout).problems ?? [], stderr };
  };

  it('is loaded with the files that it imports by their real names, and without a warning', async () => {
    await place.write('plugins/crm.ts', plugin("import { text } from './texts.ts';", 'text'));
    const { stdout, stderr } = await place.run(['plugins', 'crm.note', '--json']);
    expect({ description: JSON.parse(stdout)[0].description, stderr }).to.deep.equal({
      description: 'Writes a note.',
      stderr: '',
    });
  });

  const mistakes = [
    {
      what: 'an enum',
      first: "enum Text { note = 'Writes a note.' }",
      description: 'Text.note',
      said: /^\.\/plugins\/crm\.ts: TypeScript enum is not supported in strip-only mode: Node only removes the types of TypeScript \(.*plugins\/crm\.ts:2\); 1 row waits for it: \S+$/,
      hint: /erasableSyntaxOnly/,
    },
    {
      what: 'parameter properties',
      first: 'class Text { constructor(readonly text: string) {} }',
      description: "new Text('Writes a note.').text",
      said: /TypeScript parameter property is not supported in strip-only mode: .*crm\.ts:2\); 1 row waits for it: \S+$/,
      hint: /fields in place of parameter properties/,
    },
    {
      what: 'an import of TypeScript by the name of JavaScript',
      first: "import { text } from './texts.js';",
      description: 'text',
      said: /Cannot find module .*: there is only texts\.ts; 1 row waits for it: \S+$/,
      hint: /write texts\.ts, and set allowImportingTsExtensions/,
    },
  ];
  for (const { what, first, description, said, hint } of mistakes)
    it(`with ${what} is loaded by tsx, and explained where Node imports it`, async () => {
      await place.write('plugins/crm.ts', plugin(first, description));
      const { problems } = await problemsOf();
      if (!byNode) return expect(problems).to.deep.equal([]);
      expect(problems[0]).to.include({ code: 'PLUGIN_BROKEN', path: 'plugins[0]', line: 2 });
      expect(problems[0].message).to.match(said);
      expect(problems[0].hint).to.match(hint);
    });

  it('is not imported by Node from a package, which is explained', async () => {
    await place.close();
    place = await workplace();
    const folder = place.path('node_modules/acme-crm');
    await mkdir(folder, { recursive: true });
    await symlink(join(repository, 'node_modules/@switchhook'), place.path('node_modules/@switchhook'));
    await writeFile(join(folder, 'package.json'), '{ "name": "acme-crm", "type": "module", "exports": "./index.ts" }');
    await writeFile(join(folder, 'index.ts'), plugin('', "'Writes a note.'"));
    await place.write('switchhook.yaml', yaml.replace('./plugins/crm.ts', 'acme-crm'));
    const { problems } = await problemsOf();
    if (!byNode) return expect(problems).to.deep.equal([]);
    expect(problems[0].message).to.match(
      /^acme-crm: Node does not import TypeScript from packages, as .*acme-crm\/index\.ts is; 1 row waits for it: \S+$/,
    );
    expect(problems[0].hint).to.include('"exports" must name compiled JavaScript');
  });
});
