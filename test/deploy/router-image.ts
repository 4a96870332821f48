/** The Dockerfile of a new router, built in plain folders with its packages as they are published, and started. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createRouterFolder } from 'create-switchhook';
import { packages } from '../architecture/packages.js';
import { repository } from '../architecture/source.js';
import { lastingPort } from '../support/processes.js';
import { build, type Image } from './image.js';

const run = promisify(execFile);

/** Packs the packages of this repository, installs them and what they need from the registry, and runs all steps. */
export async function builtImage(): Promise<Image> {
  const parent = await mkdtemp(join(tmpdir(), 'switchhook-image-context-'));
  const context = join(parent, 'switchhook');
  try {
    await createRouterFolder(context);
    await installPacked(context, parent);
    return await build(join(context, 'Dockerfile'), {
      context,
      base: { 'usr/local/bin/node': process.execPath },
      run: async (command, directory) => {
        await run('sh', ['-c', command], { cwd: directory });
      },
    });
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** Our packages are taken from packed files, also where another of them needs them; the lock file then names the files. */
async function installPacked(context: string, packed: string): Promise<void> {
  const { stdout } = await run('npm', ['pack', '--workspaces', '--json', '--pack-destination', packed], {
    cwd: repository,
  });
  const files = new Map<string, string>(
    JSON.parse(stdout).map(({ name, filename }: { readonly name: string; readonly filename: string }) => [
      name,
      `file:${join(packed, filename)}`,
    ]),
  );
  const path = join(context, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  const ours = ([name, version]: [string, string]) => [name, files.get(name) ?? version];
  const [direct, develop] = [manifest.dependencies, manifest.devDependencies].map((rows) =>
    Object.fromEntries((Object.entries(rows) as [string, string][]).map(ours)),
  );
  const known = packages().map(({ manifest: { name } }) => name);
  const others = known.filter((name) => !(name in direct) && !(name in develop));
  const overrides = Object.fromEntries(
    known.map((name) => [name, others.includes(name) ? files.get(name) : `$${name}`]),
  );
  await writeFile(path, JSON.stringify({ ...manifest, dependencies: direct, devDependencies: develop, overrides }));
  await run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit'], { cwd: context });
}

/** Starts the command of an image, and returns what its health check prints when the router is ready. Throws where it does not start. */
export async function startedFrom({ root, directory, environment, command, healthCheck }: Image): Promise<string> {
  const port = String(await lastingPort());
  const env = {
    ...environment,
    PATH: `${join(root, 'usr/local/bin')}`,
    HOST: '127.0.0.1',
    PORT: port,
    RETELL_API_KEY: 'only-for-the-trial',
  };
  const [file = '', ...args] = command;
  const router = spawn(file, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(router, 'exit');
  let health = '';
  for await (const line of createInterface({ input: router.stdout })) {
    if (JSON.parse(line).event !== 'router.listening') continue;
    const [program = '', ...rest] = healthCheck;
    health = await run(program, rest, { cwd: directory, env }).then(
      ({ stdout }) => stdout.trim(),
      ({ stderr }) => `failed: ${stderr}`,
    );
    router.kill('SIGTERM');
  }
  const [code] = await ended;
  if (code !== 0 || !health.startsWith('ok ')) throw new Error(`the router ended with ${code}; its health: ${health}`);
  return health;
}

/** In megabytes: of Node, and of everything else. */
export function sizesOf({ root }: Image): { readonly node: number; readonly app: number } {
  // Node is a link to that of this machine, and no file.
  const node = statSync(join(root, 'usr/local/bin/node')).size;
  return { node: Math.round(node / 1e6), app: Math.round(bytesBelow(root) / 1e6) };
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
