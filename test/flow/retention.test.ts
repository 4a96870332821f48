/** Bodies that go before their events: what an operator sees of such an event, and what cannot be done with it any more. */
import { readFile } from 'node:fs/promises';
import { runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { problemsOf } from '../architecture/configurations.js';
import { type Workplace, workplace } from '../support/workplace.js';

const dayMs = 86_400_000;
const yaml = ({
  store = '{ events: 30d, bodies: 7d, keys: 90d }',
  source = '{ types: { conversation_analysed: { bodies: 1d } } }',
} = {}) => `version: 1
store: { use: sqlite, path: ./retention.db, retention: ${store} }
sources:
  agents: { use: sigmamind.events, secrets: only-for-tests, retention: ${source} }
  phones: { use: sigmamind.call, allow: [127.0.0.1] }
destinations:
  crm: { use: http.post, url: "\${RECEIVER_URL:-http://127.0.0.1:9}", allowPrivate: true }
routes:
  - { to: crm }
answers:
  - { from: phones, variables: { name: there } }
`;

describe('retention of bodies', () => {
  let place: Workplace;
  let router: TestRouter;
  beforeEach(async () => {
    place = await workplace();
    router = await runRouter(yaml(), [], { directory: place.directory });
  });
  afterEach(async () => {
    await router.close();
    await place.close();
  });

  const asked = async (path: string) => JSON.parse(await (await fetch(router.url + path)).text());
  const command = (...args: readonly string[]) => place.command([...args, '--url', router.url]);
  const send = async (type: string, conversationId: string): Promise<string> => {
    const { reply } = await router.send('agents', {
      event: type,
      conversationId,
      agentId: 'a',
      transcript: 'secret words',
    });
    return Object(reply).id;
  };
  /** Lets days pass, with a look of retention at their end. */
  const pass = async (days: number): Promise<void> => {
    router.clock.jumpTo(router.clock.now() + days * dayMs);
    // It waits until the clock has gone steadily for an hour.
    const steadyMs = router.clock.now() + 3_600_000;
    const looked = async () => Date.parse((await asked('/api/status')).store.pruned?.at ?? 0);
    while ((await looked()) < steadyMs) await router.clock.advance(60_000);
    // Between two looks is a minute, between two steps of a look a tenth of a second.
    let last = 0;
    for (let same = 0; same < 10; last = await looked()) {
      same = last === (await looked()) ? same + 1 : 0;
      await router.clock.advance(100);
    }
  };

  it('keeps the event with its deliveries and attempts, and says in each command that the body is gone', async () => {
    const analysed = await send('conversation_analysed', 'conv_1');
    const ended = await send('conversation_ended', 'conv_1');
    await router.call('phones', { from: '+14155550101' });
    await router.attempts(3);
    const dataOf = async (id: string) => (await asked(`/api/events/${id}`)).data;
    await pass(2);
    expect(await dataOf(analysed)).to.equal(null);
    expect(await dataOf(ended)).to.include({ transcript: 'secret words' });
    await pass(6);
    const { data, deliveries, subject } = await asked(`/api/events/${ended}`);
    expect([data, subject, deliveries[0].state, deliveries[0].history.length]).to.deep.equal([
      null,
      'conv_1',
      'delivered',
      1,
    ]);

    const replayed = await command('replay', `${ended}.0`);
    expect(replayed.code).to.equal(1);
    expect(replayed.stderr).to.include(`BODY_REMOVED: the body of event ${ended} was removed after 7d\n`);
    const all = await command('replay', '--state', 'delivered', '--yes');
    expect(all.stdout).to.include('0 deliveries replayed').and.include('3 skipped: retention has removed the bodies');
    expect((await command('replay', '--reroute', '--type', 'conversation_ended', '--yes')).stdout).to.include(
      'Nothing fits',
    );
    expect((await command('events', ended)).stdout).to.include('Retention has removed its body.');
    const explained = await command('explain', 'conv_1');
    expect(explained.stdout)
      .to.include('Retention has removed its body')
      .and.include('delivered')
      .and.include('1 attempt');
    expect((await command('calls')).stdout.split('\n').length).to.equal(2);
    const file = place.path('events.ndjson');
    await command('export', 'events', '--source', 'agents', '--data', '--output', file);
    const exported = (await readFile(file, 'utf8')).trim().split('\n');
    expect(exported.map((line) => JSON.parse(line).data)).to.deep.equal([null, null]);
    await place.write('new.yaml', yaml());
    const plan = await command('plan', '--config', place.path('new.yaml'), '--since', '30000d');
    expect(plan.stderr).to.include('3 events not compared: retention has removed the bodies.');
    expect((await command('status', '--once')).stdout).to.include(
      'keeps events 30d, bodies 7d, keys 90d; agents conversation_analysed: events 30d, bodies 1d',
    );
    expect((await command('erase', '--subject', 'conv_1', '--yes')).stdout).to.include('2 events erased');
  });

  it('recognizes a repetition after the event itself is gone, until its key ends', async () => {
    const id = await send('conversation_ended', 'conv_1');
    await router.attempts(1);
    await pass(40);
    expect((await asked(`/api/events/${id}`)).code).to.equal('NOT_KEPT');
    expect(await send('conversation_ended', 'conv_1')).to.equal(id);
    expect((await asked('/api/events')).events).to.deep.equal([]);
    await pass(60);
    expect(await send('conversation_ended', 'conv_1')).not.to.equal(id);
  });

  it('is checked in the configuration', async () => {
    const problems = async (given: Parameters<typeof yaml>[0]) =>
      (await problemsOf({ path: 'config/of-a-test.yaml', line: 1, marks: [], code: yaml(given) })).join('\n');
    expect(await problems({})).to.equal('');
    expect(await problems({ store: '30d', source: '7d' })).to.equal('');
    for (const [given, problem] of [
      [{ store: '{ events: 30d, bodies: 31d }' }, 'must not be longer than events'],
      [{ store: '{ events: 30d, keys: 7d }' }, 'must not be shorter than events'],
      [{ store: '{ keys: 7d }' }, 'must not be shorter than events'],
      [{ store: '{ body: 7d }' }, 'unknown key "body"'],
      [{ store: '10s' }, 'must be at least 1m'],
      [{ source: '{ events: 7d, bodies: 8d }' }, 'must not be longer than events'],
      [{ source: '{ bodies: 31d }' }, 'must not be longer than the retention of the events'],
      [{ source: '{ keys: 31d }' }, 'unknown key "keys"'],
      [{ source: '{ types: { conversation_endet: 1d } }' }, 'did you mean "conversation_ended"?'],
    ] as const)
      expect(await problems(given), JSON.stringify(given)).to.include(problem);
  });
});
