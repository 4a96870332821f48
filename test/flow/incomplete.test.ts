/** Conversations of which an event does not arrive: in whole routers on a SQLite file, over a restart, by the API and the command. */
import { runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { problemsOf } from '../architecture/configurations.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = ({ followedBy = '', store = '{ use: sqlite, path: ./events.db }' }) => `version: 1
store: ${store}
sources:
  agents:
    use: retell.events
    secrets: only-for-tests
    followedBy:
      call_started: { type: call_ended, within: 2h }
${followedBy}
destinations: { console: { use: log }, crm: { use: http.post, url: "\${RECEIVER_URL:-http://127.0.0.1:9}", allowPrivate: true } }
routes:
  - { name: calls, from: agents, to: console }
  - { name: missing, from: router, on: conversation.incomplete, to: crm }
`;
const event = (type: string, id: string) => ({ event: type, call: { call_id: id, agent_id: 'agent_1' } });

interface Listed {
  readonly conversations: readonly { readonly conversation: string }[];
}

describe('incomplete conversations', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  /** Lets time pass until as many are listed. */
  const listed = async ({ url, clock }: TestRouter, count: number): Promise<Listed> => {
    for (;;) {
      const reply = (await (await fetch(`${url}/api/incomplete`)).json()) as Listed;
      if (reply.conversations.length === count) return reply;
      await clock.advance(20_000);
    }
  };
  const router = () => runRouter(yaml({}), [], { directory: place.directory });

  it('are listed and delivered to a destination, also after a restart, until the event arrives', async () => {
    const before = await router();
    for (const id of ['call_1', 'call_2']) await before.send('agents', event('call_started', id));
    await before.send('agents', event('call_ended', 'call_2'));
    await before.close();
    const after = await router();
    try {
      await after.clock.advance(2 * 3_600_000);
      const { conversations } = await listed(after, 1);
      expect(conversations[0]).to.deep.include({
        ...{ source: 'agents', conversation: 'call_1', agent: 'agent_1' },
        ...{ after: 'call_started', missing: ['call_ended'] },
        ...{ receivedAt: '2026-01-01T00:00:00.000Z', dueAt: '2026-01-01T02:00:00.000Z' },
      });
      const [request] = await after.receiver.received(1);
      expect(JSON.parse(String(request?.body)).data.conversation).to.equal('call_1');
      const { stdout } = await place.command(['incomplete', '--url', after.url, '--utc']);
      expect(stdout).to.contain('call_1').and.to.contain('call_ended');
      const misspelt = await place.command(['incomplete', '--url', after.url, '--source', 'agent']);
      expect(misspelt.stderr).to.contain('no source "agent" is configured; did you mean "agents"?');
      await after.send('agents', event('call_ended', 'call_1'));
      await listed(after, 0);
      expect((await place.command(['incomplete', '--url', after.url])).stdout).to.contain(
        'No conversation is incomplete.',
      );
    } finally {
      await after.close();
    }
  });

  it('are completed by a destination that asks the platform, once the reply is complete', async () => {
    const fetching = `version: 1
store: { use: memory }
sources:
  agents: { use: retell.events, secrets: only-for-tests, followedBy: { call_started: { type: call_ended, within: 2h } } }
destinations:
  platform:
    use: http.fetch
    url: "\${RECEIVER_URL:-http://127.0.0.1:9}/calls/\${{ event.subject }}"
    allowPrivate: true
    when: reply.status == "ended"
    type: \${{ event.data.missing[0] }}
    data: { event: call_ended, call: "\${{ reply }}" }
  crm: { use: http.post, url: "\${RECEIVER_URL:-http://127.0.0.1:9}/crm" }
routes:
  - { name: missing, from: router, on: conversation.incomplete, to: platform }
  - { name: ended, from: [agents, platform], on: call_ended, to: crm }
`;
    const fetched = await runRouter(fetching, [], { directory: place.directory });
    try {
      let status = 'ongoing';
      fetched.receiver.answer(({ path }) =>
        path === '/crm' ? 200 : { status: 200, body: JSON.stringify({ call_id: 'call_1', status }) },
      );
      await fetched.send('agents', event('call_started', 'call_1'));
      await fetched.clock.advance(2 * 3_600_000);
      const asked = () => fetched.receiver.requests.filter(({ path }) => path === '/calls/call_1').length;
      while (asked() < 2) await fetched.clock.advance(20_000);
      await listed(fetched, 1);
      status = 'ended';
      const crm = () => fetched.receiver.requests.filter(({ path }) => path === '/crm');
      while (crm().length === 0) await fetched.clock.advance(20_000);
      expect(JSON.parse(String(crm()[0]?.body))).to.deep.include({
        ...{ source: 'platform', type: 'call_ended', subject: 'call_1', agent: 'agent_1' },
      });
      await listed(fetched, 0);
      await fetched.clock.advance(3_600_000);
      expect(crm()).to.have.length(1);
    } finally {
      await fetched.close();
    }
  });

  it('are checked in the configuration: types, times and what follows itself', async () => {
    const problems = async (given: Parameters<typeof yaml>[0]) =>
      (await problemsOf({ path: 'config/of-a-test.yaml', line: 1, marks: [], code: yaml(given) })).join('\n');
    expect(await problems({})).to.equal('');
    const analysed = '      call_ended: { type: call_analyzed, within: 10m }';
    expect(await problems({ followedBy: analysed })).to.equal('');
    for (const [right, wrong, problem] of [
      ['call_ended:', 'call_endet:', '"call_endet" is no known type of "agents"; did you mean "call_ended"?'],
      ['call_analyzed', 'call_analysed', '"call_analysed" is no known type of "agents"; did you mean "call_analyzed"?'],
      ['call_analyzed', 'call_ended', '"call_ended" cannot be followed by itself'],
      ['10m', '8d', 'must be at least 1s and at most 7d'],
      ['within', 'after', 'unknown key "after"'],
    ] as const)
      expect(await problems({ followedBy: analysed.replace(right, wrong) })).to.contain(problem);
    expect(await problems({ store: '{ use: memory, retention: 1h }' })).to.contain(
      'must not be longer than the retention of the events',
    );
  });
});
