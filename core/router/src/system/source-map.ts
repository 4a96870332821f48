/** Where the lines of compiled TypeScript were written: a package may bring a map beside each of its files. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';

const maps = new Map<string, SourceMap | null>();

/** `/…/src/crm.ts:31:20` for `/…/dist/crm.js:24:15`, the column where there is one; the same place where no map has it. Throws nothing. */
export function placeAsWritten(place: string): string {
  const [, file, line, column] = /^(.+\.[cm]?js):(\d+)(?::(\d+))?$/.exec(place) ?? [];
  if (file === undefined) return place;
  // Without a column: the end of the line, so that what it finds is in this line.
  const origin = mapOf(file)?.findOrigin(Number(line), Number(column ?? Number.MAX_SAFE_INTEGER));
  if (origin === undefined || !('fileName' in origin) || !origin.fileName) return place;
  const { fileName, lineNumber, columnNumber } = origin;
  return `${resolve(dirname(file), fileName)}:${lineNumber}${column === undefined ? '' : `:${columnNumber}`}`;
}

function mapOf(file: string): SourceMap | null {
  let map = maps.get(file);
  if (map === undefined) {
    map = readMap(`${file}.map`);
    maps.set(file, map);
  }
  return map;
}

function readMap(file: string): SourceMap | null {
  try {
    return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : null;
  } catch {
    // No map, or one in another form: the place in the compiled file is shown.
    return null;
  }
}
