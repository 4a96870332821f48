import { recentResolver, recordOf } from '@switchhook/core/internal';
import type { Call, EventDraft } from '@switchhook/sdk';
import { aCall, FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

const dayMs = 86_400_000;
const ada = '+49301';

function setup({ withinMs = 30 * dayMs, limit = 100 } = {}) {
  const clock = new FakeClock();
  const store = memoryStore(clock);
  const resolver = recentResolver({ store, clock, callSources: ['calls', 'sms'], withinMs, limit });
  let kept = 0;
  /** Keeps an event of Ada, received so many days ago. */
  const keep = (source: string, daysAgo: number, given: Partial<EventDraft> = {}) => {
    kept += 1;
    const plain = { key: String(kept), type: 'inbound_call', subject: null, agent: null, occurredAtMs: null, data: {} };
    const record = recordOf({ ...plain, party: ada, ...given }, source, clock.now() - daysAgo * dayMs);
    return store.append([{ event: record, deliveries: [] }]);
  };
  const ask = (call: Partial<Call> = {}) =>
    resolver.resolve(aCall({ from: ada, ...call }), {}, new AbortController().signal, 3_000);
  const daysAgo = (days: number) => new Date(clock.now() - days * dayMs).toISOString();
  return { keep, ask, daysAgo };
}

describe('recent', () => {
  it('counts the calls of a caller, from whichever source, and other events apart', async () => {
    const { keep, ask, daysAgo } = setup();
    await keep('calls', 9);
    await keep('sms', 3);
    await keep('agents', 2);
    await keep('calls', 1, { party: '+49302' });
    await keep('calls', 0, { party: null });
    expect(await ask()).to.deep.equal({
      calls: 2,
      events: 1,
      first_at: daysAgo(9),
      last_at: daysAgo(2),
      last_type: 'inbound_call',
    });
  });

  it('tells of the last event that is no call, as far as it says how it went', async () => {
    const { keep, ask } = setup();
    const ended = { type: 'conversation_ended', subject: 'conv_1', agent: 'agent_sales' };
    await keep('agents', 3, { ...ended, subject: 'conv_0', data: { status: 'failed' } });
    await keep('agents', 2, { ...ended, data: { status: 'ended', duration: 73 } });
    await keep('calls', 1, { data: { status: 'ringing' } });
    expect(await ask()).to.include({
      last_type: 'conversation_ended',
      last_subject: 'conv_1',
      last_agent: 'agent_sales',
      last_status: 'ended',
      last_duration: 73,
    });
    await keep('agents', 0, { data: { status: { code: 1 }, duration: '73' } });
    expect(await ask()).to.not.have.any.keys('last_subject', 'last_agent', 'last_status', 'last_duration');
  });

  it('tells of calls alone where nothing else is known', async () => {
    const { keep, ask } = setup();
    await keep('calls', 1);
    expect(Object.keys(await ask())).to.deep.equal(['calls', 'events', 'first_at', 'last_at']);
  });

  it('knows nothing of a stranger, and of who withholds the number', async () => {
    const { keep, ask } = setup();
    for (const party of [ada, '']) await keep('calls', 1, { party });
    for (const from of ['+49302', '']) expect(await ask({ from }), from).to.deep.equal({});
  });

  it('looks back as far as it is told, and at no more than it is told', async () => {
    const near = setup({ withinMs: 2 * dayMs });
    for (const days of [3, 2, 1]) await near.keep('calls', days);
    expect(await near.ask()).to.include({ calls: 2, first_at: near.daysAgo(2) });
    const few = setup({ limit: 2 });
    for (const days of [3, 2, 1]) await few.keep('calls', days);
    expect(await few.ask()).to.include({ calls: 2, first_at: few.daysAgo(2) });
  });
});
