/** How large things are. */
import type { SourceFile } from '../source.js';
import type { Rule } from './rule.js';

const longestFile = 300;

export const fileSizes: Rule = {
  claim: `no file is longer than ${longestFile} lines`,
  strays: (files) =>
    files.filter((file) => linesOf(file) > longestFile).map((file) => `${file.path} has ${linesOf(file)}`),
  planted: [{ path: 'core/router/src/delivery/stray.ts', text: 'line\n'.repeat(longestFile + 1) }],
};

/** A package of the core and how much it may hold. Above it, look first for what is written twice, or for a missing module. */
interface Budget {
  readonly folder: string;
  readonly files: number;
  readonly lines: number;
}

const budgets: readonly Budget[] = [
  { folder: 'core/sdk/', files: 50, lines: 5_100 },
  { folder: 'core/router/', files: 239, lines: 29_550 },
  { folder: 'core/testkit/', files: 32, lines: 4_900 },
  { folder: 'core/simulator/', files: 29, lines: 2_800 },
  { folder: 'core/cli/', files: 101, lines: 11_300 },
  { folder: 'core/dashboard/', files: 78, lines: 8_450 },
  { folder: 'core/create/', files: 8, lines: 500 },
];

export const packageSizes: readonly Rule[] = budgets.map(({ folder, files: mostFiles, lines: mostLines }) => ({
  claim: `${folder} has at most ${mostFiles} files and ${mostLines} lines`,
  strays: (all) => {
    const files = all.filter(({ path }) => path.startsWith(folder));
    const lines = files.reduce((sum, file) => sum + linesOf(file), 0);
    return [
      ...(files.length > mostFiles ? [`${folder} has ${files.length} files`] : []),
      ...(lines > mostLines ? [`${folder} has ${lines} lines`] : []),
    ];
  },
  planted: [
    Array.from({ length: mostFiles + 1 }, (_, index) => ({ path: `${folder}src/stray-${index}.ts`, text: '' })),
    { path: `${folder}src/stray.ts`, text: 'line\n'.repeat(mostLines + 1) },
  ],
}));

function linesOf({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}
