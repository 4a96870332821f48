import {
  fitting,
  type JsonValue,
  parseJson,
  readJsonObject,
  refuse,
  stringifyJson,
  textAt,
  valueAt,
} from '@switchhook/sdk';
import { expect } from 'chai';
import fc from 'fast-check';

describe('JSON', () => {
  const lossless: readonly (readonly [text: string, value: JsonValue, written?: string])[] = [
    ['8202522731445525542', 8202522731445525542n],
    ['-9007199254740993', -9007199254740993n],
    ['[9007199254740993,9007199254740992,9007199254740991]', [9007199254740993n, 9007199254740992n, 9007199254740991]],
    [
      '{"a":{"b":[8202522731445525543]},"c":"8202522731445525543"}',
      { a: { b: [8202522731445525543n] }, c: '8202522731445525543' },
    ],
    ['1e400', '1e400', '"1e400"'],
    [
      '{"a": 8202522731445525543, "b": [\n  -1e400 ]}',
      { a: 8202522731445525543n, b: ['-1e400'] },
      '{"a":8202522731445525543,"b":["-1e400"]}',
    ],
    ['{"a":-1E+999}', { a: '-1E+999' }, '{"a":"-1E+999"}'],
    ['{"a":1,"a":8202522731445525543}', { a: 8202522731445525543n }, '{"a":8202522731445525543}'],
    [
      '[1234567890123456.5,1e3,1.5e10]',
      [1234567890123456.5, 1000, 15000000000],
      '[1234567890123456.5,1000,15000000000]',
    ],
    ['\uFEFF{"a":8202522731445525543}', { a: 8202522731445525543n }, '{"a":8202522731445525543}'],
  ];
  for (const [text, value, written = text] of lossless)
    it(`keeps the digits of ${text}`, () => {
      expect(parseJson(text)).to.deep.equal(value);
      expect(stringifyJson(parseJson(text))).to.equal(written);
    });

  it('is read and written as by JSON.parse and JSON.stringify where no integer is large', () => {
    fc.assert(
      fc.property(
        fc.json().filter((text) => !/\d{16}/.test(text)),
        (text) => {
          const value = JSON.parse(text);
          expect(parseJson(text)).to.deep.equal(value);
          expect(stringifyJson(parseJson(text))).to.equal(JSON.stringify(value));
        },
      ),
    );
  });

  it('is read and written without loss, whatever integers it has', () => {
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: 'small' },
        fc.bigInt(),
        fc.string(),
        fc.array(tie('json')),
        fc.dictionary(fc.string(), tie('json')),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => {
        const text = stringifyJson(value);
        expect(stringifyJson(parseJson(text))).to.equal(text);
      }),
    );
  });

  it('is refused as JSON.parse refuses it', () => {
    for (const text of ['', '[8202522731445525542', '{"a":08202522731445525542}', '8202522731445525542.'])
      expect(() => parseJson(text), text).to.throw(SyntaxError);
  });

  it('that is missing is called empty, also where there are blanks', () => {
    for (const text of ['', ' \r\n\t', '\uFEFF']) {
      expect(() => parseJson(text)).to.throw(SyntaxError, 'the text is empty');
      expect(() => readJsonObject(Buffer.from(text))).to.throw('the body is empty');
    }
    expect(() => readJsonObject(Buffer.from('{'))).to.throw('the body is not JSON');
    expect(() => readJsonObject(Buffer.from([0xff]))).to.throw('the body is not UTF-8');
  });

  it('of a value that contains itself is not written', () => {
    const circle: Record<string, unknown> = { n: 1n };
    circle.self = circle;
    expect(() => stringifyJson(circle)).to.throw(Error);
  });

  it('that is large and nested too deeply is refused before it is parsed: that takes hundreds of milliseconds', () => {
    const deep = `{"text":"[[\\"[[","deep":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    const flat = `{"text":"${'[\\"'.repeat(30_000)}","lists":[${'[],'.repeat(30_000)}[]]}`;
    const { parse } = JSON;
    let parsed = 0;
    JSON.parse = (...given) => {
      parsed += 1;
      return parse(...given);
    };
    try {
      expect(() => readJsonObject(Buffer.from(deep))).to.throw('nested deeper than 64 levels');
      expect(parsed).to.equal(0);
      expect(readJsonObject(Buffer.from(flat)).lists).to.have.length(30_001);
    } finally {
      JSON.parse = parse;
    }
  });

  it('nested too deeply is refused, with large numbers and without', () => {
    for (const number of ['1', '8202522731445525542'])
      for (const depth of [100, 100_000])
        expect(() => readJsonObject(Buffer.from(`{"a":${'['.repeat(depth)}${number}${']'.repeat(depth)}}`))).to.throw(
          refuse('MALFORMED', '').constructor as ErrorConstructor,
          'nested deeper than 64 levels',
        );
  });

  it('with `__proto__` beside a large number changes no object', () => {
    const body = Buffer.from('{"n":8202522731445525542,"a":{"__proto__":{"b":1}},"constructor":{"prototype":{}}}');
    const read = readJsonObject(body, { harmful: 'drop' });
    expect(read).to.deep.equal({ n: 8202522731445525542n, a: {} });
    expect('b' in (read.a as object)).to.equal(false);
  });
});

describe('a value at a path of a body', () => {
  const data = {
    call: { id: 'call_1', n: 7, big: 8202522731445525543n, empty: '', none: null, list: ['a'] },
    'a.b': 1,
  };

  it('is found, whatever it is', () => {
    expect(valueAt(data, 'call.n')).to.equal(7);
    expect(valueAt(data, 'call')).to.equal(data.call);
    expect(valueAt(data, 'call.none')).to.equal(null);
    for (const path of ['call.other', 'call.id.length', 'call.list.0', 'call.none.x', 'toString', 'a.b', ''])
      expect(valueAt(data, path), path).to.equal(undefined);
  });

  it('is read as text where it is a text or a number', () => {
    expect(textAt(data, 'call.id', 64)).to.equal('call_1');
    expect(textAt(data, 'call.n', 64)).to.equal('7');
    expect(textAt(data, 'call.big', 64)).to.equal('8202522731445525543');
    for (const path of ['call.empty', 'call.none', 'call.list', 'call', 'call.other'])
      expect(textAt(data, path, 64), path).to.equal(null);
  });

  it('is cut to its limit and cleaned, and differs where the texts differ', () => {
    const long = textAt({ id: 'x'.repeat(600) }, 'id', 512);
    expect(long)
      .to.have.length(512)
      .and.not.equal(textAt({ id: 'x'.repeat(601) }, 'id', 512));
    expect(fitting('a\u0000b', 64)).to.match(/^a\uFFFDb~[\da-f]{32}$/);
    expect(fitting('a\u0000b', 64)).not.to.equal(fitting('a\u0001b', 64));
    expect([fitting('short', 64), fitting(null, 64)]).to.deep.equal(['short', null]);
  });
});
