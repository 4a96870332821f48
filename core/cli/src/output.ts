/** What a command prints: tables and colour on a terminal, plain text elsewhere, JSON with `--json`. */

import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { formatProblems, printable, random } from '@switchhook/core/internal';
import { stringifyJson } from '@switchhook/sdk';
import { type Column, drawTable, fitTable } from './table.js';

type Style = Parameters<typeof styleText>[0];

/** Of a terminal that does not give its width. */
const defaultColumns = 80;

/** Where a command writes. What comes from outside cannot control the terminal: only `styled` and `printTable` can. */
export interface Output {
  /** True where a person looks at it. */
  readonly terminal: boolean;
  /** Characters in a line of the terminal. */
  readonly columns?: number;
  /** A line of the result, or several; a line break within one is shown as `\n`. */
  line(text?: string | readonly string[]): void;
  /** A line about the result: progress, warnings, problems. */
  note(text: string): void;
  /** What is going on, on a terminal only: each text takes the place of the one before, `''` clears it. */
  progress(text: string): void;
  /** Clears the screen, on a terminal. */
  clear(): void;
}

/** Ends the escape sequences of this process until they are written. What comes from outside does not know it. */
const seal = `${[0, 0, 0].map(() => `;${Math.floor(1_000 + random() * 9_000)}`).join('')}m`;
const sealedSequence = new RegExp(`(\\u001b\\[\\d+${seal})`, 'u');

/** Seals the escape sequences of a text, which are those of this process. */
function sealed(text: string): string {
  return text.replace(/\p{Cc}\[\d+m/gu, (sequence) => sequence.slice(0, -1) + seal);
}

/** A text as it may be written to a terminal, with its sealed sequences as they are. */
function shown(text: string): string {
  return text
    .split(sealedSequence)
    .map((part, index) => (index % 2 === 0 ? printable(part) : part))
    .join('');
}

function unsealed(text: string): string {
  return text.replaceAll(seal, 'm');
}

function shownLine(text: string): string {
  return shown(text).replaceAll('\n', '\\n');
}

/** The process's own two streams. */
export const processOutput: Output = {
  terminal: process.stdout.isTTY === true && process.stdout.hasColors(),
  get columns() {
    return process.stdout.columns ?? defaultColumns;
  },
  line: (text = '') => console.log(unsealed([text].flat().map(shownLine).join('\n'))),
  note: (text) => console.error(unsealed(shown(text))),
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${unsealed(shownLine(text))}`);
  },
  clear: () => console.clear(),
};

/** Colours a text on a terminal. */
export function styled(output: Output, style: Style, text: string): string {
  if (!output.terminal) return text;
  const [open = '', close = ''] = styleText(style, '\0', { validateStream: false }).split('\0');
  return sealed(open) + text + sealed(close);
}

/** A problem of this process, or one that a router reports. */
type AnyProblem = Parameters<typeof formatProblems>[0][number];

/** What is wrong with a configuration, or may be. */
export function noteProblems(output: Output, problems: readonly AnyProblem[], as?: 'problem' | 'warning'): void {
  output.note(formatProblems(problems, as, (style, text) => styled(output, style, text)));
}

/** A value as JSON, for other programs. */
export function printJson(output: Output, value: unknown): void {
  output.line(stringifyJson(value, null, 2).split('\n'));
}

/** Rows under their headings: ruled and fitted on a terminal, whole and separated by tabs elsewhere. */
export function printTable(output: Output, columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  const cells = rows.map((row) => row.map((cell) => shownLine(cell).replaceAll('\t', '\\t')));
  if (!output.terminal) {
    const headings = columns.map((column) => (typeof column === 'string' ? column : column.heading));
    output.line([headings, ...cells].map((row) => row.join('\t')));
    return;
  }
  const fitted = fitTable(columns, cells, output.columns ?? defaultColumns);
  output.line(drawTable(fitted, (part, text) => styled(output, part === 'heading' ? 'bold' : 'dim', text)));
  if (fitted.dropped.length > 0) output.note(`Not shown, too narrow: ${fitted.dropped.join(', ')}. --json has all.`);
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

/** `1 event`, `2 events`. */
export function quantity(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
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
