import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { footprintOf } from './footprint.js';
import { type Installation, install } from './installation.js';
import { dependencyDifferences, floating, missingParts, type Package, packages } from './packages.js';
import { repository } from './source.js';

const all = packages();

describe('Each package', () => {
  const strays = (check: (one: Package) => readonly string[]) =>
    all.flatMap((one) => check(one).map((what) => `${one.manifest.name}: ${what}`));

  it('could be published as it stands', () => {
    expect(strays(missingParts)).to.deep.equal([]);
  });

  it('declares what it uses, and uses what it declares', () => {
    expect(strays(dependencyDifferences)).to.deep.equal([]);
  });

  it('gets the same dependencies today and tomorrow', () => {
    expect(strays(floating)).to.deep.equal([]);
  });

  it('is caught when it does not', () => {
    const core = all.find(({ folder }) => folder === 'core/router') as Package;
    const dependencies = { yaml: '^2.0.0', unheard: '1.0.0' };
    const manifest = { ...core.manifest, description: '', types: './dist/nowhere.d.ts', dependencies };
    const stray: Package = { ...core, manifest };
    expect(missingParts(stray)).to.include.members(['description', './dist/nowhere.d.ts']);
    expect(dependencyDifferences(stray)).to.include.members(['uses zod', 'does not use unheard']);
    expect(floating(stray)).to.deep.equal(['yaml ^2.0.0']);
  });
});

describe('Installing', () => {
  const ofTheRouter = ['koa', 'pino', 'commander', 'tsyringe', '@switchhook/core', '@switchhook/cli'];
  const kinds = [
    { what: 'a plugin', folder: /^plugins\//, most: { packages: 20, megabytes: 19 }, without: ofTheRouter },
    { what: 'the testkit', folder: /^core\/testkit$/, most: { packages: 120, megabytes: 47 }, without: ['commander'] },
    {
      what: 'the router, to embed it',
      folder: /^core\/router$/,
      most: { packages: 118, megabytes: 47 },
      without: ['commander', '@switchhook/cli', '@switchhook/simulator', '@switchhook/testkit'],
    },
    { what: 'the command', folder: /^core\/cli$/, most: { packages: 130, megabytes: 49 }, without: [] },
  ];
  for (const { what, folder, most, without } of kinds)
    it(`${what} brings at most ${most.packages} packages and ${most.megabytes} MB${without.map((name) => `, no ${name}`).join('')}`, () => {
      const found = all.filter((one) => folder.test(one.folder)).map((one) => ({ ...one, ...footprintOf(one) }));
      expect(found).not.to.deep.equal([]);
      for (const { manifest, names, megabytes } of found) {
        expect(names.length, manifest.name).to.be.within(1, most.packages);
        expect(megabytes, manifest.name).to.be.within(0.1, most.megabytes);
        expect(names, manifest.name).not.to.include.any.members(['nothing', ...without]);
      }
    });

  it('counts what is needed indirectly', () => {
    expect(footprintOf({ folder: 'core/router' }).names).to.include.members(['koa', 'http-errors', 'esbuild']);
  });
});

describe('All packages, installed in an empty folder', () => {
  let installed: Installation;
  before(async () => {
    installed = await install();
    const smallest = await readFile(join(repository, 'config/switchhook.yaml'), 'utf8');
    const elsewhere = smallest.replace('port: 8080', 'port: 0').replace('../data', './data');
    await writeFile(join(installed.directory, 'switchhook.yaml'), elsewhere);
  });
  after(() => installed.close());

  const run = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [installed.command, ...args], { cwd: installed.directory });

  it('know their version, each other and a configuration', async () => {
    const core = all.find(({ folder }) => folder === 'core/cli');
    expect((await run('--version')).stdout.trim()).to.equal(core?.manifest.version);
    const { components, broken } = JSON.parse((await run('plugins', '--json')).stdout);
    const found = new Set(components.map(({ plugin }: { readonly plugin: string }) => plugin));
    expect({ broken, found: [...found].sort() }).to.deep.equal({
      broken: [],
      found: all
        .map(({ manifest }) => manifest.name)
        .filter((name) => name.startsWith('@switchhook/plugin-'))
        .sort(),
    });
    expect((await run('check', 'switchhook.yaml')).stdout).to.match(/^ok /);
  });

  it('run a router that is ready, and that ends when it is told to', async () => {
    const args = [installed.command, 'start', '--config', 'switchhook.yaml'];
    const router = spawn(process.execPath, args, { cwd: installed.directory, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(router, 'exit');
    let ready: number | undefined;
    for await (const text of createInterface({ input: router.stdout })) {
      const { event, url } = JSON.parse(text);
      if (event !== 'router.listening') continue;
      ready = (await fetch(`${url}/readyz`)).status;
      router.kill('SIGTERM');
    }
    expect(ready).to.equal(200);
    expect(await ended).to.deep.equal([0, null]);
  });

  it('have types for who embeds a router, writes a plugin and tests it', async () => {
    const program = `
      import { createRouter, type Router } from '@switchhook/core';
      import { definePlugin, defineDestination, Log, z } from '@switchhook/sdk';
      import { aDelivery } from '@switchhook/testkit';
      import http from '@switchhook/plugin-http';
      const router: Router = await createRouter('switchhook.yaml');
      const nothing = defineDestination({ type: 'nothing', description: '', options: z.strictObject({}), inject: { log: Log }, create: (_options, { log }) => ({
        deliver: async ({ id }) => { log.info('nothing.done', { id }); return { kind: 'delivered' }; } }) });
      export const plugins = [http, definePlugin({ name: 'nothing', components: [nothing] })];
      export const listening: Promise<string> = router.listen();
      export const attempt: number = aDelivery().attempt;`;
    await writeFile(join(installed.directory, 'program.mts'), program);
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      'program.mts',
    ];
    const compiler = join(repository, 'node_modules/typescript/bin/tsc');
    const said = await promisify(execFile)(process.execPath, [compiler, ...options], {
      cwd: installed.directory,
    }).catch((error) => error);
    expect(said.stdout).to.equal('');
  });
});
