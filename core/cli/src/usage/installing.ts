/** Commands that prepare what a router needs: folders, plugins, webhooks, the shell. */
import { Argument, Command } from 'commander';
import { pluginKinds } from 'create-switchhook';
import type { Shell } from '../commands/completion.js';
import { documentedEvents } from '../commands/sigmamind-events.js';
import type { Output } from '../output.js';
import { collected, configCommand, configOption, httpUrlIn, whenRun } from './options.js';

export function schemaCommand(output: Output): Command {
  return new Command('schema')
    .description('Print the JSON Schema of the configuration, with exactly the installed components.')
    .addOption(configOption('plugins are looked for beside this file'))
    .option('-o, --output <file>', 'write it to a file')
    .option('--json', 'print JSON, which it does anyhow')
    .addHelpText(
      'after',
      `
Examples:
  switchhook schema --output config/switchhook.schema.json

An editor with the YAML language server uses it when the file begins with:
  # yaml-language-server: $schema=./switchhook.schema.json`,
    )
    .action(whenRun(output, async () => (await import('../commands/schema.js')).runSchema));
}

export function pluginsCommand(output: Output): Command {
  return configCommand('plugins', 'List the installed plugins and their components, or show the options of one.')
    .argument('[type]', 'a component, e.g. slack.message: shows its options and an example')
    .option(
      '--signatures',
      'verify the signatures of the registry for the plugins that npm has installed; imports none of them',
    )
    .option(
      '--registry <url>',
      'with --signatures: the registry to ask; default: the one that npm has installed from',
      httpUrlIn,
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook plugins
  switchhook plugins slack.message
  switchhook plugins --json
  switchhook plugins --signatures
  switchhook plugins --signatures --registry https://registry.npmjs.org

Exit code 1 with --signatures if a signature is invalid, if it is missing although the registry has keys, or if the registry cannot be asked.
Do not run a plugin whose signature is INVALID: npm uninstall it, and install it again from the registry.`,
    )
    .action(whenRun(output, async () => (await import('../commands/plugins.js')).runPlugins));
}

export function errorsCommand(output: Output): Command {
  return new Command('errors')
    .description('Show what each error code means, and what to do. Needs no router.')
    .argument('[code]', 'a code, e.g. UNVERIFIED')
    .option('--json', 'print JSON, for other programs')
    .addHelpText('after', '\nExamples:\n  switchhook errors\n  switchhook errors UNVERIFIED')
    .action(whenRun(output, async () => (await import('../commands/errors.js')).runErrors));
}

export function initCommand(output: Output): Command {
  return new Command('init')
    .description(
      'Make a folder with a router that is ready to run: configuration, plugin, test, systemd unit, Dockerfile.',
    )
    .argument('[directory]', 'where to make it; existing files are never overwritten', '.')
    .addHelpText('after', '\nExamples:\n  switchhook init my-router\n  npm create switchhook my-router')
    .action(whenRun(output, async () => (await import('../commands/new.js')).runInit));
}

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
    .action(whenRun(output, async () => (await import('../commands/new.js')).runNewPlugin));
  return new Command('new').description('Make the package of a plugin.').addCommand(plugin);
}

export function doctorCommand(output: Output): Command {
  const command = new Command('doctor').description('Find out why requests are refused.');
  const signature = command
    .command('signature')
    .description('Try one captured request with every installed source, and print the settings that accept it.')
    .requiredOption('--capture <file>', 'the request as it came: its first line, headers, an empty line, the body')
    .requiredOption('--secret <text>', 'the secret, token or public key; can be repeated', collected)
    .option('--url <url>', 'the URL that is entered at the sender, if a proxy changes it')
    .addOption(configOption('plugins are looked for beside this file'))
    .option('--json', 'print JSON, for other programs')
    .addHelpText(
      'after',
      `
Examples:
  switchhook doctor signature --capture request.http --secret "$WEBHOOK_SECRET"
  switchhook doctor signature --capture request.http --secret "$OLD" --secret "$NEW" --url https://hooks.example.com/hooks/calls`,
    )
    .action(whenRun(output, async () => (await import('../commands/doctor.js')).runDoctor));
  signature.exitOverride().showHelpAfterError();
  return command;
}

export function sigmamindCommand(output: Output): Command {
  const list = apiCommand('list', 'List the webhooks of the workspace, without their secrets.')
    .option('--agent <id>', 'only those of this agent')
    .option('--inactive', 'list those that are switched off instead of the others')
    .action(whenRun(output, async () => (await import('../commands/sigmamind.js')).runList));
  const create = apiCommand(
    'create',
    'Create a webhook of an agent, and write its secret where the configuration reads it.',
  )
    .requiredOption('--agent <id>', 'the agent whose conversations are sent')
    .option('--source <name>', 'the source that receives it; default: the only one with sigmamind.events')
    .option(
      '--url <url>',
      'where it is sent; default: server.publicUrl of the configuration, and the path of the source',
    )
    .option('--name <name>', 'its name; default: switchhook and the name of the source')
    .option('--event <type>', `a type to send; can be repeated; default: ${documentedEvents.join(', ')}`, collected)
    .option('--secret-to <place>', "a variable, or file:<path>; default: what the source's secrets refer to")
    .option('--replace', 'overwrite a secret that is in that place already')
    .option('--print-secret', 'print the secret instead of writing it')
    .action(whenRun(output, async () => (await import('../commands/sigmamind.js')).runCreate));
  const remove = apiCommand('delete', 'Delete a webhook. It cannot be undone.')
    .argument('<webhook>', 'its id, which list shows')
    .option('--dry-run', 'only show it')
    .option('--yes', 'do not ask for confirmation')
    .action(whenRun(output, async () => (await import('../commands/sigmamind.js')).runDelete));
  const webhooks = new Command('webhooks').description('List, create and delete the webhooks of agents.').addHelpText(
    'after',
    `
Examples:
  switchhook sigmamind webhooks list
  switchhook sigmamind webhooks create --agent agent_sales
  switchhook sigmamind webhooks create --agent agent_support --source agents --secret-to SUPPORT_SECRET
  switchhook sigmamind webhooks delete wh_1 --dry-run

The API key is read from SIGMAMIND_API_KEY, in the environment or in .env beside the configuration.`,
  );
  const command = new Command('sigmamind').description('Manage an account of SigmaMind.').addCommand(webhooks);
  for (const each of [list, create, remove]) webhooks.addCommand(each);
  for (const each of [webhooks, list, create, remove]) each.exitOverride().showHelpAfterError();
  return command;
}

function apiCommand(name: string, description: string): Command {
  return configCommand(name, description)
    .option('--api-key <key>', 'the key, or a reference to it as in a configuration', '${SIGMAMIND_API_KEY}')
    .option('--api-url <url>', 'the API', 'https://api.sigmamind.ai');
}

/** For which there are scripts. */
const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

export function completionCommand(output: Output): Command {
  return new Command('completion')
    .description('Print the script with which a shell completes commands, options and names.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText(
      'after',
      `
Examples:
  source <(switchhook completion bash)                                            in ~/.bashrc
  switchhook completion zsh > ~/.zfunc/_switchhook                                with fpath=(~/.zfunc $fpath) before compinit in ~/.zshrc
  switchhook completion fish > ~/.config/fish/completions/switchhook.fish

Names of destinations, resolvers, sources, routes and answers come from the file of --config, or else from config/switchhook.yaml or
switchhook.yaml, where each name begins a line of its own. The command must be found by the name switchhook: install it globally, or add
node_modules/.bin to PATH.`,
    )
    .action(whenRun(output, async () => (await import('../commands/completion.js')).runCompletion));
}
