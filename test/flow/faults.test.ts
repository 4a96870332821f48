import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createRouter } from '@switchhook/core';
import { Clock, Store } from '@switchhook/sdk';
import { FakeClock, type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { run } from '../../plugins/sqlite/test/processes/processes.js';
import { eventually } from '../support/eventually.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-tests';
const deadlyDestination = fileURLToPath(new URL('../support/deadly-destination.ts', import.meta.url));

/** A router for events and calls; what is delivered goes to `crm`. */
const yaml = (crm: Receiver, { store = '', queue = '', grace = '10s', bodyTimeout = '10s' } = {}): string => `
version: 1
server: { host: 127.0.0.1, port: 0, grace: ${grace}, bodyTimeout: ${bodyTimeout} }
store: { use: sqlite, path: ./switchhook.db${store} }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks${queue} }
routes:
  - { from: agents, to: crm }
answers:
  - { name: everybody, from: calls, variables: { first_name: there } }
`;

/** A reply with what a sender looks at. */
interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

async function replyOf(response: Promise<Response>): Promise<Reply> {
  const { status, headers, ...rest } = await response.then(async (got) => {
    return { status: got.status, headers: got.headers, body: (await got.json()) as Reply['body'] };
  });
  return { status, retryAfter: headers.get('retry-after'), ...rest };
}

const ring = (url: string): Promise<Reply> =>
  replyOf(
    fetch(`${url}/hooks/calls/${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'inbound_call', from_number: '+12345678912', to_number: '+12345678913' }),
    }),
  );
const ready = (url: string): Promise<Reply> => replyOf(fetch(`${url}/readyz`));
const unavailable = { status: 503, body: { error: 'STORE_UNAVAILABLE' } };
const answered = { status: 200, body: { dynamic_variables: { first_name: 'there' } } };

const large = 'x'.repeat(20_000);

describe('faults', () => {
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

  const send = (url: string, conversationId: string, more = {}) =>
    postSigned(`${url}/hooks/agents`, endedBody({ conversationId, ...more }));
  const arrived = (): readonly unknown[] =>
    crm.requests.map((request) => (request.json() as { data: { conversationId: string } }).data.conversationId);

  describe('a full disk', () => {
    it('refuses events with 503 and Retry-After, still answers calls, and recovers when there is room', async () => {
      const clock = new FakeClock();
      const { url } = await place.router(yaml(crm, { store: ', maxSize: 1mb, retention: 1m' }), {
        configure: (container) => container.register(Clock, { useValue: clock }),
      });
      const kept: string[] = [];
      for (let number = 1; ; number += 1) {
        const reply = await send(url, `conv_${number}`, { large });
        if (reply.status !== 200) {
          expect(reply).to.include({ status: 503 });
          break;
        }
        kept.push(`conv_${number}`);
      }
      expect(kept.length).to.be.within(20, 60);
      expect(await ready(url))
        .to.deep.include(unavailable)
        .and.to.have.property('retryAfter', '5');
      expect(await ring(url)).to.deep.include(answered);

      // What was acknowledged is delivered all the same.
      await crm.received(kept.length);
      expect(new Set(arrived())).to.deep.equal(new Set(kept));

      // Retention makes room, and nobody has to do anything.
      for (let status = 0; status !== 200; ) {
        await clock.advance(60_000);
        status = (await send(url, 'conv_later')).status;
      }
      expect(await ready(url)).to.include({ status: 200 });
      await crm.received(kept.length + 1);
      expect(arrived()).to.include('conv_later');
    });
  });

  describe('a database file that another process holds locked', () => {
    it('refuses events with 503 and Retry-After, still answers calls, and recovers when it is free', async () => {
      const { url } = await place.router(yaml(crm));
      const locker = run('locker.ts', place.path('switchhook.db'));
      await locker.wrote(1);
      expect(await send(url, 'conv_1')).to.deep.include(unavailable);
      expect(await ready(url))
        .to.deep.include(unavailable)
        .and.to.have.property('retryAfter', '5');
      expect(await ring(url)).to.deep.include(answered);
      locker.process.stdin?.end();
      await locker.ended();
      expect(await send(url, 'conv_1')).to.include({ status: 200 });
      await crm.received(1);
      expect(arrived()).to.deep.equal(['conv_1']);
    });

    it('loses no outcome: what was delivered meanwhile is settled when the file is free', async () => {
      let release = (): void => {};
      const held = new Promise<number>((resolve) => {
        release = () => resolve(200);
      });
      crm.answer(() => held);
      const { url, router } = await place.router(yaml(crm));
      await send(url, 'conv_1');
      await crm.received(1);
      const locker = run('locker.ts', place.path('switchhook.db'));
      await locker.wrote(1);
      release();
      expect(await send(url, 'conv_2')).to.deep.include(unavailable);
      locker.process.stdin?.end();
      await locker.ended();
      const store = router.get(Store);
      for (let open = 1; open > 0; )
        open = (await store.backlog()).reduce((sum, row) => sum + row.waiting + row.running, 0);
      expect(arrived()).to.deep.equal(['conv_1']);
      const { items } = await store.deliveries({ limit: 10 });
      expect(items.map(({ state, attempts }) => [state, attempts])).to.deep.equal([['delivered', 1]]);
    });
  });

  describe('a clock that is set back and forth', () => {
    it('loses nothing and delivers nothing twice', async () => {
      const clock = new FakeClock();
      crm.answer((_request, index) => (index % 3 === 2 ? 200 : 503));
      const queue = ', retry: { attempts: 100, first: 1s, max: 1m }, breaker: false';
      const { url, router } = await place.router(yaml(crm, { queue }), {
        configure: (container) => container.register(Clock, { useValue: clock }),
      });
      const store = router.get(Store);
      // In one look: between two, a delivery can go from waiting to running unseen.
      const counted = async (...states: readonly ('waiting' | 'running')[]) =>
        (await store.backlog()).reduce((sum, row) => states.reduce((all, state) => all + row[state], sum), 0);
      const hours = [1, -2, 3, -1, -1, 0.1, -0.1];
      for (const [number, jump] of hours.entries()) {
        await send(url, `conv_${number}`);
        while ((await counted('running')) > 0) await clock.advance(0);
        clock.jumpTo(clock.now() + jump * 3_600_000);
      }
      while ((await counted('running', 'waiting')) > 0) await clock.advance(60_000);
      const taken = arrived().filter((_, index) => index % 3 === 2);
      expect(taken.toSorted()).to.deep.equal(hours.map((_, number) => `conv_${number}`));
    });
  });

  describe('a destination that cuts the connection within its response', () => {
    it('gets the delivery again under the same id until a status comes, and takes nothing from the others', async () => {
      const requests: string[] = [];
      const liar = createServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.on('data', (chunk) => {
          requests.push(chunk.toString('latin1'));
          const response = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\ntaken';
          socket.end(requests.length > 3 ? response : 'HTTP/1.1 20');
        });
      }).listen(0, '127.0.0.1');
      await once(liar, 'listening');
      const address = liar.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const two = yaml(crm)
        .replace('to: crm', 'to: [crm, liar]')
        .replace(
          'routes:',
          `  liar: { use: http.post, url: "http://127.0.0.1:${port}/", retry: { first: 1ms, max: 1ms } }\nroutes:`,
        );
      const { url, router } = await place.router(two);
      await send(url, 'conv_1');
      await crm.received(1);
      const store = router.get(Store);
      for (let open = 1; open > 0; )
        open = (await store.backlog()).reduce((sum, row) => sum + row.waiting + row.running, 0);
      const { items } = await store.deliveries({ destination: 'liar', limit: 10 });
      expect(items.map(({ state, attempts }) => [state, attempts])).to.deep.equal([['delivered', 4]]);
      const ids = requests.map((request) => /webhook-id: (\S+)/i.exec(request)?.[1]);
      expect(ids).to.have.length(4);
      expect(new Set(ids).size).to.equal(1);
      expect(arrived()).to.deep.equal(['conv_1']);
      liar.close();
    });
  });

  describe('a delivery that kills the process', () => {
    it('is dead after its attempts, and what was in memory beside it is delivered', async () => {
      const write = (kills: string) =>
        place.write(
          'switchhook.yaml',
          yaml(crm)
            .replace('use: http.post,', `use: deadly, kills: ${kills}, concurrency: 1, retry: { attempts: 3 },`)
            .replace('sources:', `plugins: ["${deadlyDestination}"]\nsources:`),
        );
      crm.answer(() => 'hang');
      const harmless = await place.start(await write('nothing'));
      for (let number = 1; number <= 30; number += 1)
        await send(harmless.url, `conv_${number}`, number === 3 ? { event: 'deadly' } : {});
      await harmless.kill();
      crm.answer(() => 200);
      const file = await write('deadly');
      // A supervisor starts it again and again, until it lives.
      for (let lives = 1, done = false; !done; lives += 1) {
        expect(lives).to.be.lessThan(10);
        const router = await place.start(file).catch(() => null);
        done = router !== null && (await isDone(router.url).catch(() => false));
        await router?.kill();
      }
      const deliveries = await deliveriesIn(await place.write('plain.yaml', yaml(crm)));
      const dead = deliveries.filter(({ state }) => state !== 'delivered');
      expect(dead.map(({ state, reason, attempts }) => [state, reason, attempts])).to.deep.equal([
        ['dead', 'exhausted', 3],
      ]);
      expect(new Set(arrived()).size).to.equal(29);
    }).timeout(120_000);
  });
});

/** Resolves when nothing is open any more. */
function isDone(url: string): Promise<boolean> {
  return eventually(async () => {
    const response = await fetch(`${url}/api/deliveries?limit=1000`);
    const { deliveries } = (await response.json()) as { deliveries: { state: string }[] };
    return deliveries.every(({ state }) => state !== 'waiting' && state !== 'running');
  });
}

async function deliveriesIn(file: string) {
  const router = await createRouter(file, { logTo: { write: () => {} } });
  await router.get(Store).open?.();
  const { items } = await router.get(Store).deliveries({ limit: 1_000 });
  await router.get(Store).close?.();
  return items;
}
