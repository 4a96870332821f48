/** The packages of the workspace and what they say about themselves. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf, packageOf } from './rules/imports.js';
import { filesIn, repository, type SourceFile } from './source.js';

/** What of a `package.json` matters here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly exports?: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly types?: string;
  /** A text in packages of others. */
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A package of the workspace. */
export interface Package {
  /** From the repository, e.g. `plugins/http`. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly sources: readonly SourceFile[];
}

/** All of them. */
export function packages(): readonly Package[] {
  const folders = ['core', 'plugins'].flatMap((parent) =>
    readdirSync(join(repository, parent))
      .filter((name) => name !== 'node_modules')
      .map((name) => `${parent}/${name}`),
  );
  return folders.map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8')),
    sources: filesIn([`${folder}/src`], /\.tsx?$/),
  }));
}

/** What a package lacks to be published. */
export function missingParts({ folder, manifest }: Package): readonly string[] {
  const exported = Object.values(manifest.exports ?? {}).flatMap((target) =>
    typeof target === 'string' ? [target] : [target.types, target.default],
  );
  const named = [
    ...exported,
    ...Object.values(typeof manifest.bin === 'object' ? manifest.bin : {}),
    manifest.types ?? '',
    'README.md',
    'LICENSE',
  ];
  const fields = ['name', 'description', 'license', 'type', 'exports', 'files', 'engines'] as const;
  return [
    ...fields.filter((field) => (manifest[field] ?? '').length === 0),
    ...(manifest.bin === undefined && manifest.types === undefined ? ['types'] : []),
    ...named.filter((path) => path !== '' && !existsSync(join(repository, folder, path))),
  ];
}

/** Whether what a package uses is part of what it publishes: nothing of it is installed beside it. */
function isBundled({ name }: Manifest): boolean {
  return name === '@switchhook/dashboard';
}

/** What a package uses without saying so, and says without using it. */
export function dependencyDifferences({ manifest, sources }: Package): readonly string[] {
  const bundled = isBundled(manifest) ? manifest.devDependencies : {};
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...bundled });
  const used = new Set(sources.flatMap(importsOf).map(({ name }) => packageOf(name)));
  const others = [...used].filter((name) => !name.startsWith('.') && name !== 'node:' && name !== manifest.name);
  return [
    ...others.filter((name) => !declared.includes(name)).map((name) => `uses ${name}`),
    // The command brings plugins and the page for its user, which are looked for by name; an optional package is looked for at run time.
    ...declared
      .filter((name) => !used.has(name) && !manifest.peerDependenciesMeta?.[name]?.optional)
      .filter((name) => !(manifest.bin && /^@switchhook\/(plugin-|dashboard$)/.test(name)))
      .map((name) => `does not use ${name}`),
  ];
}

/** Dependencies that may change between two installations. */
export function floating({ manifest: { dependencies = {}, devDependencies = {} } }: Package): readonly string[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name} ${version}`);
}

/** All versions that a package.json names, by package. */
export function versionsIn(manifest: object): Readonly<Record<string, string>> {
  const { dependencies, devDependencies, peerDependencies } = Object(manifest);
  return { ...dependencies, ...devDependencies, ...peerDependencies };
}
