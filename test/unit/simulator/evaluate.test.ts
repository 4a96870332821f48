import type { JsonObject } from '@switchhook/sdk';
import { acknowledgedIn, type Exchange, evaluateScenario, type Listing } from '@switchhook/simulator';
import { expect } from 'chai';
import { aScenario } from '../../support/simulated.js';

type Given = Partial<Omit<Exchange, 'reply'>> & {
  readonly status?: number;
  readonly body?: JsonObject;
  readonly eventId?: string | null;
  readonly ms?: number;
};

function exchange({ status = 200, body = {}, eventId = null, ms = 5, ...given }: Given): Exchange {
  const reply = { kind: 'reply', status, body, eventId, requests: 1, ms } as const;
  return { step: 0, sentAtMs: 0, calls: false, answer: null, wanted: null, reply, ...given };
}

const told = (variables: Readonly<Record<string, string>>, given: Given = {}): Exchange =>
  exchange({ calls: true, answer: { variables, overrideAgent: null }, ...given });

function verdictOn(
  exchanges: readonly Exchange[],
  {
    step = {},
    evaluate = {},
    listing = null,
  }: { step?: JsonObject; evaluate?: JsonObject; listing?: Listing | null } = {},
) {
  const scenario = aScenario([{ send: 'ended', ...step }], evaluate);
  return evaluateScenario(scenario, { requests: ['send ended'], exchanges, ms: 10 }, listing);
}

const brokenIn = (...given: Parameters<typeof verdictOn>) => verdictOn(...given).violations.map(({ what }) => what);

describe('the judge', () => {
  it('finds nothing where everything is as expected', () => {
    const step = { expect: { within: '1s', variables: { name: 'Ada' }, anyVariables: true, same: true } };
    const exchanges = [told({ name: 'Ada', tier: 'gold' }), told({ name: 'Ada', tier: 'gold' })].map((one) => ({
      ...one,
      wanted: { name: 'Ada' },
    }));
    const verdict = verdictOn(exchanges, { step, evaluate: { ring: { p50: '1s', p99: '1s' } } });
    expect([verdict.passed, verdict.violations]).to.deep.equal([true, []]);
  });

  const cases: readonly (readonly [string, readonly Exchange[], JsonObject, readonly string[]])[] = [
    ['a status that is no success', [exchange({ status: 503 })], {}, ['status 503 instead of a success']],
    ['a success where a refusal was expected', [exchange({})], { status: 401 }, ['status 200 instead of 401']],
    [
      'no reply at all',
      [{ ...exchange({}), reply: { kind: 'none', reason: 'connection reset', ms: 3 } }],
      {},
      ['no reply: connection reset'],
    ],
    ['a reply that is late', [exchange({ ms: 1_001 })], { within: '1s' }, ['later than 1s']],
    [
      'a variable with another value, and one that is missing',
      [{ ...told({ name: 'Ada' }), wanted: { name: 'Jim', tier: 'gold' } }],
      {},
      ['name is "Ada" instead of "Jim"', 'tier is null instead of "gold"'],
    ],
    ['an answer without variables', [told({})], { anyVariables: true }, ['no variables']],
    ['variables where none are expected', [told({ name: 'Ada' })], { anyVariables: false }, ['variables: name']],
    ['an event taken for new', [exchange({ body: { id: 'e' } })], { duplicate: true }, ['not known as a duplicate']],
    [
      'an event taken for known',
      [exchange({ body: { duplicate: true } })],
      { duplicate: false },
      ['taken for a duplicate'],
    ],
    [
      'answers that differ',
      [told({ name: 'Ada' }), told({ name: 'Jim' }), told({ name: 'Ada' })],
      { same: true },
      ['2 different answers, where all should be the same'],
    ],
    [
      'events that differ',
      [exchange({ eventId: 'a' }), exchange({ eventId: 'b' })],
      { same: true },
      ['2 different answers, where all should be the same'],
    ],
  ];
  for (const [what, exchanges, expected, broken] of cases)
    it(`finds ${what}`, () => {
      expect(brokenIn(exchanges, { step: { expect: expected } })).to.deep.equal(broken);
    });

  it('takes an expected refusal for what it is', () => {
    expect(verdictOn([exchange({ status: 401 })], { step: { expect: { status: 401 } } }).passed).to.equal(true);
  });

  it('tells what broke often once, with how often', () => {
    const exchanges = Array.from({ length: 4 }, (_, index) => exchange({ status: index < 3 ? 500 : 200 }));
    expect(verdictOn(exchanges).violations).to.deep.equal([
      { step: 1, what: 'status 500 instead of a success', count: 3 },
    ]);
  });

  it('holds the ring times of all calls against their limits, and nothing else', () => {
    const evaluate = { ring: { p50: '10ms', p95: '10ms', max: '1s' } };
    const slowEvents = [exchange({ ms: 5_000 })];
    const calls = [5, 6, 7, 500].map((ms) => told({}, { ms }));
    expect(brokenIn([...slowEvents, ...calls], { evaluate })).to.deep.equal([
      'p95 of the ring times is 500ms, more than 10ms',
    ]);
    expect(verdictOn([...slowEvents, ...calls], { evaluate }).ring).to.deep.equal({
      p50: 6,
      p95: 500,
      p99: 500,
      max: 500,
    });
  });

  it('finds what was acknowledged and is not listed', () => {
    const exchanges = [
      exchange({ eventId: 'a' }),
      exchange({ eventId: 'b' }),
      exchange({ eventId: 'b' }),
      exchange({ eventId: 'c', status: 500 }),
    ];
    expect([...acknowledgedIn(exchanges)]).to.deep.equal(['a', 'b']);
    const listing: Listing = { kind: 'listed', ids: new Set(['a', 'x']), lookups: [] };
    const verdict = verdictOn(exchanges, { step: { expect: { status: 200 } }, listing });
    expect(verdict.received).to.deep.equal({ acknowledged: 2, listed: 1, reason: null });
    expect(verdict.violations.map(({ what }) => what)).to.include('acknowledged, but not listed by the API');
  });

  it('counts the look-ups of its own calls, and finds those without a result where it is told to', () => {
    const outcomes = {
      a: ['found', 'late'],
      b: ['found', 'busy'],
      c: ['not-found', 'late'],
      unknown: ['failed', 'failed'],
    };
    const lookups = Object.entries(outcomes).flatMap(([event, [customer = '', orders = '']]) => [
      { event, resolver: 'orders', outcome: orders },
      { event, resolver: 'customer', outcome: customer },
    ]);
    const listing: Listing = { kind: 'listed', ids: new Set(['a', 'b', 'c']), lookups };
    const calls = ['a', 'b', 'c'].map((eventId) => told({}, { eventId }));
    const verdict = verdictOn(calls, { listing, evaluate: { lookups: true } });
    expect(verdict.lookups).to.deep.equal([
      { resolver: 'customer', outcomes: { found: 2, 'not-found': 1 } },
      { resolver: 'orders', outcomes: { late: 2, busy: 1 } },
    ]);
    expect(verdict.violations).to.deep.equal([
      { step: null, what: 'resolver orders: late', count: 2 },
      { step: null, what: 'resolver orders: busy', count: 1 },
    ]);
    expect(verdictOn(calls, { listing }).passed).to.equal(true);
    const unknown: Listing = { kind: 'unknown', reason: 'API_TOKEN_WRONG' };
    expect(verdictOn(calls, { listing: unknown, evaluate: { lookups: true } })).to.include({
      passed: true,
      lookups: null,
    });
  });

  it('does not hold against the router what cannot be known', () => {
    const listing: Listing = { kind: 'unknown', reason: 'API_TOKEN_WRONG' };
    const verdict = verdictOn([exchange({ eventId: 'a' })], { listing });
    expect([verdict.passed, verdict.received?.reason]).to.deep.equal([true, 'API_TOKEN_WRONG']);
  });

  it('sums each step up: what was answered, to how many, how fast', () => {
    const exchanges = [
      told({ name: 'Ada' }, { ms: 4, sentAtMs: 0 }),
      told({ name: 'Jim' }, { ms: 8, sentAtMs: 100 }),
      told({ name: 'Ada' }, { ms: 6, sentAtMs: 200 }),
      exchange({ calls: true, status: 503, ms: 1, sentAtMs: 300 }),
    ];
    const [step] = verdictOn(exchanges, { step: { rate: '20/s', repeat: 4 } }).steps;
    expect(step).to.deep.equal({
      atMs: 0,
      request: 'send ended',
      sent: 4,
      perSecond: 10,
      wantedPerSecond: 20,
      statuses: { '200': 3, '503': 1 },
      answers: [
        { variables: { name: 'Ada' }, overrideAgent: null, count: 2 },
        { variables: { name: 'Jim' }, overrideAgent: null, count: 1 },
      ],
      times: { p50: 4, p95: 8, p99: 8, max: 8 },
    });
  });
});
