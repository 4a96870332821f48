import { expect } from 'chai';
import { firstRow, isName, isOneRead, parametersIn, quoted, quotedTable, tableNameOf } from '../src/sql.js';

describe('SQL of the plugin', () => {
  it('quotes an identifier so that it stays one, whatever is in it', () => {
    expect(quoted('events')).to.equal('"events"');
    expect(quoted('we"ird; drop table x; --')).to.equal('"we""ird; drop table x; --"');
    expect(quoted('Ereignis 😀')).to.equal('"Ereignis 😀"');
  });

  it('reads a table with and without its schema, and dots in double quotes', () => {
    expect(tableNameOf('events')).to.deep.equal({ schema: null, name: 'events' });
    expect(tableNameOf('analytics.Events')).to.deep.equal({ schema: 'analytics', name: 'Events' });
    expect(tableNameOf('"a.b"."c""d"')).to.deep.equal({ schema: 'a.b', name: 'c"d' });
    expect(quotedTable({ schema: 'a.b', name: 'c"d' })).to.equal('"a.b"."c""d"');
  });

  it('takes nothing else for a table', () => {
    for (const text of ['', '.', 'a.', '.b', 'a.b.c', 'a"b', '"a', '""', 'x'.repeat(64), `a.${'é'.repeat(32)}`, 'a\0b'])
      expect(tableNameOf(text), text).to.equal(null);
  });

  it('counts the 63 bytes of a name, not its characters', () => {
    expect(isName('é'.repeat(31))).to.equal(true);
    expect(isName('é'.repeat(32))).to.equal(false);
  });

  it('finds the parameters of a query, and only those', () => {
    expect(parametersIn('select 1')).to.deep.equal([]);
    expect(parametersIn('select * from t where b = $2 and a = $1 or a = $1::text')).to.deep.equal([1, 2]);
    expect(
      parametersIn(`select '$1', 'it''s $2', e'\\'$3', "$4", $$ $5 $$, $tag$ $6 $tag$ -- $7
        /* $8 */ from price$9 where a = $10`),
    ).to.deep.equal([10]);
  });

  it('knows one query that reads from anything else', () => {
    for (const query of [
      'select 1',
      '\n  SELECT 1;\n',
      "select';'",
      'select 1;; -- the end;',
      'select 1; /* the; end */',
      'with a as (select 1) select * from a',
      'values (1)',
      'table customers',
      '(select 1) union (select 2)',
      '-- delete nothing;\n/* nor /* insert; */ anything */ select 1',
      "select 'a; b', e'\\';', \"c;d\", $$;$$",
    ])
      expect(isOneRead(query), query).to.equal(true);
    for (const query of [
      '',
      ';',
      '-- select 1',
      'delete from customers where phone = $1',
      '/* select */ UPDATE customers set tier = null',
      'insert into t values (1) returning *',
      'selection from t',
      'explain select 1',
      'select 1; select 2',
      "select 1; 'a'",
      'select 1; -- and\ndrop table customers',
    ])
      expect(isOneRead(query), query).to.equal(false);
  });

  it('asks for the first row only, also where the query ends in a semicolon or a comment', () => {
    for (const end of [';\n', '; /* all; */', ';; -- all'])
      expect(firstRow(`select a from t${end}`)).to.equal('select * from (\nselect a from t\n) as found limit 1');
    expect(firstRow("select ';'")).to.contain("select ';'\n");
    expect(firstRow('select a from t -- all')).to.match(/all\n\) as found limit 1$/);
  });
});
