/** The files of the repository as the rules see them: a path and a text, so that a rule can be tried on files that are not there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** A file; its path starts at the repository and is written with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const notOurs = new Set(['node_modules', 'dist', 'data', 'coverage', '.git']);

/** Files of the repository below these folders, or these files themselves, whose path matches. */
export function filesIn(folders: readonly string[], matching: RegExp): readonly SourceFile[] {
  return folders
    .flatMap((folder) => pathsBelow(join(repository, folder)))
    .map((path) => ({ path, name: relative(repository, path).split(sep).join('/') }))
    .filter(({ name }) => matching.test(name))
    .map(({ path, name }) => ({ path: name, text: readFileSync(path, 'utf8') }));
}

function pathsBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pathsBelow(path) : [path];
  });
}

/** A stretch of a TypeScript file. */
export interface Part {
  readonly kind: 'code' | 'comment' | 'string';
  readonly text: string;
}

const regularExpression = String.raw`(?<=[=(,:!&|?[;{}\n]\s*|return )\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*`;
const inCode = new RegExp(
  String.raw`\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|${regularExpression}|[\`{}]`,
  'g',
);
const inTemplate = /\\[\s\S]|`|\$\{/g;

/** Of each template that is open: how many braces are open in its expression; null while its text goes on. */
type Templates = (number | null)[];

/** Tells code, comments and strings of a file apart. The texts of templates are strings, their expressions code. */
export function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [];
  const templates: Templates = [];
  for (let at = 0; at < text.length; ) {
    const inText = templates.at(-1) === null;
    const marks = inText ? inTemplate : inCode;
    marks.lastIndex = at;
    const mark = marks.exec(text);
    const end = mark?.index ?? text.length;
    const found = mark?.[0] ?? '';
    parts.push({ kind: inText ? 'string' : 'code', text: text.slice(at, end) }, { kind: kindOf(found), text: found });
    follow(templates, found);
    at = end + found.length;
  }
  return parts;
}

function kindOf(mark: string): Part['kind'] {
  if (mark.startsWith('/*') || mark.startsWith('//')) return 'comment';
  return /^['"/\\]/.test(mark) ? 'string' : 'code';
}

function follow(templates: Templates, mark: string): void {
  const depth = templates.at(-1);
  if (mark === '`' && depth === null) templates.pop();
  else if (mark === '`') templates.push(null);
  else if (mark === '${') templates.splice(-1, 1, 0);
  else if (mark === '{' && typeof depth === 'number') templates.splice(-1, 1, depth + 1);
  else if (mark === '}' && typeof depth === 'number') templates.splice(-1, 1, depth === 0 ? null : depth - 1);
}

/** The text with all parts of other kinds blanked, so that a line keeps its number. */
export function only(kinds: readonly Part['kind'][], text: string): string {
  return partsOf(text)
    .map((part) => (kinds.includes(part.kind) ? part.text : part.text.replace(/[^\n]/g, ' ')))
    .join('');
}
