/** Where a command writes, and how it ends. */

import { styleText } from 'node:util';
import { printable, random } from '@switchhook/core/client';
import { wrapped } from './table.js';

type Style = Parameters<typeof styleText>[0];

/** Of a terminal that does not give its width. */
export const defaultColumns = 80;

/** Where a command writes. What comes from outside cannot control the terminal: only `styled` and `printTable` can. */
export interface Output {
  /** True where a person looks at it. */
  readonly terminal: boolean;
  /** Characters in a line of the terminal. */
  readonly columns?: number;
  /**
   * A line of the result, which a terminal breaks between words; or several, each as it is. A line break within one is shown as `\n`.
   */
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

export function shownLine(text: string): string {
  return shown(text).replaceAll('\n', '\\n');
}

/** Two streams that are no terminal. Each text is one line or several, without the last line break. */
export function plainOutput(out: (text: string) => void, error: (text: string) => void): Output {
  return {
    terminal: false,
    line: (text = '') => out(unsealed([text].flat().map(shownLine).join('\n'))),
    note: (text) => error(unsealed(shown(text))),
    progress: () => {},
    clear: () => {},
  };
}

/** A terminal that shows colours. `columns` is read for each line. */
export function terminalOutput(
  out: (text: string) => void,
  error: (text: string) => void,
  columns: () => number,
): Output {
  const plain = plainOutput(out, error);
  return {
    ...plain,
    terminal: true,
    get columns() {
      return columns();
    },
    line: (text = '') => plain.line(typeof text === 'string' ? wrapped(shownLine(text), columns()) : text),
  };
}

const isTerminal = process.stdout.isTTY === true && process.stdout.hasColors();

/** The process's own two streams. */
export const processOutput: Output = {
  ...(isTerminal
    ? terminalOutput(console.log, console.error, () => process.stdout.columns ?? defaultColumns)
    : plainOutput(console.log, console.error)),
  get columns() {
    return process.stdout.columns ?? defaultColumns;
  },
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
