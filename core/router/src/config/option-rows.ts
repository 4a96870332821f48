/** The options of a component as rows of a table, from its JSON Schema. */
import type { Kind } from '@switchhook/sdk';
import { inputSchema, type JsonSchema, withVariable } from './json-schema.js';
import { rowSchemas } from './row-schemas.js';

/** An option as a table shows it. */
export interface OptionRow {
  /** With the names of the sections around it: `retry.first`; `*` stands for the name in a map. */
  readonly name: string;
  /** What may be written, in Markdown. */
  readonly type: string;
  readonly isRequired: boolean;
  /** Its default as it is written in the file; null where it has none. */
  readonly otherwise: string | null;
  /** What follows the number in a text such as `5s`; null where it is no such text. */
  readonly unit: string | null;
  /** Whether what is written is never shown. */
  readonly isSecret: boolean;
  readonly description: string;
}

/** The options of a schema, in its order; those of an inner section follow it. */
export function optionRows(schema: JsonSchema): readonly OptionRow[] {
  return rowsOf(schema, '');
}

/** Keys that every row of a kind has. Not every destination takes batches. */
export function commonKeys(kind: Kind): readonly string[] {
  return Object.keys(rowSchemas[kind].shape).filter((key) => kind !== 'destination' || key !== 'batch');
}

/** Options that every row of a kind has. */
export function commonOptions(kind: Kind): readonly OptionRow[] {
  const common = commonKeys(kind);
  return optionRows(inputSchema(rowSchemas[kind])).filter((row) => common.includes(topOf(row)));
}

/** Options beside those that every row of its kind has. `schema`: of a whole row. */
export function ownOptions(kind: Kind, schema: JsonSchema): readonly OptionRow[] {
  const common = commonKeys(kind);
  return optionRows(schema).filter((row) => !common.includes(topOf(row)));
}

/** The option at the top in which it is. */
function topOf({ name }: OptionRow): string {
  return name.split('.')[0] ?? '';
}

function rowsOf(schema: JsonSchema, prefix: string): readonly OptionRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]): readonly OptionRow[] => {
    if (typeof property === 'boolean' || key === 'use') return [];
    const name = prefix + key;
    const isRequired = schema.required?.includes(key) === true;
    const { description = '' } = property;
    const row = {
      ...{ name, type: typeOf(property), isRequired, otherwise: defaultOf(property), description },
      ...{ unit: unitsIn(property), isSecret: hasSecret(property) },
    };
    return [row, ...choicesOf(property).flatMap((choice) => innerRowsOf(choice, name))];
  });
}

/** Of a section, and of a map whose values can be sections. */
function innerRowsOf(schema: JsonSchema, name: string): readonly OptionRow[] {
  const { additionalProperties: values } = schema;
  const inMap = typeof values === 'object' ? choicesOf(values).flatMap((choice) => rowsOf(choice, `${name}.*.`)) : [];
  return [...rowsOf(schema, `${name}.`), ...inMap];
}

function defaultOf({ default: value }: JsonSchema): string | null {
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return null;
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

/** What may be written, each by itself; `${…}`, which may stand everywhere, is left out. */
export function choicesOf(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, oneOf } = schema;
  const choices = (anyOf ?? oneOf)?.filter((choice) => typeof choice === 'object' && !isVariable(choice)) as
    | readonly JsonSchema[]
    | undefined;
  return choices === undefined || isMarked(schema) ? [schema] : choices.flatMap(choicesOf);
}

function isVariable({ pattern }: JsonSchema): boolean {
  return pattern === withVariable.pattern;
}

function isMarked(schema: JsonSchema): boolean {
  return 'secret' in schema || 'expression' in schema || 'template' in schema;
}

function typeOf(schema: JsonSchema): string {
  return [...new Set(choicesOf(schema).map(typeOfChoice))].join(' or ');
}

/** Texts that have a number and a unit. */
export const units = [
  { word: 'duration', example: '5s', endings: 'ms, s, m, h or d' },
  { word: 'size', example: '1mb', endings: 'b, kb, mb or gb' },
  { word: 'rate', example: '10/s', endings: '/s, /m or /h' },
];

/** Of one that is no choice between several. */
export function typeOfChoice(schema: JsonSchema): string {
  const { type, const: fixed, enum: values, pattern, format, items, additionalProperties } = schema;
  if (schema.secret === true) return 'secret';
  if (Array.isArray(schema.expression)) return `expression of ${schema.expression.map(code).join(', ')}`;
  if (Array.isArray(schema.template))
    return `${type === 'string' ? 'text' : 'any value'} with \`\${{ }}\` of ${schema.template.map(code).join(', ')}`;
  if (fixed !== undefined) return code(JSON.stringify(fixed));
  if (values !== undefined) return values.map(code).join(', ');
  if (type === 'array')
    return `list of ${plural(typeof items === 'object' && !Array.isArray(items) ? typeOf(items) : 'any value')}`;
  if (type === 'object' && typeof additionalProperties === 'object') return `map to ${typeOf(additionalProperties)}`;
  if (type === 'object') return 'section';
  if (type === 'integer' || type === 'number') return numberOf(schema);
  if (type === 'boolean') return 'boolean';
  if (type !== 'string') return 'any value';
  return unitOf(pattern)?.word ?? (format === 'uri' ? 'URL' : 'text');
}

function unitOf(pattern: string | undefined) {
  const matches = (text: string) => pattern !== undefined && new RegExp(pattern).test(text);
  return units.find(({ example }) => matches(example) && !matches('a'));
}

function unitsIn(schema: JsonSchema): string | null {
  const found = choicesOf(schema).flatMap(({ type, pattern }) => (type === 'string' ? (unitOf(pattern) ?? []) : []));
  return found[0]?.endings ?? null;
}

/** Itself, in a list or in a map. */
function hasSecret(schema: JsonSchema): boolean {
  return choicesOf(schema).some(({ secret, items, additionalProperties }) => {
    const inner = [items, additionalProperties].filter((one) => typeof one === 'object' && !Array.isArray(one));
    return secret === true || inner.some((one) => hasSecret(one as JsonSchema));
  });
}

function plural(type: string): string {
  return type.replace(/^any value/, 'value').replace(/^(\w+)/, '$1s');
}

function numberOf({ type, minimum, maximum }: JsonSchema): string {
  const word = type === 'integer' ? 'integer' : 'number';
  // Of an integer without limits the schema says which ones JavaScript knows.
  const isLimited = maximum !== undefined && Math.abs(maximum) < Number.MAX_SAFE_INTEGER;
  if (isLimited) return `${word}, ${minimum} to ${maximum}`;
  return minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `${word}, from ${minimum}` : word;
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}
