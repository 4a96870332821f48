/** Comments: dense at the door, one sentence at the head of each file. */
import { posix } from 'node:path';
import type { SourceFile } from '../source.js';
import type { Rule } from './rule.js';

export const openings: Rule = {
  claim: 'every file opens with a sentence that says what lives there',
  strays: (files) => files.filter(({ text }) => !/^\/\*\*\s[\s\S]*?[.?!:]\s*\*\//.test(text)).map(({ path }) => path),
  planted: [
    { path: 'core/src/http/stray.ts', text: "import Koa from 'koa';\n" },
    { path: 'core/src/http/stray.ts', text: '/** */\nexport const one = 1;\n' },
  ],
};

const doors = ['core/src/index.ts', 'core/src/plugin.ts', 'core/src/testkit.ts'];

export const documentedExports: Rule = {
  claim: 'every export of the contract and of the three doors is documented',
  strays: (files) => {
    const fromDoors = doors.flatMap((door) => exportedThrough(door, files));
    const fromContract = files
      .filter(({ path }) => path.startsWith('core/src/contract/'))
      .flatMap((file) => declarationsIn(file).map((name) => ({ file, name })));
    return [...fromDoors, ...fromContract]
      .filter(({ file, name }) => !isDocumented(file, name))
      .map(({ file, name }) => `${file.path} ${name}`);
  },
  planted: [
    { path: 'core/src/contract/stray.ts', text: 'export interface Undocumented {}\n' },
    { path: 'core/src/plugin.ts', text: 'export function definePlugin() {}\n' },
    { path: 'core/src/testkit/world.ts', text: '\nexport function anEvent() {}\n' },
  ],
};

interface Export {
  readonly file: SourceFile;
  readonly name: string;
}

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:interface|type|class|function|const|enum) (\w+)/gm;

function declarationsIn({ text }: SourceFile): readonly string[] {
  return [...text.matchAll(declaration)].map(([, name = '']) => name);
}

function isDocumented({ text }: SourceFile, name: string): boolean {
  return new RegExp(`\\*/\\nexport [a-z ]*\\b${name}\\b`).test(text);
}

/** What a door declares itself, and what it takes from our files. */
function exportedThrough(door: string, files: readonly SourceFile[]): readonly Export[] {
  // The last one of a path: what a test plants replaces what is there.
  const file = files.findLast(({ path }) => path === door);
  if (file === undefined) return [];
  const taken = [...file.text.matchAll(/^export (?:type )?(\*|\{[^}]*\}) from '(\.[^']+)'/gm)].flatMap(
    ([, names = '', from = '']) => {
      const path = posix.join(posix.dirname(door), from).replace(/\.js$/, '.ts');
      const source = files.findLast((one) => one.path === path);
      if (source === undefined) return [];
      const all =
        names === '*' ? declarationsIn(source) : [...names.matchAll(/(\w+)(?= *[,}\n])/g)].map(([name]) => name);
      return all.map((name) => ({ file: source, name }));
    },
  );
  return [...declarationsIn(file).map((name) => ({ file, name })), ...taken];
}
