/** How large things are. */
import type { SourceFile } from '../source.js';
import type { Rule } from './rule.js';

const longestFile = 300;

export const fileSizes: Rule = {
  claim: `no file is longer than ${longestFile} lines`,
  strays: (files) =>
    files.filter((file) => linesOf(file) > longestFile).map((file) => `${file.path} has ${linesOf(file)}`),
  planted: [{ path: 'core/src/store/stray.ts', text: 'line\n'.repeat(longestFile + 1) }],
};

/** A part of the repository and how much it may hold. Over it, ask first which room is missing, or which file tells two stories. */
interface Budget {
  readonly part: string;
  readonly folder: string;
  readonly without?: string;
  readonly files: number;
  readonly lines: number;
}

const budgets: readonly Budget[] = [
  {
    part: 'the core, without its testkit,',
    folder: 'core/src/',
    without: 'core/src/testkit/',
    files: 140,
    lines: 13_000,
  },
  { part: 'the testkit', folder: 'core/src/testkit/', files: 20, lines: 2_200 },
];

export const roomSizes: readonly Rule[] = budgets.map(
  ({ part, folder, without, files: mostFiles, lines: mostLines }) => ({
    claim: `${part} has at most ${mostFiles} files and ${mostLines} lines`,
    strays: (all) => {
      const files = all.filter(
        ({ path }) => path.startsWith(folder) && (without === undefined || !path.startsWith(without)),
      );
      const lines = files.reduce((sum, file) => sum + linesOf(file), 0);
      return [
        ...(files.length > mostFiles ? [`${part} has ${files.length} files`] : []),
        ...(lines > mostLines ? [`${part} has ${lines} lines`] : []),
      ];
    },
    planted: [
      Array.from({ length: mostFiles + 1 }, (_, index) => ({ path: `${folder}stray-${index}.ts`, text: '' })),
      { path: `${folder}stray.ts`, text: 'line\n'.repeat(mostLines + 1) },
    ],
  }),
);

function linesOf({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}
