/** Modules of local plugins: imported anew where their file, or one that it imports by a relative path, has another content. */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeImportsTypeScript } from './import-problem.js';
import { isFile, manifestOf } from './plugin-files.js';

/** By path and content. Node keeps every module until the process ends, so these take no more than a reference. */
const modules = new Map<string, Promise<unknown>>();
/** Paths that were imported before, also without success: Node would return the same module, or the same failure, again. */
const tried = new Set<string>();
let superseded = 0;
let versions = 0;
type Load = (url: string) => Promise<unknown>;
/**
 * One namespace for all that is in it for the first time, and for plugins of one file: the packages that they import are loaded once.
 * Loading the SDK again with each version took a second on Node 20, and 14 MB.
 */
let shared: Promise<Load> | null = null;
const inShared = new Set<string>();

/** How many versions of local modules are in memory although later ones have taken their place. */
export function supersededModules(): number {
  return superseded;
}

/** Imports for one reading of a configuration. Local plugins that import a module, or each other, share it, also when they are imported anew. */
export class LocalModules {
  readonly #plugins: readonly string[];
  readonly #triedBefore = new Set(tried);
  readonly #sharedBefore = new Set(inShared);
  readonly #dropped = new Set<string>();

  /** All files of the modules that were asked for. */
  readonly files = new Set<string>();
  #namespace: Promise<Load> | null = null;

  /** `plugins`: the files of the local plugins of the configuration. */
  constructor(plugins: readonly string[] = []) {
    this.#plugins = plugins;
  }

  /** The module of a file: the one that was imported before where nothing of it has changed. Rejects where it cannot be imported. */
  async import(path: string): Promise<unknown> {
    for (const file of filesOf(path)) this.files.add(file);
    const own = this.#groupOf(path);
    const key = `${path}\0${markOf(own)}`;
    const known = modules.get(key);
    if (known !== undefined) return known;
    const module = this.#imported(path, own);
    modules.set(key, module);
    if (tried.has(path)) superseded += 1;
    tried.add(path);
    try {
      return await module;
    } catch (error) {
      modules.delete(key);
      throw error;
    }
  }

  async #imported(path: string, own: ReadonlySet<string>): Promise<unknown> {
    const ending = extname(path);
    const [isTypeScript, url] = [['.ts', '.mts'].includes(ending), pathToFileURL(path).href];
    const isAgain = [...own].some((file) => this.#triedBefore.has(file)) || tried.has(path);
    if (isAgain) this.#drop(own);
    // tsx takes 11 MB, so it is imported for TypeScript that Node does not import, and for a changed module of several files. What
    // is no module by its package.json is required: imported, it would have its whole source for a name, in every stack.
    if (ending === '.ts' && manifestOf(path)?.type !== 'module')
      return (await import('tsx/cjs/api')).require(path, import.meta.url);
    if ((isTypeScript && !nodeImportsTypeScript) || (isAgain && own.size > 1)) return this.#inNamespace(url, own);
    versions += 1;
    return import(url + (isAgain ? `?version=${versions}` : ''));
  }

  /** The files of a plugin, and those of all plugins that share one with it. */
  #groupOf(path: string): ReadonlySet<string> {
    const group = new Set(filesOf(path));
    const others = new Map(this.#plugins.filter(isFile).map((plugin) => [plugin, filesOf(plugin)]));
    for (let size = 0; size < group.size; ) {
      size = group.size;
      for (const files of others.values())
        if ([...files].some((file) => group.has(file))) for (const file of files) group.add(file);
    }
    // In one order, whichever of them is asked for.
    return new Set([...group].sort());
  }

  /** Once each: what the first of several plugins has required, the others share. */
  #drop(files: ReadonlySet<string>): void {
    dropRequired(new Set([...files].filter((file) => !this.#dropped.has(file))));
    for (const file of files) this.#dropped.add(file);
  }

  /** Modules of a namespace have others of the same namespace only. */
  async #inNamespace(url: string, own: ReadonlySet<string>): Promise<unknown> {
    const isThere = [...own].some((file) => this.#sharedBefore.has(file));
    if (isThere && own.size > 1) {
      this.#namespace ??= newNamespace();
      return (await this.#namespace)(url);
    }
    for (const file of own) inShared.add(file);
    shared ??= newNamespace();
    versions += 1;
    return (await shared)(url + (isThere ? `?version=${versions}` : ''));
  }
}

async function newNamespace(): Promise<Load> {
  const { register } = await import('tsx/esm/api');
  versions += 1;
  const scoped = register({ namespace: `switchhook-${versions}` });
  return (url) => scoped.import(url, import.meta.url);
}

/** CommonJS modules are kept by their paths. */
function dropRequired(files: ReadonlySet<string>): void {
  const { cache } = createRequire(import.meta.url);
  const paths = [...files].map((file) => realpathSync(file));
  for (const key of Object.keys(cache)) if (paths.includes(key.replace(/\?.*/, ''))) delete cache[key];
}

const relativeImport = /\b(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;
const endings = ['', '.ts', '.js', '.mts', '.mjs', '.cts', '.cjs', '.json', '/index.ts', '/index.js'];

/** A file, and those that it imports by relative paths, and so on. */
export function filesOf(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  if (!/\.[cm]?[jt]s$/.test(file)) return found;
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(relativeImport)) {
    const target = resolve(dirname(file), specifier);
    const candidates = [...endings.map((ending) => target + ending), target.replace(/js$/, 'ts')];
    const imported = candidates.find(isFile);
    if (imported !== undefined) filesOf(imported, found);
  }
  return found;
}

function markOf(files: ReadonlySet<string>): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}
