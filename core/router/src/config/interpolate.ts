/** Variables in texts: `${NAME}`, `${NAME:-default}`, `${file:path}`; `$${` is a literal `${`, expressions stay as they are. */
import { expressionEnd } from '@switchhook/sdk/internal';
import type { Diagnostic, Segment } from './tree.js';

/** Looks a reference up: its value, or why there is none. */
export interface Variables {
  /** Undefined where it is not set. */
  variable(name: string): string | undefined;
  /** Text of a file; null where it cannot be read. */
  file(path: string): string | null;
}

/** A text with its variables put in. */
export interface Interpolated {
  readonly value: string;
  readonly segments: readonly Segment[];
  /** What is missing; offsets into the text. */
  readonly missing: readonly Missing[];
}

export type Missing = Pick<Diagnostic, 'code' | 'message'> & { readonly offset: number };

const asWritten = { copied: true, variable: false };
const putIn = { copied: false, variable: false };

/** Null where the text has no variables. */
export function interpolate(text: string, variables: Variables): Interpolated | null {
  const [, bare] = /^\$([A-Z][A-Z0-9_]*)$/.exec(text) ?? [];
  if (bare !== undefined) return withoutBraces(text, variables.variable(bare) === undefined ? 'NAME' : bare);
  if (!text.includes('${')) return null;
  const segments: Segment[] = [];
  const missing: Missing[] = [];
  let value = '';
  let copied = 0;
  const add = (part: string, written: number, origin: Pick<Segment, 'copied' | 'variable'>): void => {
    value += part;
    if (part !== '') segments.push({ written, length: part.length, ...origin });
  };
  const marks = /\$?\$\{\{|\$\$\{|\$\{[^}]*\}?/g;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    const [written] = mark;
    if (written.endsWith('{{')) {
      // `$${{` is left for the template, which makes a literal `${{` of it.
      const end = written.startsWith('$$') ? marks.lastIndex : expressionEnd(text, mark.index);
      if (end < 0) break;
      marks.lastIndex = end;
      continue;
    }
    add(text.slice(copied, mark.index), copied, asWritten);
    copied = mark.index + written.length;
    if (written === '$${') add('${', mark.index, putIn);
    else {
      const found = resolveFacts(written, variables);
      if (typeof found === 'string') add(found, mark.index, { copied: false, variable: true });
      else if ('otherwise' in found) add(found.otherwise, mark.index, putIn);
      else missing.push({ ...found, offset: mark.index });
    }
  }
  if (copied === 0) return null;
  add(text.slice(copied), copied, asWritten);
  return { value, segments, missing };
}

/** A name that is no variable may be a secret: a message does not repeat it. */
function withoutBraces(value: string, name: string): Interpolated {
  const message = `a variable needs braces: write \${${name}}`;
  return { value, segments: [], missing: [{ code: 'INTERPOLATION_SYNTAX', message, offset: 0 }] };
}

/** The value; or the default, or why there is none. */
function resolveFacts(
  written: string,
  variables: Variables,
): string | { readonly otherwise: string } | Omit<Missing, 'offset'> {
  const file = /^\$\{file:([^}]+)\}$/.exec(written)?.[1];
  if (file !== undefined)
    return variables.file(file) ?? { code: 'FILE_MISSING', message: `the file ${file} cannot be read` };
  const [, name, otherwise] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\}$/.exec(written) ?? [];
  if (name === undefined) return { code: 'INTERPOLATION_SYNTAX', message: `${written} names no variable` };
  const value = variables.variable(name);
  // As in a shell: an empty variable takes the default, too.
  if (otherwise !== undefined && (value === undefined || value === '')) return { otherwise };
  return value ?? { code: 'ENV_MISSING', message: `the environment variable ${name} is not set` };
}
