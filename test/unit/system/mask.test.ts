/** Masking: every form in which a secret may stand in a text. */
import { type Mask, maskedJson, maskFor, openLog } from '@switchhook/core/internal';
import { expect } from 'chai';

const secret = 's3cr+t/"v\\al üe=&x';
const slack = 'https://hooks.slack.com/services/T0001/B0002/abcdefghijklmnopqrstuvwx';

const own = [secret, slack, 'postgres://ada:pa%24%24word@db:5432/calls', 'prod', 'abc', ''];
const others = Array.from({ length: 300 }, (_, n) => `of-agent-${n}-${(n * 7_919).toString(36)}`);

for (const [name, secrets] of [
  ['the mask', own],
  ['the mask of hundreds of secrets', [...others, ...own]],
] as const)
  describe(name, () => {
    const mask: Mask = maskFor(secrets);
    const base64 = (text: string, alphabet: 'base64' | 'base64url' = 'base64') => Buffer.from(text).toString(alphabet);

    it('replaces a secret in every encoding', () => {
      for (const [text, masked] of [
        [`x${secret}y`, 'x***y'],
        [encodeURIComponent(secret), '***'],
        [encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()), '***'],
        [new URLSearchParams({ a: secret }).toString(), 'a=***'],
        [Buffer.from(secret).toString('latin1'), '***'],
        [JSON.stringify({ secret }), '{"secret":"***"}'],
        [JSON.stringify(JSON.stringify({ secret })), '"{\\"secret\\":\\"***\\"}"'],
        [JSON.stringify(secret).replaceAll('/', '\\/').replace('ü', '\\u00FC').replace('&', '\\u0026'), '"***"'],
      ] as const)
        expect(mask(text)).to.equal(masked);
    });

    it('replaces a secret in base64 wherever it stands in what was encoded', () => {
      for (const before of ['', 'a', 'ab', 'abc', 'user:'])
        for (const after of ['', '1', '12', '123'])
          for (const alphabet of ['base64', 'base64url'] as const) {
            const encoded = base64(`${before}${secret}${after}`, alphabet);
            const left = mask(`Basic ${encoded} end`);
            expect(left).to.match(/^Basic [\w+/-]{0,7}\*\*\*[\w+/-]{0,4}={0,2} end$/);
            expect(mask(encodeURIComponent(encoded))).to.include('***');
          }
    });

    it('replaces what of a URL is secret where it stands alone', () => {
      expect(mask(`POST ${slack.slice(23)} 404`)).to.equal('POST *** 404');
      expect(mask('no token abcdefghijklmnopqrstuvwx')).to.equal('no token ***');
      expect(maskFor(['https://crm.example/hook?key=abcdef1234'])('no key abcdef1234')).to.equal('no key ***');
      expect(mask('pa$$word of ada@db:5432/calls')).to.equal('*** of ada@db:5432/calls');
    });

    it('leaves nothing of a secret that begins with another one', () => {
      const two = ['sk-live-1', 'sk-live-1-of-the-crm'];
      for (const both of [two, two.toReversed()])
        expect(maskFor([...both, ...secrets])('sk-live-1-of-the-crm, sk-live-1')).to.equal('***, ***');
    });

    it('replaces a secret that is cut off', () => {
      for (const end of ['', '… and more']) expect(mask(`not ${slack.slice(0, 60)}${end}`)).to.equal(`not ***${end}`);
      expect(mask('see https://hooks.slack.com/')).to.equal('see https://hooks.slack.com/');
    });

    it('replaces short values as whole words only, and shorter ones not at all', () => {
      expect(mask('product prod, stage=prod&x "\\nprod" abc')).to.equal('product ***, stage=***&x "\\n***" abc');
    });

    it('leaves numbers in JSON as they are', () => {
      const json = { n: 12345678, list: ['12345678'], '12345678': null };
      expect(maskedJson(json, maskFor(['12345678']))).to.deep.equal({ n: 12345678, list: ['***'], '***': null });
      const lines: string[] = [];
      const log = openLog({
        level: 'info',
        mask: maskFor(['12345678', 'info']),
        to: { write: (line) => lines.push(line) },
      });
      log.info('x.info', { n: 12345678, text: 'of 12345678', error: new Error('info 12345678') });
      const { time: _, ...line } = JSON.parse(lines.join(''));
      expect(line).to.deep.include({ level: 'info', event: 'x.info', n: 12345678, text: 'of ***' });
      expect(line.error.message).to.equal('*** ***');
      expect(lines.join('')).to.match(/^[^\n]+\n$/);
    });
  });
