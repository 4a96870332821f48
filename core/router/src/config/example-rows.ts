/** Rows of a configuration as examples of a component: those of a README, or of a component's JSON Schema. */
import type { Kind } from '@switchhook/sdk';
import type { JsonSchema } from './json-schema.js';
import { choicesOf, typeOfChoice, units } from './option-rows.js';
import { sectionOf } from './row-schemas.js';

/** The first row of a type in the YAML blocks of a Markdown text, under the key of its section; null where there is none. */
export function exampleIn(markdown: string, kind: Kind, type: string): string | null {
  const blocks = [...markdown.matchAll(/^```yaml[^\n]*\n([\s\S]*?)^```/gm)].map(([, yaml = '']) => yaml);
  return blocks.map((yaml) => rowIn(yaml, sectionOf(kind), type)).find((row) => row !== null) ?? null;
}

function rowIn(yaml: string, section: string, type: string): string | null {
  const use = new RegExp(`\\buse: ["']?${type.replaceAll('.', '\\.')}["']?(?![\\w.-])`);
  const [whole = ''] = new RegExp(`^${section}:.*\\n(?:(?: .*)?\\n)*`, 'm').exec(`${yaml.trimEnd()}\n`) ?? [];
  const rows = section === 'store' ? [whole] : whole.split(/^(?= {2}[^\s#])/m);
  const row = rows.find((text) => use.test(text))?.trimEnd();
  return row === undefined || row.startsWith(section) ? (row ?? null) : `${section}:\n${row}`;
}

/** The options that must be set, with values of their types as they could be written. */
export function exampleOptions(schema: JsonSchema): Readonly<Record<string, unknown>> {
  const { properties = {}, required = [] } = schema;
  const needed = Object.entries(properties).filter(([key]) => key !== 'use' && required.includes(key));
  return Object.fromEntries(needed.map(([key, property]) => [key, exampleValue(property, key)]));
}

function exampleValue(schema: JsonSchema | boolean | undefined, name: string): unknown {
  const [choice = {}] = typeof schema === 'object' ? choicesOf(schema) : [];
  const { type, const: fixed, enum: values, examples, format, items, properties, minimum = 1 } = choice;
  const [variable = 'event'] = (choice.expression ?? choice.template ?? []) as readonly string[];
  const fact = `${variable}.${variable === 'call' ? 'from' : 'subject'}`;
  const [written = values?.[0]] = Array.isArray(examples) ? examples : [fixed];
  if (written !== undefined) return written;
  if (choice.secret === true) return `\${${name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}}`;
  if ('expression' in choice) return fact;
  if ('template' in choice) return `\${{ ${fact} }}`;
  if (type === 'array') return [exampleValue(Array.isArray(items) ? items[0] : items, name)];
  if (type === 'object' && properties !== undefined) return exampleOptions(choice);
  if (type === 'object') return { [name]: exampleValue(choice.additionalProperties, name) };
  if (type === 'integer' || type === 'number') return Math.max(minimum, 1);
  if (type === 'boolean') return true;
  if (format === 'uri') return 'https://example.com';
  return units.find(({ word }) => word === typeOfChoice(choice))?.example ?? '…';
}
