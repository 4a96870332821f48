/** Rows that name a component: finds it, and checks the row's own keys and the component's. */

import type { Component, Kind, Plugin } from '@switchhook/sdk';
import { type ErrorCode, errorMessage } from '@switchhook/sdk/internal';
import { z } from 'zod';
import { isVariableName } from '../expressions/compile.js';
import { beginWork } from '../system/current-work.js';
import type { NamedPlugin } from './load.js';
import { type Path, pathText } from './problem.js';
import { namePattern, rowSchemaOf, rowSchemas, type Section, sections } from './row-schemas.js';
import { isNothing, nodeAt } from './tree.js';
import type { Checker } from './validate.js';

/** A row whose component is known. The rest is null where something is wrong with it. */
export interface CheckedRow<K extends Kind = Kind> {
  readonly name: string;
  readonly component: Component<K>;
  /** What brings it; null = the router itself. */
  readonly plugin: Plugin | null;
  /** Where in the file it stands; null where it does not. */
  readonly position: string | null;
  readonly common: z.output<(typeof rowSchemas)[K]> | null;
  readonly options: Readonly<Record<string, unknown>> | null;
}

/** Reserved names of expressions in answers. */
const takenNames: readonly string[] = ['call', 'event', 'delivery', 'known', 'now'];

export class Rows {
  readonly #checker: Checker;
  readonly #catalog: Catalog;
  /** Rows whose component is not known, by what is wrong with the plugin that could bring it. */
  readonly #failed = new Map<string, { readonly problem: PluginProblem; readonly paths: Path[] }>();
  /** Rows whose component one of the plugins may bring that `plugins:` names and that cannot be loaded. */
  readonly waiting: Path[] = [];

  constructor(checker: Checker, catalog: Catalog) {
    this.#checker = checker;
    this.#catalog = catalog;
  }

  /** The rows of a section whose components are known. */
  async section<S extends Section>(section: S): Promise<readonly CheckedRow<(typeof sections)[S]>[]> {
    const { document } = this.#checker;
    const node = nodeAt(document.root, [section]);
    if (node === null || isNothing(node)) return [];
    if (node.kind !== 'map') {
      document.report('WRONG_TYPE', [section], 'expected a map of names to rows');
      return [];
    }
    const rows: CheckedRow<(typeof sections)[S]>[] = [];
    for (const name of node.entries.keys()) {
      this.#checkName(section, name);
      const row = await this.row(sections[section], [section, name]);
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  /** The row at a path, `absent` where there is none; null where its component is not known. */
  async row<K extends Kind>(kind: K, path: Path, absent?: { readonly use: string }): Promise<CheckedRow<K> | null> {
    const used = this.#checker.check(z.looseObject({ use: rowSchemas[kind].shape.use }), path, absent);
    const found = used === null ? null : await this.#component(kind, used.use, [...path, 'use']);
    if (found === null) return null;
    const { component, plugin } = found;
    this.#checkBatch(component, path);
    const ownKeys = Object.keys(rowSchemas[kind].shape);
    const own = { takes: (key: string) => ownKeys.includes(key), otherKeys: [] };
    const rest = { takes: (key: string) => !ownKeys.includes(key), otherKeys: ownKeys, hidesVariables: true };
    const options = this.#checker.check(component.options, path, absent && {}, rest);
    if (options !== null) this.#warnAssumed(component, options, path);
    return {
      name: String(path.at(-1)),
      component,
      plugin,
      position: this.#checker.document.positionOf(path),
      // The schema belongs to this kind; the type of the table does not express that.
      common: this.#checker.check(rowSchemaOf(component), path, absent, own) as CheckedRow<K>['common'],
      options,
    };
  }

  #warnAssumed({ type, assumptions }: Component, options: Readonly<Record<string, unknown>>, path: Path): void {
    const { document } = this.#checker;
    try {
      for (const { path: own, message, hint } of assumptions?.(options) ?? [])
        document.warn('SETTING_ASSUMED', [...path, ...own], message, { hint });
    } catch (error) {
      document.warn('SETTING_ASSUMED', path, `what ${type} assumes cannot be read: ${errorMessage(error)}`);
    }
  }

  /** Where the destination cannot take one, it would be an option without effect. */
  #checkBatch({ kind, type, batches = false }: Component, path: Path): void {
    const { document } = this.#checker;
    const at = [...path, 'batch'];
    if (kind !== 'destination' || batches || nodeAt(document.root, at) === null) return;
    document.report('INVALID_VALUE', at, `${type} takes no batches`, { at: 'key', hint: 'Remove `batch`.' });
  }

  async #component<K extends Kind>(
    kind: K,
    use: string,
    path: Path,
  ): Promise<Pick<CheckedRow<K>, 'component' | 'plugin'> | null> {
    const { document } = this.#checker;
    const found = await loading(document, path, use, () => this.#catalog.find(kind, use));
    if ('component' in found) {
      const { component, plugin = null } = found;
      if (isOf(kind, component)) return { component, plugin };
      document.report('WRONG_KIND', path, `${use} is a ${found.component.kind}, a ${kind} belongs here`);
    } else if ('isWaiting' in found) this.waiting.push(path);
    else for (const problem of found.problems) this.#failedAt(path, problem);
    return null;
  }

  #failedAt(path: Path, problem: PluginProblem): void {
    const key = `${problem.code} ${problem.message}`;
    const known = this.#failed.get(key);
    if (known === undefined) this.#failed.set(key, { problem, paths: [path] });
    else known.paths.push(path);
  }

  /** Reports what no component was found for: a plugin that cannot be loaded once, with the rows that wait for it. */
  reportFailed(): void {
    for (const { problem, paths } of this.#failed.values()) {
      const { code, message, hint } = problem;
      const [first = [], ...others] = paths;
      const isOfPlugin = code.startsWith('PLUGIN_');
      const text = message + (isOfPlugin && others.length > 0 ? waitingText(paths, 'it') : '');
      for (const path of isOfPlugin ? [first] : paths) this.#checker.document.report(code, path, text, { hint });
    }
  }

  #checkName(section: Section, name: string): void {
    const report = (message: string) =>
      this.#checker.document.report('INVALID_VALUE', [section, name], message, { at: 'key' });
    if (!namePattern.test(name))
      report('a name starts with a letter and has only letters, digits, - and _, at most 63 of them');
    else if (section === 'resolvers' && !isResolverName(name)) {
      const better = name.replaceAll('-', '_');
      const suggestion = isResolverName(better)
        ? `; write "${better}"`
        : ', and this one means something there already';
      report(`a resolver's name stands in expressions${suggestion}`);
    }
  }
}

/** The row of each name; undefined where it is not known. */
export function rowsNamed(names: readonly string[], rows: readonly CheckedRow[]): readonly (CheckedRow | undefined)[] {
  return names.map((name) => rows.find((row) => row.name === name));
}

/** Loads what a row names by `use`. A plugin that blocks the process meanwhile is reported with the row and its position. */
export async function loading<T>(
  document: Checker['document'],
  path: Path,
  use: string,
  load: () => Promise<T>,
): Promise<T> {
  const position = document.positionOf(path, 'value');
  const endWork = beginWork(`${pathText(path)} ${use}${position === null ? '' : ` (${position})`}`);
  try {
    return await load();
  } finally {
    endWork();
  }
}

/** Names of rows that are listed. */
const mostListed = 5;

/** `; 2 rows wait for it: destinations.crm, resolvers.who`; empty where there are none. `paths`: of the keys `use`. */
export function waitingText(paths: readonly Path[], plugin: string): string {
  if (paths.length === 0) return '';
  const names = paths.slice(0, mostListed).map((path) => pathText(path.slice(0, -1)));
  const more = paths.length > mostListed ? ` and ${paths.length - mostListed} more` : '';
  return `; ${paths.length} row${paths.length === 1 ? ' waits' : 's wait'} for ${plugin}: ${names.join(', ')}${more}`;
}

/** Whether expressions can use the name. */
export function isResolverName(name: string): boolean {
  return isVariableName(name) && !takenNames.includes(name);
}

function isOf<K extends Kind>(kind: K, component: Component): component is Component<K> {
  return component.kind === kind;
}

/** Why a plugin or component cannot be used. */
export interface PluginProblem {
  readonly code: Extract<
    ErrorCode,
    'PLUGIN_NOT_INSTALLED' | 'PLUGIN_BROKEN' | 'PLUGIN_API' | 'UNKNOWN_COMPONENT' | 'WRONG_KIND'
  >;
  /** One line: what was looked for and what was found. */
  readonly message: string;
  /** What to do, e.g. `npm install @switchhook/plugin-slack`; the code's own hint where there is none. */
  readonly hint?: string;
}

/** What a search for a component came to. */
export type Found =
  /** `plugin`: what brings it; none = the router itself. */
  | { readonly component: Component; readonly plugin?: Plugin }
  /** None of the loaded plugins has it, and one that `plugins:` names cannot be loaded. */
  | { readonly isWaiting: true }
  | { readonly problems: readonly PluginProblem[] };

/** What loading a row of `plugins:` came to. */
export interface LoadedRow {
  /** Null where it cannot be loaded. */
  readonly plugin: Plugin | null;
  /** All that is wrong with it. */
  readonly problems: readonly PluginProblem[];
}

/** Finds components. */
export interface Catalog {
  /** Loads what a row of `plugins:` names. Called for each row before anything is looked for. */
  load(row: NamedPlugin): Promise<LoadedRow>;
  /** The component of this kind that `use` names. Must not reject. */
  find(kind: Kind, use: string): Promise<Found>;
  /** The installed plugin that provides a service, as a row of `plugins:` would name it; null where there is none. Must not reject. */
  providing(token: unknown): Promise<string | null>;
}
