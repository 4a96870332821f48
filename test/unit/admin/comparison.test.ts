import { createRouter } from '@switchhook/core';
import { type ComparisonReport, type PastDelivery, pastEventOf } from '@switchhook/core/internal';
import type { JsonObject } from '@switchhook/sdk';
import { expect } from 'chai';
import { type Workplace, workplace } from '../../support/workplace.js';

const receivedAt = '2026-02-02T13:00:00.000Z';

/** An event as the API returns it, with the deliveries that were made of it; null = not known. */
interface Given {
  readonly id?: string;
  readonly source?: string;
  readonly type?: string;
  readonly data?: JsonObject;
  readonly made?: readonly (readonly [route: string, destination: string])[] | null;
}

const plugin = `import { defineTransform, definePlugin, z } from '@switchhook/sdk';
const held = defineTransform({
  type: 'my.held', description: 'Keeps short calls back.', options: z.strictObject({}),
  create: () => ({ apply: (event) => {
    if (event.data.duration === 'x') throw new Error('no number, token sesame-sesame');
    return event.data.duration < 10 ? null : event;
  } }),
});
export default definePlugin({ name: 'my', components: [held] });
`;

const base = `version: 1
server: { port: 0 }
store: { use: memory }
sources:
  agents: { use: sigmamind.events, secrets: [sesame-sesame] }
  phone: { use: elevenlabs.call, secrets: [sesame-sesame] }
destinations: { console: { use: log }, crm: { use: log } }
`;

/** Compares these events with a configuration. */
async function compared(
  yaml: string,
  events: readonly Given[],
  running: Parameters<ReturnType<Awaited<ReturnType<typeof createRouter>>['comparison']>['report']>[0] = null,
): Promise<ComparisonReport> {
  const place: Workplace = await workplace();
  try {
    await place.link();
    await place.write('my.mjs', plugin);
    await place.write('people.csv', 'phone,name\n+12125550000,Ann\n');
    const router = await createRouter(await place.write('new.yaml', base + yaml), { logTo: { write: () => {} } });
    const comparison = router.comparison();
    for (const [index, given] of events.entries()) {
      const { id = `e${index}`, source = 'agents', type = 'conversation_ended', data = {}, made = [] } = given;
      const kept = { id, key: id, source, type, subject: 'c1', agent: null, occurredAt: receivedAt, receivedAt, data };
      const deliveries: readonly PastDelivery[] | null =
        made === null ? null : made.map(([route, destination]) => ({ route, destination }));
      await comparison.add(pastEventOf(kept, deliveries));
    }
    const report = comparison.report(running);
    await router.close();
    // The directory differs in each run.
    return JSON.parse(JSON.stringify(report).replaceAll(`${place.directory}/`, ''));
  } finally {
    await place.close();
  }
}

const counts = ({ deliveries }: ComparisonReport) =>
  Object.fromEntries(
    deliveries.map(({ route, destination, before, after, more, fewer }) => [
      `${route} ${destination}`,
      [before, after, more, fewer],
    ]),
  );

describe('a comparison with past events', () => {
  it('counts deliveries before and after by route and destination, with up to three examples and the reason', async () => {
    const yaml = `routes:
  - { name: long, on: [conversation_ended], where: event.data.duration > 60, to: [crm] }
  - { name: all, from: [agents], to: [console] }
`;
    const made = [['long', 'crm']] as const;
    const report = await compared(yaml, [
      ...[10, 20, 30, 40].map((duration): Given => ({ data: { duration }, made })),
      { data: { duration: 70 }, made },
    ]);
    expect(counts(report)).to.deep.equal({ 'long crm': [5, 1, 0, 4], 'all console': [0, 5, 5, 0] });
    const [first] = report.deliveries.filter(({ route }) => route === 'long');
    expect(first?.examples.more).to.deep.equal([]);
    expect(first?.examples.fewer.map(({ event, reason }) => [event, reason])).to.deep.equal(
      [10, 20, 30].map((duration, index) => [
        `e${index}`,
        `event.data.duration > 60 is false (event.data.duration is ${duration})`,
      ]),
    );
    expect(report.destinationTotals).to.deep.equal([
      { destination: 'console', more: 5, fewer: 0 },
      { destination: 'crm', more: 0, fewer: 4 },
    ]);
  });

  it('shows a route with another name in its rows, but its destination loses nothing', async () => {
    const yaml = 'routes: [{ name: new, from: [agents], to: [crm] }, { name: kept, from: [phone], to: [console] }]';
    const report = await compared(yaml, [{ made: [['old', 'crm']] }, { made: [['kept', 'crm']] }]);
    expect(counts(report)).to.deep.equal({
      'new crm': [0, 2, 2, 0],
      'old crm': [1, 0, 0, 1],
      'kept crm': [1, 0, 0, 1],
      'kept console': [0, 0, 0, 0],
    });
    const reasons = report.deliveries.flatMap(({ examples }) => examples.fewer.map(({ reason }) => reason));
    expect(reasons).to.deep.equal(['route kept does not deliver to crm', 'route old is not configured']);
    expect(report.destinationTotals).to.deep.equal([]);
    expect([report.unrouted.events, report.newlyRouted.events]).to.deep.equal([0, 0]);
  });

  it('counts events that lose all their deliveries, or get their first one', async () => {
    const yaml = 'routes: [{ name: calls, on: ["call.*"], to: [crm, console] }]';
    const report = await compared(yaml, [
      { type: 'chat', made: [['calls', 'crm']] },
      { type: 'chat' },
      { type: 'call.ended' },
    ]);
    expect(report.unrouted).to.deep.equal({
      events: 1,
      examples: [{ event: 'e0', type: 'chat', subject: 'c1', reason: null }],
    });
    expect(report.newlyRouted.examples.map(({ event }) => event)).to.deep.equal(['e2']);
  });

  it('does not count the deliveries of events whose earlier ones are not known as more', async () => {
    const yaml = 'routes: [{ name: ended, on: [conversation_ended], to: [crm, console] }]';
    const report = await compared(yaml, [
      { made: null },
      { type: 'other', made: null },
      {
        made: [
          ['ended', 'crm'],
          ['ended', 'console'],
        ],
      },
    ]);
    expect(counts(report)).to.deep.equal({ 'ended crm': [1, 1, 0, 0], 'ended console': [1, 1, 0, 0] });
    expect(report.deliveries.map(({ unknown }) => unknown)).to.deep.equal([1, 1]);
    expect([report.events, report.withoutDeliveries, report.newlyRouted.events]).to.deep.equal([3, 2, 0]);
    expect(report.unrouted.examples.map(({ event }) => event)).to.deep.equal(['e1']);
  });

  it('reports conditions and transforms that fail, with the place in the file, and masks secrets', async () => {
    const yaml = `plugins: [./my.mjs]
transforms: { held: { use: my.held } }
routes:
  - name: all
    transform: [held]
    to: [crm]
  - name: long
    where: event.data.duration > 60
    to: [console]
`;
    const report = await compared(
      yaml,
      [{ duration: 'x' }, { duration: 5 }, { duration: 70 }, {}].map((data) => ({ data })),
    );
    expect(report.failures.map(({ examples, ...rest }) => [rest, examples.map(({ event }) => event)])).to.deep.equal([
      [
        { kind: 'condition', name: 'long', text: 'event.data.duration > 60', position: 'new.yaml:15:12', events: 2 },
        ['e0', 'e3'],
      ],
      [{ kind: 'transform', name: 'all', text: 'held', position: null, events: 1 }, ['e0']],
    ]);
    const [condition, transform] = report.failures.map(({ examples }) => examples.at(-1)?.reason);
    expect(condition).to.equal('event.data.duration is missing');
    expect(transform).to.include('no number, token ***');
    expect(report.deliveries.map(({ route, keptBack }) => [route, keptBack])).to.deep.include(['all', 1]);
  });

  it('names sources and destinations that are removed, and what is added where the running ones are known', async () => {
    const yaml = 'routes: [{ from: [agents], to: [crm, console] }]';
    const events: readonly Given[] = [
      { source: 'web', made: [['all', 'sheet']] },
      { source: 'router', type: 'delivery.dead' },
    ];
    const alone = await compared(yaml, events);
    expect(alone.sources).to.deep.equal({ removed: ['web'], added: null });
    expect(alone.destinations).to.deep.equal({ removed: ['sheet'], added: null });
    const beside = await compared(yaml, events, { sources: ['agents', 'old'], destinations: ['crm'] });
    expect(beside.sources).to.deep.equal({ removed: ['old', 'web'], added: ['phone'] });
    expect(beside.destinations).to.deep.equal({ removed: ['sheet'], added: ['console'] });
  });
});

const answered = `routes: [{ from: [agents], to: [crm, console] }]
resolvers:
  person: { use: table.lookup, file: people.csv }
  company: { use: static, values: { name: ACME } }
answers:
  - name: line
    from: [phone]
    resolve: [person, company]
    variables: { who: "\${{ person.name }}", from: "\${{ call.from }}", hour: "\${{ now.getHours() }}", both: "\${{ call.from == '' ? 'nobody' : company.name }}" }
    defaults: { who: friend, both: x }
`;

type Lookup = { readonly resolver: string; readonly outcome: string; readonly reason?: string };

/** A call that was answered with these values. */
function call(answer: JsonObject, lookups: readonly Lookup[] = [], from = '+12125551111'): Given {
  const body = { caller_id: from, called_number: '+12125552222', agent_id: 'a', call_sid: 's' };
  const origin = (reason: string | null) => ({ step: reason === null ? 'fresh' : 'default', resolvers: [], reason });
  const recorded = {
    ...{ from, to: '+12125552222', name: 'line', step: 'fresh', variables: {}, override_agent: null, origins: {} },
    ...{ requests: 1, ms: 1, lookups: lookups.map((one) => ({ start_ms: 0, ms: 1, reason: null, ...one })) },
    ...answer,
  };
  const origins = Object.fromEntries(
    Object.entries(recorded.origins).map(([name, reason]) => [name, origin(reason as string | null)]),
  );
  return { source: 'phone', type: 'inbound_call', data: { ...body, answer: { ...recorded, origins } as JsonObject } };
}

const values = ({ calls }: ComparisonReport) =>
  Object.fromEntries(
    calls.variables.map(({ answer, variable, different, unknown, resolvers, examples }) => {
      const shown = examples.map(({ before, after }) => [before, after]);
      return [`${answer} ${variable}`, { different, unknown, resolvers, shown }];
    }),
  );

const none = { different: 0, unknown: 0, resolvers: [], shown: [] };

describe('a comparison with past calls', () => {
  it('makes variables anew from the call, and counts those as unknown that need facts which are not kept', async () => {
    const given = { variables: { who: 'Ann', from: '+12125551111', hour: '13', both: 'ACME' } };
    const report = await compared(answered, [
      call(given, [
        { resolver: 'person', outcome: 'found' },
        { resolver: 'company', outcome: 'cached' },
      ]),
    ]);
    expect([report.calls.compared, report.calls.different]).to.deep.equal([1, 0]);
    expect(values(report)).to.deep.equal({
      'line who': { ...none, unknown: 1, resolvers: ['person'] },
      'line both': { ...none, unknown: 1, resolvers: ['company'] },
    });
  });

  it('takes from the record that a look-up found nothing, and that one failed without earlier facts', async () => {
    const variables = { who: 'there', from: '+12125551111', hour: '13', both: 'ACME' };
    const of = (outcome: string, reason: string | null) =>
      call({ variables, origins: { who: reason } }, [
        { resolver: 'person', outcome },
        { resolver: 'company', outcome: 'found' },
      ]);
    const report = await compared(answered, [
      of('not-found', 'person returned no record'),
      of('late', 'person was late'),
      of('failed', 'person failed'),
      // Earlier facts may have stood in.
      of('not-found', null),
      of('failed', null),
      of('failed', 'person has no name; it has phone'),
    ]);
    expect(values(report)['line who']).to.deep.equal({
      different: 3,
      unknown: 3,
      resolvers: ['person'],
      shown: [1, 2, 3].map(() => ['there', 'friend']),
    });
    expect(report.calls.different).to.equal(3);
  });

  it('knows a variable that does not need the facts of this call', async () => {
    const variables = { who: 'Ann', from: '', hour: '13', both: 'ACME' };
    const found = [
      { resolver: 'person', outcome: 'found' },
      { resolver: 'company', outcome: 'found' },
    ];
    const report = await compared(answered, [call({ variables }, found, 'anonymous')]);
    expect(values(report)['line both']).to.deep.include({ different: 1, unknown: 0, shown: [['ACME', 'nobody']] });
  });

  it('reports variables that are gone, another agent, another answer and a source that is removed', async () => {
    const yaml = `routes: [{ from: [agents], to: [crm, console] }]
answers:
  - { name: vip, from: [phone], where: call.data.vip == true, variables: { a: x } }
  - { name: all, from: [phone], variables: { token: sesame-sesame }, defaults: { token: x }, overrideAgent: agent-2 }
`;
    const gone = { ...call({ variables: { a: '1' } }), source: 'web' };
    const report = await compared(yaml, [call({ variables: { a: '1' } }), gone]);
    expect(values(report)).to.deep.equal({
      'all a': { ...none, different: 1, shown: [['1', null]] },
      'all token': { ...none, different: 1, shown: [[null, '***']] },
      'all null': { ...none, different: 1, shown: [[null, 'agent-2']] },
      'null a': { ...none, different: 1, shown: [['1', null]] },
    });
    expect(report.calls.moved.map(({ before, after, events }) => [before, after, events])).to.deep.equal([
      ['line', 'all', 1],
      ['line', null, 1],
    ]);
    expect([report.calls.compared, report.calls.different]).to.deep.equal([2, 2]);
    expect(report.failures.map(({ kind, name, position }) => [kind, name, position])).to.deep.equal([
      ['answer-condition', 'vip', 'new.yaml:10:40'],
    ]);
  });

  it('does not compare calls that no answer reached in time, or that their source does not take for calls', async () => {
    const sent = { outcome: 'late', attempts: 1, ms: 1, reason: 'late' };
    const events = { ...call({}), source: 'agents' };
    const report = await compared(answered, [call({ sent }), events]);
    expect([report.calls.compared, report.calls.different, report.calls.notCompared.events]).to.deep.equal([0, 0, 2]);
    expect(report.calls.notCompared.examples[0]?.reason).to.equal('it was not answered in time');
  });
});
