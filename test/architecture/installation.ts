/** Packages as a user gets them: packed, unpacked in a folder elsewhere, beside what they declare and nothing else. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Manifest, packages } from './packages.js';
import { repository } from './source.js';

const run = promisify(execFile);

/** A folder with all packages installed. */
export interface Installation {
  readonly directory: string;
  /** Path of the command. */
  readonly command: string;
  /** Packs a package in a folder of this one, installs the packed file under the name, and returns the paths in it. */
  add(folder: string, name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What is installed, where that is not all. */
export interface Selection {
  /** Packages of the workspace; what they need is installed, too. */
  readonly packages: readonly string[];
  /** Packages of others that a user installs beside them, such as a test runner. */
  readonly others: readonly string[];
}

/**
 * Installs packages of the workspace, by default all. What npm would fetch from the registry is linked from this repository: it is the
 * same in both, and a test does not need the network. A package that uses more than it declares does not find it.
 */
export async function install(selection?: Selection): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-installed-'));
  const environment = { ...process.env, NO_UPDATE_NOTIFIER: '1' };
  const which =
    selection === undefined ? ['--workspaces'] : needed(selection.packages).map((name) => `--workspace=${name}`);
  const pack = ['pack', ...which, '--json', '--pack-destination', directory];
  const { stdout } = await run('npm', pack, { cwd: repository, env: environment });
  const packed: readonly { readonly name: string; readonly filename: string }[] = JSON.parse(stdout);
  const folderOf = (name: string): string => join(directory, 'node_modules', name);
  // Before anything is linked: through a link, a package would be unpacked into this repository.
  for (const { name, filename } of packed) await unpack(join(directory, filename), folderOf(name));
  for (const { name } of packed) {
    const manifest = await manifestIn(folderOf(name));
    await linkBinaries(directory, manifest);
    await linkDependencies(directory, manifest);
  }
  for (const name of selection?.others ?? []) {
    await linkFromRepository(directory, name);
    await linkBinaries(directory, await manifestIn(join(directory, 'node_modules', name)));
  }
  return {
    directory,
    command: join(directory, 'node_modules/@switchhook/cli/bin/switchhook.js'),
    add: async (folder, name) => {
      const from = join(directory, folder);
      const { stdout: said } = await run('npm', ['pack', '--json'], { cwd: from, env: environment });
      // What its scripts print comes first.
      const [{ filename, files }] = JSON.parse(said.slice(said.indexOf('[\n')));
      await unpack(join(from, filename), join(directory, 'node_modules', name));
      return files.map(({ path }: { readonly path: string }) => path);
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** These packages of the workspace, and those that they need. */
function needed(names: readonly string[]): readonly string[] {
  const manifests = new Map(packages().map(({ manifest }) => [manifest.name, manifest]));
  const found = new Set(names);
  for (const name of found)
    for (const dependency of Object.keys(manifests.get(name)?.dependencies ?? {}))
      if (manifests.has(dependency)) found.add(dependency);
  return [...found];
}

async function unpack(file: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('tar', ['-xzf', file, '-C', folder, '--strip-components=1']);
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}

/** As npm does it, so that scripts find them by their names. */
async function linkBinaries(directory: string, { name, bin = {} }: Manifest): Promise<void> {
  await mkdir(join(directory, 'node_modules/.bin'), { recursive: true });
  for (const [command, path] of Object.entries(typeof bin === 'string' ? { [name]: bin } : bin))
    await symlink(join('..', name, path), join(directory, 'node_modules/.bin', command));
}

/** Optional packages, too: on Node 20 the store needs its driver. */
async function linkDependencies(directory: string, manifest: Manifest): Promise<void> {
  const { dependencies = {}, peerDependenciesMeta = {} } = manifest;
  for (const name of Object.keys({ ...dependencies, ...peerDependenciesMeta })) {
    await linkFromRepository(directory, name);
  }
}

async function linkFromRepository(directory: string, name: string): Promise<void> {
  const link = join(directory, 'node_modules', name);
  await mkdir(dirname(link), { recursive: true });
  // The driver of SQLite has a folder of its own.
  const own = join(repository, 'plugins/node_modules', name);
  await symlink(existsSync(own) ? own : join(repository, 'node_modules', name), link).catch((error) => {
    // Another package has the same dependency.
    if (error.code !== 'EEXIST') throw error;
  });
}
