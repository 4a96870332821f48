import { ERRORS } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import { filesIn, only, type SourceFile } from './source.js';

interface Documented {
  readonly code: string;
  /** What stands below the heading. */
  readonly text: string;
}

/** The sections of a document whose heading is a code. */
function sectionsOf(document: string): readonly Documented[] {
  return document.split(/^### /m).flatMap((section) => {
    const [, code = '', text = ''] = /^([A-Z][A-Z\d_]+)\n([\s\S]*)/.exec(section) ?? [];
    return code === '' ? [] : [{ code, text }];
  });
}

/** What of the table and the document does not belong together. */
function differences(
  table: Readonly<Record<string, { status?: number; sentence: string }>>,
  document: string,
): readonly string[] {
  const sections = sectionsOf(document);
  const codes = sections.map(({ code }) => code);
  return [
    ...Object.keys(table)
      .filter((code) => !codes.includes(code))
      .map((code) => `${code} has no heading`),
    ...codes.filter((code, index) => codes.indexOf(code) !== index).map((code) => `${code} has two headings`),
    ...sections.flatMap(({ code, text }) => {
      const row = table[code];
      if (row === undefined) return [`${code} is no code`];
      const first = `${row.status === undefined ? '' : `**${row.status}** `}${row.sentence}`;
      return text.startsWith(`\n${first}\n\n`) ? [] : [`${code} does not begin with: ${first}`];
    }),
  ];
}

/** Codes that nothing in these files can give. */
function unused(codes: readonly string[], files: readonly SourceFile[]): readonly string[] {
  const text = files.map((file) => only(['code', 'string'], file.text)).join('\n');
  return codes.filter((code) => !new RegExp(`(?<!\\w)${code}(?!\\w)`).test(text));
}

describe('Error codes', () => {
  const [page] = filesIn(['docs'], /^docs\/errors\.md$/);
  const document = page?.text ?? '';
  const sources = filesIn(['core', 'plugins'], /^(core|plugins)\/[^/]+\/src\/(?!errors\/codes\.ts$).*\.ts$/);

  it('have one heading each, with their status and their sentence', () => {
    expect(differences(ERRORS, document)).to.deep.equal([]);
  });

  it('are all in use', () => {
    expect(unused(Object.keys(ERRORS), sources)).to.deep.equal([]);
  });

  it('are caught when the table and the page differ', () => {
    const stray = { ...ERRORS, STRAY: { sentence: 'Nobody knows.' } };
    expect(differences(stray, document)).to.deep.equal(['STRAY has no heading']);
    expect(differences(ERRORS, `${document}\n### STRAY\n\nNobody knows.\n`)).to.deep.equal(['STRAY is no code']);
    expect(differences(ERRORS, `${document}\n### UNUSED\n\nThis row is not used.\n\n`)).to.deep.equal([
      'UNUSED has two headings',
    ]);
    expect(differences(ERRORS, document.replace('**401** The request', '**403** The request'))).to.deep.equal([
      'UNVERIFIED does not begin with: **401** The request is not proven to come from the sender.',
    ]);
  });

  it('are caught when nothing uses them', () => {
    expect(unused(['STRAY', 'UNUSED'], sources)).to.deep.equal(['STRAY']);
  });
});
