/** From a file to its rows, one at a time. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse as csvParser } from 'csv-parse';
import { FileProblem } from './file-problem.js';
import type { Row } from './row.js';

/** Which file, and how it is written. */
export interface FileSettings {
  readonly file: string;
  readonly format: 'csv' | 'json' | 'yaml';
  /** What stands between two values of CSV. */
  readonly delimiter: string;
  /** The column that holds the key. */
  readonly key: string;
}

/** A quote that is never closed would take the rest of the file for one value. */
const maxRowLength = 1_000_000;

/** JSON takes ten times its size to be read, YAML a hundred times: only CSV is read piece by piece. */
const maxBytes = { json: 50_000_000, yaml: 5_000_000 };

/** Reads row after row. Throws a `FileProblem` at the first thing that is wrong. */
export async function* rowsOf(settings: FileSettings): AsyncGenerator<Row> {
  const { file, format, key } = settings;
  if (format === 'csv') return yield* csvRows(settings);
  // Only where it is needed: the thread of each table loads it anew.
  const { documentRows } = await import('./document.js');
  yield* documentRows(textOf(file), { format, key, maxBytes: maxBytes[format] });
}

async function* csvRows({ file, key, delimiter }: FileSettings): AsyncGenerator<Row> {
  const parser = csvParser({
    delimiter,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    max_record_size: maxRowLength,
  });
  // What fails before the parser (no file, not UTF-8) comes out of the parser.
  pipeline(textOf(file), parser, () => {});
  let columns: readonly string[] | null = null;
  try {
    for await (const record of parser as AsyncIterable<readonly string[]>) {
      if (columns === null) columns = columnsOf(record, key);
      else yield rowOf(columns, record, key);
    }
  } catch (error) {
    throw error instanceof CsvError ? problemOf(error, columns?.length) : error;
  }
  if (columns === null) throw new FileProblem('the file is empty: expected a line with the names of the columns', 1);
}

function columnsOf(record: readonly string[], key: string): readonly string[] {
  const columns = record.map((name) => name.trim());
  const twice = columns.find((name, index) => name !== '' && columns.indexOf(name) !== index);
  if (twice !== undefined) throw new FileProblem(`there are two columns ${JSON.stringify(twice)}`, 1);
  if (columns.includes(key)) return columns;
  const other = columns.length === 1 ? /[;\t|,]/.exec(columns[0] ?? '')?.[0] : undefined;
  const hint = other === undefined ? '' : `; is the delimiter ${JSON.stringify(other)}?`;
  const found = columns.map((name) => JSON.stringify(name)).join(', ');
  throw new FileProblem(`there is no column ${JSON.stringify(key)}, only ${found}${hint}`, 1);
}

function rowOf(columns: readonly string[], record: readonly string[], key: string): Row {
  const values: Record<string, string> = Object.create(null);
  columns.forEach((name, index) => {
    if (name !== '') values[name] = record[index] ?? '';
  });
  return { key: values[key] ?? '', values };
}

/** The parser's messages go on to quote the file, which is personal data. */
function problemOf(error: CsvError, columns: number | undefined): FileProblem {
  const { lines, record } = error as { readonly lines?: number; readonly record?: readonly string[] };
  const what =
    error.code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH'
      ? `expected ${columns} values, found ${record?.length}`
      : error.message.replace(/:.*/s, '').toLowerCase();
  return new FileProblem(`it is not CSV: ${what}`, lines);
}

/** The text, without byte order mark, in pieces. */
async function* textOf(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const bytes of createReadStream(file)) yield decoder.decode(bytes as Buffer, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new FileProblem('it is not UTF-8: save it as UTF-8');
    throw error;
  }
}
