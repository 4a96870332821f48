/** `table.lookup`: finds a caller in a file, which may change while the router runs. */
import { extname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type Call,
  Clock,
  ComponentInfo,
  country,
  defineResolver,
  FileWatch,
  isExpressionError,
  type JsonObject,
  Log,
  Metrics,
  notReady,
  type PhoneNormalizer,
  type Resolver,
  type Scope,
  scopes,
  type Template,
  text,
  z,
} from '@switchhook/sdk';
import { keyReader } from './key.js';
import type { Counts, Loaded, LoadSettings } from './load-worker.js';
import { Table } from './table.js';

const formats = { '.csv': 'csv', '.json': 'json', '.yaml': 'yaml', '.yml': 'yaml' } as const;

const options = z
  .strictObject({
    file: z.string().min(1).meta({ description: 'Path of the table, relative to the configuration file.' }),
    format: z.enum(['csv', 'json', 'yaml']).optional().meta({ description: 'Default: the extension of the file.' }),
    delimiter: z
      .string()
      .length(1)
      .default(',')
      .meta({ description: 'Separator of the values in a CSV file: `,`, `;` or a tab.' }),
    key: z.string().min(1).default('phone').meta({ description: 'Column to search.' }),
    match: text('Value to search for.', scopes.resolver).prefault('${{ call.from }}'),
    compare: z.enum(['phone', 'text']).default('phone').meta({
      description: '`phone`: compares phone numbers independent of their notation. `text`: compares the exact text.',
    }),
    country: country('Country of numbers without a country code. Default: `country` of the configuration.').optional(),
  })
  .refine(({ file, format }) => format !== undefined || extname(file).toLowerCase() in formats, {
    error: 'expected a file that ends in .csv, .json, .yaml or .yml, or a format',
    path: ['file'],
    params: { problem: 'INVALID_VALUE' },
  });

/** While no table is loaded: what kept the file from being read may end without a change of the file. */
const retryMs = 60_000;
/** Rows are garbage as soon as they are written: a larger limit would only take more memory (measured: 20 MB). */
const maxYoungGenerationSizeMb = 4;

export const lookup = defineResolver({
  type: 'table.lookup',
  description: 'Finds the caller in a CSV, JSON or YAML file.',
  options,
  inject: { clock: Clock, log: Log, metrics: Metrics, info: ComponentInfo },
  create: (row, services) => new TableLookup(row, services),
});

interface Services {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly info: ComponentInfo;
}

class TableLookup implements Resolver {
  readonly #settings: LoadSettings;
  readonly #match: Template<string>;
  readonly #keyOf: PhoneNormalizer;
  readonly #services: Services;
  readonly #watch: FileWatch;
  #table: Table | null = null;
  #rows = 0;
  /** The loads, one after the other. */
  #loads: Promise<void> = Promise.resolve();
  #isReloadDue = false;
  /** Why there is no table. */
  #failure = 'the table is not read yet';
  #cancelRetry = (): void => {};
  #closed = false;
  #worker: Worker | null = null;

  constructor({ match, ...row }: z.output<typeof options>, services: Services) {
    const ending = extname(row.file).toLowerCase() as keyof typeof formats;
    this.#settings = {
      ...row,
      file: resolve(services.info.directory, row.file),
      format: row.format ?? formats[ending],
      country: row.country ?? services.info.country,
    };
    this.#match = match;
    this.#keyOf = keyReader(this.#settings);
    this.#services = services;
    this.#watch = new FileWatch(this.#settings.file, services.clock, () => this.#reload());
  }

  /** Reads the table. A broken one is no failure of `open`: the file is watched from now on, so saving it right is enough. */
  async open(): Promise<void> {
    await this.#watch.open();
    this.#reload();
    await this.#loads;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    this.#cancelRetry();
    await this.#worker?.terminate();
    await this.#loads;
  }

  async probe(): Promise<string> {
    const { counts } = await this.#read();
    return summaryOf(counts);
  }

  async resolve(call: Call, known: JsonObject): Promise<JsonObject> {
    const key = this.#keyOf(rendered(this.#match, { call, known }));
    if (key === '') return {};
    if (this.#table === null) throw notReady(this.#failure);
    return this.#table.find(key) ?? {};
  }

  /** Loads the file anew once the load that runs has ended. Until then, and where it is broken, the table stays as it is. */
  #reload(): void {
    if (this.#isReloadDue) return;
    this.#isReloadDue = true;
    this.#loads = this.#loads.then(async () => {
      this.#isReloadDue = false;
      if (!this.#closed) await this.#load();
    });
    this.#loads = this.#loads.catch((error: Error) => this.#rejected(error.message));
  }

  #rejected(reason: string): void {
    if (this.#closed) return;
    const { log, clock } = this.#services;
    log.error('table.rejected', { file: this.#settings.file, reason });
    this.#failure = reason;
    this.#cancelRetry();
    if (this.#table === null) this.#cancelRetry = clock.after(retryMs, () => this.#reload());
  }

  async #load(): Promise<void> {
    const {
      clock,
      log,
      metrics,
      info: { name },
    } = this.#services;
    const startedAtMs = clock.elapsed();
    const { table, counts } = await this.#read();
    if (counts.rows * 2 < this.#rows)
      log.warn('table.shrunk', { file: this.#settings.file, before: this.#rows, now: counts.rows });
    this.#rows = counts.rows;
    this.#table = table;
    this.#cancelRetry();
    metrics.gauge('table_rows', 'Rows of a table resolver', counts.rows, { resolver: name });
    const loaded = { file: this.#settings.file, ...counts, ms: Math.round(clock.elapsed() - startedAtMs) };
    // A spreadsheet makes 1.2E+10 of a number: the caller of that row cannot be found.
    log[counts.notPhones === 0 ? 'info' : 'warn']('table.loaded', loaded);
  }

  /** Reads the file in a thread of its own. Throws where it cannot be read, with its place. */
  #read(): Promise<{ readonly table: Table; readonly counts: Counts }> {
    return new Promise((found, failed) => {
      const worker = new Worker(new URL('./load-worker.js', import.meta.url), {
        workerData: this.#settings,
        execArgv: [],
        resourceLimits: { maxYoungGenerationSizeMb },
      });
      this.#worker = worker;
      worker.once('message', (loaded: Loaded) => {
        if (loaded.kind === 'table') found({ table: new Table(loaded.parts), counts: loaded.counts });
        else failed(new Error(`${this.#placeOf(loaded.line)}: ${loaded.message}`));
      });
      worker.once('error', (error) => failed(new Error(`${this.#settings.file}: ${error.message}`)));
      worker.once('exit', () => failed(new Error(`${this.#settings.file}: reading it was ended`)));
    });
  }

  #placeOf(line: number | null): string {
    return line === null ? this.#settings.file : `${this.#settings.file}:${line}`;
  }
}

/** For an operator who checks: the log warns of the same rows. */
function summaryOf({ rows, notPhones, firstNotPhone }: Counts): string {
  const read = `read: ${rows} ${rows === 1 ? 'row' : 'rows'}`;
  if (notPhones === 0) return read;
  const keys = notPhones === 1 ? '1 key is no phone number' : `${notPhones} keys are no phone numbers`;
  return `${read}; ${keys}, the first in row ${firstNotPhone}`;
}

/** What to look for; nothing where a part of it is not known. */
function rendered(match: Template<string>, scope: Scope): string {
  try {
    return match.render(scope);
  } catch (error) {
    if (isExpressionError(error) && error.missing) return '';
    throw error;
  }
}
