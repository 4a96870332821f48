/** `switchhook plugins`: what is installed, what plugins does not name yet, and how a component is configured. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exampleOptions, inputSchema, openCatalog, provenanceOf } from '@switchhook/core/internal';
import { expect } from 'chai';
import { z } from 'zod';
import { repository, type Workplace, workplace } from '../support/workplace.js';

const crm = `import { defineDestination, definePlugin, provideOptions, secret, text, token, z } from '@switchhook/sdk';
export default definePlugin({
  name: '@acme/crm',
  options: provideOptions(token('crm.Account'), z.strictObject({ apiKey: secret('Key of the account.') })),
  components: [defineDestination({
    type: 'crm.note', description: 'Writes a note.',
    options: z.strictObject({ note: text('Text of the note.'), size: z.int().min(5).default(7).meta({ description: 'Size.' }) }),
    create: () => ({ deliver: async () => ({ kind: 'delivered' }) }),
  })],
});
`;
const yaml = (plugins: string) => `version: 1
${plugins}
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { crm: { use: crm.note, note: "\${{ event.subject }}" } }
routes: [{ to: crm }]
`;

describe('switchhook plugins', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await installed('@acme/crm', crm, ['switchhook-plugin']);
    await installed('not-a-plugin', 'throw new Error("it has been loaded");', ['webhook']);
    await symlink(join(repository, 'node_modules/@switchhook'), place.path('node_modules/@switchhook'));
    await place.write('switchhook.yaml', yaml(''));
  });
  afterEach(() => place.close());

  const installed = async (name: string, code: string, keywords: readonly string[]): Promise<void> => {
    const folder = place.path(`node_modules/${name}`);
    await mkdir(folder, { recursive: true });
    const manifest = { name, version: '1.2.3', type: 'module', exports: './index.js', keywords };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'index.js'), code);
  };

  it('reports installed plugins that the file does not name', async () => {
    const { code, stdout, stderr } = await place.command(['plugins']);
    expect(code).to.equal(0);
    expect(stdout).not.to.include('crm.note');
    expect(stderr).to.equal('@acme/crm is installed, but plugins does not name it: add "@acme/crm" to use crm.note\n');
    const { unlisted } = JSON.parse((await place.command(['plugins', '--json'])).stdout);
    expect(unlisted).to.deep.equal([
      {
        plugin: '@acme/crm',
        version: '1.2.3',
        provenance: { source: 'unknown', resolved: null, integrity: null },
        components: [{ kind: 'destination', use: 'crm.note' }],
      },
    ]);
    await place.write('switchhook.yaml', yaml('plugins: [{ use: "@acme/crm", options: { apiKey: a-long-key } }]'));
    const named = await place.command(['plugins']);
    expect(named.stderr).to.equal('');
    expect(named.stdout).to.include('destination\tcrm.note\t@acme/crm 1.2.3\tunknown\tWrites a note.\n');
  });

  it('shows where a plugin is from, as npm has recorded it, without a password', async () => {
    const url = 'https://registry.npmjs.org/@acme/crm/-/crm-1.2.3.tgz';
    const origins = [
      ['registry', { resolved: url, integrity: 'sha512-abc' }, url],
      ['registry', { resolved: url.replace('//', '//me:secret@') }, url],
      ['tarball', { resolved: 'file:../crm-1.2.3.tgz' }, 'file:../crm-1.2.3.tgz'],
      ['tarball', { resolved: 'https://acme.example/crm.tgz' }, 'https://acme.example/crm.tgz'],
      ['git', { resolved: 'git+ssh://git@github.com/acme/crm.git#1' }, 'git+ssh://github.com/acme/crm.git#1'],
      // As npm writes it with omit-lockfile-registry-resolved.
      ['registry', { integrity: 'sha512-abc' }, null],
      ['unknown', { integrity: 'sha512-abc', inBundle: true }, null],
      ['unknown', {}, null],
    ] as const;
    const of = () => provenanceOf({ from: '@acme/crm', path: place.path('node_modules/@acme/crm/index.js') });
    expect(of().source).to.equal('unknown');
    for (const [source, entry, resolved] of origins) {
      await place.write(
        'node_modules/.package-lock.json',
        JSON.stringify({ packages: { 'node_modules/@acme/crm': entry } }),
      );
      expect(of()).to.deep.equal({ source, resolved, integrity: 'integrity' in entry ? entry.integrity : null });
    }
    await place.write('node_modules/.package-lock.json', '{ "packages": {');
    expect(of().source).to.equal('unknown');
    expect(provenanceOf({ from: './crm.ts', path: place.path('crm.ts') }).source).to.equal('local file');
    expect(provenanceOf({ from: '@acme/crm', path: place.path('crm/index.js') }).source).to.equal('folder');

    await place.write(
      'node_modules/.package-lock.json',
      JSON.stringify({ packages: { 'node_modules/@acme/crm': origins[0][1] } }),
    );
    await place.write('switchhook.yaml', yaml('plugins: [{ use: "@acme/crm", options: { apiKey: a-long-key } }]'));
    const { stdout } = await place.command(['plugins']);
    expect(stdout).to.include('destination\tcrm.note\t@acme/crm 1.2.3\tregistry\tWrites a note.\n');
    const { stderr } = await place.command(['plugins', 'crm.note']);
    expect(stderr).to.include(`Installed from ${url}, sha512-abc`);
  });

  it('is what check suggests for a type that such a plugin brings', async () => {
    const { code, stderr } = await place.command(['check']);
    expect(code).to.equal(78);
    expect(stderr).to.include('crm.note is part of @acme/crm, which plugins does not name');
    expect(stderr).to.include('Add "@acme/crm" to plugins.');
  });

  it('shows the options of a component and of its plugin as tables, and a row that uses it', async () => {
    const { code, stdout, stderr } = await place.command(['plugins', 'crm.note']);
    expect(code).to.equal(0);
    expect(stdout.split('\n')).to.deep.equal([
      'destination crm.note, @acme/crm 1.2.3: Writes a note.',
      'option\ttype\tdefault\twhat it is',
      'note\ttext with ${{ }} of event, events, delivery\trequired\tText of the note.',
      'size\tinteger, from 5\t7\tSize.',
      '',
      'Options of the plugin itself, in its row of plugins:',
      'option\ttype\tdefault\twhat it is',
      'apiKey\tsecret\trequired\tKey of the account.',
      '',
      'plugins:',
      '  - use: "@acme/crm"',
      '    options:',
      '      apiKey: "${API_KEY}"',
      'destinations:',
      '  note:',
      '    use: crm.note',
      '    note: "${{ event.subject }}"',
      '',
    ]);
    expect(stderr).to.include('plugins does not name @acme/crm yet');
  });

  it('shows the example of the README of a package, and as JSON the schema of the options', async () => {
    const shown = await place.command(['plugins', 'list']);
    expect(shown.stdout).to.match(/^resolver list, @switchhook\/plugin-list [\d.]+: /);
    expect(shown.stdout).to.match(/\nresolvers:\n {2}[\s\S]*\buse: list\b/);
    const [entry] = JSON.parse((await place.command(['plugins', 'list', '--json'])).stdout);
    expect(entry).to.include({ kind: 'resolver', use: 'list', plugin: '@switchhook/plugin-list' });
    expect(entry.options.additionalProperties).to.equal(false);
  });

  it('suggests a type for one that no plugin has', async () => {
    const { code, stderr } = await place.command(['plugins', 'crm.nots']);
    expect([code, stderr]).to.deep.equal([2, 'no installed plugin has crm.nots; did you mean "crm.note"?\n']);
  });
});

describe('an example of a component without a README', () => {
  it('has what its schema requires, of every component', async () => {
    const components = await openCatalog(repository).components();
    expect(components.length).to.be.greaterThan(20);
    const wrong = components.flatMap(({ type, options }) => {
      const schema = inputSchema(options);
      const { error } = z.fromJSONSchema(schema).safeParse(exampleOptions(schema));
      return error === undefined ? [] : [`${type}: ${error.message}`];
    });
    expect(wrong).to.deep.equal([]);
  });
});
