/** The columns of `postgres.insert` and `postgres.upsert`: what stands in them, and how it gets there. */
import {
  isExpressionError,
  type JsonValue,
  type Scope,
  stringifyJson,
  type Template,
  template,
  z,
} from '@switchhook/sdk';
import { isName } from './sql.js';

/** Types a column can be made with. A table that exists may have others. */
const types = [
  'text',
  'bigint',
  'double precision',
  'numeric',
  'boolean',
  'timestamptz',
  'date',
  'uuid',
  'jsonb',
] as const;

/** A column beside the one of the event's id. */
export interface Column {
  readonly name: string;
  readonly value: Template;
  /** Used when the table is made. */
  readonly type: (typeof types)[number];
}

/** The columns of `postgres.insert` where none are configured. */
export const defaultColumns = {
  source: '${{ event.source }}',
  type: '${{ event.type }}',
  subject: '${{ event.subject }}',
  agent: '${{ event.agent }}',
  occurred_at: { value: '${{ event.occurredAt }}', type: 'timestamptz' as const },
  received_at: { value: '${{ event.receivedAt }}', type: 'timestamptz' as const },
  data: { value: '${{ event.data }}', type: 'jsonb' as const },
};

const shortColumn = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((value): JsonValue => value)
  .pipe(template('Value of the column.'))
  .transform((value): Omit<Column, 'name'> => ({ value, type: 'text' }))
  .meta({ description: 'What stands in the column, a text when the table is made.' });

const typedColumn = z.strictObject({
  value: template('Value of the column.'),
  type: z.enum(types).default('text').meta({ description: 'Type of the column when the table is created.' }),
});

/** The option `columns`. */
export const columns = z
  .record(z.string(), z.union([shortColumn, typedColumn]))
  .superRefine((map, ctx) => {
    for (const name of Object.keys(map)) {
      if (isName(name)) continue;
      const message = 'expected the name of a column: 1 to 63 bytes';
      ctx.addIssue({ code: 'custom', path: [name], message, params: { problem: 'INVALID_VALUE' } });
    }
  })
  .meta({
    description: 'Further columns, each with its value, or with `value` and `type`. A missing field is null.',
  });

/** The columns, in the order of the configuration file. */
export function listOf(map: z.output<typeof columns>): readonly Column[] {
  return Object.entries(map).map(([name, column]) => ({ name, ...column }));
}

/** The values of a row, in the order of the columns. A field that is not there is null; any other failure is thrown. */
export function renderedRow(list: readonly Column[], scope: Scope): readonly JsonValue[] {
  return list.map(({ value }) => {
    try {
      return value.render(scope);
    } catch (error) {
      if (isExpressionError(error) && error.missing) return null;
      throw error;
    }
  });
}

/** A value as the parameter for a column of this type. PostgreSQL reads it as that type, whatever it is. */
export function parameterFor(value: JsonValue, type: string): string | null {
  if (value === null) return null;
  if (type === 'jsonb' || type === 'json') return storableJson(stringifyJson(value));
  if (typeof value === 'object') return storableJson(stringifyJson(value));
  if (typeof value !== 'string') return String(value);
  // Senders write '' for unknown values; only a text can be empty.
  if (value === '' && !isText(type)) return null;
  return value.replaceAll('\0', '\ufffd');
}

function isText(type: string): boolean {
  return ['text', 'character varying', 'character', 'citext'].includes(type);
}

/** PostgreSQL takes neither U+0000 nor half a surrogate pair: both become U+FFFD, the sign for a character that got lost. */
function storableJson(json: string): string {
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return json;
  // Read escape by escape, so that an escaped backslash before a `u` is no escape of ours.
  return json.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, (part) => (part.length === 6 ? '\\ufffd' : part));
}
