/** The catalog: finds and loads the plugins that bring the components of a configuration. */
import { dirname, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Component, Kind, Plugin } from '@switchhook/sdk';
import { didYouMean } from '@switchhook/sdk/internal';
import type { Catalog, Found, LoadedRow, PluginProblem } from '../config/component-rows.js';
import type { OutdatedPlugin } from '../config/config.js';
import type { NamedPlugin } from '../config/load.js';
import { described } from '../system/returned.js';
import { locateIn } from '../system/thrown.js';
import { conflictsOf, definitionProblems } from './definition-check.js';
import { exportPlace, importProblem, ownPackagesHint } from './import-problem.js';
import { filesOf, LocalModules } from './local-modules.js';
import { ownImports } from './own-imports.js';
import {
  exportOf,
  fileOf,
  importedFile,
  installedFolder,
  installedPlugins,
  isPath,
  packageDirectory,
  versionOf,
} from './plugin-files.js';

/** A plugin and where it was found. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly version: string | null;
  /** Package name or path, as configured. */
  readonly from: string;
  /** Its file. */
  readonly path: string;
}

type Problems = readonly PluginProblem[];

/** Packages that need no row of `plugins:`. */
const ownPrefix = '@switchhook/plugin-';
const contractVersion = 1;
/** The version of each package when it was imported, by its file: Node does not import another one. */
const running = new Map<string, string | null>();

/**
 * Opens the catalog of a configuration file: its directory is where packages and local files are looked for. `given` are loaded
 * already; `named` is what rows of `plugins:` name, so that the local ones among them share the modules that they import.
 */
export function openCatalog(
  directory: string,
  given: readonly Plugin[] = [],
  named: readonly NamedPlugin[] = [],
): ComponentCatalog {
  return new ComponentCatalog(directory, given, named);
}

export class ComponentCatalog implements Catalog {
  readonly #directory: string;
  /** Rows of `plugins:` that cannot be loaded. */
  readonly #broken: string[] = [];
  /** Rows of `plugins:` that are loaded. */
  readonly #named: LoadedPlugin[] = [];
  readonly #loaded = new Map<string, Promise<LoadedPlugin | Problems>>();
  readonly #local: LocalModules;
  readonly #outdated: OutdatedPlugin[] = [];

  constructor(directory: string, given: readonly Plugin[], named: readonly NamedPlugin[]) {
    this.#directory = directory;
    const local = named.map(({ use }) => use).filter(isPath);
    this.#local = new LocalModules(local.flatMap((use) => fileOf(use, directory) ?? []));
    for (const plugin of given)
      this.#loaded.set(plugin.name, Promise.resolve({ plugin, version: null, from: plugin.name, path: directory }));
  }

  /** The plugins that rows of `plugins:` name. */
  get named(): readonly LoadedPlugin[] {
    return this.#named;
  }

  /** Local plugins, and what they import by relative paths. */
  get files(): ReadonlySet<string> {
    return this.#local.files;
  }

  /** Packages that were replaced by other versions since they were imported. */
  get outdated(): readonly OutdatedPlugin[] {
    return this.#outdated;
  }

  /** Loads what a row of `plugins:` names. */
  async load(row: NamedPlugin | string): Promise<LoadedRow> {
    const { use: from, acceptApi } = typeof row === 'string' ? { use: row } : row;
    const loaded = await this.#load(from, acceptApi);
    if (!('plugin' in loaded)) {
      this.#broken.push(from);
      return { plugin: null, problems: loaded };
    }
    const others = this.#named.filter(({ plugin }) => plugin !== loaded.plugin);
    this.#named.push(loaded);
    const conflicts = others.flatMap((other) => conflictsOf(loaded.plugin, other.plugin, other.from));
    const hint = 'Remove one of the two from plugins, or give one of the types another name.';
    return { plugin: loaded.plugin, problems: brokenBy(from, conflicts, hint) };
  }

  /** The component that `use` names: of a loaded plugin first, else of the package its first word names. */
  async find(kind: Kind, use: string): Promise<Found> {
    const known = await this.#component(kind, use);
    if (known !== undefined) return known;
    const brought = await this.#bringing(use);
    // An own plugin of this name takes precedence over a package of ours.
    if (brought !== undefined) return { problems: [unknownComponent(kind, use, brought)] };
    const [word = ''] = use.split('.');
    const loaded = await this.#load(packageOf(word));
    if (!('plugin' in loaded)) {
      const missing = loaded.find(({ code }) => code === 'PLUGIN_NOT_INSTALLED');
      if (missing === undefined) return { problems: loaded };
      // The one that cannot be loaded may be the one that brings it.
      return this.#broken.length > 0 ? { isWaiting: true } : { problems: [await this.#unknown(kind, use, missing)] };
    }
    const found = await this.#component(kind, use);
    if (found !== undefined) return found;
    return { problems: [unknownComponent(kind, use, loaded.plugin)] };
  }

  /** No plugin provides `use`. */
  async #unknown(kind: Kind, use: string, { code, message, hint }: PluginProblem): Promise<PluginProblem> {
    for (const one of await this.unlisted()) {
      if (!('plugin' in one) || !one.plugin.components.some((each) => each.kind === kind && each.type === use))
        continue;
      const hint = `Add "${one.from}" to plugins.`;
      return { code: 'UNKNOWN_COMPONENT', message: `${use} is part of ${one.from}, which plugins does not name`, hint };
    }
    const types = (await this.components()).filter((one) => one.kind === kind).map(({ type }) => type);
    return {
      code,
      message: message + didYouMean(use, types),
      hint: `${hint}, or name the file or package that provides it in plugins. Available: ${types.toSorted().join(', ')}`,
    };
  }

  /** All plugins that a configuration can use: those of its rows, and those that need none. What cannot be loaded is a problem. */
  async all(): Promise<readonly (LoadedPlugin | PluginProblem)[]> {
    for (const name of installedPlugins(this.#directory)) if (name.startsWith(ownPrefix)) await this.#load(name);
    const all: readonly (LoadedPlugin | Problems)[] = await Promise.all(this.#loaded.values());
    return all.flat();
  }

  /** Plugins that are installed, need a row of `plugins:`, and have none. */
  async unlisted(): Promise<readonly (LoadedPlugin | PluginProblem)[]> {
    const names = installedPlugins(this.#directory).filter(
      (name) => !this.#loaded.has(name) && !name.startsWith(ownPrefix),
    );
    // Not among the loaded ones: no row can use them.
    const found: readonly (LoadedPlugin | Problems)[] = await Promise.all(names.map((name) => this.#import(name)));
    return found.flat();
  }

  /** A loaded or installed plugin that has the service, whether or not a row of `plugins:` names it. */
  async providing(token: unknown): Promise<string | null> {
    const all = [...(await this.all()), ...(await this.unlisted())];
    const found = all.find((one) => 'plugin' in one && one.plugin.services?.some((service) => service.token === token));
    return found !== undefined && 'plugin' in found ? found.from : null;
  }

  /** The components of all plugins. */
  async components(): Promise<readonly Component[]> {
    const all = await this.all();
    return all.flatMap((loaded) => ('plugin' in loaded ? loaded.plugin.components : []));
  }

  async #component(kind: Kind, use: string): Promise<Exclude<Found, { problems: unknown }> | undefined> {
    const loaded = await Promise.all(this.#loaded.values());
    const brought = loaded.flatMap((one) => ('plugin' in one ? [one.plugin] : []));
    const all = brought.flatMap((plugin) => plugin.components.map((component) => ({ component, plugin })));
    return all.find(({ component }) => component.kind === kind && component.type === use);
  }

  /** The loaded plugin whose components share the first word of `use`. */
  async #bringing(use: string): Promise<Plugin | undefined> {
    const prefix = `${use.split('.')[0]}.`;
    const loaded = await Promise.all(this.#loaded.values());
    const plugins = loaded.flatMap((one) => ('plugin' in one ? [one.plugin] : []));
    return plugins.find(({ components }) => components.some(({ type }) => `${type}.`.startsWith(prefix)));
  }

  #load(from: string, acceptApi?: number): Promise<LoadedPlugin | Problems> {
    const known = this.#loaded.get(from);
    if (known !== undefined) return known;
    const loading = this.#import(from, acceptApi);
    this.#loaded.set(from, loading);
    return loading;
  }

  async #import(from: string, acceptApi = contractVersion): Promise<LoadedPlugin | Problems> {
    const path = fileOf(from, this.#directory);
    if (path === null) return [notInstalled(from, this.#directory)];
    locateIn(isPath(from) ? dirname(path) : packageDirectory(path));
    // Before it is imported: a second copy of the router must not be loaded.
    const imported = ownImports(filesOf(path));
    if (imported.length > 0) return brokenBy(from, imported, ownPackagesHint);
    try {
      const isLocal = isPath(from) || /\.m?ts$/.test(path);
      const module: unknown = await (isLocal ? this.#local.import(path) : import(pathToFileURL(path).href));
      const exported = exportOf(module);
      if (typeof exported !== 'object' || exported === null || !('components' in exported && 'api' in exported)) {
        const message = `${from} has no plugin as its default export, but ${described(exported)}${exportPlace(path)}`;
        return [{ code: 'PLUGIN_BROKEN', message, hint: exportHint(exported) }];
      }
      if (exported.api !== contractVersion && exported.api !== acceptApi) {
        const message = `${from} is written for version ${String(exported.api)} of the plugin contract, this router has ${contractVersion}${exportPlace(path)}`;
        const hint = `Install a version of the plugin for this router, or try it with { use: ${JSON.stringify(from)}, acceptApi: ${String(exported.api)} } in plugins.`;
        return [{ code: 'PLUGIN_API', message, ...(typeof exported.api === 'number' && { hint }) }];
      }
      const problems = definitionProblems({ ...exported });
      if (problems.length > 0) return brokenBy(from, problems, 'docs/plugin-reference.md has the rules.');
      // Its fields have been checked.
      return { plugin: exported as Plugin, version: this.#versionOf(path, from), from, path };
    } catch (error) {
      const { message, hint } = await importProblem(error, new Set([path, ...this.#local.files]));
      return brokenBy(from, [message], hint);
    }
  }

  #versionOf(path: string, from: string): string | null {
    const installed = versionOf(path);
    const before = running.get(path);
    if (before === undefined || isPath(from)) running.set(path, installed);
    else if (before !== null && installed !== null && before !== installed)
      this.#outdated.push({ plugin: from, running: before, installed });
    return before ?? installed;
  }
}

function brokenBy(from: string, problems: readonly string[], hint?: string): Problems {
  return problems.map((problem) => {
    return { code: 'PLUGIN_BROKEN', message: `${from}: ${problem}`, ...(hint !== undefined && { hint }) };
  });
}

function packageOf(word: string): string {
  return `${ownPrefix}${word}`;
}

/** What to export in place of this. */
function exportHint(exported: unknown): string {
  const { kind, create } = Object(exported);
  if (typeof kind === 'string' && typeof create === 'function')
    return "This is a component: write `export default definePlugin({ name: '…', components: [ … ] })`.";
  return 'Write `export default definePlugin({ … })`.';
}

function notInstalled(from: string, directory: string): PluginProblem {
  const folder = isPath(from) ? null : installedFolder(from, directory);
  if (folder !== null) {
    const file = importedFile(folder);
    const missing =
      file === null ? 'names no file for `import`' : `names ${relative(folder, file)}, which is not there`;
    const hint = 'Build the package before it is packed: "exports" names the file, and "files" lists its folder.';
    return { code: 'PLUGIN_BROKEN', message: `${from} is installed, but its package.json ${missing}`, hint };
  }
  const message = isPath(from) ? `there is no file ${from}` : `${from} is not installed`;
  if (isPath(from)) return { code: 'PLUGIN_NOT_INSTALLED', message, hint: 'Paths start at the configuration file.' };
  const isFile = /\.[cm]?[jt]s$/.test(from);
  const hint = isFile ? `A file is named by its path: ./${from}` : `npm install ${from}`;
  return { code: 'PLUGIN_NOT_INSTALLED', message, hint };
}

function unknownComponent(kind: Kind, use: string, { name, components }: Plugin): PluginProblem {
  const types = components.filter((one) => one.kind === kind).map(({ type }) => type);
  const hint = types.length === 0 ? `It has no ${kind} at all.` : `It has: ${types.join(', ')}.`;
  return { code: 'UNKNOWN_COMPONENT', message: `${name} has no ${kind} ${use}`, hint };
}
