/** Rows of `plugins:`: loads what they name, and checks the options of the plugins themselves. */
import type { Plugin } from '@switchhook/sdk';
import type { z } from 'zod';
import {
  type Catalog,
  type CheckedRow,
  type LoadedRow,
  loading,
  type PluginProblem,
  waitingText,
} from './component-rows.js';
import { inputSchema } from './json-schema.js';
import { type NamedPlugin, namedPlugins } from './load.js';
import type { Path } from './problem.js';
import { sectionOf } from './row-schemas.js';
import { pluginsSchema } from './schema.js';
import { isNothing, nodeAt } from './tree.js';
import type { Checker } from './validate.js';

type Options = Readonly<Record<string, unknown>>;

const all = { takes: () => true, otherKeys: [], hidesVariables: true };

export class PluginRows {
  readonly #checker: Checker;
  readonly #catalog: Catalog;
  readonly #names: string[] = [];
  /** Rows whose plugin cannot be loaded. */
  readonly #broken: { readonly path: Path; readonly problems: readonly PluginProblem[] }[] = [];
  readonly #named = new Set<Plugin>();
  /** Null where something is wrong with them. */
  readonly #options = new Map<Plugin, Options | null>();
  /** Of the plugins with options of their own, by the index of their row. */
  readonly optionSchemas = new Map<number, z.ZodType>();

  constructor(checker: Checker, catalog: Catalog) {
    this.#checker = checker;
    this.#catalog = catalog;
  }

  /** As they are written. */
  get names(): readonly string[] {
    return this.#names;
  }

  async load(): Promise<void> {
    const { document } = this.#checker;
    const rows = this.#checker.check(pluginsSchema, ['plugins'], []);
    // So that nothing that depends on them is reported, too.
    for (const row of rows === null ? namedPlugins(document) : []) {
      const { plugin } = await this.#loaded(row, ['plugins']);
      if (plugin !== null) this.#options.set(plugin, null);
    }
    for (const [index, { use, acceptApi }] of (rows ?? []).entries()) {
      const path = ['plugins', index];
      this.#names.push(use);
      const { plugin, problems } = await this.#loaded({ use, ...(acceptApi !== undefined && { acceptApi }) }, path);
      if (plugin === null) this.#broken.push({ path, problems });
      else for (const { code, message, hint } of problems) document.report(code, path, message, { hint });
      if (plugin === null) continue;
      this.#named.add(plugin);
      if (plugin.options !== undefined) this.optionSchemas.set(index, plugin.options.schema);
      this.#check(plugin, use, [...path, 'options']);
      if (acceptApi !== undefined) this.#warnOfApi(plugin, acceptApi, [...path, 'acceptApi']);
    }
  }

  /** Reports the plugins that cannot be loaded; the first of them with the rows whose types no loaded plugin brings. */
  reportBroken(waiting: readonly Path[]): void {
    const those = this.#broken.length > 1 ? 'this or another plugin that cannot be loaded' : 'it';
    for (const [index, { path, problems }] of this.#broken.entries())
      for (const [nth, { code, message, hint }] of problems.entries())
        this.#checker.document.report(code, path, message + (index + nth === 0 ? waitingText(waiting, those) : ''), {
          hint,
        });
  }

  #warnOfApi({ api }: { readonly api: number }, accepted: number, path: Path): void {
    const effect = api === accepted ? 'it is loaded because of acceptApi' : 'acceptApi has no effect';
    const hint = api === accepted ? 'Install a version of the plugin for this router.' : 'Remove `acceptApi`.';
    const message = `the plugin is written for version ${api} of the plugin contract; ${effect}`;
    this.#checker.document.warn('PLUGIN_API', path, message, { hint });
  }

  #loaded(row: NamedPlugin, path: Path): Promise<LoadedRow> {
    return loading(this.#checker.document, path, row.use, () => this.#catalog.load(row));
  }

  /** The options of all plugins whose components these rows use. One that `plugins:` does not name has its defaults. */
  optionsOf(rows: readonly (CheckedRow | null)[]): ReadonlyMap<Plugin, Options> {
    for (const row of rows) {
      const { plugin = null } = row ?? {};
      if (row === null || plugin?.options === undefined || this.#options.has(plugin)) continue;
      this.#options.set(plugin, this.#defaultsOf(plugin, plugin.options.schema, row));
    }
    return new Map([...this.#options].flatMap(([plugin, options]) => (options === null ? [] : [[plugin, options]])));
  }

  /** The plugins of the rows of `plugins:`, and those that bring the components of these rows. */
  loadedWith(rows: readonly (CheckedRow | null)[]): ReadonlySet<Plugin> {
    return new Set([...this.#named, ...rows.flatMap((row) => row?.plugin ?? [])]);
  }

  /** The installed plugins that provide what these rows inject and no loaded plugin provides, by tokens. */
  async unlistedServices(
    rows: readonly (CheckedRow | null)[],
    loaded: ReadonlySet<Plugin>,
  ): Promise<ReadonlyMap<unknown, string>> {
    const services = [...loaded].flatMap((plugin) => plugin.services ?? []);
    const injected = [...rows.map((row) => row?.component), ...services].flatMap((one) =>
      Object.values(one?.inject ?? {}),
    );
    const known = new Set<unknown>([
      ...services.map(({ token }) => token),
      ...[...loaded].flatMap(({ options }) => options?.token ?? []),
    ]);
    const found = new Map<unknown, string>();
    for (const token of new Set(injected)) {
      const isOfRouter = typeof token === 'symbol' && token.description?.startsWith('switchhook.') === true;
      const from = isOfRouter || known.has(token) ? null : await this.#catalog.providing(token);
      if (from !== null) found.set(token, from);
    }
    return found;
  }

  #check(plugin: Plugin, name: string, path: Path): void {
    const { document } = this.#checker;
    const node = nodeAt(document.root, path);
    if (plugin.options === undefined) {
      if (node === null || isNothing(node)) return;
      const hint = `Remove \`options\`; options of its components stand in their own rows.`;
      document.report('UNKNOWN_KEY', path, `${name} has no options of its own`, { at: 'key', hint });
    } else if (!this.#options.has(plugin)) {
      this.#options.set(plugin, this.#checker.check(plugin.options.schema, path, {}, all));
    } else document.report('DUPLICATE_NAME', path.slice(0, -1), `${name} is the plugin of another row, too`);
  }

  /** What is missing is reported at the first row that uses the plugin. */
  #defaultsOf(plugin: Plugin, schema: z.ZodObject, { component: { kind }, name }: CheckedRow): Options | null {
    const { document } = this.#checker;
    const defaults = this.#checker.defaultsOf(schema);
    if (defaults !== null) return defaults;
    const missing = (inputSchema(schema).required ?? []).join(', ');
    const message = `${plugin.name} has options of its own that must be set${missing === '' ? '' : `: ${missing}`}`;
    const path = kind === 'store' ? [kind] : [sectionOf(kind), name];
    const hint = `Name it in plugins: { use: "${plugin.name}", options: { … } }.`;
    document.report('MISSING_KEY', [...path, 'use'], message, { hint });
    return null;
  }
}
