import type { JsonObject, JsonValue } from '@switchhook/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { fittedBlocks } from '../src/blocks.js';
import { cut, marked, unmarked } from '../src/mrkdwn.js';

/** Text with everything in it that is awkward to cut or escape. */
const awkward = fc
  .array(
    fc.oneof(
      fc.constantFrom('&', '<', '>', '&amp;', '&lt;', '😀', '<!channel>', '@here', 'é'),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map((parts) => parts.join(''));
const escaped = (value: string): string => unmarked(marked(value), 'mrkdwn');
const entities = /&(?:amp|lt|gt);/g;

describe('escaping for Slack', () => {
  it('leaves no control character outside an entity', () => {
    fc.assert(
      fc.property(awkward, (value) => {
        expect(escaped(value).replace(entities, '')).not.to.match(/[&<>]/);
        expect(escaped(value)).not.to.match(/@(channel|here|everyone)/i);
      }),
    );
  });

  it('leaves no markup in Markdown', () => {
    const markdown = fc
      .array(fc.oneof(awkward, fc.constantFrom('[', '](', ')', '!', '`', '*', '_', '\\', '\n', '# ', '://', '_www.')))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(markdown, (value) => {
        const left = unmarked(marked(value), 'markdown').replace(/&(?:amp|lt|gt);|\\[!-/:-@[-`{-~]/g, '');
        expect(left).not.to.match(/[&<>@\\`*~[\]()!|#]|:\/\/|www\.|^_|_$/);
      }),
    );
  });

  it('shows what was written', () => {
    const decoded = (text: string) =>
      text
        .replace(/\u2060/g, '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&amp;', '&');
    fc.assert(
      fc.property(
        awkward.filter((value) => !/[\uFDD0-\uFDEF\u2060]/.test(value)),
        (value) => {
          expect(decoded(escaped(value))).to.equal(value);
          expect(unmarked(marked(value), 'literal')).to.equal(value);
        },
      ),
    );
  });

  it('does not let marks in the data through as control characters', () => {
    expect(unmarked(marked('\uFDD1!channel\uFDD2'), 'mrkdwn')).to.equal('&lt;!channel&gt;');
  });
});

describe('cutting', () => {
  it('keeps what fits and never exceeds the limit', () => {
    fc.assert(
      fc.property(awkward, fc.integer({ min: 1, max: 40 }), (text, max) => {
        const kept = cut(text, max);
        expect(kept.length).to.be.at.most(max);
        if (text.length <= max) expect(kept).to.equal(text);
        else expect(text.startsWith(kept.slice(0, -1)) && kept.endsWith('…')).to.equal(true);
      }),
    );
  });

  it('never cuts a character or an entity in two', () => {
    fc.assert(
      fc.property(awkward, fc.integer({ min: 1, max: 40 }), (value, max) => {
        const kept = cut(escaped(value.toString()), max);
        expect(kept.replace(entities, '')).not.to.contain('&');
        const text = '😀'.repeat(max);
        expect(Buffer.from(cut(text, max), 'utf8').toString('utf8')).to.equal(cut(text, max));
      }),
    );
  });

  it('cuts no more than it must', () => {
    expect(cut('abcdef', 6)).to.equal('abcdef');
    expect(cut('abcdefg', 6)).to.equal('abcde…');
    expect(cut('abc&amp;d', 8)).to.equal('abc…');
    expect(cut('ab😀cd', 4)).to.equal('ab…');
    expect(cut('ab\\[cd', 4)).to.equal('ab…');
  });
});

describe('blocks', () => {
  const long = 'x'.repeat(50_000);
  const plain = (text: string) => ({ type: 'plain_text', text });
  const lengthsIn = (value: JsonValue): readonly number[] => {
    if (typeof value !== 'object' || value === null) return [];
    const object = value as JsonObject;
    const own = typeof object.text === 'string' ? [object.text.length] : [];
    return [...own, ...Object.values(object).flatMap(lengthsIn)];
  };

  for (const [name, block, lengths] of [
    ['header', { type: 'header', text: plain(long) }, [150]],
    ['section', { type: 'section', text: { type: 'mrkdwn', text: long } }, [3_000]],
    ['fields', { type: 'section', fields: Array.from({ length: 12 }, () => plain(long)) }, Array(10).fill(2_000)],
    ['context', { type: 'context', elements: Array.from({ length: 12 }, () => plain(long)) }, Array(10).fill(3_000)],
    [
      'actions',
      { type: 'actions', elements: Array.from({ length: 30 }, () => ({ type: 'button', text: plain(long) })) },
      Array(25).fill(75),
    ],
    ['accessory', { type: 'section', text: plain('a'), accessory: { type: 'button', text: plain(long) } }, [1, 75]],
    [
      'options',
      { type: 'overflow', options: Array.from({ length: 7 }, () => ({ text: plain(long), value: 'a' })) },
      Array(5).fill(75),
    ],
    [
      'confirm',
      {
        type: 'button',
        text: plain('a'),
        confirm: { title: plain(long), text: plain(long), confirm: plain(long), deny: plain(long) },
      },
      [1, 100, 300, 30, 30],
    ],
    ['image', { type: 'image', image_url: 'https://a.test/b.png', title: plain(long), alt_text: long }, [2_000]],
    ['of an unknown type', { type: 'carousel_of_2031', text: { type: 'mrkdwn', text: long } }, [3_000]],
  ] as const)
    it(`fit: ${name}`, () => {
      expect(lengthsIn(fittedBlocks([block]))).to.deep.equal(lengths);
    });

  it('that carry values and alternative texts have those cut, too', () => {
    const [image, button] = fittedBlocks([
      { type: 'image', image_url: `https://a.test/${long}`, alt_text: long },
      { type: 'button', text: plain('a'), value: long, url: `https://a.test/?${long}` },
    ]) as readonly JsonObject[];
    expect(String(image?.alt_text)).to.have.length(2_000);
    expect(String(button?.value)).to.have.length(2_000);
    // Half a URL leads nowhere: URLs are never cut.
    expect(image?.image_url).to.equal(`https://a.test/${long}`);
    expect(button?.url).to.equal(`https://a.test/?${long}`);
  });

  it('are 50 at most', () => {
    expect(fittedBlocks(Array.from({ length: 70 }, () => ({ type: 'divider' })))).to.have.length(50);
  });

  it('of markdown have 12,000 characters together', () => {
    const fitted = fittedBlocks(['x'.repeat(7_000), long, 'y'].map((text) => ({ type: 'markdown', text })));
    expect(lengthsIn(fitted)).to.deep.equal([7_000, 5_000, 1]);
  });

  it('come through unchanged where they fit', () => {
    const blocks = [
      { type: 'divider' },
      {
        type: 'section',
        block_id: 'a',
        text: { type: 'mrkdwn', text: '*a* & <!here>', verbatim: true },
        expand: false,
      },
      { type: 'context', elements: [{ type: 'image', image_url: 'https://a.test/?b=1&c=2', alt_text: 'a' }] },
    ];
    expect(fittedBlocks(blocks)).to.deep.equal(blocks);
  });

  it('fit whatever they are made of', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 60 }), (blocks) => {
        const fitted = fittedBlocks(blocks as readonly JsonValue[]);
        expect(fitted.length).to.be.at.most(50);
        expect(Math.max(0, ...fitted.flatMap(lengthsIn))).to.be.at.most(12_000);
      }),
    );
  });
});
