import plugin from '@switchhook/plugin-mask';
import { type JsonObject, type JsonValue, stringifyJson, z } from '@switchhook/sdk';
import { anEvent, createComponent, fakeServices, transformSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzing } from '../../../test/support/fuzzing.js';

const [component] = plugin.components;
const services = fakeServices();
const make = (options: JsonObject = {}) => createComponent('transform', component, options, services);
const masked = (data: JsonObject, options: JsonObject = {}): JsonObject =>
  make(options).apply(anEvent({ data }))?.data ?? {};
const usual = make();
const maskedText = (text: string): JsonValue | undefined => usual.apply(anEvent({ data: { text } }))?.data.text;

transformSuite('mask', () => make({ names: ['duration'], paths: ['x_details.*'] }));

describe('mask finds phone numbers', () => {
  it('with and without plus, with the signs between their digits', () => {
    for (const number of [
      '+12025550143',
      '+1 (202) 555-0143',
      '(202) 555-0143',
      '202.555.0143',
      '2025550143',
      '00493012345678',
      '+49 30 1234567',
      '01 23 45 67 89',
      '555‑0143',
      '＋４９３０１２３４５６７',
      '+49\u00a030\u200b1234567',
    ])
      expect(maskedText(`Call ${number}, please`), number).to.equal('Call [phone], please');
    expect(maskedText('sip:+12025550143@gateway')).to.equal('sip:[phone]@gateway');
    expect(maskedText('2025550143x12, 2025550143\n+442071234567')).to.equal('[phone]x12, [phone]\n[phone]');
    expect(maskedText('conv_12 2025550143 12a')).to.equal('conv_12 [phone] 12a');
    expect(maskedText('电话13800138000。')).to.equal('电话[phone]。');
  });

  it('and no dates, times, ids and fractions', () => {
    for (const text of [
      '2026-01-31 12:30',
      '2026-01-31T12:30:59.123456Z',
      '31.01.2026, 1/31/2026',
      '01890a5d-ac96-774b-bcce-b302099a8057',
      '12345678-1234-1234-1234-123456789012',
      'conv_12345678901',
      'SM12345678 12345678abc',
      'conv_123-456-7890 12-3456-7890a',
      '52.5200066, -0.1234567',
      '123456',
      '1,234,567 of 12:34:56',
      '12345678901234567',
    ])
      expect(maskedText(text)).to.equal(text);
  });

  it('with as few digits as configured, and more where there is a plus', () => {
    expect(masked({ a: '12345678, +12345678' }, { phoneDigits: 9 })).to.deep.equal({ a: '12345678, [phone]' });
    expect(masked({ a: '12345' }, { phoneDigits: 5 })).to.deep.equal({ a: '[phone]' });
    expect(masked({ a: '+12025550143' }, { phones: false })).to.deep.equal({ a: '+12025550143' });
  });
});

describe('mask finds e-mail addresses', () => {
  it('in texts, addresses and queries', () => {
    for (const [text, expected] of [
      ['Write to jane.o-neil+x@mail.acme.co.uk.', 'Write to [email].'],
      ['"Jane" <jane@acme.com>, joe@acme.com', '"Jane" <[email]>, [email]'],
      ['mailto:jane@acme.com?subject=x', 'mailto:[email]?subject=x'],
      ['?mail=jane%40acme.com&x=1', '?mail=[email]&x=1'],
      ['jörg@müller.de', '[email]'],
      ["o'brien@acme.com", '[email]'],
      ['sip:+12025550143@gateway.example.com', 'sip:[email]'],
      ['a@b.c@d.e', '[email]'],
    ])
      expect(maskedText(text ?? ''), text).to.equal(expected);
  });

  it('and nothing without a name or a domain', () => {
    for (const text of ['@jane', 'jane@', 'jane@acme', 'a @ b.c', '@.', '@'.repeat(9)])
      expect(maskedText(text)).to.equal(text);
    expect(masked({ a: 'jane@acme.com' }, { emails: false })).to.deep.equal({ a: 'jane@acme.com' });
  });
});

/** A card number: any digits with the check digit behind them. */
const card = fc
  .tuple(
    fc.constantFrom('2', '3', '4', '5', '6', '8', '9'),
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 12, maxLength: 17 }),
  )
  .map(([first, rest]) => {
    const digits = `${first}${rest}`;
    const sum = [...digits].reverse().reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
    return `${digits}${(10 - (sum % 10)) % 10}`;
  });

describe('mask finds addresses of recordings', () => {
  const recordings = (data: JsonObject): JsonObject | undefined => masked(data, { recordings: true });

  it('by the name of their field, and by their ending', () => {
    const url = 'https://cdn.x.test/1';
    expect(
      recordings({
        ...{
          recordingUrl: url,
          stereo_recording_url: `${url}?a=1`,
          recordings: [{ mono: url, ms: 5 }],
          note: 'recording',
        },
        ...{ text: `listen: ${url}.MP3, or ${url}.wav?sig=2`, page: url, audio: 's3://bucket/a.ogg' },
      }),
    ).to.deep.equal({
      ...{
        recordingUrl: '[recording]',
        stereo_recording_url: '[recording]',
        recordings: [{ mono: '[recording]', ms: 5 }],
      },
      ...{ note: 'recording', text: 'listen: [recording], or [recording]', page: url, audio: '[recording]' },
    });
  });

  it('only if that is set', () => {
    const data = { recordingUrl: 'https://cdn.x.test/1.wav' };
    expect(masked(data, {})).to.deep.equal(data);
  });
});

describe('mask finds card numbers', () => {
  const cardsOnly = make({ phones: false, emails: false });
  const shown = (text: string) => cardsOnly.apply(anEvent({ data: { text } }))?.data.text;

  it('by their check digit, as texts and as numbers', () => {
    for (const number of [
      '4242424242424242',
      '4242 4242 4242 4242',
      '4242, 4242, 4242, 4242',
      '3782-822463-10005',
      '４２４２ 4242-4242.4242',
    ])
      expect(shown(`no ${number}.`), number).to.equal('no [card].');
    expect(shown('4242424242424241 and 0000000000000000 and 1767225600000')).to.match(/^4242.* and 0000.* and 1767/);
    expect(
      masked({ a: 4242424242424242, b: 6212345678901265n, c: 6011000990139424001n, d: -4242424242424242 }),
    ).to.deep.equal({
      a: '[card]',
      b: '[card]',
      c: 6011000990139424001n,
      d: -4242424242424242,
    });
    expect(masked({ a: 4242424242424242 }, { cards: false })).to.deep.equal({ a: 4242424242424242 });
  });

  it('and the digits behind them, an expiry date for example, only where these could belong to them', () => {
    expect(shown('4242 4242 4242 4242, exp 12/28, code 123')).to.equal('[card], exp 12/28, code 123');
  });

  it('leaving no run of their digits, however they are grouped, wherever they are', () => {
    const gap = fc.constantFrom('', ' ', '-', '. ', '/', ', ', '\u00a0', '–');
    const around = fc.string().map((text) => text.replace(/[\d０-９]/g, ''));
    fc.assert(
      fc.property(
        card,
        fc.array(gap, { minLength: 19, maxLength: 19 }),
        around,
        around,
        (digits, gaps, before, after) => {
          const written = [...digits].map((digit, index) => (index === 0 ? digit : `${gaps[index]}${digit}`)).join('');
          const text = `${before}|${written}|${after}`;
          for (const transform of [cardsOnly, usual]) {
            const data = { text, list: [{ [text]: text }], number: BigInt(digits) };
            expect(stringifyJson(transform.apply(anEvent({ data }))?.data)).not.to.match(/\d{2}|\d[^|]{1,3}\d/);
          }
        },
      ),
      fuzzing(1_000),
    );
  });
});

describe('mask', () => {
  it('masks named fields wherever they are, and paths, whatever is in them', () => {
    const data = { SSN: 7, a: { ssn: { b: 1 }, c: [{ d: true }, { d: null }, { e: 'x' }] }, ssn_note: 'x' };
    expect(masked(data, { names: ['Ssn'], paths: ['a.c.*.d', 'unknown'] })).to.deep.equal({
      SSN: '[masked]',
      a: { ssn: '[masked]', c: [{ d: '[masked]' }, { d: null }, { e: 'x' }] },
      ssn_note: 'x',
    });
  });

  it('leaves what is excepted as it is', () => {
    const data = { id: '12345678', calls: [{ id: 4242424242424242, from: '+12025550143' }] };
    expect(masked(data, { except: ['id', 'calls.*.id'], names: ['id'] })).to.deep.equal({
      id: '12345678',
      calls: [{ id: 4242424242424242, from: '[phone]' }],
    });
  });

  it('masks keys, and keeps all their fields', () => {
    const data = { '+12025550143': 1, '+12025550144': 2, '[phone] 2': 3, plain: 4, constructor: 5 };
    expect(Object.values(masked(data))).to.deep.equal([1, 2, 3, 4, 5]);
    expect(Object.keys(masked(data))).to.deep.equal(['[phone]', '[phone] 2', '[phone] 2 2', 'plain', 'constructor']);
  });

  it('returns the event itself where nothing is masked, integers beyond 2^53 exact', () => {
    const event = anEvent({
      data: { id: 8202522731445525544n, text: 'Hi', at: 1_767_225_600_000, list: [1.5, -0, null] },
    });
    expect(usual.apply(event)).to.equal(event);
    expect(masked({ id: 8202522731445525544n, to: 'a@b.c' })).to.deep.equal({
      id: 8202522731445525544n,
      to: '[email]',
    });
  });

  it('masks what is masked to the same', () => {
    const awkward = fc
      .array(
        fc.oneof(
          card,
          fc.string(),
          fc.constantFrom('+1', '202', '555', '@', 'a.b', '-', ' ', '[', 'x', '2026-01-01', '%40'),
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(awkward, (text) => {
        const once = maskedText(text);
        expect(maskedText(String(once))).to.equal(once);
      }),
      fuzzing(1_000),
    );
  });

  it('is refused with options that cannot work', () => {
    for (const options of [{ phoneDigits: 4 }, { paths: ['a[0]'] }, { names: [''] }, { phone: true }])
      expect(() => make(options), JSON.stringify(options)).to.throw(z.ZodError);
  });

  it('takes time that grows with the length of a text only', () => {
    const turn = {
      role: 'user',
      text: 'My number is +1 202 555 0143, my mail jane@acme.com, at 10:30 on 2026-01-31. '.repeat(2),
    };
    const hardTexts = ['1 ', '4242 ', '1234567\n', 'a@', 'a.', '@.', '1-', '2026-01-', '+', '(', '٣', '%40', '1'].map(
      (part) => ({
        text: part.repeat(500_000 / part.length),
      }),
    );
    for (const data of [{ turns: Array(5_000).fill(turn) }, ...hardTexts]) {
      const before = process.cpuUsage();
      usual.apply(anEvent({ data }));
      // A quadratic search would take minutes.
      expect(process.cpuUsage(before).user / 1_000, stringifyJson(data).slice(0, 30)).to.be.below(3_000);
    }
  });
});
