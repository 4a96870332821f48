import { type Column, drawTable, fitTable, wrapped } from '@switchhook/cli/internal';
import { expect } from 'chai';

const columns: readonly Column[] = [
  { heading: 'died' },
  { heading: 'destination', cut: 10 },
  { heading: 'route', cut: 6, drop: 1 },
  { heading: 'attempts', drop: 2 },
  { heading: 'failure', cut: 12 },
  { heading: 'id', below: true },
];
const id = '01890a5d-ac96-774b-bcce-b302099a8057.0';
const row = ['09:31:05 (2h ago)', 'warehouse-of-calls', 'calls-that-ended', '10', `status 500: ${'x'.repeat(80)}`, id];

/** Characters of a row between its rules. */
function widthOf(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + [...cell].length + 3, 1);
}

describe('a table on a terminal', () => {
  for (const available of [60, 80, 120, 200])
    it(`fits ${available} columns, and shows the id in full`, () => {
      const { headings, rows, below } = fitTable(columns, [row], available);
      expect(widthOf(rows[0] ?? [])).to.be.at.most(available);
      expect(rows[0]).to.have.length(headings.length);
      expect([...(rows[0] ?? []), ...below]).to.include(id);
    });

  it('stays whole where there is room', () => {
    const fitted = fitTable(columns, [row], 400);
    expect(fitted.rows).to.deep.equal([row]);
    expect([fitted.below, fitted.dropped]).to.deep.equal([[], []]);
  });

  it('cuts first, then moves the id below its row, then leaves columns out in their order', () => {
    const cut = fitTable(columns, [row], 140);
    expect([cut.below, cut.dropped]).to.deep.equal([[], []]);
    expect(cut.rows[0]?.[4]).to.match(/^status 500: x+…$/);
    const moved = fitTable(columns, [row], 80);
    expect([moved.below, moved.dropped]).to.deep.equal([[id], []]);
    const narrow = fitTable(columns, [row], 50);
    expect([narrow.below, narrow.dropped]).to.deep.equal([[id], ['route', 'attempts']]);
    expect(narrow.headings).to.deep.equal(['died', 'destination', 'failure']);
  });

  it('is drawn with each line as wide as the others, its colours as they were given', () => {
    const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;
    const red = '\u001b[31mdead\u001b[39m';
    const fitted = fitTable(
      [{ heading: 'a' }, { heading: 'id', below: true }],
      [
        [red, id],
        ['漢字', id],
      ],
      42,
    );
    const lines = drawTable(fitted, (part, text) => (part === 'below' ? dim(text) : text));
    expect(lines).to.deep.equal([
      `┌${'─'.repeat(40)}┐`,
      `│ a${' '.repeat(38)}│`,
      `├${'─'.repeat(40)}┤`,
      `│ ${red}${' '.repeat(35)}│`,
      `│ ${dim(id)} │`,
      `│ 漢字${' '.repeat(35)}│`,
      `│ ${dim(id)} │`,
      `└${'─'.repeat(40)}┘`,
    ]);
  });

  it('counts wide characters as two and colours as none, and ends a colour that it cuts', () => {
    const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
    const [cells] = fitTable([{ heading: 'a', cut: 5 }], [[red('漢字漢字漢字')]], 9).rows;
    expect(cells).to.deep.equal([red('漢字…')]);
    expect(fitTable(['a'], [[red('漢字')]], 8).rows).to.deep.equal([[red('漢字')]]);
  });

  it('fits also where nothing more can be left out, and cuts what is below a row', () => {
    const fixed: readonly Column[] = [{ heading: 'subject', below: true }, { heading: 'a' }, { heading: 'b' }];
    const { rows, below } = fitTable(fixed, [['s'.repeat(90), 'a'.repeat(40), 'b'.repeat(40)]], 60);
    expect(widthOf(rows[0] ?? [])).to.equal(60);
    expect(below).to.deep.equal([`${'s'.repeat(55)}…`]);
  });
});

describe('a line on a terminal', () => {
  it('is broken between words, with the rest indented, and keeps its colours', () => {
    const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
    expect(wrapped('  one two  three four', 12)).to.deep.equal(['  one two', '    three', '    four']);
    expect(wrapped(`${red('one')} ${red('two')}`, 7)).to.deep.equal([`${red('one')} ${red('two')}`]);
    expect(wrapped(red('one two'), 5)).to.deep.equal(['\u001b[31mone', '  two\u001b[39m']);
    expect(wrapped(red('  one two'), 7)).to.deep.equal(['\u001b[31m  one', '    two\u001b[39m']);
    expect(wrapped('', 10)).to.deep.equal(['']);
  });

  it('keeps a word that is longer than the line, so that it can be copied', () => {
    const url = `https://example.com/${'x'.repeat(30)}`;
    expect(wrapped(`see ${url} there`, 20)).to.deep.equal(['see', `  ${url}`, '  there']);
  });
});
