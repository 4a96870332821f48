/** The thread that reads a file and makes a table of it, so that calls are answered meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import type { JsonValue } from '@switchhook/sdk';
import { FileProblem } from './file-problem.js';
import { isNoPhone, type KeySettings, keyReader } from './key.js';
import { type FileSettings, rowsOf } from './rows.js';
import { TableBuilder, type TableParts } from './table.js';

/** The message to the thread. */
export type LoadSettings = FileSettings & KeySettings;

/** What became of the rows of a file. */
export interface Counts {
  /** Keys that can be found. */
  readonly rows: number;
  /** Rows that a later one with the same key has replaced. */
  readonly duplicates: number;
  /** Rows without a key: passed over. */
  readonly withoutKey: number;
  /** Keys that are no phone numbers: compared as they are written. Always 0 with `compare: text`. */
  readonly notPhones: number;
  /** The first row with such a key, from 1, without the line of names; null = none. */
  readonly firstNotPhone: number | null;
}

/** The only message of the thread. */
export type Loaded =
  | { readonly kind: 'table'; readonly parts: TableParts; readonly counts: Counts }
  | { readonly kind: 'problem'; readonly message: string; readonly line: number | null };

async function load(settings: LoadSettings): Promise<Loaded> {
  const keyOf = keyReader(settings);
  const builder = new TableBuilder();
  let duplicates = 0;
  let withoutKey = 0;
  let notPhones = 0;
  let firstNotPhone: number | null = null;
  let number = 0;
  for await (const row of rowsOf(settings)) {
    number += 1;
    const key = keyOf(asText(row.key));
    if (key === '') {
      withoutKey += 1;
      continue;
    }
    if (isNoPhone(key, settings)) {
      notPhones += 1;
      firstNotPhone ??= number;
    }
    if (!builder.add(key, row.values)) duplicates += 1;
  }
  const counts = { rows: builder.rows, duplicates, withoutKey, notPhones, firstNotPhone };
  return { kind: 'table', parts: builder.finish(), counts };
}

function asText(key: JsonValue): string {
  return typeof key === 'object' || typeof key === 'boolean' ? '' : String(key);
}

function problem(error: unknown): Loaded {
  const line = error instanceof FileProblem ? error.line : null;
  return { kind: 'problem', message: error instanceof Error ? error.message : String(error), line };
}

const loaded = await load(workerData as LoadSettings).catch(problem);
const buffers = loaded.kind === 'table' ? [...loaded.parts.chunks, loaded.parts.slots] : [];
parentPort?.postMessage(loaded, [...new Set(buffers.map(({ buffer }) => buffer as ArrayBuffer))]);
