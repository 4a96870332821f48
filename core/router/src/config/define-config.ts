/** A configuration as a value of TypeScript: its types are those of the file's keys. */
import type { Kind } from '@switchhook/sdk';
import type { z } from 'zod';
import type { rowSchemas } from './row-schemas.js';
import type { answerSchema, countrySchema, logSchema, pluginsSchema, routeSchema, serverSchema } from './schema.js';

/** A row that names a component. The options of the component are checked when the configuration is read. */
export type RowInput<K extends Kind> = Readonly<z.input<(typeof rowSchemas)[K]>> & {
  readonly [option: string]: unknown;
};

/** What a configuration file contains, as it is written: durations are texts such as `5s`, secrets are `${NAME}`. */
export interface ConfigInput {
  readonly version: 1;
  readonly server?: z.input<typeof serverSchema>;
  readonly log?: z.input<typeof logSchema>;
  readonly country?: z.input<typeof countrySchema>;
  readonly store?: RowInput<'store'>;
  readonly plugins?: z.input<typeof pluginsSchema>;
  readonly sources: Readonly<Record<string, RowInput<'source'>>>;
  readonly transforms?: Readonly<Record<string, RowInput<'transform'>>>;
  readonly destinations?: Readonly<Record<string, RowInput<'destination'>>>;
  readonly resolvers?: Readonly<Record<string, RowInput<'resolver'>>>;
  readonly routes?: readonly z.input<typeof routeSchema>[];
  readonly answers?: readonly z.input<ReturnType<typeof answerSchema>>[];
}

/** Makes the default export of `switchhook.config.ts`. It is checked like a YAML file when a router is made of it. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
