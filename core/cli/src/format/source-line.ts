/** Lines of source code that messages refer to. */
import { existsSync, readFileSync } from 'node:fs';
import { type Output, styled } from '../output.js';

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Characters of a line that are shown. */
const mostShown = 120;

/** The line of a place, or a part of it, and the column in it; null where the file cannot be read, or does not have it. */
export function lineOf({ file, line, column }: Place): { readonly text: string; readonly column: number } | null {
  if (line < 1 || !existsSync(file)) return null;
  const text = readFileSync(file, 'utf8').split('\n')[line - 1]?.trimEnd();
  if (text === undefined) return null;
  const start = text.length > mostShown ? Math.max(0, column - mostShown / 2) : 0;
  return { text: text.slice(start, start + mostShown), column: column - start };
}

/** `my-plugins/crm.ts:31`, of a line that is shown once. */
export function lineKey({ file, line }: Omit<Place, 'column'>): string {
  return `${file}:${line}`;
}

/**
 * Shows the line that a message names at its end, or at that of its first part, as in `no such account (my-plugins/crm.ts:31:20)`.
 * Not a line of `shown`, which it adds it to.
 */
export function notePlace(output: Output, message: string, shown: Set<string> = new Set()): void {
  const [, file = '', line, column] = /\(([^()]+\.[cm]?[jt]s):(\d+):(\d+)\)(?:$|; )/.exec(message) ?? [];
  const place = { file, line: Number(line), column: Number(column) };
  const found = lineOf(place);
  if (found === null || shown.has(lineKey(place))) return;
  shown.add(lineKey(place));
  const indent = found.text.slice(0, found.column - 1).replace(/[^\t]/g, ' ');
  const gutter = `  ${line} | `;
  output.note(styled(output, 'dim', `${file}:${line}:${column}`));
  output.note(`${styled(output, 'dim', gutter)}${found.text}`);
  output.note(`${styled(output, 'dim', gutter.replace(/\d/g, ' '))}${indent}${styled(output, 'red', '^')}`);
}
