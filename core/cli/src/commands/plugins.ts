/** `switchhook plugins`: which plugins are installed, which components they have, and how a component is configured. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exampleIn,
  exampleOptions,
  inputSchema,
  type LoadedPlugin,
  optionRows,
  packageDirectory,
  provenanceOf,
  sectionOf,
} from '@switchhook/core/internal';
import type { Component, Plugin } from '@switchhook/sdk';
import { didYouMean } from '@switchhook/sdk/internal';
import type { ConfigOptions } from '../configuration.js';
import { printOptions } from '../format/options.js';
import { catalogOf } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';
import type { Column } from '../table.js';
import { runSignatures, type SignatureOptions } from './plugin-signatures.js';

const componentColumns: readonly Column[] = [
  { heading: 'kind' },
  { heading: 'use' },
  { heading: 'plugin', drop: 2 },
  { heading: 'from', cut: 8, drop: 1 },
  { heading: 'what it does', cut: 15 },
];
/** A component and the plugin that brings it. */
interface Entry {
  readonly component: Component;
  readonly loaded: LoadedPlugin;
  readonly isListed: boolean;
}

interface PluginsOptions extends SignatureOptions {
  readonly signatures?: true;
}

export async function runPlugins(output: Output, type: string | undefined, options: PluginsOptions): Promise<void> {
  if (type !== undefined && options.signatures)
    throw new CommandFailure(exitCodes.usage, '--signatures is about all plugins: leave out the component');
  if (options.registry !== undefined && !options.signatures)
    throw new CommandFailure(exitCodes.usage, '--registry belongs to --signatures');
  if (options.signatures) return runSignatures(output, options);
  const catalog = await catalogOf(options);
  const [usable, unlisted] = [await catalog.all(), await catalog.unlisted()];
  const broken = [...usable, ...unlisted].flatMap((loaded) => ('plugin' in loaded ? [] : [loaded]));
  const entries = [...entriesOf(usable, true), ...entriesOf(unlisted, false)];
  if (type !== undefined) return show(type, entries, options, output);
  const components = entries.filter(({ isListed }) => isListed).map(summary);
  const others = unlisted.flatMap((loaded) => ('plugin' in loaded ? [loaded] : []));
  if (options.json)
    return printJson(output, {
      components,
      broken,
      unlisted: others.map((loaded) => {
        const { from, version, plugin } = loaded;
        return {
          plugin: from,
          version,
          provenance: provenanceOf(loaded),
          components: plugin.components.map(({ kind, type: use }) => ({ kind, use })),
        };
      }),
    });
  const rows = components.map(({ kind, use, plugin, version, provenance, description }) => [
    kind,
    use,
    `${plugin} ${version ?? ''}`.trim(),
    provenance.source,
    description,
  ]);
  printTable(output, componentColumns, rows);
  for (const { from, plugin } of others) {
    const types = plugin.components.map(({ type: use }) => use).join(', ');
    output.note(`${from} is installed, but plugins does not name it: add "${from}" to use ${types}`);
  }
  for (const { code, message } of broken) output.note(`${code}: ${message}`);
}

function entriesOf(all: readonly (LoadedPlugin | object)[], isListed: boolean): readonly Entry[] {
  return all.flatMap((loaded) =>
    'plugin' in loaded ? loaded.plugin.components.map((component) => ({ component, loaded, isListed })) : [],
  );
}

function summary({ component: { kind, type, description }, loaded }: Entry) {
  const { plugin, version } = loaded;
  return { kind, use: type, plugin: plugin.name, version, provenance: provenanceOf(loaded), description };
}

/** Components of several kinds may have one type. */
function show(type: string, entries: readonly Entry[], { json }: ConfigOptions, output: Output): void {
  const found = entries.filter(({ component }) => component.type === type);
  if (found.length === 0) {
    const types = entries.map(({ component }) => component.type);
    throw new CommandFailure(exitCodes.usage, `no installed plugin has ${type}${didYouMean(type, types)}`);
  }
  if (json) {
    printJson(
      output,
      found.map((entry) => ({ ...summary(entry), ...schemasOf(entry), example: exampleRow(entry) })),
    );
    return;
  }
  for (const [index, entry] of found.entries()) {
    const { kind, use, plugin, version, provenance, description } = summary(entry);
    const { options, pluginOptions } = schemasOf(entry);
    if (index > 0) output.line();
    output.line(`${styled(output, 'bold', `${kind} ${use}`)}, ${`${plugin} ${version ?? ''}`.trim()}: ${description}`);
    printOptions(optionRows(options), output);
    if (pluginOptions !== null) {
      output.line(['', `Options of the plugin itself, in its row of plugins:`]);
      printOptions(optionRows(pluginOptions), output);
    }
    output.line(['', ...exampleRow(entry)]);
    if (kind === 'destination' || kind === 'resolver')
      output.note(
        `Every ${kind} has further options, such as timeout and concurrency: docs/configuration.md#${sectionOf(kind)}`,
      );
    const { resolved, integrity } = provenance;
    if (resolved !== null) output.note(`Installed from ${resolved}${integrity === null ? '' : `, ${integrity}`}`);
    if (!entry.isListed) output.note(`plugins does not name ${entry.loaded.from} yet: add it, as in the example.`);
  }
}

function schemasOf({ component, loaded: { plugin } }: Entry) {
  const { options: own = null } = plugin;
  return { options: inputSchema(component.options), pluginOptions: own === null ? null : inputSchema(own.schema) };
}

/** Lines of a configuration that use the component. */
function exampleRow({ component: { kind, type, options }, loaded: { plugin, from, path } }: Entry): readonly string[] {
  const own = isFound(from) ? exampleIn(readmeOf(path), kind, type) : null;
  if (own !== null) return own.split('\n');
  const indented = kind === 'store' ? '  ' : '    ';
  const row = [`${indented}use: ${type}`, ...optionLines(options, indented)];
  return [
    ...pluginRow(plugin, from),
    `${sectionOf(kind)}:`,
    ...(kind === 'store' ? row : [`  ${type.split('.').at(-1)}:`, ...row]),
  ];
}

/** Of the list of plugins, where the plugin needs one. */
function pluginRow({ options }: Plugin, from: string): readonly string[] {
  const lines = options === undefined ? [] : optionLines(options.schema, '      ');
  if (lines.length > 0) return ['plugins:', `  - use: ${JSON.stringify(from)}`, '    options:', ...lines];
  return isFound(from) ? [] : ['plugins:', `  - ${JSON.stringify(from)}`];
}

/** The options that must be set. JSON is YAML. */
function optionLines(options: Component['options'], indented: string): readonly string[] {
  return Object.entries(exampleOptions(inputSchema(options))).map(
    ([name, value]) => `${indented}${name}: ${JSON.stringify(value)}`,
  );
}

/** Whether the plugin needs no row of `plugins:`. */
function isFound(from: string): boolean {
  return from.startsWith('@switchhook/plugin-');
}

function readmeOf(path: string): string {
  const file = join(packageDirectory(path), 'README.md');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
