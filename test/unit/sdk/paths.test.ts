import { type Paths, paths, timeZone, type z } from '@switchhook/sdk';
import { expect } from 'chai';

const leadsTo = (written: readonly string[], ...keys: readonly (string | number)[]): boolean =>
  keys.reduce<Paths | null>((left, key) => left?.at(key) ?? null, paths('Fields.').parse(written))?.ends ?? false;
const problemsOf = (schema: z.ZodType, written: unknown) =>
  schema.safeParse(written).error?.issues.map(({ path, message }) => [...path, message].join(' '));

describe('paths', () => {
  it('lead to fields by their names, to items by their index, and to all of them by a star', () => {
    expect(leadsTo(['analysis.summary'], 'analysis', 'summary')).to.equal(true);
    expect(leadsTo(['analysis.summary'], 'analysis')).to.equal(false);
    expect(leadsTo(['analysis.summary'], 'analysis', 'summary', 'more')).to.equal(false);
    expect(leadsTo(['turns.*.text'], 'turns', 7, 'text')).to.equal(true);
    expect(leadsTo(['turns.0.text'], 'turns', 0, 'text')).to.equal(true);
    expect(leadsTo(['turns.0.text'], 'turns', 1, 'text')).to.equal(false);
    expect(leadsTo(['"a.b"."*".größe'], 'a.b', '*', 'größe')).to.equal(true);
    expect(leadsTo(['"*"'], 'other')).to.equal(false);
  });

  it('are followed together, those with a star beside those with a name', () => {
    const all = ['a.b', '*.c', 'a.*.d'];
    expect(leadsTo(all, 'a', 'b')).to.equal(true);
    expect(leadsTo(all, 'a', 'c')).to.equal(true);
    expect(leadsTo(all, 'x', 'c')).to.equal(true);
    expect(leadsTo(all, 'a', 'b', 'd')).to.equal(true);
    expect(leadsTo(all, 'x', 'b')).to.equal(false);
    expect(leadsTo(all, 'constructor', 'c')).to.equal(true);
    expect(leadsTo(['a'], '')).to.equal(false);
  });

  it('are refused where they would lead nowhere, each at its place', () => {
    const expected = 'expected a path such as analysis.summary or turns.*.text, with other names in quotes';
    for (const wrong of ['', '.a', 'a.', 'a..b', 'turns[*].text', 'turns[].text', 'a b', '**', '$.a.', '"a'])
      expect(problemsOf(paths('Fields.'), ['a', wrong]), wrong).to.deep.equal([`1 ${expected}`]);
    expect(problemsOf(paths('Fields.'), ['event.data.a'])).to.deep.equal(['0 paths begin below event.data: remove it']);
    expect(problemsOf(paths('Fields.'), [])).to.have.length(1);
  });
});

describe('a time zone', () => {
  it('is one of the IANA database; what is none is reported with the one that is probably meant', () => {
    const zone = timeZone('Where the office is.');
    expect(zone.parse('Europe/Berlin')).to.equal('Europe/Berlin');
    for (const [wrong, hint] of [
      ['Europe/Berlim', 'did you mean "Europe/Berlin"?'],
      ['new york', 'did you mean "America/New_York"?'],
      ['UTC+2', 'did you mean "Etc/GMT-2"?'],
      ['Nowhere/X', 'write it like "Europe/Berlin"'],
    ])
      expect(problemsOf(zone, wrong)).to.deep.equal([`there is no time zone "${wrong}"; ${hint}`]);
  });
});
