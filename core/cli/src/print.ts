/** What a command prints: tables and colour on a terminal, plain text elsewhere, JSON with `--json`. */
import { createInterface } from 'node:readline/promises';
import { formatProblems } from '@switchhook/core/client';
import { stringifyJson } from '@switchhook/sdk';
import type { Command } from 'commander';
import { CommandFailure, defaultColumns, exitCodes, type Output, shownLine, styled } from './output.js';
import { shellWord } from './shell-words.js';
import { type Column, drawTable, fitTable } from './table.js';

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

/** After a list that was cut: the command that shows what follows, which is this one with the cursor. Nothing where the list has ended. */
export function noteRest(output: Output, command: Command, cursor: string | null, what = 'There are more'): void {
  if (cursor === null) return;
  const given = command.options.filter(
    (option) => option.long !== '--cursor' && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const words = given.flatMap((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value === true) return [option.long ?? ''];
    // What a terminal shows is often logged or shared.
    return [option.long ?? '', option.long === '--token' ? '<token>' : shellWord(String(value))];
  });
  output.note(`${what}: ${['switchhook', command.name(), ...words, '--cursor', shellWord(cursor)].join(' ')}`);
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

/** `1 event`, `2 events`. */
export function quantity(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
}

/** `1 delivery`, `2 deliveries`. */
export function deliveries(count: number): string {
  return `${count} deliver${count === 1 ? 'y' : 'ies'}`;
}

/** `3.1 ms`, `1204 ms`. */
export function msText(ms: number): string {
  return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
