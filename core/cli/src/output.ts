/** What a command prints: tables and colour on a terminal, plain text elsewhere, JSON with `--json`. */

import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { stringifyJson } from '@switchhook/sdk';
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
  output.line(stringifyJson(value, null, 2));
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

/** Goes on if the answer is yes; ends the command otherwise, also without a terminal. */
export async function confirm(question: string, output: Output): Promise<void> {
  if (!output.terminal || !process.stdin.isTTY)
    throw new CommandFailure(exitCodes.usage, `${question} Pass --yes to confirm, or --dry-run to preview.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure(exitCodes.failed, 'Nothing was changed.');
}

/** `1 delivery`, `2 deliveries`. */
export function deliveries(count: number): string {
  return `${count} deliver${count === 1 ? 'y' : 'ies'}`;
}

/** Exit codes; 78 is EX_CONFIG of sysexits.h. */
export const exitCodes = { done: 0, failed: 1, usage: 2, configuration: 78 } as const;

/** Ends a command: the message, if there is one, is printed, and the process ends with the code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    readonly exitCode: (typeof exitCodes)[keyof typeof exitCodes],
    message = '',
  ) {
    super(message);
  }
}

/** `3.1 ms`, `1204 ms`. */
export function msText(ms: number): string {
  return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
