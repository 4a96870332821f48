/** The text of a configuration without its secrets: each line stays where it is, comments and references to variables included. */
import type { Path } from './problem.js';
import { allHidden, isSecretName, longestLine, secretsHidden } from './secret-text.js';
import { placedScalars, type ScalarNode, type TreeNode } from './tree.js';
import { type WrittenScalar, writtenScalars } from './yaml-scalars.js';

/** What to show of a value: nothing, or all but what looks like a secret. */
export type Showing = 'hidden' | 'searched';

/** What decides about a text. */
export interface MaskRules {
  /** How the value at a path is shown; null where no schema has it, and nothing else refers to it either. */
  showing(path: Path, node: ScalarNode): Showing | null;
  /** Names of options that are secret: what follows them in a comment is. */
  readonly secretOptions: ReadonlySet<string>;
}

/** Masks a text of which `root` was read. */
export function maskedSource(source: string, root: TreeNode, rules: MaskRules): string {
  const shown = new Map<number, { readonly node: ScalarNode; readonly showing: Showing }>();
  for (const [path, node] of placedScalars(root, [])) {
    const showing = rules.showing(path, node);
    // One that several aliases lead to is hidden if it is secret in one of the places.
    if (showing !== null && shown.get(node.start)?.showing !== 'hidden') shown.set(node.start, { node, showing });
  }
  const comments = new CommentMask(rules.secretOptions);
  let text = '';
  let from = 0;
  for (const scalar of writtenScalars(source)) {
    text += comments.masked(source.slice(from, scalar.start));
    text += maskedScalar(source.slice(scalar.start, scalar.end), scalar, shown.get(scalar.start), comments);
    from = scalar.end;
  }
  return text + comments.masked(source.slice(from));
}

function maskedScalar(
  raw: string,
  { isKey }: WrittenScalar,
  shown: { readonly node: ScalarNode; readonly showing: Showing } | undefined,
  comments: CommentMask,
): string {
  if (isKey) return eachLine(raw, secretsHidden);
  // Neither a number nor a word such as `true` or `5s`.
  const isOpen = /^(true|false|null|~|-?[\d.]+\w{0,2}(\/\w)?)$/.test(raw);
  if (shown === undefined) return isOpen ? raw : linesOf(raw, allHidden, comments);
  const { node, showing } = shown;
  if (showing === 'hidden')
    return typeof node.value === 'boolean' || node.value === null ? raw : linesOf(raw, allHidden, comments);
  const searched = linesOf(raw, secretsHidden, comments);
  // Line breaks and escapes can hide a secret from a search line by line.
  const isFound = secretsHidden(node.written) !== node.written;
  const isEscaped = raw.startsWith('"') && raw.includes('\\');
  return isFound && (isEscaped || searched === raw) ? linesOf(raw, allHidden, comments) : searched;
}

/** The lines of a scalar, without its quotes. */
function linesOf(raw: string, change: (line: string) => string, comments: CommentMask): string {
  const [quote = ''] = /^["']/.exec(raw) ?? [];
  return quote === '' ? scalarLines(raw, change, comments) : quote + eachLine(raw.slice(1, -1), change) + quote;
}

/** The first line of a block has its style, and perhaps a comment. */
function scalarLines(raw: string, change: (line: string) => string, comments: CommentMask): string {
  const [, header, content = ''] = /^([|>][-+\d]*[^\n]*)(\n[\s\S]*)?$/.exec(raw) ?? [];
  return header === undefined ? eachLine(raw, change) : comments.masked(header) + eachLine(content, change);
}

function eachLine(text: string, change: (line: string) => string): string {
  return text.split('\n').map(change).join('\n');
}

/** Comments often have rows that are not in use, with their secrets. */
class CommentMask {
  readonly #secretOptions: ReadonlySet<string>;
  /** Spaces before a name in a comment whose value is in the lines below it; null where there is none. */
  #above: number | null = null;

  constructor(secretOptions: ReadonlySet<string>) {
    this.#secretOptions = secretOptions;
  }

  /** What stands between two scalars. */
  masked(between: string): string {
    return between
      .split('\n')
      .map((line, index) => {
        const start = /(^|\s)#/.exec(index === 0 ? ` ${line}` : line);
        const at = start === null ? -1 : line.indexOf('#', Math.max(0, start.index - 1));
        if (at < 0) {
          if (index > 0 && line.trim() !== '') this.#above = null;
          return secretsHidden(line);
        }
        return secretsHidden(line.slice(0, at)) + this.#comment(line.slice(at));
      })
      .join('\n');
  }

  #comment(comment: string): string {
    const [, mark = '', indent = '', content = ''] = /^(#+)(\s*)([\s\S]*)$/.exec(comment) ?? [];
    if (this.#above !== null && content !== '' && (indent.length > this.#above || content.startsWith('- ')))
      return mark + indent + hiddenItem(content);
    this.#above = null;
    if (content.length > longestLine) return mark + indent + secretsHidden(content);
    const named = /(?<![\w.-])([\w.-]+)["']?\s{0,8}[:=]\s*/g;
    for (const found of content.matchAll(named)) {
      const [whole, name = ''] = found;
      if (!isSecretName(name, false) && !this.#secretOptions.has(name)) continue;
      const [before, after] = [content.slice(0, found.index + whole.length), content.slice(found.index + whole.length)];
      if (/^([|>][-+\d]*)?\s*$/.test(after)) this.#above = indent.length;
      else if (!/^https?:\/\/|^=/.test(after) || this.#secretOptions.has(name))
        return mark + indent + secretsHidden(before) + allHidden(after);
    }
    return mark + indent + secretsHidden(content);
  }
}

function hiddenItem(content: string): string {
  const [, dash = '', value = ''] = /^(- +)?([\s\S]*)$/.exec(content) ?? [];
  return dash + allHidden(value);
}
