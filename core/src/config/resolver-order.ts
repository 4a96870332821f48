/** Which resolver waits for which: for those it names in `after`, and those whose facts its options use. */
import { expressionsIn } from '../text-pieces.js';
import type { ConfigDocument } from './document.js';
import { didYouMean } from './nearest.js';
import type { Path } from './problem.js';
import type { References } from './references.js';
import { nodeAt, scalarsIn } from './tree.js';

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
