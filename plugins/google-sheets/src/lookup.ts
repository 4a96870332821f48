/** `google-sheets.lookup`: finds a caller in a sheet that is held in memory, so that an answer never waits for Google. */
import {
  type Call,
  Clock,
  ComponentInfo,
  country,
  defineResolver,
  duration,
  HttpClient,
  isExpressionError,
  type JsonObject,
  Log,
  notReady,
  type Resolver,
  type Scope,
  State,
  scopes,
  type TextTemplate,
  text,
  z,
} from '@switchhook/sdk';
import { GoogleAccount } from './account.js';
import { Sheet, sheetOptions } from './sheet.js';
import { type Cells, SheetCopy } from './sheet-copy.js';
import { SheetTable, type TableSettings } from './sheet-table.js';

const options = z.strictObject({
  ...sheetOptions,
  key: z
    .string()
    .trim()
    .min(1)
    .default('phone')
    .meta({ description: 'Column to search, by its name in the first row.' }),
  match: text('Value to search for.', scopes.resolver).prefault('${{ call.from }}'),
  compare: z.enum(['phone', 'text']).default('phone').meta({
    description: '`phone`: compares phone numbers independent of their notation. `text`: compares the exact text.',
  }),
  country: country('Country of numbers without a country code. Default: `country` of the configuration.').optional(),
  refresh: duration('How long to wait until the sheet is read again: at least 10s.')
    .refine((ms) => ms >= 10_000, { error: 'expected at least 10s', params: { problem: 'INVALID_VALUE' } })
    .prefault('5m'),
});

/** While nothing is loaded, the next attempt is sooner. */
const soonMs = 15_000;
const requestMs = 30_000;
/** How long the start of the router waits for the sheet. */
const firstMs = 5_000;

export const lookup = defineResolver({
  type: 'google-sheets.lookup',
  description: 'Finds the caller in a Google sheet, which is held in memory.',
  options,
  inject: { account: GoogleAccount, http: HttpClient, clock: Clock, log: Log, state: State, info: ComponentInfo },
  create: (own, services) => new SheetLookup(own, services),
});

interface Services {
  readonly account: GoogleAccount;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly state: State;
  readonly info: ComponentInfo;
}

class SheetLookup implements Resolver {
  readonly #settings: TableSettings;
  readonly #match: TextTemplate;
  readonly #refreshMs: number;
  readonly #sheet: Sheet;
  readonly #copy: SheetCopy;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ended = new AbortController();
  #table: SheetTable | null = null;
  /** When the cells in use were read, in milliseconds since the epoch. */
  #readAtMs = 0;
  /** Why there is no table. */
  #failure = 'the sheet is not read yet';
  #cancel = (): void => {};

  constructor({ match, refresh, ...own }: z.output<typeof options>, services: Services) {
    this.#settings = { ...own, country: own.country ?? services.info.country };
    this.#match = match;
    this.#refreshMs = refresh;
    this.#sheet = new Sheet(own, services);
    this.#copy = new SheetCopy(`${own.spreadsheet} ${own.sheet}`, services);
    this.#clock = services.clock;
    this.#log = services.log;
  }

  async open(): Promise<void> {
    await this.#restore();
    const first = this.#refresh();
    if (this.#table !== null) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(firstMs, resolve);
      void first.finally(() => {
        cancel();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.#ended.abort(new Error('the resolver is closed'));
    this.#cancel();
  }

  async probe(signal: AbortSignal): Promise<string> {
    const table = await SheetTable.of(await this.#read(signal), this.#settings);
    const read = `read: ${table.rows} ${table.rows === 1 ? 'row' : 'rows'}`;
    return table.notPhones === 0 ? read : `${read}; ${table.notPhones} with a key that is no phone number`;
  }

  async resolve(call: Call, known: JsonObject): Promise<JsonObject> {
    const wanted = rendered(this.#match, { call, known });
    if (wanted.trim() === '') return {};
    if (this.#table === null) throw notReady(this.#failure);
    return this.#table.find(wanted);
  }

  /** Uses the copy of an earlier run until the sheet is read. */
  async #restore(): Promise<void> {
    try {
      const kept = await this.#copy.read();
      if (kept === null) return;
      this.#table = await SheetTable.of(kept.cells, this.#settings);
      this.#readAtMs = kept.readAtMs;
      this.#log.info('sheet.restored', { rows: this.#table.rows, ageMs: this.#ageMs() });
    } catch (error) {
      this.#log.warn('sheet.copy-failed', { reason: reasonOf(error) });
    }
  }

  async #refresh(): Promise<void> {
    const startedMs = this.#clock.elapsed();
    const limit = new AbortController();
    const end = (): void => limit.abort(this.#ended.signal.reason);
    const cancel = this.#clock.after(requestMs, () => limit.abort(new Error(`no reply within ${requestMs / 1_000} s`)));
    this.#ended.signal.addEventListener('abort', end);
    try {
      const cells = await this.#read(limit.signal);
      const readAtMs = this.#clock.now();
      const table = await SheetTable.of(cells, this.#settings);
      const { rows, notPhones } = table;
      this.#table = table;
      this.#readAtMs = readAtMs;
      const ms = Math.round(this.#clock.elapsed() - startedMs);
      const kept = await this.#keep(cells);
      this.#log[notPhones === 0 ? 'debug' : 'warn']('sheet.loaded', { rows, notPhones, kept, ms });
    } catch (error) {
      this.#failure = reasonOf(error);
      if (!this.#ended.signal.aborted)
        this.#log.warn('sheet.refresh-failed', {
          reason: this.#failure,
          ...(this.#table !== null && { rows: this.#table.rows, ageMs: this.#ageMs() }),
        });
    } finally {
      cancel();
      this.#ended.signal.removeEventListener('abort', end);
      this.#next();
    }
  }

  #next(): void {
    if (this.#ended.signal.aborted) return;
    const ms = this.#table === null ? Math.min(soonMs, this.#refreshMs) : this.#refreshMs;
    this.#cancel = this.#clock.after(ms, () => void this.#refresh());
  }

  async #read(signal: AbortSignal): Promise<Cells> {
    const [cells = []] = await this.#sheet.read([null], signal);
    return cells;
  }

  async #keep(cells: Cells): Promise<boolean> {
    try {
      return await this.#copy.write({ cells, readAtMs: this.#readAtMs });
    } catch (error) {
      this.#log.warn('sheet.copy-failed', { reason: reasonOf(error) });
      return false;
    }
  }

  #ageMs(): number {
    return this.#clock.now() - this.#readAtMs;
  }
}

/** What to look for; nothing where a part of it is not known. */
function rendered(match: TextTemplate, scope: Scope): string {
  try {
    return match.render(scope);
  } catch (error) {
    if (isExpressionError(error) && error.missing) return '';
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
