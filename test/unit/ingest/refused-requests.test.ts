import { maskFor, RefusedRequests } from '@switchhook/core/internal';
import { type RawRequest, type Refusal, type RefusalCode, refuse, type Source } from '@switchhook/sdk';
import { aRequest, FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

type Refusing = Parameters<RefusedRequests['refused']>[0];

/** A source that accepts the secret in `X-Secret`, and counts how often it is asked. */
function aSource(secret: string): Source & { asked: number } {
  const source = {
    asked: 0,
    receive({ headers }: RawRequest) {
      source.asked += 1;
      if (headers['x-secret'] !== secret) throw refuse('UNVERIFIED', 'the secret is another one');
      return { kind: 'events', events: [] } as const;
    },
  };
  return source;
}

const anything: Source = { receive: () => ({ kind: 'events', events: [] }) };

function setup(
  sources: Readonly<Record<string, Source>> = { agents: aSource('a'), calls: aSource('c') },
  captures: readonly string[] = [],
) {
  const clock = new FakeClock();
  const plan = { value: { sources: new Map(Object.entries(sources)), captures: new Set(captures) } };
  const refused = new RefusedRequests(plan, clock, maskFor(['hunter2-hunter2']));
  const add = (given: Partial<Refusing> = {}) =>
    refused.refused({
      ...{ source: 'agents', refusal: refuse('UNVERIFIED', 'the secret is another one'), remoteAddress: '203.0.113.7' },
      ...{ method: 'POST', bytes: 2, request: null },
      ...given,
    });
  const latest = () => refused.list({ limit: 1 }).items[0];
  return { plan, clock, refused, add, latest };
}

const about = (agent: string | null, secretOf?: readonly string[]) => ({
  about: { agent, ...(secretOf && { secretOf }) },
});
const signed = (secret: string, given: Partial<RawRequest> = {}) =>
  aRequest({ body: '{}', headers: { 'x-secret': secret }, ...given });

describe('refused requests', () => {
  it('are listed by what is asked for, the latest first, page after page', async () => {
    const { clock, refused, add } = setup();
    add({ refusal: refuse('UNVERIFIED', 'no', about('agent_sales')) });
    await clock.advance(3_600_000);
    add({ source: 'calls', refusal: refuse('MALFORMED', 'the body is empty'), bytes: 0 });
    add({ source: '', refusal: refuse('NOT_FOUND', 'no source named "x"') });
    const codes = (query: object) => refused.list({ limit: 50, ...query }).items.map(({ code }) => code);
    expect(codes({})).to.deep.equal(['NOT_FOUND', 'MALFORMED', 'UNVERIFIED']);
    expect(codes({ source: 'calls' })).to.deep.equal(['MALFORMED']);
    expect(codes({ agent: 'agent_sales' })).to.deep.equal(['UNVERIFIED']);
    expect(codes({ code: 'NOT_FOUND' })).to.deep.equal(['NOT_FOUND']);
    expect(codes({ sinceMs: clock.now() })).to.deep.equal(['NOT_FOUND', 'MALFORMED']);
    expect(codes({ untilMs: clock.now() })).to.deep.equal(['UNVERIFIED']);
    const first = refused.list({ limit: 2 });
    expect(first.items).to.have.length(2);
    expect(refused.list({ limit: 2, cursor: first.cursor ?? '' })).to.deep.include({ cursor: null });
    expect(codes({ limit: 2, cursor: first.cursor })).to.deep.equal(['UNVERIFIED']);
  });

  it('are counted without their reasons after an erasure, whatever was erased', () => {
    const { refused, add } = setup();
    for (const number of ['+14155550100', '+14155550101'])
      add({ refusal: refuse('MALFORMED', `the number "${number}" of ada is none`) });
    add({ source: 'calls', refusal: refuse('MALFORMED', 'the body is empty') });
    const erased = {
      ...{ eventIds: new Set<string>(), subjects: new Set<string>(), numbers: new Set<string>(), agent: null },
      isAbout: () => false,
    };
    const reasons = () => refused.groups({}).map(({ source, reason, count }) => [source, reason, count]);
    refused.forget(erased, true);
    expect(JSON.stringify(reasons())).to.include('of ada');
    refused.forget(erased, false);
    expect(reasons()).to.deep.equal([
      ['agents', 'removed by an erasure', 2],
      ['calls', 'removed by an erasure', 1],
    ]);
    expect(JSON.stringify(refused.traffic())).not.to.include('of ada');
  });

  it('are the last thousand, and those of one source do not push out those of another', () => {
    const { refused, add } = setup();
    add({ source: 'calls' });
    for (let n = 0; n < 5_000; n += 1) add({ source: '' });
    const { items } = refused.list({ limit: 10_000 });
    expect(items).to.have.length(1_000);
    expect(items.at(-1)?.source).to.equal('calls');
    expect(refused.groups({ source: '' }).map(({ count }) => count)).to.deep.equal([5_000]);
  });

  it('take no more memory, whatever agents, reasons and addresses are invented', () => {
    const { refused, add, latest } = setup();
    for (let n = 0; n < 3; n += 1) add({ refusal: refuse('UNVERIFIED', 'no', about('agent_sales')) });
    for (let n = 0; n < 20_000; n += 1) {
      const name = n % 3 === 0 ? `agent-${n}` : `${n}`.padEnd(n % 2_000, 'x');
      const refusal = refuse('UNVERIFIED', `it could be in x-${name}`, about(name, [name]));
      add({ refusal, remoteAddress: name.repeat(3) });
    }
    const groups = refused.groups({});
    expect(groups.length).to.be.below(520);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).to.equal(20_003);
    expect(groups.find(({ agent }) => agent === 'agent_sales')).to.deep.include({ count: 3, code: 'UNVERIFIED' });
    for (const { agent, reason, minutes } of groups)
      expect([(agent ?? '').length <= 256, reason.length <= 500, minutes.length <= 60]).to.not.include(false);
    const { agent, remoteAddress, secret } = latest() ?? {};
    expect([agent?.length, remoteAddress?.length, secret?.fits[0]?.agent?.length]).to.deep.equal([256, 64, 256]);
  });

  it('are counted by minute, for up to sixty minutes, and by what differs in more than a number', async () => {
    const { clock, refused, add } = setup();
    const refusal = (seconds: number) => refuse('UNVERIFIED', `the timestamp is ${seconds} s old, 300 s are allowed`);
    for (let minute = 0; minute < 70; minute += 1) {
      add({ refusal: refusal(400 + minute) });
      await clock.advance(60_000);
    }
    add({ refusal: refusal(1) });
    add({ refusal: refusal(2) });
    const [group] = refused.groups({});
    expect(group).to.deep.include({ count: 72, reason: 'the timestamp is … s old, … s are allowed' });
    for (const address of ['203.0.113.7', '203.0.113.8', '2001:db8::1', '::1', '::ffff:203.0.113.7'])
      add({ source: 'calls', refusal: refuse('UNVERIFIED', `${address} is not in allow`) });
    expect(refused.groups({ source: 'calls' }).map(({ reason }) => reason)).to.deep.equal(['… is not in allow']);
    for (const length of [63, 64])
      add({ source: 'calls', refusal: refuse('MALFORMED', `it has ${length} characters`) });
    expect(refused.groups({ source: 'calls', code: 'MALFORMED' })).to.have.length(2);
    expect(group?.minutes.length).to.equal(60);
    expect(group?.minutes.at(-1)?.[1]).to.equal(2);
    expect(refused.groups({ source: 'agents', sinceMs: clock.now() - 120_000 })[0]?.count).to.equal(4);
    expect(refused.groups({ untilMs: clock.now() - 3_600_000 * 2 })).to.deep.equal([]);
  });

  it('hold no secret of the configuration', () => {
    const { add, latest } = setup();
    add({ refusal: refuse('UNVERIFIED', `found hunter2-hunter2 ${'x'.repeat(9_999)}`) });
    expect(latest()?.reason)
      .to.match(/^found \*\*\* x+$/)
      .and.have.length(500);
  });

  it('are taken from any plugin, whatever it says about them', () => {
    const { add, latest } = setup();
    for (const odd of [null, 7, 'x', { agent: 7 }, { agent: {}, secretOf: 'x' }, { secretOf: [7, null] }]) {
      const refusal: Refusal = Object.assign(refuse('UNVERIFIED', 'no'), { about: odd as object });
      add({ refusal });
      expect(latest()?.agent).to.equal(null);
    }
  });

  it('are no trouble any more when the store failed and an event was accepted since', async () => {
    const { clock, refused, add } = setup({ agents: aSource('a') });
    const lasting = () => refused.traffic()[0]?.lasting;
    for (const code of ['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE', 'STORE_BEHIND', 'MALFORMED'] as const)
      add({ refusal: refuse(code, 'no') });
    refused.received('agents');
    expect(lasting()?.refused, 'in the same millisecond').to.equal(4);
    await clock.advance(1);
    refused.received('agents');
    expect(lasting()).to.deep.include({ refused: 1 }).and.have.nested.property('most.code', 'MALFORMED');
    expect(refused.traffic()[0]?.recent).to.include({ code: 'STORE_UNAVAILABLE', count: 2 });
    await clock.advance(1);
    add({ refusal: refuse('STORE_UNAVAILABLE', 'no') });
    expect(lasting()?.refused).to.equal(4);
  });

  it('are counted for each source beside what was received, with the most frequent reason of the last hour', async () => {
    const { clock, refused, add } = setup({ agents: aSource('a'), calls: aSource('c'), router: anything });
    refused.received('agents');
    for (const code of ['UNVERIFIED', 'MALFORMED', 'MALFORMED'] as const) add({ refusal: refuse(code, 'no') });
    const [agents, calls, ...others] = refused.traffic();
    expect(agents).to.deep.include({ source: 'agents', received: 1, refused: 3, lastReceivedMs: clock.now() });
    expect(agents).to.include({ lastRefusedMs: clock.now() });
    expect(agents?.recent).to.deep.include({ code: 'MALFORMED', count: 2 });
    expect(agents?.lasting).to.deep.equal({ refused: 3, most: agents?.recent });
    expect(calls).to.deep.equal({
      source: 'calls',
      received: 0,
      refused: 0,
      lastReceivedMs: null,
      lastRefusedMs: null,
      recent: null,
      lasting: null,
    });
    expect(others).to.deep.equal([]);
    add({ source: '', refusal: refuse('NOT_FOUND', 'no') });
    await clock.advance(3_700_000);
    expect(refused.traffic().map(({ source, recent }) => [source, recent])).to.deep.equal([
      ['agents', null],
      ['calls', null],
      ['', null],
    ]);
  });
});

describe('the advice about a refused request', () => {
  const cases: readonly (readonly [code: RefusalCode, reason: string, advice: RegExp])[] = [
    ['UNVERIFIED', 'header X-Signature is missing; no header looks like a signature', /^Have the sender sign/],
    ['UNVERIFIED', 'the URL has no token at its end: /hooks/{source}/<token>', /^Have the sender sign/],
    ['UNVERIFIED', 'the timestamp is 4000 s old, 300 s are allowed', /^Set the clock/],
    ['UNVERIFIED', '10.0.0.7 is not in allow; behind a proxy, see server.trustProxy', /^Add the address/],
    ['UNVERIFIED', 'header X-Signature does not start with "sha256="', /^Compare the settings/],
    [
      'UNVERIFIED',
      'signature does not match the body; X-Signature has 40 characters, as configured it has 64',
      /^Compare the settings/,
    ],
    [
      'UNVERIFIED',
      'signature does not match the body; X-Signature has the configured form, so the secret or the signed content differs',
      /^Compare the secret with/,
    ],
    ['UNVERIFIED', 'the value of header Authorization is not a configured one', /^Compare the secret with/],
    ['UNVERIFIED', 'words of a plugin', /^Compare the secret or token/],
    ['NOT_FOUND', 'no source named "nowhere"', /^Hooks are at/],
    ['MALFORMED', 'the body is not JSON', /^Correct what the sender sends/],
    ['BODY_TOO_LARGE', 'the body is too large', /^server\.bodyLimit/],
  ];
  for (const [code, reason, advice] of cases)
    it(`is of its own for ${code}: ${reason}`, () => {
      const { add, refused } = setup();
      add({ refusal: refuse(code, reason) });
      expect(refused.groups({})[0]?.advice).to.match(advice);
      expect(refused.list({ limit: 1 }).items[0]?.advice).to.match(advice);
    });
});

describe('the secret of a refused request', () => {
  const secretIn = (code: RefusalCode, given: Partial<Refusing>, sources?: Readonly<Record<string, Source>>) => {
    const { add, latest } = setup(sources);
    add({ refusal: refuse(code, 'no'), ...given });
    return latest()?.secret;
  };

  it('is that of the source, or of the agent that the request names, if each agent has its own', () => {
    expect(secretIn('UNVERIFIED', {})).to.deep.equal({ expected: { source: 'agents', agent: null }, fits: [] });
    const refusal = (agent: string | null) => refuse('UNVERIFIED', 'no', about(agent, ['agent_b']));
    const fits = [{ source: 'agents', agent: 'agent_b' }];
    expect(secretIn('UNVERIFIED', { refusal: refusal('agent_a') })).to.deep.equal({
      expected: { source: 'agents', agent: 'agent_a' },
      fits,
    });
    expect(secretIn('UNVERIFIED', { refusal: refusal(null) })).to.deep.equal({ expected: null, fits });
    expect(secretIn('MALFORMED', {})).to.equal(null);
  });

  it('is found in another source that accepts the request', () => {
    expect(secretIn('UNVERIFIED', { request: signed('c') })?.fits).to.deep.equal([{ source: 'calls', agent: null }]);
    expect(secretIn('UNVERIFIED', { request: signed('old') })?.fits).to.deep.equal([]);
    expect(secretIn('UNVERIFIED', { request: signed('c', { method: 'GET' }) })?.fits).to.deep.equal([]);
  });

  it('is not that of a source that accepts the request without any secret, fails, or asks another service', () => {
    const broken: Source = {
      receive: () => {
        throw new TypeError('a bug');
      },
    };
    const slow: Source = { receive: () => Promise.reject(new Error('no answer')) };
    const sources = { agents: aSource('a'), anything, broken, slow };
    expect(secretIn('UNVERIFIED', { request: signed('c') }, sources)?.fits).to.deep.equal([]);
  });

  it('is looked for after a refusal only, at most twice a second for a source, and not in a large body', async () => {
    const calls = aSource('c');
    const { clock, refused, add } = setup({ agents: aSource('a'), calls });
    add({ refusal: refuse('MALFORMED', 'no'), request: signed('c') });
    add({ request: signed('c', { body: Buffer.alloc(65_537) }) });
    expect(calls.asked).to.equal(0);
    for (let n = 0; n < 1_000; n += 1) add({ request: signed('old') });
    expect(calls.asked).to.equal(2);
    await clock.advance(1_000);
    for (let n = 0; n < 1_000; n += 1) add({ request: signed('c') });
    // Once with what proves it, and once without.
    expect(calls.asked).to.equal(6);
    // It is known of the group.
    expect(refused.groups({ code: 'UNVERIFIED' })[0]?.secret?.fits).to.deep.equal([{ source: 'calls', agent: null }]);
  });

  it('is looked for at most four times a second for all sources, and once with one that asks another service', async () => {
    const [last, asking] = [aSource('c'), { ...aSource('c'), asked: 0 }];
    asking.receive = () => {
      asking.asked += 1;
      return Promise.reject(new Error('no answer')) as never;
    };
    const refusing = ['a', 'b', 'c', 'd'].map((name) => [name, anything]);
    const { add } = setup({ ...Object.fromEntries(refusing), last, asking });
    for (const [source] of refusing)
      for (let n = 0; n < 2; n += 1) add({ source: String(source), request: signed('old') });
    expect([last.asked, asking.asked]).to.deep.equal([4, 1]);
  });

  it('is not looked for elsewhere if it is known within the source', () => {
    const calls = aSource('c');
    const { add } = setup({ agents: aSource('a'), calls });
    add({ refusal: refuse('UNVERIFIED', 'no', about('agent_a', ['agent_b'])), request: signed('c') });
    expect(calls.asked).to.equal(0);
  });
});
