import type { JsonValue } from '@switchhook/sdk';
import { IncompatibleScenarioError, shippedScenarios } from '@switchhook/simulator';
import { expect } from 'chai';
import { aStage, calls, events } from '../../support/simulated.js';

describe('a scenario that is played', () => {
  it('sends each step at its own time, whatever the others do', async () => {
    const { run, seen } = aStage();
    await run([{ at: '2s', send: 'ended' }, { at: '500ms', ring: { from: '+1', to: '+2' } }, { send: 'ended' }]);
    expect(seen.map(({ atMs, path }) => [atMs, path])).to.deep.equal([
      [0, '/hooks/agents'],
      [500, '/hooks/phones/token'],
      [2_000, '/hooks/agents'],
    ]);
  });

  it('signs what it sends, and changes the fields it is told to', async () => {
    const { run, seen } = aStage();
    await run([
      { send: 'ended', set: { 'about.id': 'conv_${{ run }}_${{ n }}', late: true, 'more.deep': 1 }, repeat: 2 },
    ]);
    expect(seen.map(({ signature }) => signature)).to.deep.equal(['by agents', 'by agents']);
    expect(seen.map(({ body }) => body)).to.deep.equal(
      [1, 2].map((n) => ({ type: 'ended', about: { id: `conv_r1_${n}`, agent: 'a' }, late: true, more: { deep: 1 } })),
    );
  });

  it('rings as the platform asks, each time from the number it says', async () => {
    const { run, seen } = aStage();
    await run([{ ring: { from: '+1202555${{ 1000 + n }}', to: '+2', agent: 'sales' }, repeat: 2 }]);
    expect(seen.map(({ body }) => body)).to.deep.equal([
      { from: '+12025551001', to: '+2', agent: 'sales' },
      { from: '+12025551002', to: '+2', agent: 'sales' },
    ]);
  });

  it('rings another number, and asks for another agent, where it is told to', async () => {
    const { run, seen } = aStage();
    await run([{ ring: { from: '+1', to: '+2' } }], { instead: { to: '+49301234', agent: 'support' } });
    expect(seen[0]?.body).to.deep.equal({ from: '+1', to: '+49301234', agent: 'support' });
  });

  it('rings with another number where an answer is that of a call before it, and with that one from then on', async () => {
    const rung = new Map<JsonValue | undefined, number>([['+12025550101', 3]]);
    const { run, seen } = aStage(({ body: { from } }) => {
      const requests = (rung.get(from) ?? 0) + 1;
      rung.set(from, requests);
      return { headers: { 'x-switchhook-request-number': String(requests) } };
    });
    const others: string[] = [];
    const ring = { from: '+12025550101', to: '+12345678913' };
    const steps = [{ ring }, { at: '1s', ring }, { at: '2s', ring: { ...ring, from: '+12025550102' } }];
    const { exchanges } = await run(steps, { onOtherCaller: (from, instead) => others.push(from, instead) });
    const [, instead = ''] = others;
    expect(others).to.deep.equal(['+12025550101', instead]);
    expect(instead)
      .to.match(/^\+1202555\d{4}$/)
      .and.not.to.equal('+12025550101');
    expect(seen.map(({ body }) => body.from)).to.deep.equal(['+12025550101', instead, instead, '+12025550102']);
    expect(exchanges.map(({ reply }) => reply.kind === 'reply' && reply.requests)).to.deep.equal([1, 2, 1]);
  });

  it('takes the answer as it is where every number was answered before', async () => {
    const { run, seen } = aStage(() => ({ headers: { 'x-switchhook-request-number': '9' } }));
    const { exchanges } = await run([{ ring: { from: '+12025550101', to: '+12345678913' } }], {
      onOtherCaller: () => {},
    });
    expect([seen.length, exchanges.length]).to.deep.equal([4, 1]);
  });

  it('sends a whole body where one is given, to the source that is named', async () => {
    const { run, seen } = aStage();
    await run([
      { send: { type: 'new', at: '${{ now }}' }, as: 'agents' },
      { send: { odd: true }, as: 'call' },
      { send: { plain: 1 }, as: 'events' },
    ]);
    expect(seen.map(({ path, body }) => [path, body])).to.deep.equal([
      ['/hooks/agents', { type: 'new', at: '2026-01-01T00:00:00.000Z' }],
      ['/hooks/phones/token', { odd: true }],
      ['/hooks/agents', { plain: 1 }],
    ]);
  });

  it('says what each request came to: status, event, answer, whether it was asked again, and how long it took', async () => {
    const { run, clock } = aStage(async ({ path }) => {
      await new Promise<void>((resolve) => clock.after(120, resolve));
      if (path === '/hooks/agents') return { body: { id: 'event-1' } };
      return {
        headers: { 'x-switchhook-event': 'event-2', 'x-switchhook-request-number': '3' },
        body: { told: { name: 'Ada' } },
      };
    });
    const { exchanges, requests } = await run([{ send: 'ended' }, { ring: { from: '', to: '+2' } }]);
    expect(requests).to.deep.equal(['send ended to agents', 'ring +2 from a withheld number to phones']);
    expect(
      exchanges.map(({ reply }) => reply.kind === 'reply' && [reply.status, reply.eventId, reply.requests, reply.ms]),
    ).to.deep.equal([
      [200, 'event-1', 1, 120],
      [200, 'event-2', 3, 120],
    ]);
    expect(exchanges.map(({ answer }) => answer?.variables)).to.deep.equal([undefined, { name: 'Ada' }]);
  });

  it('waits as long as a platform does, and goes on', async () => {
    const { run } = aStage(() => new Promise(() => {}));
    const { exchanges } = await run([{ send: 'ended', repeat: 2 }]);
    expect(exchanges.map(({ reply }) => [reply.kind, reply.ms])).to.deep.equal([
      ['none', 10_000],
      ['none', 10_000],
    ]);
  });

  it('goes on where a connection fails', async () => {
    const { run } = aStage((_, index) => (index === 0 ? Promise.reject(new Error('reset')) : {}));
    const { exchanges } = await run([{ send: 'ended', repeat: 2 }]);
    expect(exchanges.map(({ reply }) => (reply.kind === 'none' ? reply.reason : reply.status))).to.deep.equal([
      'reset',
      200,
    ]);
  });

  it('sends nothing more once it is stopped', async () => {
    const { run, seen, stop } = aStage((_, index) => {
      if (index === 1) stop.abort();
      return {};
    });
    const { exchanges } = await run([
      { send: 'ended', repeat: 5 },
      { at: '1s', send: 'ended' },
    ]);
    expect([seen.length, exchanges.length]).to.deep.equal([2, 2]);
  });
});

describe('a scenario that does not fit the configuration', () => {
  const cases: readonly (readonly [string, object, Parameters<typeof aStage>[1], string])[] = [
    [
      'has no source of calls',
      { ring: { from: '+1', to: '+2' } },
      { sources: [events] },
      'source for "call"; it has: agents',
    ],
    [
      'has no source with this sample',
      { send: 'started' },
      {},
      'source with a sample "started"; agents has ended; phones has no samples',
    ],
    ['has no source with this name', { send: 'ended', as: 'others' }, {}, 'source for "others"'],
    [
      'has another source with the sample',
      { send: 'ended', as: 'phones' },
      {},
      'no sample "ended"; phones has no samples',
    ],
    [
      'has a source that cannot ring',
      { ring: { from: '+1', to: '+2' }, as: 'agents' },
      { sources: [events, calls] },
      'cannot write a request about a call',
    ],
    [
      'expects variables of a source that sends them by a request of its own',
      { ring: { from: '+1', to: '+2' }, expect: { variables: { name: 'Ada' } } },
      { sources: [events, { ...calls, component: { ...calls.component, answerBy: 'call' } }] },
      'source phones sends its answers by requests of its own',
    ],
    ['has a source that cannot sign', { send: 'ended' }, { mute: true }, 'source agents cannot sign'],
  ];
  for (const [what, step, stage, reason] of cases)
    it(`is told before anything is sent: it ${what}`, async () => {
      const { run, seen } = aStage(() => ({}), stage);
      const failure = await run([{ send: { fine: true }, as: 'events' }, { ...step }]).catch((error) => error);
      expect(failure).to.be.instanceOf(IncompatibleScenarioError);
      expect(failure.message).to.include(reason);
      expect(seen).to.deep.equal([]);
    });

  it('is told what it takes to send events, and which scenario sends none, where there are only calls', async () => {
    const { run } = aStage(() => ({}), { sources: [calls] });
    for (const step of [{ send: 'ended' }, { send: { odd: true }, as: 'events' }]) {
      const failure = await run([step]).catch((error) => error);
      expect(failure).to.be.instanceOf(IncompatibleScenarioError);
      expect(failure.message).to.include('such as sigmamind.events').and.to.include('phones-only');
    }
    expect(shippedScenarios()).to.include('phones-only');
  });
});
