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

/** A part of the core and how much it may hold. Over it, ask first which room is missing, or which file tells two stories. */
interface Budget {
  readonly part: string;
  /** Whether a path of the core is part of it. */
  readonly holds: (path: string) => boolean;
  readonly files: number;
  readonly lines: number;
}

const isTool = (path: string): boolean => /^core\/src\/(cli|crashtest|simulation)\//.test(path);
const isTestkit = (path: string): boolean => path.startsWith('core/src/testkit/');

const budgets: readonly Budget[] = [
  {
    part: 'the router',
    holds: (path) => path.startsWith('core/src/') && !isTool(path) && !isTestkit(path),
    files: 130,
    lines: 12_600,
  },
  { part: 'the command line, with what it rehearses,', holds: isTool, files: 60, lines: 5_000 },
  { part: 'the testkit', holds: isTestkit, files: 20, lines: 2_200 },
];

export const roomSizes: readonly Rule[] = budgets.map(({ part, holds, files: mostFiles, lines: mostLines }) => ({
  claim: `${part} has at most ${mostFiles} files and ${mostLines} lines`,
  strays: (all) => {
    const files = all.filter(({ path }) => holds(path));
    const lines = files.reduce((sum, file) => sum + linesOf(file), 0);
    return [
      ...(files.length > mostFiles ? [`${part} has ${files.length} files`] : []),
      ...(lines > mostLines ? [`${part} has ${lines} lines`] : []),
    ];
  },
  planted: ['core/src/store/', 'core/src/cli/', 'core/src/testkit/']
    .filter(holds)
    .flatMap((folder) => [
      Array.from({ length: mostFiles + 1 }, (_, index) => ({ path: `${folder}stray-${index}.ts`, text: '' })),
      { path: `${folder}stray.ts`, text: 'line\n'.repeat(mostLines + 1) },
    ]),
}));

function linesOf({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}
