/** Names that lead from one row to another: each must lead somewhere, and nothing may be left over. */

import { didYouMean, expressionsIn, nearest } from '@switchhook/sdk/internal';
import type { ConfigDocument } from './diagnostics.js';
import type { Path } from './problem.js';
import { type Section, sections } from './schema.js';
import { nodeAt, scalarsIn } from './tree.js';

/** A name as it is written somewhere. */
export interface Reference {
  readonly name: string;
  readonly at: Path;
}

interface Rules {
  /** Default false: a name may stand in the list once. */
  readonly twice?: boolean;
  /** Default true: the row is used by being named. */
  readonly uses?: boolean;
}

export class References {
  readonly #document: ConfigDocument;
  readonly #used = new Set<string>();
  /** Sections that something refers to which cannot be read. */
  readonly #uncertain = new Set<Section>();

  constructor(document: ConfigDocument) {
    this.#document = document;
  }

  /** Names of the rows of a section. */
  names(section: Section): readonly string[] {
    const node = nodeAt(this.#document.root, [section]);
    return node?.kind === 'map' ? [...node.entries.keys()] : [];
  }

  /** Checks the name, or list of names, at a path. Reads what is written, so that one mistake in a row does not hide others. */
  check(section: Section, path: Path, { twice = false, uses = true }: Rules = {}): readonly Reference[] {
    const seen = new Set<string>();
    const written = this.#writtenAt(section, path);
    for (const { name, at } of written) {
      if (seen.has(name) && !twice) this.#document.report('DUPLICATE_NAME', at, `"${name}" is named twice`);
      seen.add(name);
      if (this.names(section).includes(name)) {
        if (uses) this.#used.add(`${section} ${name}`);
      } else this.#reportUnknown(section, name, at);
    }
    return written;
  }

  /** Marks a row as used although no other row of the usual section refers to it. */
  use(section: Section, name: string): void {
    this.#used.add(`${section} ${name}`);
  }

  /** Marks a section as referred to by something unreadable: none of its rows is reported as unused. */
  uncertain(section: Section): void {
    this.#uncertain.add(section);
  }

  reportUnused(section: Section, user: string): void {
    if (this.#uncertain.has(section)) return;
    for (const name of this.names(section))
      if (!this.#used.has(`${section} ${name}`))
        this.#document.report('UNUSED', [section, name], `${user} names this ${sections[section]}`, { at: 'key' });
  }

  #writtenAt(section: Section, path: Path): readonly Reference[] {
    const node = nodeAt(this.#document.root, path);
    if (node === null) return [];
    const written =
      node.kind === 'list'
        ? node.items.map((item, index) => ({ item, at: [...path, index] }))
        : [{ item: node, at: path }];
    return written.flatMap(({ item, at }) => {
      if (item.kind === 'scalar' && typeof item.value === 'string' && !item.broken) return [{ name: item.value, at }];
      this.uncertain(section);
      return [];
    });
  }

  #reportUnknown(section: Section, name: string, at: Path): void {
    const kind = sections[section];
    const elsewhere = Object.entries(sections).find(([other]) => this.names(other as Section).includes(name));
    if (elsewhere !== undefined) {
      this.#document.report('WRONG_KIND', at, `"${name}" is a ${elsewhere[1]}, a ${kind} belongs here`);
      return;
    }
    const names = this.names(section);
    const near = nearest(name, names);
    // A misspelled reference still uses its row.
    if (near !== null) this.#used.add(`${section} ${near}`);
    const hint = near === null && names.length > 0 ? `There are: ${names.join(', ')}.` : undefined;
    const suggestion = near === null ? '' : `; did you mean "${near}"?`;
    this.#document.report('UNKNOWN_REFERENCE', at, `there is no ${kind} "${name}"${suggestion}`, { hint });
  }
}

export class ResolverOrder {
  readonly #after: ReadonlyMap<string, readonly string[]>;

  /** Reports names that lead nowhere, and resolvers that would wait for themselves. */
  constructor(document: ConfigDocument, references: References) {
    this.#after = new Map(
      references.names('resolvers').map((name) => {
        const path = ['resolvers', name];
        const named = references.check('resolvers', [...path, 'after'], { uses: false }).map((each) => each.name);
        const used = usedIn(document, path).filter((each) => isThere(each, path, document, references));
        return [name, [...new Set([...named, ...used])]];
      }),
    );
    for (const [name, after] of this.#after) {
      if (!this.withNeeded(after).includes(name)) continue;
      const at = nodeAt(document.root, ['resolvers', name, 'after']) === null ? [] : ['after'];
      document.report('INVALID_VALUE', ['resolvers', name, ...at], `"${name}" would wait for itself`);
    }
  }

  /** Those a resolver waits for. */
  after(name: string): readonly string[] {
    return this.#after.get(name) ?? [];
  }

  /** These resolvers, and all that they wait for. */
  withNeeded(names: readonly string[]): readonly string[] {
    const reached = new Set(names);
    for (const name of reached) for (const needed of this.after(name)) reached.add(needed);
    return [...reached];
  }
}

function isThere(name: string, path: Path, document: ConfigDocument, references: References): boolean {
  const names = references.names('resolvers');
  if (names.includes(name)) return true;
  const message = `known.${name}: there is no resolver "${name}"${didYouMean(name, names)}`;
  document.report('UNKNOWN_REFERENCE', path, message, { at: 'key' });
  return false;
}

/** Names that stand after `known.` in the expressions of a row. */
function usedIn(document: ConfigDocument, path: Path): readonly string[] {
  const node = nodeAt(document.root, path);
  const texts = node === null ? [] : scalarsIn(node).map(({ value }) => String(value));
  return texts.flatMap(expressionsIn).flatMap(({ text }) => {
    const withoutTexts = text.replace(/\[\s*(["'])(\w+)\1\s*\]/g, '.$2').replace(/"[^"]*"|'[^']*'/g, '""');
    return [...withoutTexts.matchAll(/\bknown\s*\.\s*\??\s*(\w+)/g)].map(([, name = '']) => name);
  });
}
