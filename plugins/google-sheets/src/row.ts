/** `google-sheets.row`: one row for each key, added or changed. */
import {
  Clock,
  type Delivery,
  type Destination,
  defineDestination,
  deliveryScope,
  HttpClient,
  isExpressionError,
  type JsonValue,
  type Outcome,
  OutcomeError,
  outcomeOfFailure,
  problem,
  rejected,
  State,
  stringifyJson,
  template,
  z,
} from '@switchhook/sdk';
import { GoogleAccount } from './account.js';
import { type Cell, columnName, Sheet, sheetOptions, textOf } from './sheet.js';
import { WriterLock } from './writer-lock.js';

/** Google refuses a longer cell, and with it the whole request. */
const longestCell = 50_000;

const options = z
  .strictObject({
    ...sheetOptions,
    columns: z
      .record(z.string().trim().min(1), template('Value of the cell.'))
      .refine((columns) => Object.keys(columns).length > 0, { error: 'expected at least one column' })
      .meta({
        description:
          'Values of the row by the names of columns, which are in the first row of the sheet. Where a field is missing, a cell is left as it is.',
      }),
    key: z.string().trim().min(1).meta({
      description:
        'Which of the columns identifies a row: a row with the same value there is changed, otherwise one is added.',
    }),
  })
  .superRefine(({ columns, key }, ctx) => {
    if (!Object.hasOwn(columns, key))
      ctx.addIssue({ ...problem('expected the name of one of the columns'), path: ['key'] });
  });

type Options = z.output<typeof options>;

export const row = defineDestination({
  type: 'google-sheets.row',
  description: 'Adds or changes a row of a Google sheet.',
  options,
  batches: true,
  // Google allows 60 reads and 60 writes a minute for each account; an attempt takes one or two of each, however many rows it has.
  limits: { rateLimit: '30/m', concurrency: 1, timeout: '30s' },
  inject: { account: GoogleAccount, http: HttpClient, clock: Clock, state: State },
  create: (own, services): Destination => {
    const writer = new RowWriter(
      own,
      new Sheet(own, services),
      new WriterLock(`${own.spreadsheet} ${own.sheet}`, services),
    );
    return {
      deliver: async (delivery, signal) => {
        const [outcome] = await writer.deliver([delivery], signal);
        if (outcome === undefined) throw new Error('a delivery has no outcome');
        return outcome;
      },
      deliverMany: (deliveries, signal) => writer.deliver(deliveries, signal),
      preview: (delivery) => {
        const { cells } = rowOf(own, delivery);
        return { spreadsheet: own.spreadsheet, sheet: own.sheet, key: own.key, row: Object.fromEntries(cells) };
      },
      probe: async (signal) => {
        await writer.probe(signal);
      },
    };
  },
});

/** What an event puts where. */
interface Row {
  readonly key: string;
  readonly cells: ReadonlyMap<string, Cell>;
}

class RowWriter {
  readonly #options: Options;
  readonly #sheet: Sheet;
  readonly #lock: WriterLock;
  /** Where the keys were last time: mostly they still are, which saves a request. */
  #keyColumn: string | null = null;

  constructor(own: Options, sheet: Sheet, lock: WriterLock) {
    this.#options = own;
    this.#sheet = sheet;
    this.#lock = lock;
  }

  /** Several events of one key are one row, in which the last value counts. */
  async deliver(deliveries: readonly Delivery[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const rows = deliveries.map((delivery) => {
      try {
        return rowOf(this.#options, delivery);
      } catch (error) {
        return outcomeOfFailure(error);
      }
    });
    const merged = new Map<string, Map<string, Cell>>();
    for (const one of rows) {
      if (!('cells' in one)) continue;
      const cells = merged.get(one.key) ?? new Map<string, Cell>();
      for (const [name, cell] of one.cells) if (cell !== null || !cells.has(name)) cells.set(name, cell);
      merged.set(one.key, cells);
    }
    const [first] = deliveries;
    if (first === undefined || merged.size === 0) return rows.flatMap((one) => ('cells' in one ? [] : [one]));
    const outcome = await this.#lock
      .hold(first.id, signal, () => this.#write(merged, signal))
      .catch((error: unknown) => outcomeOfFailure(error));
    return rows.map((one) => ('cells' in one ? outcome : one));
  }

  /** Reads the names of the columns, and changes nothing. */
  async probe(signal: AbortSignal): Promise<void> {
    const [first] = await this.#sheet.read(['1:1'], signal);
    const names = (first?.[0] ?? []).map(textOf);
    if (names.length > 0) this.#checkNames(names);
  }

  async #write(rows: ReadonlyMap<string, ReadonlyMap<string, Cell>>, signal: AbortSignal): Promise<Outcome> {
    const { names, keys } = await this.#look(signal);
    const places = new Map(keys.map((key, index) => [key, index + 1] as const).toReversed());
    const changed: { readonly row: number; readonly cells: readonly Cell[] }[] = [];
    const added: (readonly Cell[])[] = [];
    for (const [key, values] of rows) {
      const cells = names.map((name, index) => (names.indexOf(name) === index ? (values.get(name) ?? null) : null));
      const known = places.get(key);
      if (known === undefined) added.push(cells);
      else changed.push({ row: known, cells });
    }
    if (changed.length > 0) await this.#sheet.update(changed, signal);
    if (added.length > 0) await this.#sheet.append(added, signal);
    return { kind: 'delivered', response: `${added.length} added, ${changed.length} changed` };
  }

  /** The names of the columns, which an empty sheet gets, and the key of each row. The first row has none. */
  async #look(signal: AbortSignal) {
    const before = this.#keyColumn;
    this.#keyColumn = null;
    const ranges = before === null ? ['1:1'] : ['1:1', rangeOf(before)];
    const [first, expected] = await this.#sheet.read(ranges, signal);
    let names = (first?.[0] ?? []).map(textOf);
    if (names.length === 0) {
      names = Object.keys(this.#options.columns);
      await this.#sheet.update([{ row: 1, cells: names }], signal);
    }
    this.#checkNames(names);
    const column = columnName(names.indexOf(this.#options.key));
    const found = column === before ? expected : (await this.#sheet.read([rangeOf(column)], signal))[0];
    this.#keyColumn = column;
    return { names, keys: (found ?? []).map(([cell], index) => (index === 0 ? '' : textOf(cell))) };
  }

  #checkNames(names: readonly string[]): void {
    const { sheet, columns } = this.#options;
    const missing = Object.keys(columns).filter((name) => !names.includes(name));
    const quoted = (list: readonly string[]) => list.map((name) => JSON.stringify(name)).join(', ');
    let wrong: string | null = null;
    if (missing.length > 0)
      wrong = `has no column ${quoted(missing)}; its first row has ${quoted(names.filter((name) => name !== '')).slice(0, 300)}`;
    else if (names[0] === '') wrong = 'must have the name of a column in A1: rows are added from column A on';
    if (wrong === null) return;
    throw new OutcomeError({
      kind: 'unavailable',
      needsOperator: true,
      reason: `sheet ${JSON.stringify(sheet)} ${wrong}`,
    });
  }
}

/** Throws an `OutcomeError` where the event has no key, and an `ExpressionError` where a value cannot be evaluated. */
function rowOf({ columns, key }: Options, delivery: Delivery): Row {
  const scope = deliveryScope(delivery);
  const cells = new Map(
    Object.entries(columns).map(([name, value]) => {
      try {
        return [name, cellOf(value.render(scope))] as const;
      } catch (error) {
        if (isExpressionError(error) && error.missing) return [name, null] as const;
        throw error;
      }
    }),
  );
  const text = textOf(cells.get(key));
  if (text !== '') return { key: text, cells };
  throw rejected(`the event has no value for column ${JSON.stringify(key)}, the key`);
}

/** What JSON has and a cell has not becomes a text; what is too long for a cell is cut. Halves of characters and U+0000 are no text of the API. */
function cellOf(value: JsonValue): Cell {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : stringifyJson(value);
  const cut = text.length > longestCell ? `${text.slice(0, longestCell - 1)}…` : text;
  return Buffer.from(cut).toString().replaceAll('\0', '\uFFFD');
}

function rangeOf(column: string): string {
  return `${column}:${column}`;
}
