/** Lists of phone numbers: written in the configuration, or in a file with a number on each line. */
import { createReadStream } from 'node:fs';
import { isPhoneNumber, type PhoneNormalizer } from '@switchhook/sdk';

/** Notes by numbers; null = none. */
export type Notes = Map<string, string | null>;

/** A list that callers are looked up in. */
export interface NumberList {
  readonly notes: Notes;
  /** Entries that are no phone numbers: compared as they are written. */
  readonly notPhones: number;
}

/** Makes a list of entries as they are written; of several with the same number, the last one counts. */
export function numberList(entries: Iterable<readonly [string, string | null]>, keyOf: PhoneNormalizer): NumberList {
  const list = { notes: new Map<string, string | null>(), notPhones: 0 };
  for (const [number, note] of entries) add(list, keyOf(number), note);
  return list;
}

function add(list: { readonly notes: Notes; notPhones: number }, key: string, note: string | null): void {
  if (key === '') return;
  if (!isPhoneNumber(key)) list.notPhones += 1;
  list.notes.set(key, note);
}

/** About 150 numbers: reading them takes a few milliseconds, in which no call is answered. */
const pieceBytes = 2_048;
const longestLine = 10_000;
const mostBytes = 10_000_000;

/** Reads a file. Throws where it cannot be used, with the place. */
export async function readNumberList(file: string, keyOf: PhoneNormalizer): Promise<NumberList> {
  const list = { notes: new Map<string, string | null>(), notPhones: 0 };
  for await (const line of linesOf(file)) {
    const [, number = '', note = ''] = /^([^,;\t]*)[,;\t]?(.*)$/.exec(line) ?? [];
    if (!number.trimStart().startsWith('#')) add(list, keyOf(number), note.trim() || null);
  }
  return list;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  let bytes = 0;
  let count = 0;
  const stream = createReadStream(file, { highWaterMark: pieceBytes });
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      bytes += piece.byteLength;
      if (bytes > mostBytes) throw new Error(`${file}: it is larger than ${mostBytes / 1e6} MB: use table.lookup`);
      const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? '';
      count += lines.length;
      if (rest.length > longestLine)
        throw new Error(`${file}:${count + 1}: the line is longer than ${longestLine} characters`);
      yield* lines;
    }
    yield rest + decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? new Error(`${file}: it is not UTF-8: save it as UTF-8`) : error;
  }
}
