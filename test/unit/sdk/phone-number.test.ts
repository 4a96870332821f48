import { isKnownCaller, isPhoneNumber, phoneKeys, phoneNormalizer, writtenForms } from '@switchhook/sdk';
import { isCountry, isWithheld } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import fc from 'fast-check';

describe('a phone number', () => {
  const american = '+12025550143';

  for (const text of [
    american,
    ' +1 202 555 0143 ',
    '+1 (202) 555-0143',
    '+1-202-555-0143 ext. 5',
    '0012025550143',
    'tel:+1-202-555-0143',
    'sip:+12025550143@sip.example.com',
    'SIPS:%2B12025550143@sip.example.com:5061;transport=tls?subject=a',
    '"Ada \\"L\\" <x>" <sip:+12025550143@sip.example.com;user=phone>;tag=a1',
    '+12025550143@sip.example.com',
    '\u202a+12025550143\u202c',
    '+１２０２５５５０１４３',
    '+١٢٠٢٥٥٥٠١٤٣',
    'sms:+12025550143',
    'whatsapp:+12025550143',
  ])
    it(`is the same written as ${JSON.stringify(text)}`, () => {
      for (const country of [null, 'US', 'DE'])
        expect(phoneNormalizer(country)(text), String(country)).to.equal(american);
    });

  it('without its country is one of the country that is given', () => {
    expect(phoneNormalizer('US')('(202) 555-0143')).to.equal(american);
    expect(phoneNormalizer('US')('sip:2025550143@sip.example.com')).to.equal(american);
    expect(phoneNormalizer('DE')('030 901820')).to.equal('+4930901820');
    expect(phoneNormalizer('DE')('0049 30 901820')).to.equal('+4930901820');
    expect(phoneNormalizer('DE')('4930901820')).to.equal('+4930901820');
  });

  it('without its plus is one of another country where it is none of the given', () => {
    expect(phoneNormalizer(null)('12025550143')).to.equal(american);
    expect(phoneNormalizer('US')('12025550143')).to.equal(american);
    expect(phoneNormalizer('US')('4930901820')).to.equal('+4930901820');
    expect(phoneNormalizer('US')('4915112345678')).to.equal('+4915112345678');
  });

  it('is the same with and without the 1 that Mexico dropped', () => {
    for (const text of ['+525512345678', '+5215512345678', '+52 1 55 1234 5678', '+52 55 1234 5678', '5215512345678'])
      for (const country of [null, 'US', 'MX'])
        expect(phoneNormalizer(country)(text), `${country} ${text}`).to.equal('+525512345678');
  });

  it('is none where there are too few digits or too many, or it is a name', () => {
    const others = ['', '1001', '24365', '+49301', 'ACME', 'sip:ada@example.com', 'sip:1001@pbx', '1'.repeat(16), 'a'];
    for (const country of [null, 'US', 'DE'])
      for (const text of others) expect(phoneNormalizer(country)(text), `${country} ${text}`).to.equal(text);
    expect(phoneNormalizer(null)(' "Ada" <sip:ada@example.com> ')).to.equal('sip:ada@example.com');
  });

  it('is written in the usual ways, each of which is the same number again', () => {
    expect(writtenForms(american)).to.deep.equal({
      country: 'US',
      texts: [
        american,
        '12025550143',
        '2025550143',
        '(202) 555-0143',
        '+1 202 555 0143',
        '+1-202-555-0143',
        '+1 (202) 555-0143',
      ],
    });
    expect(writtenForms('+447917528642').texts).to.include.members(['7917528642', '07917 528642', '+44 7917 528642']);
    for (const number of [american, '+447917528642', '+33612345678', '+4930901820', '+525512345678', '+390612345678']) {
      const { country, texts } = writtenForms(number);
      for (const text of texts) expect(phoneKeys(country)(text), text).to.equal(number);
    }
    for (const other of ['sip:ada@example.com', ''])
      expect(writtenForms(other)).to.deep.equal({ country: null, texts: [other] });
    expect(writtenForms('+80012345678')).to.include({ country: null });
  });

  it('is read in time and in one way, whatever it is', () => {
    const read = phoneNormalizer('US');
    const parts = fc.constantFrom(
      '+',
      '1',
      '202',
      '555-0143',
      ' ',
      '<',
      '>',
      'sip:',
      'tel:',
      '@',
      ';',
      '(',
      ')',
      'x',
      '00',
    );
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(parts).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        const once = read(given);
        expect(read(once)).to.equal(once);
        expect(isPhoneNumber(once) || once.length <= given.length).to.equal(true);
      }),
      { numRuns: 2_000 },
    );
    for (const hostile of [
      '<'.repeat(200_000),
      '1'.repeat(1_000_000),
      ` ${'+ '.repeat(200_000)}`,
      '00'.repeat(200_000),
    ])
      expect(read(hostile)).to.equal(hostile.trim());
  });

  it('has a country only where there are phones', () => {
    expect(['US', 'DE', 'GB'].every(isCountry)).to.equal(true);
    expect(['UK', 'us', 'AQ', '__proto__', ''].some(isCountry)).to.equal(false);
    expect(() => phoneNormalizer('UK')).to.throw(RangeError, 'there is no country UK');
  });
});

describe('a number that is withheld', () => {
  for (const text of [
    ...[
      '',
      ' ',
      '+',
      '0',
      '0000000000',
      'anonymous',
      'Anonymous',
      'RESTRICTED',
      'unknown',
      'Unknown Caller',
      'private',
    ],
    ...[
      'Private Number',
      'No Caller ID',
      'Number Withheld',
      'Caller ID: Blocked',
      'unavailable',
      'Not Available',
      'N/A',
    ],
    ...['hidden', 'Out Of Area', 'sip:anonymous@anonymous.invalid', '"Anonymous" <sip:anonymous@192.0.2.1>;tag=1'],
    ...['tel:anonymous', 'Anonymous@anonymous.invalid', 'sip:+266696687@sip.example.com', 'null', 'undefined'],
    ...['266696687', '+anonymous', 'Wireless Caller', 'WIRELESS CALLER', 'Toll Free Caller', 'Cell Phone', 'Payphone'],
    ...['+10000000000', '10000000000', 'sip:+10000000000@sip.example.com', '+440000000000'],
    ...['+266696687', '+2562533', '+7748283', '+7378742833', '+86282452253', '+8656696'],
  ])
    it(`is ${JSON.stringify(text)}`, () => expect(isWithheld(text)).to.equal(true));

  for (const text of [
    ...['+12025550143', '12025550143', '24365', 'ACME', 'Private Eye Ltd', 'sip:ada@example.com', 'Unknown Pleasures'],
    ...['+2666966870', '+26669668', '+18000000001', 'sip:private.banking@example.com', 'Nonesuch'],
  ])
    it(`is not ${JSON.stringify(text)}`, () => expect(isWithheld(text)).to.equal(false));
});

describe('a known caller', () => {
  for (const from of ['+12025550143', 'sip:ada@example.com', 'ada@example.com'])
    it(`is ${from}`, () => expect(isKnownCaller({ from })).to.equal(true));

  for (const from of [
    '',
    '464',
    '+464',
    'sip:464@sip.example.com',
    '1001',
    'ACME',
    'Wireless Caller',
    'Mobile user',
    '+10000000000',
    'anonymous@example.com',
  ])
    it(`is not ${JSON.stringify(from)}`, () => expect(isKnownCaller({ from })).to.equal(false));
});
