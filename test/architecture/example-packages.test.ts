/** The packages of docs/examples: their tests pass, and what is packed of them works beside a router, without a registry. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { blocksOf } from './documents.js';
import { type Installation, install } from './installation.js';
import { versionsIn } from './packages.js';
import { filesIn, repository } from './source.js';

const run = promisify(execFile);

const examples = [
  { folder: 'helpdesk', suites: ['helpdesk.ticket is a destination', 'helpdesk.customer is a resolver'] },
  { folder: 'forms', suites: ['forms.submissions is a source'] },
  { folder: 'talk-time', suites: ['talk-time.measure is a transform'] },
];
const secrets = {
  RETELL_API_KEY: 'a-key',
  HELPDESK_SECRET: 'a-secret',
  FORMS_SECRET: 'a-secret',
  FORMS_TOKEN: 'a-token',
};

describe('The packages of docs/examples', function () {
  // Each test starts npm, a compiler and a test runner, beside what else the machine does.
  this.timeout(300_000);
  let installed: Installation;
  const env = { ...process.env, ...secrets };

  before(async () => {
    const others = ['mocha', 'tsx', 'typescript', '@types/mocha', '@types/node'];
    const plugins = ['http', 'log', 'retell', 'sqlite'].map((name) => `@switchhook/plugin-${name}`);
    installed = await install({ packages: ['@switchhook/cli', '@switchhook/testkit', ...plugins], others });
    for (const { path } of filesIn(['docs/examples'], /./)) {
      const target = join(installed.directory, path.replace('docs/examples/', ''));
      await cp(join(repository, path), target);
    }
  });
  after(() => installed.close());

  /** The configuration of a README, on a free port. */
  const configurationOf = (folder: string): string => {
    const [file] = filesIn([`docs/examples/${folder}`], /README\.md$/);
    const [block] = file === undefined ? [] : blocksOf(file, 'yaml');
    return `${block?.code}server: { host: 127.0.0.1, port: 0 }\nstore: { use: sqlite, path: ./${folder}.db }\n`;
  };

  for (const { folder, suites } of examples)
    it(`${folder}: passes its tests, is packed, and is loaded by a router with the configuration of its README`, async () => {
      const cwd = join(installed.directory, folder);
      const tested = await run('npm', ['test'], { cwd }).catch((error) => error);
      for (const suite of suites) expect(tested.stdout + tested.stderr).to.include(suite);
      expect(tested.stdout)
        .to.match(/[1-9]\d* passing/)
        .and.not.match(/failing|pending/);

      const paths = await installed.add(folder, `@acme/switchhook-${folder}`);
      expect(paths).to.include.members(['README.md', 'dist/index.js', 'dist/index.d.ts']);
      expect(paths.filter((path) => /^(src|test)\//.test(path))).to.deep.equal([]);
      await writeFile(join(installed.directory, `${folder}.yaml`), configurationOf(folder));
      const args = [installed.command, 'check', `${folder}.yaml`];
      const checked = await run(process.execPath, args, { cwd: installed.directory, env }).catch((error) => error);
      expect(checked.stdout + checked.stderr).to.match(/^ok /);
    });

  it('work in a router as they are packed', async () => {
    const cwd = installed.directory;
    await installed.add('forms', '@acme/switchhook-forms');
    await writeFile(join(cwd, 'forms.yaml'), configurationOf('forms'));
    const args = (...given: readonly string[]) => [installed.command, ...given, '--config', 'forms.yaml'];
    const router = spawn(process.execPath, args('start'), { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(router, 'exit');
    let subject: unknown;
    try {
      for await (const text of createInterface({ input: router.stdout })) {
        const line = JSON.parse(text);
        if (line.event === 'router.listening') {
          const handshake = await fetch(`${line.url}/hooks/leads?challenge=123&token=${secrets.FORMS_TOKEN}`);
          expect([handshake.status, await handshake.text()]).to.deep.equal([200, '123']);
          await run(process.execPath, args('send', 'form.submitted', '--same', '--url', line.url), { cwd, env });
        }
        if (line.event !== 'event.logged') continue;
        subject = line.subject;
        break;
      }
    } finally {
      router.kill('SIGTERM');
    }
    expect(await ended).to.deep.equal([0, null]);
    expect(subject).to.equal('sub_1');
  });

  it('have the versions that this repository tests, and those of its packages', async () => {
    const { version } = JSON.parse(await readFile(join(repository, 'core/sdk/package.json'), 'utf8'));
    const known = versionsIn(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')));
    const manifests = filesIn(['docs/examples'], /package\.json$/);
    expect(manifests).to.have.length(examples.length);
    for (const { path, text } of manifests)
      for (const [name, found] of Object.entries(versionsIn(JSON.parse(text))))
        expect(`${name} ${found.replace(/^\^/, '')}`, path).to.equal(
          `${name} ${name.startsWith('@switchhook/') ? version : known[name]}`,
        );
  });
});
