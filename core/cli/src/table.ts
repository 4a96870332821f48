/** Text that fits a terminal: tables whose columns are cut, moved to a line of their own, or left out, in this order; and lines broken between words. */
import stringWidth from 'string-width';

/** A column by its heading; as text alone one that is cut to no less than 16 characters. */
export type Column =
  | string
  | {
      readonly heading: string;
      /** Cut to no less than so many characters; without it, it is never cut. */
      readonly cut?: number;
      /** Left out where there is no room, the lowest number first; without it, it is never left out. */
      readonly drop?: number;
      /** Moved to a line below its row where there is no room, e.g. an id to be copied. */
      readonly below?: true;
    };

/** A table that fits. */
export interface FittedTable {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Of each row: what is on the line below it; none where nothing was moved. */
  readonly below: readonly string[];
  /** Headings of the columns that were left out. */
  readonly dropped: readonly string[];
}

interface Fitted extends Exclude<Column, string> {
  readonly index: number;
  width: number;
}

const defaultCut = 16;
/** A time is cut to no less: its day and minute stay, its age goes. */
export const timeCut = 17;
/** The least that is left of any column where all that can be left out was left out. */
const leastCut = 5;
const escapeSequence = /(\p{Cc}\[[\d;]*m)/u;

/** Fits a table between rules into so many characters; cells may be coloured. */
export function fitTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  available: number,
): FittedTable {
  const dropped: string[] = [];
  let kept = columns.map((column, index): Fitted => {
    const given = typeof column === 'string' ? { heading: column, cut: defaultCut } : column;
    const width = Math.max(stringWidth(given.heading), ...rows.map((row) => stringWidth(row[index] ?? '')));
    return { ...given, index, width };
  });
  let below: Fitted | undefined;
  while (!shrink(kept, available)) {
    const stacked = kept.find((column) => column.below);
    const [next] = kept.filter(({ drop }) => drop !== undefined).sort((a, b) => (a.drop ?? 0) - (b.drop ?? 0));
    const gone = stacked ?? next;
    if (gone === undefined) {
      shrink(
        kept.map((column) => Object.assign(column, { cut: leastCut })),
        available,
      );
      break;
    }
    if (gone === stacked) below = stacked;
    else dropped.push(gone.heading);
    kept = kept.filter((column) => column !== gone);
  }
  return {
    headings: kept.map(({ heading, width }) => cutTo(heading, width)),
    rows: rows.map((row) => kept.map(({ index, width }) => cutTo(row[index] ?? '', width))),
    below: below === undefined ? [] : rows.map((row) => cutTo(row[below?.index ?? 0] ?? '', available - 4)),
    dropped,
  };
}

/** The lines of a table between rules; the headings and what is below a row are styled by the caller. */
export function drawTable(
  { headings, rows, below }: FittedTable,
  style: (part: 'heading' | 'below', text: string) => string,
): readonly string[] {
  const widths = headings.map((heading, index) =>
    Math.max(stringWidth(heading), ...rows.map((row) => stringWidth(row[index] ?? ''))),
  );
  const inner = widths.reduce((sum, width) => sum + width + 3, -3);
  const [last = 0] = widths.slice(-1);
  // What is below a row may be wider than the row.
  const spare = Math.max(0, ...below.map((text) => stringWidth(text) - inner));
  widths.splice(-1, 1, last + spare);
  const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - stringWidth(text)));
  const rule = (left: string, middle: string, right: string) =>
    left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
  const line = (cells: readonly string[]) =>
    `│ ${cells.map((cell, index) => padded(cell, widths[index] ?? 0)).join(' │ ')} │`;
  return [
    rule('┌', '┬', '┐'),
    line(headings.map((heading) => style('heading', heading))),
    rule('├', '┼', '┤'),
    ...rows.flatMap((row, index) => {
      const text = below[index];
      return text === undefined ? [line(row)] : [line(row), `│ ${padded(style('below', text), inner + spare)} │`];
    }),
    rule('└', '┴', '┘'),
  ];
}

/** Cuts the widest column that may be cut, one character after the other, until all fit; false where they do not. */
function shrink(columns: readonly Fitted[], available: number): boolean {
  // A rule before each column and after the last one, and a space on both sides of each cell.
  const widths = columns.map(({ width }) => width);
  let excess = widths.reduce((sum, width) => sum + width + 3, 1) - available;
  while (excess > 0) {
    const wide = columns
      .map(({ cut }, index) => ({ index, spare: (widths[index] ?? 0) - (cut ?? Number.POSITIVE_INFINITY) }))
      .filter(({ spare }) => spare > 0)
      .sort((a, b) => (widths[b.index] ?? 0) - (widths[a.index] ?? 0))[0];
    if (wide === undefined) return false;
    widths[wide.index] = (widths[wide.index] ?? 0) - 1;
    excess -= 1;
  }
  for (const [index, column] of columns.entries()) column.width = widths[index] ?? 0;
  return true;
}

/** A text in lines of at most this width, broken between words; the further ones are indented. A longer word, such as a URL, stays whole. */
export function wrapped(text: string, width: number): readonly string[] {
  const [, spaces = ''] = /^(?:\p{Cc}\[[\d;]*m)*( *)/u.exec(text) ?? [];
  const indent = `${spaces}  `;
  const lines: string[] = [];
  let line = '';
  for (const part of text.split(/(?<=\S)(?= )/)) {
    const isFirst = line.trim() === '';
    if (isFirst || stringWidth(line) + stringWidth(part) <= width) line += part;
    else {
      lines.push(line);
      line = indent + part.trimStart();
    }
  }
  return [...lines, line];
}

/** A text of at most this width, its colours kept; an ellipsis stands for what was cut. */
function cutTo(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let left = width - 1;
  let isCut = false;
  const cut = text.split(escapeSequence).map((part, index) => {
    if (index % 2 === 1) return part;
    if (isCut) return '';
    let shown = '';
    for (const character of part) {
      left -= stringWidth(character);
      if (left < 0) {
        isCut = true;
        return `${shown}…`;
      }
      shown += character;
    }
    return shown;
  });
  return cut.join('');
}
