import { expect } from 'chai';
import { figuresOf } from '../../../core/dashboard/build/model/calls.js';
import { answerOf, missingTypes } from '../../../core/dashboard/build/model/conversation.js';
import { parseJson } from '../../../core/dashboard/build/model/json.js';
import { layoutOf } from '../../../core/dashboard/build/model/layout.js';
import { linkTo, placeOf } from '../../../core/dashboard/build/model/location.js';
import type { Call } from '../../../core/dashboard/build/model/replies.js';
import { age, duration, excerpt, shellLine } from '../../../core/dashboard/build/model/wording.js';

describe('what the page writes', () => {
  it('is two units of a duration at most', () => {
    const written = [0, 0.4, 12.3, 999, 1_500, 9_999, 61_000, 3_600_000, 3_660_000, 90_061_000].map(duration);
    expect(written).to.deep.equal([
      '0 ms',
      '0.4 ms',
      '12 ms',
      '999 ms',
      '1.5 s',
      '10 s',
      '1 min 1 s',
      '1 h',
      '1 h 1 min',
      '1 d 1 h',
    ]);
  });

  it('is one unit of an age, past or to come', () => {
    const nowMs = Date.parse('2026-01-01T12:00:00Z');
    const ages = [0, -4_200, -125_000, 30_000, -90_000_000].map((ms) => age(new Date(nowMs + ms).toISOString(), nowMs));
    expect(ages).to.deep.equal(['just now', '4 s ago', '2 min ago', 'in 30 s', '1 d ago']);
  });

  it('is one line of a text of others', () => {
    expect(excerpt('first\nsecond')).to.equal('first…');
    expect(excerpt('x'.repeat(200), 10)).to.equal(`${'x'.repeat(10)}…`);
  });

  it('is a command that a shell reads as it was meant', () => {
    expect(shellLine(['curl', '-d', `it's $HOME`, 'http://a/b?c=1'])).to.equal(
      `curl -d 'it'\\''s $HOME' 'http://a/b?c=1'`,
    );
  });
});

describe('a place of the page', () => {
  it('is the same after it was a link', () => {
    const query = { type: 'a&b=c', since: '2h', party: '+49 30' };
    expect(placeOf(linkTo(['events', 'a/b?c#d %'], query))).to.deep.equal({ path: ['events', 'a/b?c#d %'], query });
    expect(placeOf(linkTo([]))).to.deep.equal({ path: [], query: {} });
  });

  it('leaves out empty conditions, and bears a link that is malformed', () => {
    expect(linkTo(['events'], { type: '', source: undefined })).to.equal('#/events');
    expect(placeOf('#/events/100%').path).to.deep.equal(['events', '100%']);
  });
});

describe('JSON of others', () => {
  it('keeps every digit where the browser can, and is an ordinary number otherwise', () => {
    const text = '{"id":12345678901234567890,"price":1.50,"small":7,"text":"12345678901234567890"}';
    const parsed = parseJson(text) as Readonly<Record<string, unknown>>;
    expect([parsed.small, parsed.price, parsed.text]).to.deep.equal([7, 1.5, '12345678901234567890']);
    // Node 20 has no JSON.rawJSON, newer ones do.
    const kept = 'rawJSON' in JSON ? '12345678901234567890' : '12345678901234567000';
    expect(JSON.stringify(parsed.id)).to.equal(kept);
  });
});

describe('the figures of calls', () => {
  it('are the times that a share of callers waited at most, and the share of each step', () => {
    const calls = Array.from({ length: 100 }, (_, index) => call(index + 1, index < 75 ? 'fresh' : 'default'));
    const figures = figuresOf(calls);
    expect(figures).to.deep.include({ number: 100, p50: 50, p95: 95, p99: 99 });
    expect(figures?.shares).to.deep.equal([
      { step: 'fresh', number: 75, share: 0.75 },
      { step: 'default', number: 25, share: 0.25 },
    ]);
    expect(figuresOf([])).to.equal(null);
  });
});

describe('a conversation', () => {
  it('lacks the end of what has started', () => {
    const types = ['call_started', 'conversation_started', 'conversation_ended', 'inbound_call'].map((type) => ({
      type,
    }));
    expect(missingTypes(types)).to.deep.equal(['call_ended']);
  });

  it('has a call only where the data is the answer of one', () => {
    const { answer } = call(12, 'fresh');
    expect(answerOf({ answer })).to.equal(answer);
    for (const other of [undefined, null, 'yes', {}, { ...answer, lookups: 'none' }, { ...answer, ms: '12' }])
      expect(answerOf({ answer: other })).to.equal(null);
  });
});

describe('the map', () => {
  it('puts sources and destinations beside their routes, and connects what is configured only', () => {
    const route = (name: string, from: string, to: string) => ({
      name,
      from: [from],
      to: [to],
      on: [],
      where: null,
      transforms: [],
    });
    const routes = [route('one', 'b', 'y'), route('two', 'a', 'gone'), route('three', 'a', 'x')];
    const { boxes, lines, height } = layoutOf(['a', 'unused', 'b'], routes, ['x', 'y']);
    const column = (number: number) => boxes.filter((box) => box.column === number).map(({ name }) => name);
    expect([0, 1, 2].map(column)).to.deep.equal([
      ['b', 'a', 'unused'],
      ['one', 'two', 'three'],
      ['y', 'x'],
    ]);
    expect(lines.map(({ from, to }) => `${from.name} ${to.name}`)).to.deep.equal([
      'b one',
      'one y',
      'a two',
      'a three',
      'three x',
    ]);
    expect(new Set(boxes.map(({ column, y }) => `${column} ${y}`)).size).to.equal(boxes.length);
    expect(Math.max(...boxes.map(({ y }) => y))).to.be.below(height);
  });
});

function call(ms: number, step: 'fresh' | 'default'): Call {
  const answer = {
    from: '',
    to: '',
    name: null,
    step,
    variables: {},
    override_agent: null,
    origins: {},
    lookups: [],
    requests: 1,
    ms,
  };
  return { id: 'e', source: 'calls', subject: null, agent: null, receivedAt: '2026-01-01T00:00:00Z', answer };
}
