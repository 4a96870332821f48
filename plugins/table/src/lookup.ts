/** `table.lookup`: finds a caller in a file, which may change while the router runs. */
import { extname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type Call,
  Clock,
  ComponentInfo,
  country,
  defineResolver,
  isExpressionError,
  type JsonObject,
  Log,
  Metrics,
  type PhoneNormalizer,
  type Resolver,
  type Scope,
  scopes,
  type Template,
  text,
  WatchedFile,
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

/** A version of the file. */
interface ReadTable {
  readonly table: Table;
  readonly counts: Counts;
}

class TableLookup implements Resolver {
  readonly #settings: LoadSettings;
  readonly #match: Template<string>;
  readonly #keyOf: PhoneNormalizer;
  readonly #services: Services;
  readonly #file: WatchedFile<ReadTable>;
  #rows = 0;
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
    this.#file = new WatchedFile(this.#settings.file, services.clock, {
      read: () => this.#read(),
      loaded: (read, ms) => this.#loaded(read, ms),
      rejected: (reason) => services.log.error('table.rejected', { file: this.#settings.file, reason }),
    });
  }

  open(): Promise<void> {
    return this.#file.open();
  }

  async close(): Promise<void> {
    const closed = this.#file.close();
    await this.#worker?.terminate();
    await closed;
  }

  async probe(): Promise<string> {
    const { counts } = await this.#read();
    return summaryOf(counts);
  }

  async resolve(call: Call, known: JsonObject): Promise<JsonObject> {
    const key = this.#keyOf(rendered(this.#match, { call, known }));
    return key === '' ? {} : this.#file.content.table.find(key);
  }

  #loaded({ counts }: ReadTable, ms: number): void {
    const {
      log,
      metrics,
      info: { name },
    } = this.#services;
    const { file } = this.#settings;
    if (counts.rows * 2 < this.#rows) log.warn('table.shrunk', { file, before: this.#rows, now: counts.rows });
    this.#rows = counts.rows;
    metrics.gauge('table_rows', 'Rows of a table resolver', counts.rows, { resolver: name });
    // A spreadsheet makes 1.2E+10 of a number: the caller of that row cannot be found.
    log[counts.notPhones === 0 ? 'info' : 'warn']('table.loaded', { file, ...counts, ms });
  }

  /** Reads the file in a thread of its own. Throws where it cannot be read, with its place. */
  #read(): Promise<ReadTable> {
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
