/** Comments: dense in the contract, one sentence at the head of each file. */
import { posix } from 'node:path';
import type { SourceFile } from '../source.js';
import type { Rule } from './rule.js';

export const openings: Rule = {
  claim: 'every file opens with a sentence that says what lives there',
  strays: (files) => files.filter(({ text }) => !/^\/\*\*\s[\s\S]*?[.?!:]\s*\*\//.test(text)).map(({ path }) => path),
  planted: [
    { path: 'core/router/src/http/stray.ts', text: "import Koa from 'koa';\n" },
    { path: 'core/router/src/http/stray.ts', text: '/** */\nexport const one = 1;\n' },
  ],
};

const entries = ['sdk/src/index.ts', 'sdk/src/thread.ts', 'router/src/index.ts', 'testkit/src/index.ts'].map(
  (file) => `core/${file}`,
);

export const documentedExports: Rule = {
  claim: 'every export of the contract and of the three package entries is documented',
  strays: (files) => {
    const fromEntries = entries.flatMap((entry) => exportedThrough(entry, files));
    const fromContract = files
      .filter(({ path }) => path.startsWith('core/sdk/src/contract/'))
      .flatMap((file) => declarationsIn(file).map((name) => ({ file, name })));
    return [...fromEntries, ...fromContract]
      .filter(({ file, name }) => !isDocumented(file, name))
      .map(({ file, name }) => `${file.path} ${name}`);
  },
  planted: [
    { path: 'core/sdk/src/contract/stray.ts', text: 'export interface Undocumented {}\n' },
    { path: 'core/sdk/src/index.ts', text: 'export function definePlugin() {}\n' },
    { path: 'core/testkit/src/fixtures.ts', text: '\nexport function anEvent() {}\n' },
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
  return new RegExp(`\\*/\\nexport [a-z {]*\\b${name}\\b`).test(text);
}

/** What a package entry declares itself, and what it takes from our files. */
function exportedThrough(entry: string, files: readonly SourceFile[]): readonly Export[] {
  // The last one of a path: what a test plants replaces what is there.
  const file = files.findLast(({ path }) => path === entry);
  if (file === undefined) return [];
  const taken = [...file.text.matchAll(/^export (?:type )?(\*|\{[^}]*\}) from '(\.[^']+)'/gm)].flatMap(
    ([, names = '', from = '']) => {
      const path = posix.join(posix.dirname(entry), from).replace(/\.js$/, '.ts');
      const source = files.findLast((one) => one.path === path);
      if (source === undefined) return [];
      const all =
        names === '*' ? declarationsIn(source) : [...names.matchAll(/(\w+)(?= *[,}\n])/g)].map(([name]) => name);
      return all.map((name) => ({ file: source, name }));
    },
  );
  return [...declarationsIn(file).map((name) => ({ file, name })), ...taken];
}
