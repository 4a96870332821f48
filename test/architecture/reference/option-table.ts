/** From a JSON Schema to a table of options. */
import type { JsonSchema } from '@switchhook/core/internal';

/** A table of the options of a schema; those of an inner section follow it, as `retry.first`. Empty where there is none. */
export function optionTable(schema: JsonSchema, without: readonly string[] = []): string {
  const rows = rowsOf(schema, '').filter(([name = '']) => !without.includes(name.split('.')[0] ?? ''));
  if (rows.length === 0) return '';
  return table(
    ['option', 'type', 'default', ''],
    rows.map(([name, ...cells]) => [code(name), ...cells]),
  );
}

/** A table in Markdown. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

export function code(value: unknown): string {
  return `\`${String(value)}\``;
}

/** Bars end a cell, and what looks like HTML disappears; in code it stays as it is. */
function cell(text: string): string {
  const escaped = text.replace(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found));
  return escaped.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
}

type Row = readonly [name: string, type: string, otherwise: string, description: string];

function rowsOf(schema: JsonSchema, prefix: string): readonly Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]): readonly Row[] => {
    if (typeof property === 'boolean' || key === 'use') return [];
    const name = prefix + key;
    const required = schema.required?.includes(key) === true;
    const row: Row = [name, typeOf(property), required ? 'required' : defaultOf(property), property.description ?? ''];
    return [row, ...choicesOf(property).flatMap((choice) => innerRowsOf(choice, name))];
  });
}

/** Of a section, and of a map whose values can be sections. */
function innerRowsOf(schema: JsonSchema, name: string): readonly Row[] {
  const { additionalProperties: values } = schema;
  const inMap = typeof values === 'object' ? choicesOf(values).flatMap((choice) => rowsOf(choice, `${name}.*.`)) : [];
  return [...rowsOf(schema, `${name}.`), ...inMap];
}

/** A longer default is told in the plugin's own words. */
const longestDefault = 60;

function defaultOf({ default: value }: JsonSchema): string {
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return '';
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return text.length > longestDefault ? 'see the package' : code(text);
}

/** What may be written. `${…}` may stand everywhere, which need not be said of each option. */
function choicesOf(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, oneOf } = schema;
  const choices = (anyOf ?? oneOf)?.filter((choice) => typeof choice === 'object' && !isVariable(choice)) as
    | readonly JsonSchema[]
    | undefined;
  return choices === undefined || isMarked(schema) ? [schema] : choices.flatMap(choicesOf);
}

function isVariable({ pattern }: JsonSchema): boolean {
  return pattern === '\\$\\{';
}

function isMarked(schema: JsonSchema): boolean {
  return 'secret' in schema || 'expression' in schema || 'template' in schema;
}

function typeOf(schema: JsonSchema): string {
  return [...new Set(choicesOf(schema).map(typeOfChoice))].join(' or ');
}

const units = [
  { word: 'duration', example: '5s' },
  { word: 'size', example: '1mb' },
  { word: 'rate', example: '10/s' },
];

function typeOfChoice(schema: JsonSchema): string {
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
  const unit = units.find(
    ({ example }) => pattern !== undefined && new RegExp(pattern).test(example) && !new RegExp(pattern).test('a'),
  );
  return unit?.word ?? (format === 'uri' ? 'URL' : 'text');
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
