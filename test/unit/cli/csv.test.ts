import { csvRow } from '@switchhook/cli/internal';
import { expect } from 'chai';

describe('a row of CSV', () => {
  it('quotes what would break it, as RFC 4180 wants', () => {
    expect(csvRow(['plain', 'a,b', 'say "hi"', 'two\nlines', 'two\r\nlines', ' space ', ''])).to.equal(
      'plain,"a,b","say ""hi""","two\nlines","two\r\nlines"," space ",\r\n',
    );
  });

  it('has numbers as they are, nothing for null, and JSON for what has parts', () => {
    expect(csvRow([1.5, -3, true, null, undefined, ['a'], { b: 1 }])).to.equal(
      '1.5,-3,true,,,"[""a""]","{""b"":1}"\r\n',
    );
  });

  it('makes no text a formula of a spreadsheet', () => {
    for (const text of ['=1+1', '+1+cmd', '-2+3', '@SUM(A1)', '\t=1', ' =1', '|calc', '＝1', '\u0000=1', '\r=1'])
      expect(csvRow([text]).replaceAll('"', ''), JSON.stringify(text)).to.equal(`'${text}\r\n`);
    expect(csvRow(['=HYPERLINK("http://a","b")'])).to.equal('"\'=HYPERLINK(""http://a"",""b"")"\r\n');
  });

  it('leaves phone numbers and numbers as they are', () => {
    expect(csvRow(['+12345678912', '-3.5', 'a=b', 'me@example.com'])).to.equal(
      '+12345678912,-3.5,a=b,me@example.com\r\n',
    );
  });
});
