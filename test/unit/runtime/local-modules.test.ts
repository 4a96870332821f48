/** Local modules: what is imported anew, and what is not. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalModules, supersededModules } from '@switchhook/core/internal';
import { expect } from 'chai';

interface Kind {
  readonly what: string;
  readonly file: string;
  readonly type?: 'module';
  readonly helper: string;
  readonly plugin: string;
}

const esm = "import { value } from './helper.js';\nexport default { value, count: COUNT };\n";
const kinds: readonly Kind[] = [
  { what: 'an ES module', file: 'plugin.js', type: 'module', helper: 'export const value = VALUE;', plugin: esm },
  { what: 'an ES module by its name', file: 'plugin.mjs', helper: 'export const value = VALUE;', plugin: esm },
  { what: 'TypeScript', file: 'plugin.ts', type: 'module', helper: 'export const value = VALUE;', plugin: esm },
  { what: 'TypeScript without a package', file: 'plugin.ts', helper: 'exports.value = VALUE;', plugin: esm },
  {
    what: 'CommonJS',
    file: 'plugin.cjs',
    helper: 'exports.value = VALUE;',
    plugin: "const { value } = require('./helper.js');\nmodule.exports = { value, count: COUNT };\n",
  },
];

describe('a local module', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'switchhook-modules-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  for (const { what, file, type, helper, plugin } of kinds)
    it(`in ${what} is imported anew where it, or what it imports, has another content, and is the same one otherwise`, async () => {
      const path = join(directory, file);
      // Without one, an ES module by its name has helpers that are modules, too.
      const isModule = type === 'module' || file.endsWith('.mjs');
      await writeFile(join(directory, 'package.json'), JSON.stringify(isModule ? { type: 'module' } : {}));
      const write = async (value: number, count: number) => {
        await writeFile(join(directory, 'helper.js'), helper.replace('VALUE', String(value)));
        await writeFile(path, plugin.replace('COUNT', String(count)));
      };
      const load = async () => {
        const modules = new LocalModules();
        const module = await modules.import(path);
        const { value, count } = exported(module);
        expect([...modules.files].toSorted()).to.deep.equal([join(directory, 'helper.js'), path].toSorted());
        return { module, found: [value, count] };
      };
      await write(1, 1);
      const first = await load();
      expect(first.found).to.deep.equal([1, 1]);
      expect((await load()).module).to.equal(first.module);
      const before = supersededModules();
      await write(2, 1);
      expect((await load()).found).to.deep.equal([2, 1]);
      await write(2, 2);
      expect((await load()).found).to.deep.equal([2, 2]);
      await write(1, 1);
      expect((await load()).module).to.equal(first.module);
      expect(supersededModules() - before).to.equal(2);
    });

  for (const [what, ending, type] of [
    ['ES modules', 'js', 'module'],
    ['TypeScript', 'ts', 'module'],
    ['TypeScript without a package', 'ts', 'commonjs'],
  ] as const)
    it(`in ${what} that two plugins import is the same for both, also after one of them was edited`, async () => {
      const paths = ['a', 'b'].map((name) => join(directory, `${name}.${ending}`));
      await writeFile(join(directory, 'package.json'), JSON.stringify({ type }));
      await writeFile(join(directory, `shared.${ending}`), 'export class Client {}\n');
      const write = (index: number, text: string) =>
        writeFile(
          String(paths[index]),
          `import { Client } from './shared.${type === 'module' ? ending : 'js'}';\nexport default { Client };\n// ${text}\n`,
        );
      const load = async () => {
        const modules = new LocalModules(paths);
        const loaded = [];
        for (const path of paths) loaded.push(exported(await modules.import(path)).Client);
        return loaded;
      };
      await write(0, 'first');
      await write(1, 'first');
      const first = await load();
      expect(first[0]).to.be.a('function').and.equal(first[1]);
      expect(await load()).to.deep.equal(first);
      for (const edited of [0, 1]) {
        await write(edited, 'second');
        const [one, other] = await load();
        expect(one).to.be.a('function').and.equal(other);
        expect(one).not.to.equal(first[0]);
      }
    });

  it('of one file of TypeScript loads the packages that it imports once, however often it is edited', async () => {
    const path = join(directory, 'alone.ts');
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    await mkdir(join(directory, 'node_modules/tools'), { recursive: true });
    await writeFile(
      join(directory, 'node_modules/tools/package.json'),
      '{ "type": "module", "exports": "./index.js" }',
    );
    await writeFile(join(directory, 'node_modules/tools/index.js'), 'export class Tool {}\n');
    const load = async (count: number) => {
      await writeFile(path, `import { Tool } from 'tools';\nexport default { Tool, count: ${count} as number };\n`);
      return exported(await new LocalModules().import(path));
    };
    const first = await load(1);
    const second = await load(2);
    expect([first.count, second.count]).to.deep.equal([1, 2]);
    expect(second.Tool).to.equal(first.Tool);
  });

  it('that a plugin imports for the first time is read as it is now, also where an earlier one has imported it', async () => {
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    const load = async (name: string, value: number) => {
      await writeFile(join(directory, 'helper.ts'), `export const value: number = ${value};\n`);
      await writeFile(join(directory, name), "import { value } from './helper.ts';\nexport default { value };\n");
      return exported(await new LocalModules([join(directory, name)]).import(join(directory, name)));
    };
    expect(await load('earlier.ts', 1)).to.deep.include({ value: 1 });
    expect(await load('later.ts', 2)).to.deep.include({ value: 2 });
  });

  it('of one file needs no loader, and one that failed is imported again when it is right', async () => {
    const path = join(directory, 'alone.mjs');
    const load = () => new LocalModules().import(path).then(exported, (error: Error) => error.name);
    await writeFile(path, 'export default {');
    expect(await load()).to.equal('SyntaxError');
    expect(await load()).to.equal('SyntaxError');
    await writeFile(path, "import { value } from 'not-there-yet';\nexport default { value };\n");
    expect(await load()).to.equal('Error');
    await mkdir(join(directory, 'node_modules/not-there-yet'), { recursive: true });
    await writeFile(join(directory, 'node_modules/not-there-yet/index.mjs'), 'export const value = 7;\n');
    await writeFile(
      join(directory, 'node_modules/not-there-yet/package.json'),
      '{ "name": "not-there-yet", "exports": "./index.mjs" }',
    );
    expect(await load()).to.deep.include({ value: 7 });
  });
});

/** The default export, however deep an import of CommonJS has it. */
function exported(module: unknown): Readonly<Record<string, unknown>> {
  const { default: inner } = module as { readonly default?: unknown };
  return inner === undefined ? (module as Readonly<Record<string, unknown>>) : exported(inner);
}
