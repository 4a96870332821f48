/** The commands of documents: which there are, and whether the command line knows them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from '@switchhook/cli/internal';
import type { Command } from 'commander';
import type { Block } from './documents.js';
import { repository } from './source.js';

/** What a command takes. */
export interface Help {
  /** Names of its subcommands. */
  readonly commands: readonly string[];
  readonly options: readonly string[];
}

/** The help of `switchhook`, or of one of its subcommands. */
export type HelpOf = (words: readonly string[]) => Help;

/** What the command line itself says. */
export const installedHelp: HelpOf = (words) => {
  const command = words.reduce<Command | undefined>(
    (at, word) => at?.commands.find((known) => known.name() === word),
    program,
  );
  if (!command) throw new Error(`there is no command ${words.join(' ')}`);
  return {
    commands: command.commands.map((known) => known.name()),
    options: [...command.options, { short: '-h', long: '--help' }]
      .flatMap(({ short, long }) => [short ?? [], long ?? []])
      .flat(),
  };
};

/** What a text asks of `switchhook` that the command line does not know. */
export function unknownCommands(text: string, help: HelpOf = installedHelp): readonly string[] {
  const calls = [...text.replaceAll(/\s*\\\n\s*/g, ' ').matchAll(/(?<![\w@/.-])switchhook((?: +[^\s|;&<>()`#]+)+)/g)];
  return calls.filter(([, rest = '']) => !knows(rest.trim().split(/ +/), help)).map(([call]) => call);
}

function knows(words: readonly string[], help: HelpOf): boolean {
  const verbs: string[] = [];
  let known = help([]);
  for (const word of words) {
    if (!known.commands.includes(word)) break;
    verbs.push(word);
    known = help(verbs);
  }
  const options = words.flatMap((word) => /^-{1,2}[a-z][\w-]*/.exec(word) ?? []);
  return (verbs.length > 0 || options.length > 0) && options.every((option) => known.options.includes(option));
}

const manifest: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
);

/** Scripts that a block runs and the repository does not have. */
export function unknownScripts({ code }: Pick<Block, 'code'>): readonly string[] {
  return [...code.matchAll(/\bnpm (?:run )?(test|start|(?<=run )[\w:-]+)/g)]
    .filter(([, script = '']) => !(script in manifest.scripts))
    .map(([call]) => call);
}
