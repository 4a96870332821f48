import { once } from 'node:events';
import { Agent, get, request } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createRouter } from '@switchhook/core';
import { Store } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { endedBody, postSigned, secret, signedHeaders } from '../support/signing.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

const yaml = (crm: Receiver, server: string) => `
version: 1
server: { host: 127.0.0.1, port: 0, ${server} }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks, timeout: 1h }
routes:
  - { to: crm }
`;

describe('a router that is told to stop', () => {
  let place: Workplace;
  let crm: Receiver;

  beforeEach(async () => {
    place = await workplace();
    crm = await receiver();
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  /** A router with one delivery under way, whose receiver answers when `release` is called. */
  const busyRouter = async (server: string) => {
    let release = (): void => {};
    const answer = new Promise<number>((resolve) => {
      release = () => resolve(200);
    });
    crm.answer(() => answer);
    const file = await place.write('switchhook.yaml', yaml(crm, server));
    const router = await place.start(file);
    await postSigned(`${router.url}/hooks/agents`, endedBody());
    await crm.received(1);
    return { router, file, release };
  };
  const ended = async ({ process }: RouterProcess): Promise<unknown> => (await once(process, 'exit'))[0];
  const deliveriesIn = async (file: string) => {
    const store = (await createRouter(file, { logTo: { write: () => {} } })).get(Store);
    await store.open?.();
    const { items } = await store.deliveries({ limit: 10 });
    await store.close?.();
    return items.map(({ state, attempts }) => [state, attempts]);
  };
  /** Resolves when nobody can connect any more. */
  const untilDeaf = async (url: string): Promise<void> => {
    for (let listens = true; listens; )
      listens = await new Promise((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      });
  };

  it('accepts nothing more, finishes what runs, and ends with 0', async () => {
    const { router, file, release } = await busyRouter('grace: 1h');
    const exit = ended(router);
    router.process.kill('SIGTERM');
    await untilDeaf(router.url);
    release();
    expect(await exit).to.equal(0);
    expect(await deliveriesIn(file)).to.deep.equal([['delivered', 1]]);
  });

  it('does not wait for a delivery beyond server.grace: the next start makes it', async () => {
    const { router, file } = await busyRouter('grace: 100ms');
    expect(await router.stop()).to.equal(0);
    crm.answer(() => 200);
    const next = await place.start(file);
    await crm.received(2);
    expect(await next.stop()).to.equal(0);
    expect(await deliveriesIn(file)).to.deep.equal([['delivered', 2]]);
  });

  it('ends although a destination heeds neither its signal nor anything else', async () => {
    const plugin = `plugins: ["${fileURLToPath(new URL('../bench/holding-plugin.js', import.meta.url))}"]`;
    const holding = yaml(crm, 'grace: 100ms').replace(/use: http.post, url: [^,]+,/, 'use: holding,');
    const router = await place.start(await place.write('switchhook.yaml', `${plugin}\n${holding}`));
    await postSigned(`${router.url}/hooks/agents`, endedBody());
    expect(await router.stop()).to.equal(0);
  });

  it('ends although a sender never pauses on a connection it keeps alive', async () => {
    const router = await place.start(await place.write('switchhook.yaml', yaml(crm, 'grace: 1h')));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const asked = (): Promise<boolean> =>
      new Promise((resolve) => {
        get(`${router.url}/readyz`, { agent }, (response) => response.resume().on('end', () => resolve(true))).on(
          'error',
          () => resolve(false),
        );
      });
    let started = (): void => {};
    const underWay = new Promise<void>((resolve) => {
      started = resolve;
    });
    const sender = (async () => {
      while (await asked()) started();
    })();
    await underWay;
    expect(await router.stop()).to.equal(0);
    await sender;
  });

  it('answers what is on its way on an idle connection, ends the connection with the reply, and loses nothing', async () => {
    const { router, url } = await place.router(yaml(crm, 'grace: 1h'), { lingerMs: 3_600_000 });
    const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    const send = (agent: Agent, subject: string) =>
      new Promise<readonly unknown[]>((resolve, reject) => {
        const body = endedBody({ conversationId: subject });
        const options = { method: 'POST', agent, headers: signedHeaders(body) };
        const asked = request(`${url}/hooks/agents`, options, (response) =>
          response.resume().on('end', () => resolve([response.statusCode, response.headers.connection])),
        );
        asked.on('error', reject).end(body);
      });
    for (const [index, agent] of agents.entries())
      expect(await send(agent, `first_${index}`)).to.deep.equal([200, 'keep-alive']);
    await crm.received(2);
    const closed = router.close();
    await untilDeaf(url);
    for (const [index, agent] of agents.entries())
      expect(await send(agent, `late_${index}`)).to.deep.equal([200, 'close']);
    // No connection is left, so nothing waits for the rest of the hour.
    await closed;
    for (const agent of agents) agent.destroy();
    const states = await deliveriesIn(place.path('switchhook.yaml'));
    expect(states.map(([state]) => state)).to.deep.equal(['waiting', 'waiting', 'delivered', 'delivered']);
  });

  it('cuts connections that stay idle', async () => {
    const { router, url } = await place.router(yaml(crm, 'grace: 1h'), { lingerMs: 1 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    const ended = once(socket.resume(), 'close');
    await router.close();
    await ended;
  });

  it('does not wait for a sender beyond server.grace', async () => {
    const file = await place.write('switchhook.yaml', yaml(crm, 'grace: 100ms, bodyTimeout: 1h'));
    const router = await place.start(file);
    const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write(
      'POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"ev',
    );
    await once(socket, 'connect');
    await fetch(`${router.url}/healthz`);
    expect(await router.stop()).to.equal(0);
  });

  it('ends at once at the second signal, and loses nothing', async () => {
    const { router, file } = await busyRouter('grace: 1h');
    const exit = ended(router);
    router.process.kill('SIGTERM');
    await untilDeaf(router.url);
    router.process.kill('SIGINT');
    expect(await exit).to.equal(1);
    crm.answer(() => 200);
    const next = await place.start(file);
    await crm.received(2);
    expect(await next.stop()).to.equal(0);
    expect(await deliveriesIn(file)).to.deep.equal([['delivered', 2]]);
  });
});
