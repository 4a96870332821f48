import { createRouter } from '@switchhook/core';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { postgres } from '../support/postgres.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-api';

/** Answers by POST /accept/{id}. */
const plugin = `
import { definePlugin, defineSource, HttpClient, outcomeOf, readJsonObject, z } from '@switchhook/sdk';

const acknowledgement = () => ({ status: 202 });
const trunk = defineSource({
  type: 'trunk.call',
  description: 'Calls of a trunk.',
  calls: true,
  answerBy: 'call',
  deadlineMs: 60_000,
  options: z.strictObject({ url: z.url().meta({ description: 'Of the API.' }) }),
  inject: { http: HttpClient },
  callBody: ({ from, to }) => ({ id: \`from \${from}\`, from, to }),
  create: ({ url }, { http }) => ({
    receive({ body }) {
      const data = readJsonObject(body);
      const { id, from, to } = data;
      const event = { key: id, type: 'call', subject: id, agent: null, party: from, occurredAtMs: null, data };
      const call = { id, from, to, agent: null, data };
      return { kind: 'call', event, call, deadlineMs: 60_000, retryMs: 3_600_000, reply: acknowledgement, fallback: acknowledgement };
    },
    async answer({ id }, answer, signal) {
      const body = JSON.stringify(answer?.variables ?? null);
      return outcomeOf(await http.fetch(\`\${url}/accept/\${encodeURIComponent(id)}\`, { method: 'POST', body, signal }), 0);
    },
    sign: () => ({ headers: {}, rest: '' }),
  }),
});
export default definePlugin({ name: 'trunk', components: [trunk] });
`;

const configuration = (platform: string, crm: string, store = 'use: sqlite, path: ./switchhook.db') => `
version: 1
plugins: [./trunk.mjs]
server: { host: 127.0.0.1, port: 0, admin: { token: ${token} } }
store: { ${store} }
sources:
  calls: { use: trunk.call, url: "${platform}" }
resolvers:
  customer: { use: table.lookup, file: ./customers.csv, key: phone }
destinations:
  crm: { use: http.post, url: "${crm}" }
routes:
  - { from: calls, where: event.data.answer.sent.outcome == "sent", to: crm }
answers:
  - { from: calls, resolve: customer, variables: { first_name: "\${{ customer.first_name }}" }, defaults: { first_name: there } }
`;

describe('a platform that takes the answer from a request to its API', () => {
  let place: Workplace;
  let platform: Receiver;
  let crm: Receiver;
  let file: string;
  beforeEach(async () => {
    place = await workplace();
    await place.link();
    [platform, crm] = [await receiver(), await receiver()];
    await place.write('trunk.mjs', plugin);
    await place.write('customers.csv', 'phone,first_name\n+12025551001,Ada\n');
    file = await place.write('switchhook.yaml', configuration(platform.url, crm.url));
  });
  afterEach(async () => {
    await place.close();
    await platform.close();
    await crm.close();
  });

  const ring = async ({ url }: Pick<RouterProcess, 'url'>) => {
    const body = JSON.stringify({ id: 'call_1', from: '+12025551001', to: '+12345678913' });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}/hooks/calls`, { method: 'POST', headers, body })).status;
  };
  const call = (router: RouterProcess, ...args: readonly string[]) =>
    place.command(['call', '--config', file, '--url', router.url, '--to', '+12345678913', ...args]);

  it('gets it once, and the event goes to its routes with the answer', async () => {
    const router = await place.start(file);
    expect([await ring(router), await ring(router)]).to.deep.equal([202, 202]);
    const [request] = await platform.received(1);
    expect([request?.path, request?.json()]).to.deep.equal(['/accept/call_1', { first_name: 'Ada' }]);
    const [event] = (await crm.received(1)).map((delivered) => delivered.json());
    expect(event).to.have.nested.property('data.answer.variables.first_name', 'Ada');
    expect(await ring(router)).to.equal(202);
    expect(await router.stop()).to.equal(0);
    expect([platform.requests.length, crm.requests.length]).to.deep.equal([1, 1]);
  });

  it('gets it from the next start, where the router was killed after it had acknowledged the call', async () => {
    platform.answer(() => 'hang');
    const killed = await place.start(file);
    expect(await ring(killed)).to.equal(202);
    await platform.received(1);
    await killed.kill();
    platform.answer(() => 200);
    const router = await place.start(file);
    await platform.received(2);
    expect(platform.requests.map((request) => request.json())).to.deep.equal([
      { first_name: 'Ada' },
      { first_name: 'Ada' },
    ]);
    await crm.received(1);
    expect(await ring(router)).to.equal(202);
    expect(await router.stop()).to.equal(0);
    expect([platform.requests.length, crm.requests.length]).to.deep.equal([2, 1]);
  });

  it('gets it from another router that shares the store, where the first one was killed', async () => {
    const database = await postgres();
    const store = `use: postgres, url: "${database.url}", schema: switchhook_later`;
    file = await place.write('shared.yaml', configuration(platform.url, crm.url, store));
    platform.answer(() => 'hang');
    const killed = await place.start(file);
    const other = await place.router(configuration(platform.url, crm.url, store));
    expect(await ring(killed)).to.equal(202);
    await platform.received(1);
    expect(await ring(other)).to.equal(202);
    platform.answer(() => 200);
    await killed.kill();
    await platform.received(2);
    await crm.received(1);
    expect(await ring(other)).to.equal(202);
    await other.router.close();
    expect([platform.requests.length, crm.requests.length]).to.deep.equal([2, 1]);
    await database.query('drop schema switchhook_later cascade');
    await database.close();
  });

  it('shows in `call` what came of it', async () => {
    const router = await place.start(file);
    const { code, stdout } = await call(router, '--from', '+12025551001');
    expect([code, stdout]).to.satisfy(([ended, text]: [number, string]) => ended === 0 && /^202 in/.test(text), stdout);
    expect(stdout).to.include('first_name\tAda\tfresh: customer\n');
    expect(stdout).to.match(/^sent to the platform after [\d.]+ ms \(1 attempts\)$/m);
    platform.answer(() => 422);
    const refused = await call(router, '--from', '+12025551002', '--json');
    expect(JSON.parse(refused.stdout).answer.sent).to.include({
      outcome: 'failed',
      attempts: 1,
      reason: 'HTTP 422 Unprocessable Entity',
    });
  });

  it('is not asked by a source whose component does not declare it, or whose store keeps no texts', async () => {
    const failureOf = async (source: string, store: string): Promise<string> => {
      const name = `trunk-${source.length}.mjs`;
      await place.write(name, source);
      const yaml = configuration(platform.url, crm.url, store).replace('trunk.mjs', name);
      return createRouter(await place.write('failing.yaml', yaml)).then(
        () => 'none',
        (error) => `${error.code}: ${error.message}`,
      );
    };
    const undeclared = plugin.replace("answerBy: 'call',", '');
    expect(await failureOf(undeclared, 'use: memory')).to.include(
      "a source without answer, as its component has no `answerBy: 'call'`",
    );
    const unable = plugin.replace('async answer(', 'async reply(');
    expect(await failureOf(unable, 'use: memory')).to.include('a source with answer');
    const stateless = `${plugin.replace('import { ', 'import { defineStore, ')}`.replace(
      'components: [trunk]',
      `components: [trunk, defineStore({
        type: 'stateless', description: 'Keeps nothing.', options: z.strictObject({}),
        create: () => Object.fromEntries('append claim settle extend event events delivery deliveries attempts replay discard prune backlog'
          .split(' ').map((method) => [method, async () => []])),
      })]`,
    );
    expect(await failureOf(stateless, 'use: stateless')).to.match(
      /^STATE_NOT_KEPT: source calls \(trunk\.call, .*it answers by a call, and the store has no state/,
    );
  });
});
