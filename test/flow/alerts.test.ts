/** config/examples/alerts.yaml, in a whole router: a dead delivery is a message in Slack and a mail, once an hour, and causes nothing else. */
import { readFile } from 'node:fs/promises';
import { Clock, Store } from '@switchhook/sdk';
import { FakeClock, type Receiver, receiver, runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { password, smtp, user } from '../../plugins/email/test/imitation.js';
import { problemsOf } from '../architecture/configurations.js';
import { repository } from '../architecture/source.js';
import { type Workplace, workplace } from '../support/workplace.js';

const call = (id: string) => ({ event: 'call_analyzed', call: { call_id: id, agent_id: 'agent_1' } });

describe('the example of alerts', () => {
  let slack: Receiver;
  let mailbox: Awaited<ReturnType<typeof smtp>>;
  let router: TestRouter;

  beforeEach(async () => {
    [slack, mailbox] = [await receiver(), await smtp()];
    const text = await readFile(`${repository}config/examples/alerts.yaml`, 'utf8');
    const yaml = text
      .replace(/^store: .*/m, 'store: { use: memory }')
      .replace('host: smtp.example.com', `host: 127.0.0.1\n    port: ${mailbox.port}\n    verifyCertificate: false`)
      .replace('user: switchhook@example.com', `user: ${user}`);
    router = await runRouter(yaml, [], {
      variables: { SLACK_WEBHOOK_URL: slack.url, SMTP_PASSWORD: password, CRM_URL: 'http://127.0.0.1:9/calls' },
    });
  });
  afterEach(async () => {
    await router.close();
    await Promise.all([slack.close(), mailbox.close()]);
  });

  /** Lets time pass until everything that can be delivered is. */
  const passed = async (ms: number): Promise<void> => {
    const store = router.router.get(Store);
    const isOpen = async () => (await store.deliveries({ limit: 100 })).items.some(({ state }) => state === 'running');
    await router.clock.advance(ms);
    while (await isOpen()) await router.clock.advance(0);
  };

  it('sends a dead delivery to Slack and by mail, once an hour', async () => {
    for (const id of ['c1', 'c2']) expect((await router.send('agents', call(id))).status).to.equal(200);
    // Twelve attempts, with waits of up to an hour.
    for (let hour = 0; hour < 20; hour += 1) await passed(3_600_000);
    const texts = slack.requests.map(({ body }) => String(JSON.parse(String(body)).text));
    const dead = texts.filter((text) => text.startsWith('*delivery.dead*'));
    expect(dead.length).to.be.within(1, 2);
    expect(dead[0]).to.contain('to crm became dead (exhausted)').and.to.contain('switchhook dead --destination crm');
    expect(mailbox.mails.some(({ source }) => /^Subject: Switchhook: delivery\.dead/m.test(source))).to.equal(true);
    const { items } = await router.router.get(Store).events({ source: 'router', limit: 1_000 });
    expect(new Set(items.map(({ key }) => key)).size).to.equal(items.length);
    // What is written to the team is no cause.
    expect(items.every(({ subject }) => subject === 'crm')).to.equal(true);
  });
});

describe('a whole router that gets its own events', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  it('makes them of refused requests, calls with failed look-ups and reloads, and has no endpoint for them', async () => {
    const clock = new FakeClock();
    const yaml = (added = '') => `version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources:
  agents: { use: retell.events, secrets: only-for-tests }
  calls: { use: retell.call, secrets: only-for-tests }
resolvers: { crm: { use: http.lookup, url: 'http://127.0.0.1:9/', allowPrivate: true } }
destinations: { console: { use: log } }
routes:
  - { name: all, to: console }
  - { name: alerts, from: router, to: console }
${added}
answers:
  - { name: everyone, from: calls, resolve: crm, variables: { name: '\${{ crm.name }}' }, defaults: { name: there } }
`;
    const { router, url } = await place.router(yaml(), {
      configure: (container) => container.register(Clock, { useValue: clock }),
    });
    const post = async (path: string, body: string, headers: Readonly<Record<string, string>> = {}) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
      return (await fetch(`${url}${path}`, init)).status;
    };
    for (let n = 0; n < 10; n += 1) expect(await post('/hooks/agents', '{}')).to.equal(401);
    const call = '{"event":"call_inbound","call_inbound":{"from_number":"+12345678912","to_number":"+12345678913"}}';
    const { headers, rest } = router.signed('calls', Buffer.from(call)) ?? { headers: {}, rest: '' };
    expect(await post(`/hooks/calls${rest}`, call, headers)).to.equal(200);
    expect(await post('/hooks/router', '{"type":"delivery.dead"}')).to.equal(404);
    await place.write('switchhook.yaml', yaml('  - { name: more, from: agents, to: console }'));
    await router.reload();
    await clock.advance(16_000);
    const { items } = await router.get(Store).events({ source: 'router', limit: 10 });
    const events = items.map(({ type, body }) => [type, JSON.parse(new TextDecoder().decode(body))] as const);
    expect(events.map(([type]) => type)).to.have.members(['source.refusing', 'call.defaulted', 'config.reloaded']);
    const data = Object.fromEntries(events);
    expect(data['source.refusing']).to.include({ source: 'agents', code: 'UNVERIFIED', requests: 10 });
    expect(data['call.defaulted']).to.include({
      source: 'calls',
      answer: 'everyone',
      calls: 1,
      failure: 'crm: failed',
    });
    expect(data['config.reloaded']).to.include({ generation: 2, reloads: 1, added: 1, removed: 0 });
  });
});

describe("routes with the router's own events", () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  const yaml = ({ from = 'router', on = 'delivery.dead', rows = '', where = '' }) => `version: 1
store: { use: memory }
sources:
  agents: { use: retell.events, secrets: only-for-tests }
${rows}
destinations: { console: { use: log }, other: { use: log } }
routes:
  - { name: calls, to: console }
  - { name: alerts, from: ${from}, on: '${on}', ${where} to: other }
`;
  const check = async (given: Parameters<typeof yaml>[0]) =>
    (await problemsOf({ path: 'config/of-a-test.yaml', line: 1, marks: [], code: yaml(given) })).join('\n');

  it('are checked: names, types, conditions, and that no row has the name', async () => {
    expect(await check({})).to.equal('');
    expect(await check({ on: '*.dead' })).to.equal('');
    expect(await check({ on: 'delivery.died' })).to.contain(
      '"delivery.died" is no event of the router; did you mean "delivery.dead"?',
    );
    expect(await check({ on: 'deliveries.*' })).to.contain('"deliveries.*" is no event of the router');
    expect(await check({ from: 'ruter' })).to.contain('did you mean "router"?');
    expect(await check({ where: 'where: event.data.destination = "crm",' })).to.contain('EXPRESSION_SYNTAX');
    expect(await check({ rows: '  router: { use: retell.events, secrets: only-for-tests }' })).to.contain(
      '"router" is the source of the router\'s own events',
    );
  });

  it('are explained by an example of each type, which a route without `from` does not get', async () => {
    const config = await place.write('switchhook.yaml', yaml({ where: 'where: event.data.deliveries > 2,' }));
    const explain = (what: string, source = 'router') =>
      place.command(['explain', what, '--source', source, '--config', config]);
    const { stdout, code } = await explain('delivery.dead');
    expect(stdout).to.contain('✔ alerts').and.to.contain('it takes events from agents, not router');
    expect(code).to.equal(0);
    const body = await place.write('dead.json', '{ "type": "delivery.dead", "data": { "deliveries": 2 } }');
    expect((await explain(body)).stdout).to.contain('event.data.deliveries is 2');
    const unknown = await explain('delivery.died');
    expect(unknown.stderr).to.contain('delivery.died is neither a file nor a sample of router; samples: delivery.dead');
    expect(unknown.code).to.equal(2);
    expect((await explain('call_ended', 'agents')).stdout).to.contain('✔ calls');
  });
});
