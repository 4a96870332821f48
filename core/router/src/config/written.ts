/** The rows of a configuration as they are written, with their variables put in: what a reload compares. */
import { createHash } from 'node:crypto';
import { stringifyJson } from '@switchhook/sdk';
import type { ConfigDocument } from './diagnostics.js';
import { type Path, pathText } from './problem.js';
import { sections } from './row-schemas.js';
import { isNothing, nodeAt, plainOf, type TreeNode } from './tree.js';

type Named = readonly { readonly name: string }[];

/** By section and name, e.g. `destinations.crm` or `routes.finished`; `plugins` as a whole. The row `store` is without its retention, which a reload changes. */
export function writtenRows(
  root: TreeNode | null,
  { routes, answers }: { readonly routes: Named; readonly answers: Named },
): ReadonlyMap<string, string> {
  const written = new Map<string, string>();
  const store = nodeAt(root, ['store']);
  const { retention: _, ...ofStore } = Object(store === null ? {} : plainOf(store));
  written.set('store', stringifyJson(ofStore));
  const plugins = nodeAt(root, ['plugins']);
  written.set('plugins', stringifyJson(plugins === null ? null : plainOf(plugins)));
  for (const section of Object.keys(sections)) {
    const node = nodeAt(root, [section]);
    if (node?.kind !== 'map') continue;
    for (const [name, entry] of node.entries) written.set(`${section}.${name}`, stringifyJson(plainOf(entry.node)));
  }
  for (const [section, rows] of Object.entries({ routes, answers }))
    for (const [index, { name }] of rows.entries()) {
      const node = nodeAt(root, [section, index]);
      if (node !== null) written.set(`${section}.${name}`, stringifyJson(plainOf(node)));
    }
  return written;
}

/** The same for configurations that have the same rows but for the store, by which routers find out whether they have the same. Short, so that it gives no secret away. */
export function digestOf(written: ReadonlyMap<string, string>): string {
  const rows = [...written].filter(([row]) => row !== 'store').sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 8);
}

/** Conditions of routes as they are written, without what variables bring into them; null where there is none. In the order of the file. */
export function writtenConditions(root: TreeNode | null): readonly (string | null)[] {
  const rows = nodeAt(root, ['routes']);
  return (rows?.kind === 'list' ? rows.items : []).map((row) => {
    const node = nodeAt(row, ['where']);
    return node?.kind === 'scalar' && !isNothing(node) ? node.written : null;
  });
}

/** An answer as its texts are written, without what variables bring into them. */
export interface WrittenAnswer {
  readonly where: string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly defaults: Readonly<Record<string, string>>;
  readonly overrideAgent: string | null;
}

/** In the order of the file. */
export function writtenAnswers(root: TreeNode | null): readonly WrittenAnswer[] {
  const rows = nodeAt(root, ['answers']);
  return (rows?.kind === 'list' ? rows.items : []).map((row) => {
    const textAt = (path: Path): string | null => {
      const node = nodeAt(row, path);
      return node?.kind === 'scalar' && !isNothing(node) ? node.written : null;
    };
    const textsAt = (key: string): Readonly<Record<string, string>> => {
      const node = nodeAt(row, [key]);
      const names = node?.kind === 'map' ? [...node.entries.keys()] : [];
      return Object.fromEntries(names.map((name) => [name, textAt([key, name]) ?? '']));
    };
    return {
      ...{ where: textAt(['where']), overrideAgent: textAt(['overrideAgent']) },
      ...{ variables: textsAt('variables'), defaults: textsAt('defaults') },
    };
  });
}

/** `file:line:column` of each expression of routes and answers, by its path: `routes[0].where`, `answers[1].variables.name`. Empty where the file is a program. */
export function expressionPositions(document: ConfigDocument): ReadonlyMap<string, string> {
  const positions = new Map<string, string>();
  const add = (path: Path): void => {
    const position = document.positionOf(path, 'value');
    if (position !== null) positions.set(pathText(path), position);
  };
  for (const section of ['routes', 'answers']) {
    const rows = nodeAt(document.root, [section]);
    for (const index of rows?.kind === 'list' ? rows.items.keys() : []) {
      const variables = nodeAt(document.root, [section, index, 'variables']);
      const names = variables?.kind === 'map' ? [...variables.entries.keys()] : [];
      const own = [['where'], ['overrideAgent'], ...names.map((name) => ['variables', name])];
      for (const place of own) add([section, index, ...place]);
    }
  }
  return positions;
}
