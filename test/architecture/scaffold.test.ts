/** What `npm create switchhook` makes: green as it is made, with the packages as they are published and without a registry. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { build } from '../deploy/image.js';
import { startedFrom } from '../deploy/router-image.js';
import { type Installation, install } from './installation.js';
import { versionsIn } from './packages.js';
import { filesIn, repository } from './source.js';

const run = promisify(execFile);

/** How a command ended. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('What create-switchhook makes', function () {
  // Each test starts npm, a compiler and a test runner, beside what else the machine does.
  this.timeout(300_000);
  let installed: Installation;

  before(async () => {
    const others = ['mocha', 'tsx', 'typescript', '@types/mocha', '@types/node'];
    const plugins = ['log', 'retell', 'sqlite', 'static'].map((name) => `@switchhook/plugin-${name}`);
    const packages = ['create-switchhook', '@switchhook/cli', '@switchhook/testkit', ...plugins];
    installed = await install({ packages, others });
  });
  after(() => installed.close());

  const inside = (folder: string, command: string, ...args: readonly string[]): Promise<Ended> =>
    run(command, args, { cwd: join(installed.directory, folder) }).then(
      (output) => ({ code: 0, ...output }),
      (error) => error,
    );
  const bin = (name: string) => join(installed.directory, 'node_modules/.bin', name);
  const read = (path: string) => readFile(join(installed.directory, path), 'utf8');

  describe('for a router', () => {
    before(async () => {
      const made = await inside('.', bin('create-switchhook'), 'My Router');
      expect(made).to.include({ code: 0, stderr: '' });
      expect(made.stdout).to.include('cd My Router').and.to.include('npm install');
    });

    it('passes its tests and its check', async () => {
      const tested = await inside('My Router', 'npm', 'test');
      expect(tested.code, tested.stdout + tested.stderr).to.equal(0);
      expect(tested.stdout).to.match(/[1-9]\d* passing/);
      const checked = await inside('My Router', 'npm', 'run', 'check');
      expect(checked.stdout, checked.stderr).to.include('ok switchhook.yaml: 2 sources, 1 destination, 1 resolver');
    });

    it('writes the schema that its configuration names', async () => {
      expect((await inside('My Router', 'npm', 'run', 'schema')).code).to.equal(0);
      expect(await read('My Router/switchhook.yaml')).to.include('$schema=./switchhook.schema.json');
      expect(await read('My Router/switchhook.schema.json')).to.include('"const": "call-length"');
    });

    it('delivers the sample that its README sends, through its own plugin', async () => {
      const directory = join(installed.directory, 'My Router');
      const env = { ...process.env, PORT: '0' };
      const router = spawn(bin('switchhook'), ['start'], { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(router, 'exit');
      let minutes: unknown;
      for await (const text of createInterface({ input: router.stdout })) {
        const { event, url, data } = JSON.parse(text);
        if (event === 'router.listening')
          expect(await inside('My Router', bin('switchhook'), 'send', 'call_ended', '--url', url)).to.include({
            code: 0,
          });
        if (data?.minutes === undefined) continue;
        minutes = data.minutes;
        router.kill('SIGTERM');
      }
      expect(await ended).to.deep.equal([0, null]);
      expect(minutes).to.equal(1.2);
    });

    it('is in a container what its Dockerfile makes of it: a router that answers its own health check', async () => {
      const ran: string[] = [];
      // `npm install` writes it, which the README asks for.
      await writeFile(join(installed.directory, 'My Router/package-lock.json'), '{}');
      const image = await build(join(installed.directory, 'My Router/Dockerfile'), {
        context: join(installed.directory, 'My Router'),
        base: { 'usr/local/bin/node': process.execPath },
        run: async (command, directory) => {
          ran.push(command);
          // The packages are here already, as npm would install them; npm itself is tried by `npm run check:deploy`.
          if (command.startsWith('npm ci '))
            await symlink(join(installed.directory, 'node_modules'), join(directory, 'node_modules'));
          else await run('sh', ['-c', command], { cwd: directory });
        },
      });
      try {
        expect(ran.filter((command) => command.startsWith('npm ci '))).to.have.length(1);
        expect(await startedFrom(image)).to.match(/^ok http:.*\/healthz$/);
      } finally {
        await image.remove();
      }
    });

    it('has the name of its directory, as packages and units have names, and nothing unfilled', async () => {
      expect(JSON.parse(await read('My Router/package.json')).name).to.equal('my-router');
      for (const name of await readdir(join(installed.directory, 'My Router'))) {
        if (!['plugins', 'data', 'switchhook.schema.json'].includes(name))
          expect(await read(`My Router/${name}`), name).not.to.match(/(?<!\$)\{\{/);
      }
    });

    it('is the same from `switchhook init`, which overwrites nothing', async () => {
      const again = await inside('.', bin('switchhook'), 'init', 'My Router');
      expect(again).to.include({ code: 1, stdout: '' });
      expect(again.stderr).to.include('nothing was written: My Router already has Dockerfile, README.md');
      await mkdir(join(installed.directory, 'other/my-router'), { recursive: true });
      expect((await inside('other/my-router', bin('switchhook'), 'init')).code).to.equal(0);
      for (const path of ['package.json', '.env', '.gitignore', 'plugins/call-length.ts'])
        expect(await read(`other/my-router/${path}`)).to.equal(await read(`My Router/${path}`));
    });

    it('is not begun where one of its files exists', async () => {
      await mkdir(join(installed.directory, 'taken'));
      await writeFile(join(installed.directory, 'taken/README.md'), 'mine');
      expect((await inside('.', bin('create-switchhook'), 'taken')).code).to.equal(1);
      expect(await readdir(join(installed.directory, 'taken'))).to.deep.equal(['README.md']);
    });
  });

  describe('for a plugin', () => {
    const cases = [
      { name: '@acme/switchhook-crm', args: [], folder: 'switchhook-crm', kinds: ['destination'] },
      {
        name: 'helpdesk',
        args: ['plugins/all', '--destination', '--resolver', '--source', '--transform'],
        folder: 'plugins/all',
        kinds: ['destination', 'resolver', 'source', 'transform'],
      },
    ];
    for (const { name, args, folder, kinds } of cases)
      it(`with ${kinds.join(', ')}: passes its tests, is packed, and is loaded by a router`, async () => {
        const made = await inside('.', bin('switchhook'), 'new', 'plugin', name, ...args);
        expect(made).to.include({ code: 0, stderr: '' });
        const tested = await inside(folder, 'npm', 'test');
        expect(tested.code, tested.stdout + tested.stderr).to.equal(0);
        expect(tested.stdout).to.not.match(/[1-9]\d* pending/);
        for (const kind of kinds) expect(tested.stdout).to.match(new RegExp(`is a ${kind}\\n`));
        expect(await installed.add(folder, name)).to.include.members([
          ...['README.md', 'dist/index.js', 'dist/index.d.ts'],
          `dist/${kinds[0]}.js`,
        ]);
        const rows = await exampleOf(`${folder}/README.md`);
        await writeFile(join(installed.directory, 'with-plugin.yaml'), `${surroundings}${rows}`);
        const checked = await inside('.', bin('switchhook'), 'check', 'with-plugin.yaml', '--json');
        const problems: readonly { readonly code: string }[] = JSON.parse(checked.stdout).problems ?? [];
        expect(problems.filter(({ code }) => code !== 'UNUSED')).to.deep.equal([]);
      });

    /** The configuration of its README is one of a router, but for what is not its own. */
    const surroundings = 'version: 1\nstore: { use: sqlite }\nroutes: [{ to: console }]\n';
    const exampleOf = async (path: string) => {
      const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(await read(path)) ?? [];
      const text = example.replace(/\$\{\w+\}/g, 'only-for-tests');
      const withSource = text.includes('sources:')
        ? text
        : `${text}sources: { agents: { use: retell.events, secrets: x-long } }\n`;
      return withSource.includes('destinations:')
        ? withSource.replace('destinations:', 'destinations:\n  console: { use: log }')
        : `${withSource}destinations: { console: { use: log } }\n`;
    };

    it('is refused a name that no package can have, and begun nowhere', async () => {
      const made = await inside('.', bin('switchhook'), 'new', 'plugin', 'My Plugin');
      expect(made).to.include({ code: 1, stdout: '' });
      expect(made.stderr).to.include('My Plugin is no name of a package');
      expect(await readdir(installed.directory)).not.to.include('My Plugin');
    });
  });

  it('has the versions that this repository tests', async () => {
    const known = versionsIn(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')));
    for (const { path, text } of filesIn(['core/create/template'], /package\.json$/))
      for (const [name, version] of Object.entries(versionsIn(JSON.parse(text))))
        expect(`${name} ${version.replace(/^\^/, '')}`, path).to.equal(
          `${name} ${name.startsWith('@switchhook/') ? '{{version}}' : known[name]}`,
        );
  });
});
