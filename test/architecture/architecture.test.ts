import { expect } from 'chai';
import { documents, proseOf } from './documents.js';
import { documentedExports, openings } from './rules/comments.js';
import { imports } from './rules/imports.js';
import { lineRules } from './rules/lines.js';
import { fileNames, identifiers } from './rules/names.js';
import type { Rule } from './rules/rule.js';
import { fileSizes, packageSizes } from './rules/sizes.js';
import { honestTests } from './rules/tests.js';
import { words } from './rules/words.js';
import { filesIn, type SourceFile } from './source.js';

const sources = filesIn(['core', 'plugins'], /^(core|plugins)\/[^/]+\/src\/.*\.tsx?$/);
const tests = filesIn(
  ['test/unit', 'test/flow', 'test/browser', 'test/support', 'plugins'],
  /^(test|plugins\/[^/]+\/test)\/.*\.ts$/,
);

describe('The architecture', () => {
  keep(sources, [
    imports,
    ...lineRules,
    fileNames,
    identifiers,
    fileSizes,
    ...packageSizes,
    openings,
    documentedExports,
  ]);
});

describe('The words', () => {
  keep([...sources, ...documents().map((one) => ({ ...one, text: proseOf(one) }))], [words]);
});

describe('The tests', () => {
  keep(tests, [honestTests, fileNames, identifiers]);
});

/** Each rule is kept, and each of its strays is caught. */
function keep(files: readonly SourceFile[], rules: readonly Rule[]): void {
  for (const rule of rules) {
    it(rule.claim, () => {
      expect(rule.strays(files)).to.deep.equal([]);
    });

    it(`${rule.claim}: a stray is caught`, () => {
      const before = rule.strays(files);
      const isMissed = (stray: Rule['planted'][number]) =>
        rule.strays([...files, ...[stray].flat()]).every((found) => before.includes(found));
      expect(rule.planted).not.to.have.length(0);
      expect(rule.planted.filter(isMissed)).to.deep.equal([]);
    });
  }
}
