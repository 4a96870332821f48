/** The rows of a sheet, to be found by the value of one column. */
import {
  isPhoneNumber,
  type JsonObject,
  type JsonValue,
  OutcomeError,
  type PhoneNormalizer,
  phoneKeys,
} from '@switchhook/sdk';
import { textOf } from './sheet.js';
import type { Cells } from './sheet-copy.js';

/** What is searched, and how. */
export interface TableSettings {
  readonly sheet: string;
  readonly key: string;
  readonly compare: 'phone' | 'text';
  /** Of numbers written without it; null = all are international. */
  readonly country: string | null;
}

/** Normalizing a number takes up to 0.1 ms: calls are answered between such pieces. */
const rowsAtOnce = 200;

/** A sheet in memory. */
export class SheetTable {
  readonly #names: readonly string[];
  readonly #rows = new Map<string, readonly JsonValue[]>();
  readonly #keyOf: PhoneNormalizer;
  #notPhones = 0;

  private constructor(names: readonly string[], { compare, country }: TableSettings) {
    this.#names = names;
    this.#keyOf = compare === 'text' ? (value) => value.trim() : phoneKeys(country);
  }

  /** Reads the cells in pieces. Rows without a key are skipped; of several with the same key the last one counts. */
  static async of([first = [], ...rows]: Cells, settings: TableSettings): Promise<SheetTable> {
    const names = first.map(textOf);
    const column = names.indexOf(settings.key);
    if (column < 0) {
      const found = names.map((name) => JSON.stringify(name)).join(', ');
      const reason = `sheet ${JSON.stringify(settings.sheet)} has no column ${JSON.stringify(settings.key)}; its first row has ${found || 'nothing'}`;
      throw new OutcomeError({ kind: 'unavailable', needsOperator: true, reason: reason.slice(0, 500) });
    }
    const table = new SheetTable(names, settings);
    for (const [index, row] of rows.entries()) {
      if (index % rowsAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
      table.#add(textOf(row[column]), row, settings);
    }
    return table;
  }

  get rows(): number {
    return this.#rows.size;
  }

  /** How many rows have a key that is compared as it is written, although it should be a phone number. */
  get notPhones(): number {
    return this.#notPhones;
  }

  /** The cells of the row with this key by the names of their columns, without empty ones; `{}` where there is none. */
  find(wanted: string): JsonObject {
    const row = this.#rows.get(this.#keyOf(wanted)) ?? [];
    return Object.fromEntries(
      this.#names.flatMap((name, index) => {
        const cell = row[index] ?? '';
        return name === '' || cell === '' || this.#names.indexOf(name) !== index ? [] : [[name, cell] as const];
      }),
    );
  }

  #add(written: string, row: readonly JsonValue[], { compare }: TableSettings): void {
    if (written === '') return;
    const key = this.#keyOf(written);
    if (compare === 'phone' && !isPhoneNumber(key)) this.#notPhones += 1;
    this.#rows.set(key, row);
  }
}
