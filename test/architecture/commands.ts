/** The commands of documents: which there are, and whether the command line knows them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Block } from './documents.js';
import { repository } from './source.js';

export const binary = join(repository, 'core/cli/bin/switchhook.js');

/** What a command takes. */
export interface Help {
  /** Names of its subcommands. */
  readonly commands: readonly string[];
  readonly options: readonly string[];
}

/** The help of `switchhook`, or of one of its subcommands. */
export type HelpOf = (words: readonly string[]) => Promise<Help>;

const asked = new Map<string, Promise<Help>>();

/** Asks the command line itself, each command once. */
export const installedHelp: HelpOf = (words) => {
  const key = words.join(' ');
  const known = asked.get(key) ?? readHelp(words);
  asked.set(key, known);
  return known;
};

async function readHelp(words: readonly string[]): Promise<Help> {
  const { stdout } = await promisify(execFile)(process.execPath, [binary, ...words, '--help']);
  const [, commands = ''] = stdout.split(/^Commands:$/m);
  return {
    commands: [...(commands.split('\n\n')[0] ?? '').matchAll(/^ {2}(\w[\w-]*)/gm)].map(([, name = '']) => name),
    options: [...stdout.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)/gm)].flatMap(([, short = '', long = '']) => [
      short,
      long,
    ]),
  };
}

/** What a text asks of `switchhook` that the command line does not know. */
export async function unknownCommands(text: string, help: HelpOf = installedHelp): Promise<readonly string[]> {
  const calls = [...text.replaceAll(/\s*\\\n\s*/g, ' ').matchAll(/(?<![\w@/.-])switchhook((?: +[^\s|;&<>()`#]+)+)/g)];
  const unknown = await Promise.all(
    calls.map(async ([call, rest = '']) => ((await knows(rest.trim().split(/ +/), help)) ? [] : [call])),
  );
  return unknown.flat();
}

async function knows(words: readonly string[], help: HelpOf): Promise<boolean> {
  const verbs: string[] = [];
  let known = await help([]);
  for (const word of words) {
    if (!known.commands.includes(word)) break;
    verbs.push(word);
    known = await help(verbs);
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
