/** What a command prints: tables and colour on a terminal, plain text elsewhere, JSON with `--json`. */
import { styleText } from 'node:util';
import Table from 'cli-table3';

type Style = Parameters<typeof styleText>[0];

/** Where a command writes. */
export interface Output {
  /** True where a person looks at it. */
  readonly terminal: boolean;
  /** A line of the result. */
  line(text?: string): void;
  /** A line about the result: progress, warnings, problems. */
  note(text: string): void;
  /** What is going on, on a terminal only: each text takes the place of the one before, `''` clears it. */
  progress(text: string): void;
}

/** The process's own two streams. */
export const processOutput: Output = {
  terminal: process.stdout.isTTY === true && process.stdout.hasColors(),
  line: (text = '') => console.log(text),
  note: (text) => console.error(text),
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  },
};

/** Colours a text on a terminal. */
export function styled(output: Output, style: Style, text: string): string {
  return output.terminal ? styleText(style, text, { validateStream: false }) : text;
}

/** A value as JSON, for other programs. */
export function printJson(output: Output, value: unknown): void {
  output.line(JSON.stringify(value, null, 2));
}

/** Rows under their headings: ruled on a terminal, separated by tabs elsewhere. */
export function printTable(output: Output, headings: readonly string[], rows: readonly (readonly string[])[]): void {
  if (!output.terminal) {
    for (const row of [headings, ...rows]) output.line(row.join('\t'));
    return;
  }
  const table = new Table({ head: [...headings], style: { head: ['bold'], border: ['dim'], compact: true } });
  table.push(...rows.map((row) => [...row]));
  output.line(table.toString());
}
