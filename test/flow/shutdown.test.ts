import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createRouter } from '@switchhook/core';
import { Store } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
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
      listens = await fetch(`${url}/healthz`).then(
        () => true,
        () => false,
      );
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
