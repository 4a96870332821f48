/** `switchhook completion`: the script by which a shell completes commands, options and names of the configuration. */
import type { Argument, Command, Option } from 'commander';
import type { Output } from '../output.js';
import { type CompletedCommand, scripts, type Values } from './completion-scripts.js';

/** A shell for which there is a script. */
export type Shell = keyof typeof scripts;

export async function runCompletion(output: Output, shell: Shell, _options: object, command: Command): Promise<void> {
  const program = command.parent ?? command;
  output.line(scripts[shell](program.commands.flatMap((each) => completed(each))).split('\n'));
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
  '--resolver': ['resolvers'],
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
