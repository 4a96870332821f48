/** Routers that are started, or restarted by their supervisor, while something is broken. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-tests';
const shyResolver = fileURLToPath(new URL('../support/shy-resolver.ts', import.meta.url));
const calls = `calls: { use: sigmamind.call, token: ${token} }`;

/** A router for events and calls. */
const yaml = (crm: Receiver, { store = 'switchhook.db', sources = calls, resolver = '' } = {}): string => `
version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: ["${shyResolver}"]
store: { use: sqlite, path: ${store} }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  ${sources}
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks }
routes:
  - { from: agents, to: crm }
${
  sources === ''
    ? ''
    : `
resolvers:
  customer: { ${resolver || 'use: recent'} }
answers:
  - from: calls
    resolve: customer
    variables: { first_name: "\${{ customer.first_name }}" }
    defaults: { first_name: there }
`
}`;

const header = 'phone,first_name\n';
const ada = '+12025550001,Ada\n';
const broken = 'phone,first_name\n+12025550001,Ada,and too much\n';

describe('a router that is started', () => {
  let place: Workplace;
  let crm: Receiver;
  /** Different calls: the same one would get the same answer. */
  let called = 0;

  beforeEach(async () => {
    place = await workplace();
    crm = await receiver();
    called = 0;
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  const start = async (options: Parameters<typeof yaml>[1] = {}): Promise<RouterProcess> =>
    place.start(await place.write('switchhook.yaml', yaml(crm, options)));
  /** The first name that a call of Ada is told. */
  const ring = async ({ url }: RouterProcess): Promise<unknown> => {
    called += 1;
    const to_number = `+1202555${1_000 + called}`;
    const response = await fetch(`${url}/hooks/calls/${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'inbound_call', from_number: '+12025550001', to_number }),
    });
    expect(response.status).to.equal(200);
    const { dynamic_variables } = (await response.json()) as { dynamic_variables: { first_name: unknown } };
    return dynamic_variables.first_name;
  };
  const untilTold = async (router: RouterProcess, name: string): Promise<void> => {
    await eventually(async () => (await ring(router)) === name);
  };
  const get = (url: string) => fetch(url, { headers: { connection: 'close' } });
  const untilReady = async ({ url }: RouterProcess): Promise<void> => {
    await eventually(async () => (await get(`${url}/readyz`)).status === 200);
  };
  const lookupsIn = ({ url }: RouterProcess, count: number) =>
    eventually(async () => {
      const { calls } = (await (await get(`${url}/api/calls`)).json()) as {
        calls: { answer: { lookups: object[] } }[];
      };
      return calls.length >= count && calls.flatMap(({ answer }) => answer.lookups);
    });

  describe('while a table is broken', () => {
    const resolver = 'use: table.lookup, file: customers.csv';

    it('answers with defaults and says why, and with facts once the file is saved right', async () => {
      await place.write('customers.csv', broken);
      const router = await start({ resolver });
      // More often than a breaker would stand.
      for (let time = 1; time <= 7; time += 1) expect(await ring(router)).to.equal('there');
      const [lookup] = await lookupsIn(router, 7);
      expect(lookup).to.deep.include({ outcome: 'failed' });
      expect(lookup).to.have.property('reason').that.includes('customers.csv:2: it is not CSV');
      expect(router.log.find(({ event }) => event === 'table.rejected')).to.deep.include({ component: 'customer' });
      await place.write('customers.csv', header + ada);
      await untilTold(router, 'Ada');
      expect(router.log.some(({ event }) => event === 'resolver.breaker-opened')).to.equal(false);
      expect(await router.stop()).to.equal(0);
    });

    it('ends at once all the same when it is told to', async () => {
      const router = await start({ resolver });
      expect(await router.stop()).to.equal(0);
    });

    it('is told so by check --connect and by call --offline', async () => {
      const file = await place.write('switchhook.yaml', yaml(crm, { resolver }));
      const checked = await place.command(['check', '--connect', '--config', file]);
      expect([checked.code, checked.stdout]).to.satisfy(
        ([code, stdout]: [number, string]) => code === 1 && /resolver\tcustomer\ttable\.lookup\t.*ENOENT/.test(stdout),
      );
      const numbers = ['--from', '+12025550001', '--to', '+12345678913', '--offline', '--config', file];
      const once = await place.command(['call', ...numbers]);
      expect(once.code).to.equal(0);
      expect(once.stdout).to.match(/^ {2}customer .* failed .*customers\.csv: ENOENT/m);
      const often = await place.command(['call', ...numbers, '--repeat', '3']);
      expect(often.stderr).to.match(/^customer failed: .*customers\.csv: ENOENT[^\n]*\n$/);
    });
  });

  describe('while a resolver does not open', () => {
    it('answers without it and says why, and opens it as soon as it can', async () => {
      const router = await start({ resolver: 'use: shy, file: facts.json' });
      for (let time = 1; time <= 7; time += 1) expect(await ring(router)).to.equal('there');
      const [lookup] = await lookupsIn(router, 7);
      expect(lookup).to.deep.include({ outcome: 'failed' });
      expect(lookup)
        .to.have.property('reason')
        .that.matches(/^it could not be opened: ENOENT/);
      const line = router.log.find(({ event }) => event === 'component.unopened');
      expect(line).to.include({ level: 'error', kind: 'resolver', name: 'customer', type: 'shy', waitMs: 1_000 });
      await place.write('facts.json', '{"first_name":"Ada"}');
      await untilTold(router, 'Ada');
      expect(await router.stop()).to.equal(0);
      const events = router.log.map(({ event }) => event);
      expect(events).to.include('component.opened').and.not.include('resolver.breaker-opened');
    });

    it('is told so by check --connect and by call --offline', async () => {
      const file = await place.write('switchhook.yaml', yaml(crm, { resolver: 'use: shy, file: facts.json' }));
      const { code, stdout } = await place.command(['check', '--connect', '--json', '--config', file]);
      const probe = JSON.parse(stdout).probes.find(({ name }: { name: string }) => name === 'customer');
      expect([code, probe.failure]).to.satisfy(
        ([ended, failure]: [number, string]) => ended === 1 && failure.startsWith('could not be opened: ENOENT'),
      );
      const numbers = ['--from', '+12025550001', '--to', '+12345678913'];
      const rung = await place.command(['call', ...numbers, '--offline', '--config', file]);
      expect(rung.stdout).to.match(/^ {2}customer .* failed .*it could not be opened: ENOENT/m);
    });
  });

  for (const [what, store, breakIt] of [
    ['the directory of its store is a file', 'data/switchhook.db', () => place.write('data', 'no directory')],
    ['its store is no database', 'data', () => place.write('data', 'this is a text, and a long one '.repeat(100))],
  ] as const)
    describe(`while ${what}`, () => {
      it('answers calls and refuses events, and has recorded the calls soon after that is mended', async () => {
        const path = await breakIt();
        const router = await start({ store });
        const { url } = router;
        expect(await ring(router)).to.equal('there');
        expect(await postSigned(`${url}/hooks/agents`, endedBody())).to.include({ status: 503 });
        const sample = ['send', 'conversation_ended', '--url', url, '--config', place.path('switchhook.yaml')];
        const { code, stdout, stderr } = await place.command(sample);
        expect([code, stdout]).to.deep.equal([1, '503 {"error":"STORE_UNAVAILABLE"}\n']);
        expect(stderr).to.include('The store cannot be used').and.not.include('other settings or secrets');
        expect((await get(`${url}/healthz`)).status).to.equal(200);
        const ready = await get(`${url}/readyz`);
        expect([ready.status, ready.headers.get('retry-after')]).to.deep.equal([503, '5']);
        expect(await ready.json()).to.deep.equal({ error: 'STORE_UNAVAILABLE' });
        const listed = await get(`${url}/api/calls`);
        expect([listed.status, await listed.json()]).to.satisfy(
          ([status, body]: [number, { code: string }]) => status === 503 && body.code === 'STORE_UNAVAILABLE',
        );
        expect((await get(`${url}/api/status`)).status).to.equal(200);
        expect(await (await get(`${url}/metrics`)).text()).to.match(/^switchhook_store_up 0$/m);
        const line = router.log.find(({ event }) => event === 'component.unopened');
        expect(line).to.include({ level: 'error', kind: 'store', type: 'sqlite' });
        expect(line).to.have.nested.property('error.message').that.includes(path);

        await rm(path);
        await untilReady(router);
        expect(await postSigned(`${url}/hooks/agents`, endedBody())).to.include({ status: 200 });
        await crm.received(1);
        const [lookup] = await lookupsIn(router, 1);
        expect(lookup).to.deep.include({ resolver: 'customer', outcome: 'failed' });
        expect(lookup)
          .to.have.property('reason')
          .that.matches(/^the store could not be opened: /);
        await eventually(async () => /^switchhook_store_up 1$/m.test(await (await get(`${url}/metrics`)).text()));
        expect(await router.stop()).to.equal(0);
      });

      it('ends with 0 when it is told to, and says which calls were never recorded', async () => {
        await breakIt();
        const router = await start({ store });
        await ring(router);
        expect(await router.stop()).to.equal(0);
        expect(router.log.filter(({ event }) => event === 'call.unrecorded')).to.have.length(1);
      });

      it('does not start where nobody calls, and says what is wrong with which file', async () => {
        const path = await breakIt();
        const file = await place.write('switchhook.yaml', yaml(crm, { store, sources: '' }));
        const { code, stderr } = await place.run(['start', '--config', file]);
        expect([code, stderr]).to.satisfy(
          ([ended, said]: [number, string]) =>
            ended === 1 && said.includes('could not be opened') && said.includes(path),
        );
      });

      it('is told so by check --connect', async () => {
        const path = await breakIt();
        const file = await place.write('switchhook.yaml', yaml(crm, { store }));
        const { code, stdout } = await place.command(['check', '--connect', '--json', '--config', file]);
        const probe = JSON.parse(stdout).probes.find(({ kind }: { kind: string }) => kind === 'store');
        expect([code, probe.failure]).to.satisfy(
          ([ended, failure]: [number, string]) => ended === 1 && failure.includes(path),
        );
      });
    });

  it('at a port that is taken says by whom, and which setting chooses another one', async () => {
    const place = await workplace();
    const listening = (port: number) => `version: 1
server: { host: 127.0.0.1, port: ${port} }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations: { crm: { use: log } }
routes: [{ from: agents, to: crm }]
`;
    const { url } = await place.router(listening(0));
    const port = Number(new URL(url).port);
    await place.write('second.yaml', listening(port));
    const router = await place.run(['start', '--config', 'second.yaml']);
    expect(router.code).to.equal(1);
    expect(router.stderr.trim().split('\n').at(-1)).to.equal(
      `cannot listen: 127.0.0.1:${port} is taken by another Switchhook router, such as npm run demo -- --stay. Stop it, or listen at another port: --port ${port + 1}, or server.port of second.yaml`,
    );
    const other = await receiver();
    const taken = Number(new URL(other.url).port);
    const second = await place.run(['start', '--config', 'second.yaml', '--port', String(taken)]);
    expect(second.stderr).to.include(`cannot listen: 127.0.0.1:${taken} is taken by another program. Stop it`);
    await other.close();
    await place.close();
  });

  it('on a store that another router uses answers calls, and takes over when that one has ended', async () => {
    const first = await start();
    expect(await postSigned(`${first.url}/hooks/agents`, endedBody())).to.include({ status: 200 });
    const second = await start();
    expect(await ring(second)).to.equal('there');
    expect(await postSigned(`${second.url}/hooks/agents`, endedBody())).to.include({ status: 503 });
    const line = second.log.find(({ event }) => event === 'component.unopened');
    expect(line).to.have.nested.property('error.message').that.includes('another router is using the file');
    await first.kill();
    await untilReady(second);
    await lookupsIn(second, 1);
    expect(await second.stop()).to.equal(0);
  });
});
