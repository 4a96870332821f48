/** The resolver `list` for Switchhook: whether the caller is on a list of phone numbers. */
import { resolve } from 'node:path';
import {
  type Call,
  Clock,
  ComponentInfo,
  country,
  definePlugin,
  defineResolver,
  type JsonObject,
  Log,
  type PhoneNormalizer,
  phoneKeys,
  type Resolver,
  WatchedFile,
  z,
} from '@switchhook/sdk';
import { type NumberList, numberList, readNumberList } from './number-list.js';

const listOptions = z
  .strictObject({
    numbers: z
      .union([z.array(z.string().min(1)), z.record(z.string().min(1), z.string())])
      .optional()
      .meta({ description: 'Phone numbers, or a map of phone numbers to notes.' }),
    file: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'File with a number on each line, relative to the configuration file.' }),
  })
  .refine(({ numbers, file }) => (numbers === undefined) !== (file === undefined), {
    error: 'expected either numbers or a file',
    params: { problem: 'INVALID_VALUE' },
  });

const options = z.strictObject({
  lists: z
    .record(z.string().min(1), listOptions)
    .refine((lists) => Object.keys(lists).length > 0, { error: 'expected at least one list' })
    .meta({ description: 'Lists by their names. The first list with the number counts.' }),
  country: country('Country of numbers without a country code. Default: `country` of the configuration.').optional(),
});

const list = defineResolver({
  type: 'list',
  description: 'Whether the caller is on a list of phone numbers, in the configuration or in a file.',
  options,
  inject: { clock: Clock, log: Log, info: ComponentInfo },
  create: (row, services) => new Lists(row, services),
});

interface Services {
  readonly clock: Clock;
  readonly log: Log;
  readonly info: ComponentInfo;
}

/** A list by its name. */
interface Named {
  readonly name: string;
  /** Throws where the list could not be read yet. */
  content(): NumberList;
  /** Reads it anew. */
  read(): Promise<NumberList>;
  /** Null where it is written in the configuration. */
  readonly file: WatchedFile<NumberList> | null;
}

class Lists implements Resolver {
  readonly #lists: readonly Named[];
  readonly #keyOf: PhoneNormalizer;

  constructor(row: z.output<typeof options>, services: Services) {
    this.#keyOf = phoneKeys(row.country ?? services.info.country);
    this.#lists = Object.entries(row.lists).map(([name, { numbers = [], file }]) => {
      if (file !== undefined) return listInFile(name, resolve(services.info.directory, file), this.#keyOf, services);
      const entries = Array.isArray(numbers)
        ? numbers.map((number) => [number, null] as const)
        : Object.entries(numbers);
      const content = numberList(entries, this.#keyOf);
      return { name, content: () => content, read: async () => content, file: null };
    });
  }

  async open(): Promise<void> {
    await Promise.all(this.#lists.map(({ file }) => file?.open()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#lists.map(({ file }) => file?.close()));
  }

  async probe(): Promise<string> {
    const read = await Promise.all(this.#lists.map(async (one) => ({ ...(await one.read()), name: one.name })));
    return read.map(summaryOf).join('; ');
  }

  async resolve({ from }: Call): Promise<JsonObject> {
    const key = this.#keyOf(from);
    if (key === '') return {};
    for (const { name, content } of this.#lists) {
      const note = content().notes.get(key);
      if (note !== undefined) return { listed: true, list: name, ...(note !== null && { note }) };
    }
    return {};
  }
}

function listInFile(name: string, path: string, keyOf: PhoneNormalizer, { clock, log }: Services): Named {
  const read = () => readNumberList(path, keyOf);
  const file = new WatchedFile(path, clock, {
    read,
    loaded: ({ notes, notPhones }, ms) =>
      log[notPhones === 0 ? 'info' : 'warn']('list.loaded', {
        list: name,
        file: path,
        numbers: notes.size,
        notPhones,
        ms,
      }),
    rejected: (reason) => log.error('list.rejected', { list: name, file: path, reason }),
  });
  return { name, content: () => file.content, read, file };
}

/** For an operator who checks: the log warns of the same entries. */
function summaryOf({ name, notes, notPhones }: NumberList & { readonly name: string }): string {
  const isNone = notPhones === 1 ? '1 is no phone number' : `${notPhones} are no phone numbers`;
  return `${name}: ${notes.size} ${notes.size === 1 ? 'number' : 'numbers'}${notPhones === 0 ? '' : `, ${isNone}`}`;
}

export default definePlugin({ name: '@switchhook/plugin-list', components: [list] });
