import { expect } from 'chai';
import { checked, smallest } from './setup.js';

/** The line and column of the only problem of a text. */
async function placeOf(yaml: string, environment = {}): Promise<string> {
  const result = await checked(yaml, environment);
  if (result.kind === 'config') throw new Error('nothing is wrong');
  expect(result.problems.map(({ message }) => message)).to.have.length(1);
  return result.problems.map(({ line, column }) => `${line}:${column}`).join(' ');
}

/** Where the text `typo` stands. Every test writes it once. */
function placeOfTypo(yaml: string): string {
  const before = yaml.slice(0, yaml.indexOf('typo'));
  const lines = before.split('\n');
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

const withWhere = (where: string) => smallest.replace('- { to: out }', () => `- to: out\n    where: ${where}`);
const withBody = (body: string) =>
  smallest.replace('{ use: log }', `\n    use: http.post\n    url: https://x\n    body: ${body}`);

describe('the place of a mistake in an expression', () => {
  const conditions: readonly (readonly [string, string])[] = [
    ['a plain text', 'event.agent == "a" && event.typo == "b"'],
    ['a plain text over lines', 'event.agent == "a"\n      && event.type == "c"\n      && event.typo == "b"'],
    ['a plain text with empty lines', 'event.agent == "a"\n\n\n      && event.typo == "b"'],
    ['double quotes', '"event.agent == \'a\' && event.typo == 1"'],
    ['double quotes with escapes', '"event.agent == \\"\\u0041\\x41\\n\\" && event.typo == 1"'.replace('\\n', '\\\\n')],
    ['double quotes with wide characters', '"event.agent == \\"\\U0001F44D👍\\" && event.typo == 1"'],
    ['double quotes over lines', '"event.agent == 1\n      && event.typo == 2"'],
    ['double quotes with escaped line ends', '"event.agent == 1 && \\\n      event.typo == 2"'],
    ['single quotes', '\'event.agent == "a" && event.typo == 1\''],
    ['single quotes with quotes', "'event.agent == ''it'' && event.typo == 1'"],
    ['single quotes over lines', "'event.agent == 1\n\n      && event.typo == 2'"],
    ['a literal block', '|\n      event.agent == "a"\n      && event.typo == "b"'],
    ['a literal block that is indented further', '|\n      event.agent == "a"\n          && event.typo == "b"'],
    ['a literal block with a header', '|2-\n      event.agent == "a"\n\n      && event.typo == "b"'],
    ['a literal block with a comment', '|- # the condition\n      event.agent == "a" && event.typo == "b"'],
    ['a folded block', '>\n      event.agent == "a"\n      && event.typo == "b"'],
    ['a folded block with empty lines', '>-\n      event.agent == "a"\n\n\n      && event.typo == "b"'],
    [
      'a folded block that is indented further',
      '>-\n      event.agent == "a"\n        && event.type == "c"\n      && event.typo == "b"',
    ],
    ['an anchored text', '&condition event.agent == "a" && event.typo == "b"'],
  ];
  for (const [name, where] of conditions)
    it(`is found in ${name}`, async () => {
      const yaml = withWhere(where);
      expect(await placeOf(yaml)).to.equal(placeOfTypo(yaml));
    });

  const bodies: readonly (readonly [string, string])[] = [
    ['a text', 'Call ${{ event.typo }} ended'],
    ['a later expression', '"${{ event.type }}: ${{   event.typo }} ended"'],
    ['a list', '[1, { a: "x ${{ event.typo }}" }]'],
    ['a block', '|\n      Call ${{ event.type }}\n\n      by ${{ event.typo }}\n      ended'],
    ['several lines of an expression', '|\n      Call ${{ event.type +\n        event.typo }}'],
  ];
  for (const [name, body] of bodies)
    it(`is found in a template: ${name}`, async () => {
      const yaml = withBody(body);
      expect(await placeOf(yaml)).to.equal(placeOfTypo(yaml));
    });

  it('is found with the line ends of Windows', async () => {
    const yaml = withWhere('|\n      event.agent == "a"\n      && event.typo == "b"');
    expect(await placeOf(yaml.replaceAll('\n', '\r\n'))).to.equal(placeOfTypo(yaml));
  });

  it('is found behind variables', async () => {
    const yaml = withWhere('event.agent == "${A}${B:-b}" && event.typo == "$${C}"');
    expect(await placeOf(yaml, { A: 'a much longer text' })).to.equal(placeOfTypo(yaml));
  });

  it('is the variable, where the mistake came out of it', async () => {
    const yaml = withWhere('event.type == "a" && ${typo}');
    expect(await placeOf(yaml, { typo: 'event.typ == 1' })).to.equal(placeOfTypo(yaml.replace('${typo', 'typo')));
  });

  it('is where the text is written, not where an alias repeats it', async () => {
    const yaml = `x-text: &text "\${{ event.typo }}"\n${withBody('*text')}`;
    expect(await placeOf(yaml)).to.equal(placeOfTypo(yaml));
  });

  it('is found in a merged map', async () => {
    const yaml = `x-row: &row { use: http.post, url: "https://\${{ event.typo }}" }\n${smallest.replace('{ use: log }', '{ <<: *row, timeout: 3s }')}`;
    expect(await placeOf(yaml)).to.equal(placeOfTypo(yaml));
  });

  it('is the end of the text, where something is missing there', async () => {
    expect(await placeOf(withWhere('event.type =='))).to.equal('8:25');
    expect(await placeOf(withWhere('"event.type =="'))).to.equal('8:26');
  });
});
