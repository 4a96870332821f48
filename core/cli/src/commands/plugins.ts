/** `switchhook plugins`: which plugins are installed, and what they bring. */

import { catalogFor } from '@switchhook/core/internal';
import type { Command } from 'commander';
import { type ConfigOptions, configCommand } from '../local-router.js';
import { type Output, printJson, printTable } from '../output.js';

export function pluginsCommand(output: Output): Command {
  return configCommand('plugins', 'List the installed plugins and their components.')
    .addHelpText('after', '\nExamples:\n  switchhook plugins\n  switchhook plugins --json')
    .action(async (options: ConfigOptions) => {
      const all = await (await catalogFor(options.config)).all();
      const plugins = all.flatMap((loaded) => ('plugin' in loaded ? [loaded] : []));
      const broken = all.flatMap((loaded) => ('plugin' in loaded ? [] : [loaded]));
      const components = plugins.flatMap(({ plugin, version }) =>
        plugin.components.map(({ kind, type, description }) => ({
          kind,
          use: type,
          plugin: plugin.name,
          version,
          description,
        })),
      );
      if (options.json) return printJson(output, { components, broken });
      const rows = components.map(({ kind, use, plugin, version, description }) => [
        kind,
        use,
        `${plugin} ${version ?? ''}`.trim(),
        description,
      ]);
      printTable(output, ['kind', 'use', 'plugin', 'what it does'], rows);
      for (const { code, message } of broken) output.note(`${code}: ${message}`);
    });
}
