/** The configuration as a JSON Schema: for editors, and for the list of valid keys. */

import type { Component, Kind, Plugin } from '@switchhook/sdk';
import { z } from 'zod';
import type { Path } from './problem.js';
import { namePattern, rowSchemaOf, rowSchemas, sectionDescriptions, sections } from './row-schemas.js';
import {
  alertsSchema,
  answerSchema,
  countrySchema,
  logSchema,
  pluginRow,
  pluginsSchema,
  routeSchema,
  serverSchema,
  versionSchema,
} from './schema.js';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A plugin, and the name by which the file has it. */
export interface NamedPlugin {
  readonly from: string;
  readonly plugin: Plugin;
}

/** JSON Schema (2020-12) of a configuration that uses exactly these components, and plugins with options of their own. */
export function configurationSchema(
  components: readonly Component[],
  plugins: readonly NamedPlugin[] = [],
): JsonSchema {
  const rowOf = (kind: Kind) => {
    const byType = new Map(components.filter((each) => each.kind === kind).map((each) => [each.type, rowSchema(each)]));
    const [first, ...others] = byType.values();
    return first === undefined ? rowSchemas[kind].loose() : z.discriminatedUnion('use', [first, ...others]);
  };
  const sectionOf = (name: keyof typeof sections) =>
    z.record(z.string().regex(namePattern), rowOf(sections[name])).meta({ description: sectionDescriptions[name] });
  const whole = z.strictObject({
    version: versionSchema,
    server: serverSchema.optional(),
    log: logSchema.optional(),
    alerts: alertsSchema.optional(),
    country: countrySchema.optional(),
    store: rowOf('store')
      .optional()
      .meta({ description: 'Where events and deliveries are kept. Default: `use: sqlite`.' }),
    plugins: z.array(pluginRowSchema(plugins)).optional().meta({ description: pluginsSchema.description }),
    sources: sectionOf('sources'),
    destinations: sectionOf('destinations').optional(),
    resolvers: sectionOf('resolvers').optional(),
    transforms: sectionOf('transforms').optional(),
    routes: z
      .array(routeSchema)
      .optional()
      .meta({ description: 'An event is delivered by every route that matches it.' }),
    answers: z
      .array(answerSchema([]))
      .optional()
      .meta({ description: 'The first answer that matches a call is used.' }),
  });
  return {
    ...inputSchema(whole),
    title: 'Switchhook configuration',
    // Keys that begin with x- are free: a place for anchors.
    patternProperties: { '^x-': {} },
  };
}

/** The schema of what is written, not of what becomes of it. Wherever a text is not taken anyhow, one with `${…}` is. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema, path }) => path.at(-1) !== 'propertyNames' && allowVariables(jsonSchema),
  });
}

/** The schemas of what a path leads to; several where there is a choice. */
export function schemasAt(root: JsonSchema, path: Path): readonly JsonSchema[] {
  return path.reduce<readonly JsonSchema[]>(
    (schemas, step) => schemas.flatMap((schema) => choicesOf(root, inner(schema, step))),
    choicesOf(root, root),
  );
}

/** The options of plugins that have none are not known, nor are those of plugins that are not installed. */
function pluginRowSchema(plugins: readonly NamedPlugin[]): z.ZodType {
  const { use, acceptApi } = pluginRow.shape;
  const known = plugins.flatMap(({ from, plugin: { options } }) => {
    if (options === undefined) return [];
    const isRequired = inputSchema(options.schema).required !== undefined;
    const own = isRequired ? options.schema : options.schema.optional();
    return [z.strictObject({ use: z.literal(from), options: own, acceptApi })];
  });
  if (known.length === 0) return z.union([z.string().min(1), pluginRow]);
  const names = known.map(({ shape }) => shape.use.value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const others = use.regex(new RegExp(`^(?!(?:${names.join('|')})$)`)).meta({ description: use.description });
  return z.union([z.string().min(1), ...known, pluginRow.extend({ use: others })]);
}

/** All keys of a row that names the component. */
export function rowSchema(component: Component): z.ZodObject {
  const { use: _, ...common } = commonShape(component);
  const use = z.literal(component.type).meta({ description: component.description });
  return z.strictObject({ use, ...common, ...component.options.shape }).meta({ description: component.description });
}

function commonShape(component: Component) {
  const { kind, batches = false } = component;
  const shape: z.ZodRawShape = rowSchemaOf(component).shape;
  if (kind !== 'destination' || batches) return shape;
  const { batch: _, ...others } = shape;
  return others;
}

/** Of a text with a variable, which may stand in place of a number, for example. */
export const withVariable: JsonSchema = { type: 'string', pattern: '\\$\\{' };

function allowVariables(schema: z.core.JSONSchema.BaseSchema): void {
  const { description, default: otherwise, ...rule } = schema;
  const isText = rule.type === 'string' && !('pattern' in rule || 'format' in rule || 'enum' in rule);
  const isSimple = ['string', 'number', 'integer', 'boolean'].includes(String(rule.type));
  if (!isSimple || isText || 'const' in rule) return;
  for (const key of Object.keys(rule)) delete schema[key];
  schema.anyOf = [rule, withVariable];
}

/** Whether a value with these schemas may be any text, and not only a number, a unit such as `5s`, or one of a few words. */
export function takesText(schemas: readonly JsonSchema[]): boolean {
  return schemas.length === 0 || schemas.some(isAnyText);
}

function isAnyText({ type, pattern, ...rest }: JsonSchema): boolean {
  if (['enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref'].some((key) => key in rest)) return false;
  const isUnit = pattern === withVariable.pattern || pattern?.startsWith('^(') === true;
  return type === undefined || (type === 'string' && !isUnit);
}

function inner(schema: JsonSchema, step: string | number): unknown {
  if (typeof step === 'number') return schema.items;
  return schema.properties?.[step] ?? schema.additionalProperties;
}

function choicesOf(root: JsonSchema, schema: unknown): readonly JsonSchema[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { anyOf = [], oneOf = [], allOf = [], $ref } = schema as JsonSchema;
  const target = $ref === undefined ? undefined : root.$defs?.[$ref.replace('#/$defs/', '')];
  return [schema as JsonSchema, ...[...anyOf, ...oneOf, ...allOf, target].flatMap((each) => choicesOf(root, each))];
}
