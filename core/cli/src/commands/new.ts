/** `switchhook init` and `switchhook new plugin`: make folders that are ready to run. */
import { Command } from 'commander';
import {
  createPluginFolder,
  createRouterFolder,
  type PluginKind,
  pluginKinds,
  TemplateRefusal,
} from 'create-switchhook';
import { CommandFailure, exitCodes, type Output } from '../output.js';

export function initCommand(output: Output): Command {
  return new Command('init')
    .description(
      'Make a folder with a router that is ready to run: configuration, plugin, test, systemd unit, Dockerfile.',
    )
    .argument('[directory]', 'where to make it; existing files are never overwritten', '.')
    .addHelpText('after', '\nExamples:\n  switchhook init my-router\n  npm create switchhook my-router')
    .action(async (directory: string) => output.line(await orRefusal(createRouterFolder(directory))));
}

type NewOptions = Readonly<Partial<Record<PluginKind, true>>>;

export function newCommand(output: Output): Command {
  const plugin = new Command('plugin')
    .description(
      'Make the package of a plugin in TypeScript: components, tests with the suites of the testkit, README.',
    )
    .argument(
      '<name>',
      'name of the package, e.g. acme-crm or @acme/crm; the types of its components begin with the last word',
    )
    .argument(
      '[directory]',
      'where to make it; existing files are never overwritten. Default: a directory of that name',
    );
  for (const kind of pluginKinds) plugin.option(`--${kind}`, `with a ${kind}`);
  plugin
    .addHelpText(
      'after',
      `
Examples:
  switchhook new plugin acme-crm --destination --resolver
  switchhook new plugin @acme/helpdesk plugins/helpdesk --source

Without an option for a kind, the plugin has a destination.`,
    )
    .action(async (name: string, directory: string | undefined, options: NewOptions) => {
      const chosen = pluginKinds.filter((kind) => options[kind]);
      const kinds: readonly PluginKind[] = chosen.length === 0 ? ['destination'] : chosen;
      output.line(await orRefusal(createPluginFolder(name, kinds, directory)));
    });
  return new Command('new').description('Make the package of a plugin.').addCommand(plugin);
}

/** Ends the command where nothing was written. */
async function orRefusal<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (error instanceof TemplateRefusal) throw new CommandFailure(exitCodes.failed, error.message);
    throw error;
  }
}
