/** The files of plugins: where they are, and which packages are installed. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const keyword = 'switchhook-plugin';

/** Whether `plugins:` names a file, not a package. */
export function isPath(from: string): boolean {
  return from.startsWith('.') || isAbsolute(from);
}

/** The file that a row of `plugins:` names; null where there is none. Packages are also looked for beside the router. */
export function fileOf(from: string, directory: string): string | null {
  if (isPath(from)) {
    const path = resolve(directory, from);
    return existsSync(path) ? path : null;
  }
  for (const start of [join(directory, 'switchhook.yaml'), fileURLToPath(import.meta.url)])
    try {
      return createRequire(start).resolve(from);
    } catch (error) {
      if (!isUnresolvable(error)) throw error;
    }
  const folder = installedFolder(from, directory);
  const entry = folder === null ? null : importedFile(folder);
  return entry !== null && isFile(entry) ? entry : null;
}

/** The folder of an installed package, also if nothing in it can be imported; null where there is none. */
export function installedFolder(name: string, directory: string): string | null {
  const starts = [directory, dirname(fileURLToPath(import.meta.url))].flatMap((start) => [...upwardsFrom(start)]);
  const folders = starts.map((start) => join(start, 'node_modules', name));
  return folders.find((folder) => isFile(join(folder, 'package.json'))) ?? null;
}

/** What `import` takes of a package, by its package.json; null where that names nothing. */
export function importedFile(folder: string): string | null {
  const { exports, main = 'index.js' } = manifestAt(folder) ?? {};
  const target = exports === undefined ? main : targetIn(Object(exports)['.'] ?? exports);
  return typeof target === 'string' ? join(folder, target) : null;
}

/** Of nested conditions, the first that holds for `import`. */
function targetIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(targetIn).find((one) => typeof one === 'string');
  if (typeof value !== 'object' || value === null) return value;
  const conditions = Object.entries(value).filter(([name]) => ['node', 'import', 'default'].includes(name));
  return conditions.map(([, inner]) => targetIn(inner)).find((one) => typeof one === 'string');
}

/** Packages that can be imported from a directory, or from the router, and are plugins by their keyword; sorted. */
export function installedPlugins(directory: string): readonly string[] {
  const folders = [directory, dirname(fileURLToPath(import.meta.url))].flatMap((start) => [...upwardsFrom(start)]);
  const names = folders.map((folder) => join(folder, 'node_modules')).flatMap(packagesIn);
  return [...new Set(names)].sort();
}

function packagesIn(folder: string): readonly string[] {
  const entries = namesIn(folder).filter((name) => !name.startsWith('.'));
  const names = entries.flatMap((name) =>
    name.startsWith('@') ? namesIn(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
  );
  return names.filter((name) => {
    const { keywords } = manifestAt(join(folder, name)) ?? {};
    return Array.isArray(keywords) && keywords.includes(keyword);
  });
}

/** The default export; one or two levels deeper where the file was loaded as CommonJS. */
export function exportOf(module: unknown, depth = 0): unknown {
  const isWrapped = depth < 3 && typeof module === 'object' && module !== null && 'default' in module;
  return isWrapped ? exportOf(module.default, depth + 1) : module;
}

/** What of a `package.json` matters to the loader. */
interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly type?: unknown;
  readonly keywords?: unknown;
  readonly exports?: unknown;
  readonly main?: unknown;
}

/** The package.json that a file belongs to; null where there is none. */
export function manifestOf(path: string): Manifest | null {
  return manifestAt(packageDirectory(path));
}

/** The package.json of a directory; null where there is none. Read anew: it may have been replaced. */
function manifestAt(directory: string): Manifest | null {
  const file = join(directory, 'package.json');
  return isFile(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** The directory of the package.json that a file belongs to; the file's own where there is none. */
export function packageDirectory(path: string): string {
  const own = dirname(path);
  return [...upwardsFrom(own)].find((directory) => isFile(join(directory, 'package.json'))) ?? own;
}

/** A directory, the one that it is in, and so on. */
function* upwardsFrom(directory: string): Generator<string> {
  yield directory;
  const parent = dirname(directory);
  if (parent !== directory) yield* upwardsFrom(parent);
}

/** The version of the package that a file belongs to; null where it has none. */
export function versionOf(path: string): string | null {
  const version = manifestOf(path)?.version;
  return version === undefined ? null : String(version);
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** A package that is not there, or a name that no package can have. */
function isUnresolvable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ERR_|MODULE_NOT_FOUND$)/.test(String(error.code));
}

/** Whether there is a file of this path. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
