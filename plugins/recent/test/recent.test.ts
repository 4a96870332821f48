import { recordOf, storeReader } from '@switchhook/core/internal';
import { memoryStore } from '@switchhook/plugin-memory';
import plugin from '@switchhook/plugin-recent';
import type { Call, EventDraft } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite } from '@switchhook/testkit';
import { expect } from 'chai';

const dayMs = 86_400_000;
const ada = '+49301';

function setup(options: { readonly within?: string; readonly limit?: number } = {}) {
  const services = fakeServices();
  const { clock } = services;
  const store = memoryStore(clock);
  const resolver = createComponent('resolver', plugin.components[0], options, {
    ...services,
    store: storeReader(store, () => ['calls', 'sms']),
  });
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
  return { resolver, keep, ask, daysAgo };
}

resolverSuite(
  'recent',
  async () => {
    const { resolver, keep } = setup();
    await keep('calls', 1);
    return { resolver, known: aCall({ from: ada }), close: async () => {} };
  },
  { never: ['hang', 'down', 'cutOff'] },
);

describe('recent', () => {
  it("counts the caller's calls of all sources, and the other events separately", async () => {
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

  it('returns the fields that it has of the newest event that is not a call', async () => {
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

  it('returns no fields of an event where the caller has calls only', async () => {
    const { keep, ask } = setup();
    await keep('calls', 1);
    expect(Object.keys(await ask())).to.deep.equal(['calls', 'events', 'first_at', 'last_at']);
  });

  it('returns nothing for a caller without history, and for a withheld number', async () => {
    const { keep, ask } = setup();
    for (const party of [ada, '']) await keep('calls', 1, { party });
    for (const from of ['+49302', '']) expect(await ask({ from }), from).to.deep.equal({});
  });

  it('reads the period `within`, and at most `limit` events', async () => {
    const near = setup({ within: '2d' });
    for (const days of [3, 2, 1]) await near.keep('calls', days);
    expect(await near.ask()).to.include({ calls: 2, first_at: near.daysAgo(2) });
    const few = setup({ limit: 2 });
    for (const days of [3, 2, 1]) await few.keep('calls', days);
    expect(await few.ask()).to.include({ calls: 2, first_at: few.daysAgo(2) });
  });
});
