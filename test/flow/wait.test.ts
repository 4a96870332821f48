/** Routes with `wait`, in whole routers: one delivery for each conversation, over restarts, by the API and the command. */
import { type Delivery, defineDestination, definePlugin, defineTransform, z } from '@switchhook/sdk';
import { runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { problemsOf } from '../architecture/configurations.js';
import { eventually } from '../support/eventually.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = ({ wait = '{ for: call_analyzed, within: 10m }', on = '[call_ended, call_analyzed]', more = '' } = {}) => `
version: 1
store: { use: sqlite, path: ./events.db }
sources: { agents: { use: retell.events, secrets: only-for-tests } }
destinations: { crm: { use: http.post, url: "\${RECEIVER_URL:-http://127.0.0.1:9}", allowPrivate: true } }
routes:
  - { name: calls, from: agents, on: ${on}, to: crm, wait: ${wait} }
${more}`;

const event = (type: string, id = 'call_1') => ({ event: type, call: { call_id: id, agent_id: 'agent_1' } });

interface Body {
  readonly type: string;
  readonly events: readonly { readonly type: string }[];
}
interface Listed {
  readonly id: string;
  readonly event: string;
  readonly type: string;
  readonly state: string;
  readonly failure: string | null;
  readonly gathered: { readonly by: string; readonly events: number } | null;
}

/** A destination that keeps what it is given, and a transform that marks events and keeps the secret ones back. */
function noting() {
  const [delivered, erased]: [Delivery[], Delivery[]] = [[], []];
  const add = defineDestination({
    type: 'notes.add',
    description: 'For tests.',
    options: z.strictObject({}),
    create: () => ({
      deliver: async (delivery) => {
        delivered.push(delivery);
        return { kind: 'delivered' };
      },
      erase: async (deliveries) => {
        erased.push(...deliveries);
        return deliveries.length;
      },
    }),
  });
  const short = defineTransform({
    type: 'notes.short',
    description: 'For tests.',
    options: z.strictObject({}),
    create: () => ({
      apply: (one) => (one.type === 'secret' ? null : { ...one, data: { ...one.data, short: true } }),
    }),
  });
  return { plugin: definePlugin({ name: 'notes', components: [add, short] }), delivered, erased };
}

describe('a route that waits', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  const opened = (text = yaml()) => runRouter(text, [], { directory: place.directory });

  /** Runs a test with a router, and ends it. */
  const withRouter = async (text: string | undefined, body: (router: TestRouter) => Promise<void>) => {
    const router = await opened(text);
    try {
      await body(router);
    } finally {
      await router.close();
    }
  };
  /** Type of the event of each request, and of all its events. */
  const sent = async ({ receiver }: TestRouter, count: number) => {
    const requests = await receiver.received(count);
    return requests.map(({ body }) => {
      const { type, events = [] } = JSON.parse(String(body) || '{}') as Body;
      return [type, events.map((one) => one.type)];
    });
  };
  /** Oldest first, when none is being made. */
  const deliveries = ({ url }: TestRouter): Promise<readonly Listed[]> =>
    eventually(async () => {
      const reply = await fetch(`${url}/api/deliveries`);
      const listed = ((await reply.json()) as { readonly deliveries: Listed[] }).deliveries.toReversed();
      return listed.every(({ state }) => state !== 'running') && listed;
    });

  it('sends one request for each conversation, when the event has come for which it waits', () =>
    withRouter(undefined, async (router) => {
      for (const id of ['call_1', 'call_2']) await router.send('agents', event('call_ended', id));
      await router.clock.advance(60_000);
      expect(await router.attempts(0)).to.deep.equal([]);
      await router.send('agents', event('call_analyzed', 'call_2'));
      expect(await sent(router, 1)).to.deep.equal([['call_analyzed', ['call_ended', 'call_analyzed']]]);
      expect((await deliveries(router)).map(({ type, state }) => [type, state])).to.deep.equal([
        ['call_ended', 'waiting'],
        ['call_ended', 'delivered'],
        ['call_analyzed', 'gathered'],
      ]);
    }));

  it('sends what it has when the time is over; what comes later is skipped, with the reason', () =>
    withRouter(undefined, async (router) => {
      await router.send('agents', event('call_ended'));
      await router.clock.advance(10 * 60_000);
      expect(await sent(router, 1)).to.deep.equal([['call_ended', ['call_ended']]]);
      await router.attempts(1);
      await router.send('agents', event('call_analyzed'));
      const [, late] = await deliveries(router);
      expect(late).to.deep.include({ state: 'skipped', gathered: null });
      expect(late?.failure).to.contain('too late: the delivery of route calls');
      const { stdout } = await place.command(['explain', String(late?.event), '--url', router.url]);
      expect(stdout).to.contain('skipped').and.to.contain('too late: the delivery of route calls');
      await place.command(['replay', String(late?.id), '--url', router.url]);
      expect((await sent(router, 2))[1]).to.deep.equal(['call_analyzed', []]);
    }));

  it('shows until when it waits, for what, and what it has', () =>
    withRouter(undefined, async (router) => {
      await router.send('agents', event('call_ended'));
      await router.send('agents', event('call_ended', 'call_2'));
      const [first] = await deliveries(router);
      const { stdout } = await place.command(['explain', String(first?.event), '--url', router.url]);
      expect(stdout).to.contain('waits for call_analyzed, at most 10m from the first event on');
      expect(stdout).to.contain('"events": [');
      const status = (await (await fetch(`${router.url}/api/routes`)).json()) as { routes: unknown[] };
      expect(status.routes[0]).to.deep.include({ wait: { for: ['call_analyzed'], withinSeconds: 600 } });
    }));

  it('delivers again with all events, whichever of them is replayed, with the same idempotency key', () =>
    withRouter(undefined, async (router) => {
      router.receiver.answer(() => 503);
      await router.send('agents', event('call_ended'));
      await router.send('agents', event('call_analyzed'));
      await router.attempts(1);
      router.receiver.answer(() => 200);
      await router.clock.advance(5_000);
      await router.attempts(2);
      const [first, second] = await deliveries(router);
      expect([first?.state, second?.gathered?.by]).to.deep.equal(['delivered', first?.id]);
      const { stdout } = await place.command(['explain', 'call_1', '--url', router.url]);
      expect(stdout)
        .to.match(/crm {2}delivered .*, 2 attempts/)
        .and.to.contain('with 2 events');
      expect(stdout).to.contain(`crm  gathered: delivery ${first?.id} takes it along`);
      const replayed = await place.command(['replay', String(second?.id), '--url', router.url]);
      expect(replayed.stdout).to.contain(String(first?.id));
      const all = ['call_analyzed', ['call_ended', 'call_analyzed']];
      expect(await sent(router, 3)).to.deep.equal([all, all, all]);
      const keys = (await router.receiver.received(3)).map(({ headers }) => headers['idempotency-key']);
      expect(keys).to.deep.equal([first?.id, first?.id, first?.id]);
    }));

  it('goes on after a restart: with the events that it has, and within the same time', async () => {
    const before = await opened();
    await before.send('agents', event('call_ended'));
    await before.close();
    await withRouter(undefined, async (after) => {
      expect(await after.attempts(0)).to.deep.equal([]);
      await after.send('agents', event('call_analyzed'));
      expect(await sent(after, 1)).to.deep.equal([['call_analyzed', ['call_ended', 'call_analyzed']]]);
    });
  });

  it('sends what it has gathered although the route has been removed', async () => {
    const before = await opened();
    await before.send('agents', event('call_ended'));
    await before.close();
    const other = yaml().replace(/ {2}- \{ name: calls.*\n/, '  - { name: none, on: never, to: crm }\n');
    await withRouter(other, async (after) => {
      await after.clock.advance(10 * 60_000);
      expect(await sent(after, 1)).to.deep.equal([['call_ended', ['call_ended']]]);
    });
  });

  it('leaves the other routes as they are: each event at once', () => {
    const more = '  - { name: each, from: agents, to: crm }\n';
    return withRouter(yaml({ more }), async (router) => {
      await router.send('agents', event('call_ended'));
      expect(await sent(router, 1)).to.deep.equal([['call_ended', []]]);
    });
  });

  it('is late only beyond its wait: the status is well until then', () =>
    withRouter(undefined, async (router) => {
      await router.send('agents', event('call_ended'));
      await router.clock.advance(9 * 60_000);
      const status = async () =>
        ((await (await fetch(`${router.url}/api/status`)).json()) as { summary: { level: string } }).summary.level;
      expect(await status()).to.equal('well');
    }));

  it('is not sent by a probe before its time, and at once by a replay', () =>
    withRouter(undefined, async (router) => {
      await router.send('agents', event('call_ended'));
      await place.command(['probe', 'crm', '--url', router.url]);
      expect(await router.attempts(0)).to.deep.equal([]);
      const [first] = await deliveries(router);
      expect(first).to.deep.include({ state: 'waiting', attempts: 0 });
      await place.command(['replay', '--subject', 'call_1', '--state', 'waiting', '--yes', '--url', router.url]);
      // The probe has reached the destination, without a delivery.
      expect((await sent(router, 2))[1]).to.deep.equal(['call_ended', ['call_ended']]);
    }));

  it('replays one delivery for all events that it has gathered', () =>
    withRouter(undefined, async (router) => {
      await router.send('agents', event('call_ended'));
      await router.send('agents', event('call_analyzed'));
      await router.attempts(1);
      const [first, second] = await deliveries(router);
      const { stdout } = await place.command([
        ...['replay', String(second?.event), '--state', 'gathered', '--url', router.url],
      ]);
      expect(stdout).to.contain('1 delivery replayed');
      await router.attempts(2);
      expect((await deliveries(router))[0]).to.deep.include({ id: first?.id, state: 'delivered' });
    }));

  it('is gathered anew by a replay through the routes of today', async () => {
    const unrouted = yaml({ wait: '{ for: never, within: 1m }', on: 'never' });
    await withRouter(unrouted, async (before) => {
      await before.send('agents', event('call_ended'));
      await before.send('agents', event('call_analyzed'));
    });
    await withRouter(undefined, async (after) => {
      await place.command(['replay', '--unrouted', '--reroute', '--since', '1h', '--yes', '--url', after.url]);
      await after.clock.advance(10_000);
      expect(await sent(after, 1)).to.deep.equal([['call_analyzed', ['call_ended', 'call_analyzed']]]);
    });
  });

  it('hands what it has sent to a destination that erases, with all events', async () => {
    const { plugin, delivered, erased } = noting();
    const text = yaml().replace(/crm: \{ use: .*\} \}/, 'crm: { use: notes.add } }');
    const router = await runRouter(text, [plugin], { directory: place.directory });
    try {
      await router.send('agents', event('call_ended'));
      await router.send('agents', event('call_analyzed'));
      await router.attempts(1);
      await place.command(['erase', '--subject', 'call_1', '--yes', '--url', router.url]);
      expect(erased).to.deep.equal(delivered);
      expect(erased[0]?.events?.map(({ type }) => type)).to.deep.equal(['call_ended', 'call_analyzed']);
    } finally {
      await router.close();
    }
  });

  it('applies the transforms of the route to each event, and leaves out what they keep back', async () => {
    const { plugin, delivered } = noting();
    const router = await runRouter(
      `
version: 1
sources: { hooks: { use: bearer, tokens: only-for-tests, fields: { subject: "default(body.subject, null)" } } }
transforms: { short: { use: notes.short } }
destinations: { crm: { use: notes.add } }
routes: [{ to: crm, transform: short, wait: { for: [last, secret], within: 1m } }]
`,
      [plugin],
    );
    const send = (type: string, subject?: string) => router.send('hooks', { type, ...(subject && { subject }) });
    const seen = () =>
      delivered.map(({ event: one, events }) => [one.type, events?.map(({ type, data }) => [type, data.short])]);
    try {
      for (const type of ['first', 'secret']) await send(type, 'a');
      await router.attempts(1);
      expect(seen()).to.deep.equal([['first', [['first', true]]]]);
      await send('secret', 'b');
      await router.attempts(2);
      await send('alone');
      await router.attempts(3);
      expect(seen().slice(1)).to.deep.equal([['alone', undefined]]);
      const outcomes = (await router.attempts(3)).map(({ outcome }) => outcome);
      expect(outcomes).to.deep.equal(['delivered', 'skipped', 'delivered']);
    } finally {
      await router.close();
    }
  });

  it('is checked in the configuration: what it waits for, and for how long', async () => {
    const problems = async (given: Parameters<typeof yaml>[0]) =>
      (await problemsOf({ path: 'config/of-a-test.yaml', line: 1, marks: [], code: yaml(given) })).join('\n');
    expect(await problems({})).to.equal('');
    expect(await problems({ on: 'call_*' })).to.equal('');
    expect(await problems({ wait: '{ for: [call_ended, call_analyzed], within: 1h }' })).to.equal('');
    for (const [given, problem] of [
      [{ on: 'call_ended' }, 'the route takes no event "call_analyzed"'],
      [
        { wait: '{ for: call_analysed, within: 10m }' },
        'the route takes no event "call_analysed"; did you mean "call_analyzed"?',
      ],
      [
        { on: 'call_*', wait: '{ for: call_analysed, within: 10m }' },
        '"call_analysed" is no known type of "agents"; did you mean "call_analyzed"?',
      ],
      [{ wait: '{ for: call_analyzed, within: 8d }' }, 'must be at least 1s and at most 7d'],
      [{ wait: '{ for: call_analyzed }' }, 'within'],
      [{ wait: '{ for: call_analyzed, within: 1m, late: deliver }' }, 'unknown key "late"'],
    ] as const)
      expect(await problems(given)).to.contain(problem);
  });
});
