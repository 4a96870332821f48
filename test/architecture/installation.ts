/** The packages as a user gets them: packed, unpacked in a folder elsewhere, beside what they declare and nothing else. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Manifest } from './packages.js';
import { repository } from './source.js';

const run = promisify(execFile);

/** A folder with all packages installed. */
export interface Installation {
  readonly directory: string;
  /** Path of the command. */
  readonly command: string;
  close(): Promise<void>;
}

/**
 * Installs all packages of the workspace. What npm would fetch from the registry is linked from this repository: it is the
 * same in both, and a test does not need the network. A package that uses more than it declares does not find it.
 */
export async function install(): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-installed-'));
  const environment = { ...process.env, NO_UPDATE_NOTIFIER: '1' };
  const pack = ['pack', '--workspaces', '--json', '--pack-destination', directory];
  const { stdout } = await run('npm', pack, { cwd: repository, env: environment });
  const packed: readonly { readonly name: string; readonly filename: string }[] = JSON.parse(stdout);
  for (const { name, filename } of packed) {
    const folder = join(directory, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    await run('tar', ['-xzf', join(directory, filename), '-C', folder, '--strip-components=1']);
    await linkDependencies(directory, JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  }
  return {
    directory,
    command: join(directory, 'node_modules/@switchhook/cli/bin/switchhook.js'),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Optional packages, too: on Node 20 the store needs its driver. */
async function linkDependencies(directory: string, manifest: Manifest): Promise<void> {
  const { dependencies = {}, peerDependenciesMeta = {} } = manifest;
  for (const name of Object.keys({ ...dependencies, ...peerDependenciesMeta })) {
    const link = join(directory, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(repository, 'node_modules', name), link).catch((error) => {
      // Another package has the same dependency.
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
