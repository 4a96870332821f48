/** `switchhook completion`: the script by which a shell completes commands, options and names of the configuration. */
import { Argument, Command, type Option } from 'commander';
import type { Output } from '../output.js';
import { type CompletedCommand, scripts, type Values } from './completion-scripts.js';

export function completionCommand(output: Output): Command {
  return new Command('completion')
    .description('Print the script with which a shell completes commands, options and names.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
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
    .action((shell: keyof typeof scripts, _options: object, command: Command) => {
      const program = command.parent ?? command;
      output.line(scripts[shell](program.commands.flatMap((each) => completed(each))).split('\n'));
    });
}

/** A command and those below it, each with its path: `new plugin`. */
function completed(command: Command, above: readonly string[] = []): readonly CompletedCommand[] {
  const path = [...above, command.name()];
  const own = {
    path: path.join(' '),
    description: firstSentence(command.description()),
    subcommands: command.commands.map((each) => each.name()),
    options: [...command.options, ...command.createHelp().visibleOptions(command).slice(-1)].map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      description: firstSentence(option.description),
      values: option.required || option.optional ? valuesOf(option) : null,
    })),
    argument: argumentOf(path, command.registeredArguments[0]),
  };
  return [own, ...command.commands.flatMap((each) => completed(each, path))];
}

/** Rows of the configuration that options and arguments name. */
const sections: Readonly<Record<string, readonly string[]>> = {
  '--destination': ['destinations'],
  '--deliver': ['destinations'],
  '--source': ['sources'],
  '--route': ['routes'],
  '--answer': ['answers'],
  ...Object.fromEntries(['pause', 'resume', 'probe', 'reset'].map((verb) => [verb, ['destinations', 'resolvers']])),
};

function valuesOf({ long = '', flags, argChoices }: Option): Values {
  if (argChoices !== undefined) return { kind: 'choices', words: argChoices };
  return namedBy(long, flags);
}

function argumentOf(path: readonly string[], argument: Argument | undefined): Values | null {
  if (argument === undefined) return null;
  const choices = argument.argChoices;
  return choices === undefined ? namedBy(path.join(' '), argument.name()) : { kind: 'choices', words: choices };
}

function namedBy(key: string, placeholder: string): Values {
  const names = sections[key];
  if (names !== undefined) return { kind: 'names', sections: names };
  return { kind: /file|what|scenarios|directory/.test(placeholder) ? 'files' : 'unknown' };
}

function firstSentence(text: string): string {
  return text.split(/[.:;] /)[0]?.replace(/\.$/, '') ?? '';
}
