import { systemClock, version } from '@switchhook/core/internal';
import { Clock } from '@switchhook/sdk';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { throttle } from '../../plugins/postgres/test/gate.js';
import { eventually } from '../support/eventually.js';
import { ring, token } from '../support/phones.js';
import { postgres } from '../support/postgres.js';
import { endedBody, postSigned, secret, signedHeaders } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

describe('a router with the store postgres', () => {
  it('refuses events with 503 and Retry-After in an outage, answers calls meanwhile, and delivers all it acknowledged afterwards', async () => {
    const place = await workplace();
    const database = await postgres();
    const gate = await throttle(database.url);
    const crm = await receiver();
    const { url } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: postgres, url: "${gate.url}", schema: switchhook_flow }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks }
routes: [{ from: agents, to: crm }]
answers: [{ from: calls, variables: { first_name: there } }]
`);
    const acknowledged: string[] = [];
    const send = async (conversationId: string): Promise<number> => {
      const { status } = await postSigned(`${url}/hooks/agents`, endedBody({ conversationId }));
      if (status === 200) acknowledged.push(conversationId);
      return status;
    };
    try {
      for (const outage of ['shut', 'open', 'shut', 'open'] as const) {
        await gate.become(outage);
        const round = acknowledged.length;
        if (outage === 'open') {
          for (let tries = 0; (await send(`${round}-${tries}`)) !== 200; tries += 1);
          expect(await Promise.all(Array.from({ length: 50 }, (_, n) => send(`${round} ${n}`)))).to.include(200);
        } else {
          const body = endedBody({ conversationId: 'refused' });
          const refused = await fetch(`${url}/hooks/agents`, { method: 'POST', headers: signedHeaders(body), body });
          expect([refused.status, refused.headers.has('retry-after')]).to.deep.equal([503, true]);
        }
        const { variables } = await ring(url, '+19990000001');
        expect(variables).to.deep.equal({ first_name: 'there' });
      }
      type Event = { readonly data: { readonly conversationId: string } };
      const arrived = () => new Set(crm.requests.map((request) => (request.json() as Event).data.conversationId));
      await eventually(() => acknowledged.every((id) => arrived().has(id)));
    } finally {
      await place.close();
      await gate.close();
      await crm.close();
      await database.query('drop schema switchhook_flow cascade');
      await database.close();
    }
  });

  it('says what is wrong in words, without a place in the code of the plugin', async () => {
    const place = await workplace();
    const database = await postgres();
    try {
      const reached = async (url: string) => {
        const text = `version: 1
store: { use: postgres, url: "${url}", schema: switchhook_flow }
sources: { forms: { use: bearer, tokens: token } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;
        const file = await place.write('switchhook.yaml', text);
        const { stdout } = await place.command(['check', '--connect', '--json', '--config', file]);
        return JSON.parse(stdout).probes.find(({ kind }: { kind: string }) => kind === 'store').failure;
      };
      expect(await reached('postgres://127.0.0.1:9/none')).to.match(/^cannot connect: .*ECONNREFUSED 127\.0\.0\.1:9$/);
      await database.query('create schema switchhook_flow');
      await database.query('create table switchhook_flow.migrations as select 999 as version');
      expect(await reached(database.url)).to.match(/installed by a newer router; .* or use another schema\.$/);
    } finally {
      await place.close();
      await database.query('drop schema if exists switchhook_flow cascade');
      await database.close();
    }
  });

  it('gets the pauses that operators set through another router, and keeps them over a restart of all', async () => {
    const place = await workplace();
    const database = await postgres();
    const schema = String((await database.query('select current_schema() as schema'))[0]?.schema);
    const crm = await receiver();
    const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: postgres, url: "${database.url}", schema: ${schema} }
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations: { crm: { use: http.post, url: ${crm.url}/hooks } }
routes: [{ to: crm }]
`;
    const control = async (url: string, verb: string, body?: object): Promise<number> => {
      const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      return (await fetch(`${url}/api/destinations/crm/${verb}`, sent)).status;
    };
    const isPaused = async (url: string): Promise<boolean> => {
      const { destinations } = JSON.parse(await (await fetch(`${url}/api/status`)).text());
      return destinations[0].holds.some(({ kind }: { readonly kind: string }) => kind === 'paused');
    };
    try {
      const [first, second] = [await place.router(yaml), await place.router(yaml)];
      expect(await control(first.url, 'pause', { reason: 'migration', by: 'jo' })).to.equal(200);
      await eventually(async () => await isPaused(second.url));
      expect((await postSigned(`${second.url}/hooks/agents`, endedBody({}))).status).to.equal(200);
      await first.router.close();
      await second.router.close();
      const [third, fourth] = [await place.router(yaml), await place.router(yaml)];
      expect([await isPaused(third.url), await isPaused(fourth.url), crm.requests.length]).to.deep.equal([
        true,
        true,
        0,
      ]);
      expect(await control(fourth.url, 'resume')).to.equal(200);
      await eventually(async () => !(await isPaused(third.url)));
      await crm.received(1);
    } finally {
      await place.close();
      await crm.close();
      await database.close();
    }
  });

  it('shows all routers with their configurations, and gives a call the same answer at each of them', async () => {
    const place = await workplace();
    const database = await postgres();
    const schema = String((await database.query('select current_schema() as schema'))[0]?.schema);
    const yaml = (name: string): string => `
version: 1
server: { host: 127.0.0.1, port: 0, name: ${name} }
store: { use: postgres, url: "${database.url}", schema: ${schema} }
sources: { calls: { use: sigmamind.call, token: ${token} } }
answers: [{ from: calls, variables: { answered_by: ${name} } }]
`;
    type Row = Readonly<Record<'name' | 'configuration', string>> & { readonly self: boolean };
    const routersAt = async (url: string): Promise<readonly Row[]> =>
      JSON.parse(await (await fetch(`${url}/api/status`)).text()).routers;
    // On a busy machine the store may need longer than the 50 ms and the 250 ms that a call waits for it.
    const after: Clock['after'] = (ms, run) => systemClock.after(ms === 50 || ms === 250 ? 10_000 : ms, run);
    const clock = { ...systemClock, after };
    const start = (name: string) =>
      place.router(yaml(name), { configure: (services) => services.register(Clock, { useValue: clock }) });
    try {
      const [first, second] = [await start('berlin'), await start('lima')];
      await eventually(async () => (await routersAt(first.url)).length === 2);
      const rows = await routersAt(second.url);
      expect(rows.map(({ name, self }) => [name, self])).to.deep.equal([
        ['lima', true],
        ['berlin', false],
      ]);
      expect(new Set(rows.map(({ configuration }) => configuration)).size).to.equal(2);
      const digestOf = (name: string) => rows.find((row) => row.name === name)?.configuration;
      const metrics = await (await fetch(`${first.url}/metrics`)).text();
      expect(metrics).to.match(/^switchhook_routers{state="there"} 2$/m);
      const info = [...metrics.matchAll(/^switchhook_router_info{(.*)} 1$/gm)].map(([, labels = '']) => labels);
      const labels = (name: string, self: boolean) =>
        `router="${name}",version="${version}",configuration="${digestOf(name)}",state="there",self="${self}"`;
      expect(info).to.have.members([labels('berlin', true), labels('lima', false)]);
      const shown = await place.command(['status', '--once', '--url', first.url]);
      expect(shown.stdout)
        .to.match(/^berlin \(this one\)/m)
        .and.match(/^lima\b/m)
        .and.match(/run 2 configurations/);

      expect((await ring(first.url, '+12025550101')).variables).to.deep.equal({ answered_by: 'berlin' });
      await eventually(async () => (await database.query('select from texts')).length > 0);
      expect((await ring(second.url, '+12025550101')).variables).to.deep.equal({ answered_by: 'berlin' });
      expect((await ring(second.url, '+12025550102')).variables).to.deep.equal({ answered_by: 'lima' });
      await second.router.close();
      await eventually(async () => (await routersAt(first.url)).length === 1);
    } finally {
      await place.close();
      await database.close();
    }
  });

  it('delivers what a killed router was sending after the lease of that router, long before its leases end by time', async () => {
    const place = await workplace();
    const database = await postgres();
    const schema = String((await database.query('select current_schema() as schema'))[0]?.schema);
    let answers: 'hang' | 200 = 'hang';
    const crm = await receiver(() => answers);
    const yaml = (lease: string) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: postgres, url: "${database.url}", schema: ${schema}, lease: ${lease} }
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations: { crm: { use: http.post, url: ${crm.url}/hooks, timeout: 60s, concurrency: 3 } }
routes: [{ to: crm }]
`;
    try {
      const killed = await place.start(await place.write('killed.yaml', yaml('5s')));
      for (const conversationId of ['a', 'b', 'c'])
        expect((await postSigned(`${killed.url}/hooks/agents`, endedBody({ conversationId }))).status).to.equal(200);
      await crm.received(3);
      const { url } = await place.router(yaml('5m'));
      await eventually(async () => JSON.parse(await (await fetch(`${url}/api/status`)).text()).routers.length === 2);
      answers = 200;
      await killed.kill();
      await crm.received(6);
      type Rows = { readonly deliveries: readonly { readonly state: string; readonly attempts: number }[] };
      const states = async () => {
        const { deliveries }: Rows = JSON.parse(await (await fetch(`${url}/api/deliveries`)).text());
        return deliveries.map(({ state, attempts }) => `${state} ${attempts}`);
      };
      await eventually(async () => (await states()).every((state) => state === 'delivered 2'));
      expect(crm.requests).to.have.length(6);
    } finally {
      await place.close();
      await crm.close();
      await database.close();
    }
  });
});
