import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonSchema } from '@switchhook/core/internal';
import { expect } from 'chai';
import { unknownCommands, unknownScripts } from './commands.js';
import { environment, problemsOf } from './configurations.js';
import { type Block, blocksOf, deadLinks, documents, proseOf } from './documents.js';
import { generated } from './reference/generated.js';
import { modules } from './rules/imports.js';
import { failureOf, longestRunMs } from './shell.js';
import { filesIn, repository } from './source.js';

const files = documents();

describe('Configurations in documents and examples', () => {
  const blocks = files.flatMap((file) => blocksOf(file, 'yaml', 'yml')).filter(isOurs);

  it('pass the check of the router', async () => {
    const problems = await Promise.all(blocks.map((block) => problemsOf(block)));
    expect(problems.flat()).to.deep.equal([]);
  });

  it('pass in every file of config/', async () => {
    const paths = filesIn(['config'], /\.ya?ml$/).map(({ path }) => path);
    expect(paths).not.to.have.length(0);
    const script = join(repository, 'test/architecture/check-configurations.js');
    const options = { cwd: repository, env: { ...process.env, ...environment } };
    expect(await promisify(execFile)(process.execPath, [script, ...paths], options)).to.include({ stderr: '' });
  });

  it('run without a single variable set in the smallest one', async () => {
    const [smallest] = filesIn(['config'], /^config\/switchhook\.yaml$/);
    expect(
      await problemsOf({ path: 'config/switchhook.yaml', line: 1, marks: [], code: smallest?.text ?? '' }, {}),
    ).to.deep.equal([]);
  });

  it('are caught when they are wrong, at their line in the document', async () => {
    const text =
      'one\n\n```yaml\nversion: 1\nsources: { agents: { use: sigmamind.events, secrets: [secret] } }\nroots: []\n```\n';
    const [block] = blocksOf({ path: 'docs/stray.md', text }, 'yaml');
    expect(await problemsOf(block as Block)).to.deep.equal([
      'docs/stray.md:4 MISSING_KEY: routes without a route or an answer nothing happens',
      'docs/stray.md:6 UNKNOWN_KEY: roots unknown key "roots"',
    ]);
  });

  it('may leave out their surroundings in a fragment, but not be wrong', async () => {
    const text =
      '```yaml fragment\ndestinations:\n  crm: { use: http.post, url: https://crm.example.com, methd: PUT }\n```\n';
    const [block] = blocksOf({ path: 'docs/stray.md', text }, 'yaml');
    expect(await problemsOf(block as Block)).to.deep.equal([
      'docs/stray.md:3 UNKNOWN_KEY: destinations.crm.methd unknown key "methd"; did you mean "method"?',
    ]);
  });
});

describe('What is made from the schemas', () => {
  it('is what `npm run docs` makes of them now', async () => {
    const written = filesIn(['docs', 'config'], /./);
    for (const [path, text] of await generated())
      expect(written.find((file) => file.path === path)?.text === text, `${path} is current`).to.equal(true);
  });

  it('tells every option of every component, with what it is for', async () => {
    const page = (await generated()).get('docs/configuration.md') ?? '';
    const rows = page.split('\n').filter((line) => /^\| `[\w.*]+` \|/.test(line));
    expect(rows).not.to.have.length(0);
    expect(rows.filter((row) => / \|\s+\|$/.test(row))).to.deep.equal([]);
  });

  it('tells every key of every section there', async () => {
    const made = await generated();
    const page = made.get('docs/configuration.md') ?? '';
    const schema = JSON.parse(made.get('config/switchhook.schema.json') ?? '') as JsonSchema;
    const untold = Object.entries(schema.properties ?? {}).flatMap(([name, section]) => {
      const text = page.split(/^## /m).find((part) => part.startsWith(`\`${name}\`\n`)) ?? '';
      const told = [...text.matchAll(/^\| `(?:[^`]*\.)?(\w+)` \|/gm)].map(([, key = '']) => key);
      return keysIn(section).filter((key) => key !== 'use' && !told.includes(key));
    });
    expect(keysIn(schema)).to.include('retention');
    expect(untold).to.deep.equal([]);
  });
});

/** Names of all properties that stand anywhere in a schema. One of them may be called `properties`. */
function keysIn(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {}, ...others } = { ...schema } as { readonly properties?: Readonly<Record<string, unknown>> };
  return [...Object.keys(properties), ...[...Object.values(properties), ...Object.values(others)].flatMap(keysIn)];
}

describe('Commands in documents', () => {
  const blocks = files.map((file) => ({ file, blocks: blocksOf(file, 'sh') }));

  it('are known to the command line, with their options', () => {
    const unknown = files.flatMap((file) => {
      const spans = [...proseOf(file).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
      const texts = [...blocksOf(file, 'sh').map(({ code }) => code), ...spans];
      return texts.flatMap((text) => unknownCommands(text)).map((call) => `${file.path} ${call}`);
    });
    expect(unknown).to.deep.equal([]);
  });

  it('name scripts of the repository', () => {
    expect(blocks.flatMap(({ blocks: all }) => all.flatMap(unknownScripts))).to.deep.equal([]);
  });

  for (const { file, blocks: all } of blocks.filter(({ blocks: all }) => all.some(isOurs)))
    it(`do in ${file.path} what they say`, async () => {
      expect(await failureOf(all.filter(isOurs))).to.equal(null);
    }).timeout(longestRunMs + 10_000);

  it('do so on a machine without curl and openssl, too', async () => {
    const signed = blocks
      .flatMap(({ blocks: all }) => all.filter(isOurs))
      .filter(({ code }) => code.includes('openssl dgst'));
    expect(signed).not.to.have.length(0);
    expect(await failureOf(signed, ['curl', 'openssl'])).to.equal(null);
  });

  it('are caught when the command line does not know them', () => {
    expect(unknownCommands('npx switchhook chek --config a.yaml')).to.deep.equal(['switchhook chek --config a.yaml']);
    expect(unknownCommands('switchhook check \\\n  --conect')).to.deep.equal(['switchhook check --conect']);
    expect(unknownCommands('switchhook check --connect -c a.yaml | less')).to.deep.equal([]);
    expect(unknownScripts({ code: 'npm run test\nnpm run demonstration' })).to.deep.equal(['npm run demonstration']);
  });

  it('are caught when they fail', async () => {
    const block = { path: 'docs/stray.md', line: 3, language: 'sh', marks: [] };
    const send = { ...block, code: 'npx switchhook send conversation_ended\nnpx switchhook start\n' };
    const forged = {
      ...block,
      line: 9,
      code: 'curl http://localhost:8080/hooks/agents -H "Content-Type: application/json" -d "{}"\n',
    };
    expect(await failureOf([send])).to.equal(null);
    expect(await failureOf([send, forged])).to.match(/^# docs\/stray\.md:9\n.*401/s);
  });
});

describe('The map of the modules in CONTRIBUTING.md', () => {
  it('lists each module of the router with what it may import', () => {
    const { text } = files.find(({ path }) => path === 'CONTRIBUTING.md') ?? { text: '' };
    const rows = [...text.matchAll(/^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(([, name, imports = '']) => [
      name,
      [...imports.matchAll(/`([^`]+)`/g)].map(([, imported]) => imported),
    ]);
    const { 'index.ts': _, 'api.ts': __, 'internal.ts': ___, 'client.ts': ____, ...expected } = modules.router ?? {};
    expect(Object.fromEntries(rows)).to.deep.equal(
      Object.fromEntries(Object.entries(expected).map(([name, imports]) => [name, [...imports].sort()])),
    );
  });
});

describe('Links in documents', () => {
  const exists = (path: string) => existsSync(join(repository, path));

  it('lead somewhere', () => {
    expect(deadLinks(files, exists)).to.deep.equal([]);
  });

  it('are caught when they do not', () => {
    const text = '# One\n[a](#one) [b](#two) [c](../README.md)\n[d](nowhere.md) [e](https://example.com) `[f](g)`\n';
    const dead = deadLinks([{ path: 'docs/stray.md', text }], (path) => path === 'README.md');
    expect(dead).to.deep.equal(['docs/stray.md:2 #two', 'docs/stray.md:3 nowhere.md', 'docs/stray.md:3 g']);
  });
});

/** Blocks marked `elsewhere` are about other programs, or another machine. */
function isOurs({ marks }: Block): boolean {
  return !marks.includes('elsewhere');
}
