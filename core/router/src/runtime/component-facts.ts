/** Types of components with their options, as the API has them. */
import type { Component, Kind, Plugin } from '@switchhook/sdk';
import type { Installed } from '../api/configuration-responses.js';
import { inputSchema, rowSchema } from '../config/json-schema.js';
import { commonOptions, type OptionRow, optionRows, ownOptions } from '../config/option-rows.js';
import { rowSchemas } from '../config/row-schemas.js';

type ComponentType = Installed['types'][number];

/** `plugin`: what brings it; null = the router itself. */
export function typeOf(component: Component, plugin: Plugin | null, version: string | null): ComponentType {
  const { kind, type: use, description } = component;
  const own = plugin?.options === undefined ? [] : optionRows(inputSchema(plugin.options.schema));
  return {
    ...{ kind, use, plugin: plugin?.name ?? null, version, description },
    options: ownOptions(kind, inputSchema(rowSchema(component))).map(optionJson),
    pluginOptions: own.map(optionJson),
  };
}

/** Options that every row of a kind has, of each kind that has any. */
export function kindsWithOptions(): Installed['kinds'] {
  return (Object.keys(rowSchemas) as readonly Kind[])
    .map((kind) => ({ kind, options: commonOptions(kind).map(optionJson) }))
    .filter(({ options }) => options.length > 0);
}

function optionJson({ name, type, unit, isRequired, otherwise, isSecret, description }: OptionRow) {
  return { name, type, unit, required: isRequired, default: otherwise, secret: isSecret, description };
}
