/** From a character of a scalar's text back to the file: YAML folds lines, indents blocks and escapes quotes. */
import type { ScalarNode } from './tree.js';

/** Where in the file the character at `offset` of the written text stands. Walks both side by side, as YAML read them. */
export function sourceOffset(source: string, node: ScalarNode, offset: number): number {
  const { written, style } = node;
  let at = contentStart(source, node);
  for (let done = 0; done < offset && at < node.end; ) {
    if (style === 'double' && source[at] === '\\') {
      const length = escapeLength(source, at);
      // An escaped end of line stands for nothing; \U00010000 and above for two characters.
      if (length > 0) done += length === 10 && (written.codePointAt(done) ?? 0) > 0xffff ? 2 : 1;
      at += Math.max(length, 2);
    } else if (style === 'single' && source.startsWith("''", at)) {
      at += 2;
      done++;
    } else if (source[at] === written[done] || (source[at] === '\n' && written[done] === ' ') || !isBlank(source[at])) {
      at++;
      done++;
    } else at++;
  }
  while (at < node.end && isBlank(source[at]) && source[at] !== written[offset]) at++;
  return at;
}

function contentStart(source: string, { style, start }: ScalarNode): number {
  if (style === 'plain') return start;
  return style === 'block' ? source.indexOf('\n', start) + 1 : start + 1;
}

function escapeLength(source: string, at: number): number {
  const kind = source[at + 1];
  if (kind === '\n' || kind === '\r') return 0;
  return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}
