/** The last copy of a sheet, kept over a restart in the router's store as far as it fits in there. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { fingerprint, type JsonValue, parseJson, type State, stringifyJson } from '@switchhook/sdk';

/** Rows of cells, the first one with the names of the columns. */
export type Cells = readonly (readonly JsonValue[])[];

/** Cells, and when they were read, in milliseconds since the epoch. */
export interface KeptCells {
  readonly cells: Cells;
  readonly readAtMs: number;
}

/** A value of `State` has at most 64 KB as JSON. */
const mostCharacters = 65_000;
const dayMs = 86_400_000;
const keptMs = 30 * dayMs;

/** Writes and reads the copy of one sheet. */
export class SheetCopy {
  readonly #key: string;
  readonly #state: State;
  /** Of the last cells, so that the same ones are written once a day only. */
  #last: { readonly print: string; readonly readAtMs: number; readonly fits: boolean } | null = null;

  constructor(sheet: string, { state }: { readonly state: State }) {
    this.#key = `copy:${fingerprint(sheet)}`;
    this.#state = state;
  }

  /** The copy; null where none is kept. Rejects where the store cannot be read. */
  async read(): Promise<KeptCells | null> {
    const entry = await this.#state.get(this.#key);
    if (entry === null) return null;
    const { gzipped, readAtMs } = Object(entry.value);
    const json = (await promisify(gunzip)(Buffer.from(String(gzipped), 'base64'))).toString();
    this.#last = { print: fingerprint(json), readAtMs: Number(readAtMs), fits: true };
    return { cells: parseJson(json) as unknown as Cells, readAtMs: this.#last.readAtMs };
  }

  /** Keeps cells that have changed, or were kept a day ago, for 30 days; returns whether they fit. Where they do not, nothing is kept, what was kept before neither. */
  async write({ cells, readAtMs }: KeptCells): Promise<boolean> {
    const json = stringifyJson(cells);
    const print = fingerprint(json);
    if (print === this.#last?.print && readAtMs - this.#last.readAtMs < dayMs) return this.#last.fits;
    const gzipped = (await promisify(gzip)(json)).toString('base64');
    const fits = gzipped.length <= mostCharacters;
    await this.#state.set(this.#key, fits ? { gzipped, readAtMs } : null, fits ? { expiresInMs: keptMs } : {});
    this.#last = { print, readAtMs, fits };
    return fits;
  }
}
