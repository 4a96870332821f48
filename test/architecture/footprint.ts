/** What an installation of a package brings: itself and everything that it needs, directly or not. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Manifest, type Package, packages } from './packages.js';
import { repository } from './source.js';

/** Names of packages, sorted, and what they take on disk. */
export interface Footprint {
  readonly names: readonly string[];
  readonly megabytes: number;
}

/** Optional peer dependencies count only where `optional` says so: npm does not install them by itself. */
export function footprintOf({ folder }: Pick<Package, 'folder'>): Footprint {
  const found = new Map<string, string>();
  const visit = (directory: string): void => {
    const { name, dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifestOf(directory);
    if (found.has(directory)) return;
    found.set(directory, name);
    const peers = Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);
    for (const needed of [...Object.keys(dependencies), ...peers]) visit(located(needed, directory));
  };
  visit(join(repository, folder));
  const bytes = [...found.keys()].reduce((sum, directory) => sum + sizeOf(directory), 0);
  return { names: [...new Set(found.values())].sort(), megabytes: bytes / 1_048_576 };
}

const ours = new Set(packages().map(({ folder }) => join(repository, folder)));

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

/** As Node looks for it: beside the package first, then further up. */
function located(name: string, from: string): string {
  const directory = join(from, 'node_modules', name);
  if (existsSync(join(directory, 'package.json'))) return realpathSync(directory);
  if (from === dirname(from)) throw new Error(`${name} is not installed`);
  return located(name, dirname(from));
}

/** Of a package of the workspace only what is published. */
function sizeOf(directory: string): number {
  const names = ours.has(directory) ? ['dist', 'bin', 'package.json', 'README.md'] : ['.'];
  return names.map((name) => join(directory, name)).reduce((sum, path) => sum + bytesAt(path), 0);
}

function bytesAt(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.size ?? 0;
  return readdirSync(path)
    .filter((name) => name !== 'node_modules')
    .reduce((sum, name) => sum + bytesAt(join(path, name)), 0);
}
