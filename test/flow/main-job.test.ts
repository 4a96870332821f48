import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRouter } from '@switchhook/core';
import { Clock, Store } from '@switchhook/sdk';
import { FakeClock, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { eventually } from '../support/eventually.js';
import { postgres } from '../support/postgres.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const signing = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

async function setup() {
  const place = await workplace();
  const database = await postgres();
  const slack = await receiver();
  const crm = await receiver((_request, index) => (index === 0 ? 503 : 200));
  await database.query('create table customers (phone text, first_name text, tier text)');
  await database.query("insert into customers values ('+12345678912', 'Jim', 'gold')");
  const { router, url, lines } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [an-older-secret, ${secret}] }
  calls: { use: sigmamind.call, token: token-of-the-tests }
destinations:
  team-slack:
    use: slack.message
    webhookUrl: ${slack.url}/services/secret-part
    text: "Call \${{ event.subject }} ended after \${{ event.data.duration }} s"
  warehouse: { use: postgres.insert, url: "${database.url}", table: sigmamind_events, batch: { max: 10, wait: 20ms } }
  crm: { use: http.post, url: ${crm.url}/hooks/calls, sign: ${signing}, retry: { first: 10ms, max: 20ms } }
resolvers:
  customer:
    use: postgres.lookup
    url: "${database.url}"
    query: select first_name, tier from customers where phone = $1
    params: ["\${{ call.from }}"]
routes:
  - name: finished-calls
    from: agents
    on: [conversation_ended, conversation_analysed]
    where: event.agent == "agent_sales" && event.data.duration > 30
    to: [team-slack, warehouse, crm]
  - { name: calls, on: inbound_call, to: warehouse }
answers:
  - name: sales-line
    from: calls
    where: call.to == "+12345678913"
    resolve: [customer]
    variables: { first_name: "\${{ customer.first_name }}", tier: "\${{ customer.tier }}" }
    defaults: { first_name: there, tier: standard }
`);
  const close = async () => {
    await place.close();
    await Promise.all([slack.close(), crm.close(), database.close()]);
  };
  const rows = (count: number) =>
    eventually(async () => {
      const found = await database.query('select type, subject, data from sigmamind_events').catch(() => []);
      return found.length >= count && found;
    });
  return { router, url, lines, slack, crm, rows, close };
}

describe('the main job', () => {
  it('takes a signed event to Slack, Postgres and an HTTP endpoint', async () => {
    const { url, slack, crm, rows, close } = await setup();
    const { status, body } = await postSigned(`${url}/hooks/agents`, endedBody());
    expect(status).to.equal(200);

    const [message] = await slack.received(1);
    expect(message?.json()).to.deep.equal({ text: 'Call conv_1 ended after 73 s' });

    const [first, second] = await crm.received(2);
    for (const request of [first, second]) new Webhook(signing).verify(request?.text() ?? '', { ...request?.headers });
    expect(second?.headers['webhook-id']).to.equal(first?.headers['webhook-id']);
    expect(second?.json()).to.deep.include({ id: body.id, type: 'conversation_ended', source: 'agents' });

    const [row] = await rows(1);
    expect(row).to.deep.equal({ type: 'conversation_ended', subject: 'conv_1', data: JSON.parse(endedBody()) });
    await close();
  });

  it('answers a ringing phone, and keeps the call as an event', async () => {
    const { url, rows, close } = await setup();
    const ring = (from: string) =>
      postSigned(
        `${url}/hooks/calls/token-of-the-tests`,
        `{"event":"inbound_call","from_number":"${from}","to_number":"+12345678913"}`,
      );
    expect(await ring('+12345678912')).to.deep.equal({
      status: 200,
      body: { dynamic_variables: { first_name: 'Jim', tier: 'gold' } },
    });
    expect((await ring('+4915112345678')).body).to.deep.equal({
      dynamic_variables: { first_name: 'there', tier: 'standard' },
    });
    const [row] = await rows(2);
    expect(row?.data).to.have.nested.property('answer.name', 'sales-line');
    await close();
  });

  it('keeps every secret out of its log', async () => {
    const { url, lines, crm, close } = await setup();
    await postSigned(`${url}/hooks/agents`, endedBody());
    await crm.received(2);
    await close();
    expect(lines.length).to.be.greaterThan(5);
    for (const line of lines)
      for (const hidden of [secret, 'an-older-secret', 'token-of-the-tests', signing, 'secret-part'])
        expect(line).not.to.include(hidden);
  });

  it('runs inside another HTTP server, with services of the host in place of its own', async () => {
    const place = await workplace();
    const clock = new FakeClock();
    const file = await place.write(
      'switchhook.yaml',
      `{ version: 1, store: { use: memory }, sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }, destinations: { console: { use: log } }, routes: [{ to: console }] }`,
    );
    const router = await createRouter(file, {
      configure: (container) => container.register(Clock, { useValue: clock }),
      logTo: { write: () => {} },
    });
    await router.open();
    const host = createServer((request, response) => {
      if (request.url?.startsWith('/hooks/') === true) router.listener(request, response);
      else response.end('the host');
    });
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
    expect((await postSigned(`${url}/hooks/agents`, endedBody())).status).to.equal(200);
    expect(await (await fetch(url)).text()).to.equal('the host');
    const { items } = await router.get(Store).events({ limit: 10 });
    expect(items.map(({ receivedAtMs }) => receivedAtMs)).to.deep.equal([clock.now()]);
    await router.close();
    host.closeAllConnections();
    await new Promise((resolve) => host.close(resolve));
    await place.close();
  });
});
