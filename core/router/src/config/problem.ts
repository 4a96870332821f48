/** A mistake in the configuration, in the format of a compiler. */
import type { ErrorCode } from '@switchhook/sdk/internal';

/** One mistake: where it is, what was found, what to do. */
export interface Problem {
  readonly code: ErrorCode;
  /** As it was named. */
  readonly file: string;
  /** From 1; 0 where the problem is the file itself. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** Where in the configuration, e.g. `destinations.crm.url` or `routes[0].to`; empty at the top. */
  readonly path: string;
  /** What was found and what was expected, in one line, without secrets. */
  readonly message: string;
  /** What to do; may be empty. */
  readonly hint: string;
  /** The line, without values that may be secret, and the column of the mark in it. */
  readonly excerpt: { readonly text: string; readonly column: number } | null;
}

/** Steps into the configuration: keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** `['routes', 0, 'to']` → `routes[0].to`. */
export function pathText(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

/** In the order of the file, each once. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column || a.code.localeCompare(b.code));
  const seen = new Set<string>();
  return sorted.filter(({ line, column, code, message }) => {
    const key = `${line}:${column} ${code} ${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Styles a part of a text. */
type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'cyan', text: string) => string;

/** All problems for a terminal or a log: place, code, message, the line with a mark, and each hint once. */
export function formatProblems(
  problems: readonly (Omit<Problem, 'code'> & { readonly code: string })[],
  as: 'problem' | 'warning' = 'problem',
  paint: Paint = (_style, text) => text,
): string {
  const [tone, word] = as === 'problem' ? (['red', ''] as const) : (['yellow', 'warning '] as const);
  const gutter = String(Math.max(0, ...problems.map(({ line }) => line))).length + 2;
  const hinted = new Set<string>();
  return problems
    .map(({ code, file, line, column, path, message, hint, excerpt }) => {
      const place = line === 0 ? file : `${file}:${line}:${column}`;
      const lines = [
        `${paint('bold', place)}  ${paint(tone, word + code)}  ${path === '' ? '' : `${path}: `}${message}`,
      ];
      if (excerpt !== null) {
        // Tabs stay tabs, so that the mark stands below its character however wide a terminal makes them.
        const indent = excerpt.text.slice(0, excerpt.column - 1).replace(/[^\t]/g, ' ');
        lines.push(paint('dim', `${String(line).padStart(gutter)} | ${excerpt.text}`));
        lines.push(`${paint('dim', `${' '.repeat(gutter)} |`)} ${indent}${paint(tone, '^')}`);
      }
      if (hint !== '' && !hinted.has(hint)) lines.push(paint('cyan', `${' '.repeat(gutter)} = ${hint}`));
      hinted.add(hint);
      return lines.join('\n');
    })
    .join('\n\n');
}

/** The configuration is wrong; `problems` lists every mistake. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(
    readonly problems: readonly Problem[],
    /** All files that it depends on, absolute. */
    readonly files: readonly string[] = [],
  ) {
    super(formatProblems(problems));
  }
}
