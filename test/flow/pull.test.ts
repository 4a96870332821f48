/** A source that pulls, in whole routers: over a restart, without an endpoint, in the status, and where the store keeps no state. */
import { createRouter } from '@switchhook/core';
import { Store } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { type Workplace, workplace } from '../support/workplace.js';

const stateless = `import { defineStore, definePlugin, z } from '@switchhook/sdk';
const methods = ['append', 'claim', 'settle', 'extend', 'event', 'events', 'delivery', 'deliveries', 'attempts', 'replay', 'discard', 'prune', 'backlog'];
const puller = { description: 'For tests.', options: z.strictObject({}) };
export default definePlugin({ name: 'stateless', components: [
  defineStore({ ...puller, type: 'stateless', create: () => Object.fromEntries(methods.map((method) => [method, async () => []])) }),
] });
`;

describe('a router with a source that pulls', () => {
  let place: Workplace;
  let shop: Receiver;
  let pages = 0;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('stateless.js', stateless);
    pages = 0;
    shop = await receiver(() => {
      pages += 1;
      return { status: 200, body: JSON.stringify({ orders: [{ id: `o${pages}` }], next: `p${pages}` }) };
    });
  });
  afterEach(async () => {
    await place.close();
    await shop.close();
  });

  const yaml = (store = '{ use: sqlite, path: ./events.db }') => `
version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [./stateless.js]
store: ${store}
sources:
  orders:
    use: http.poll
    url: ${shop.url}/orders?after=\${{ since }}
    allowPrivate: true
    schedule: 1h
    items: reply.orders
    key: item.id
    type: '"order"'
    since: reply.next
destinations: { console: { use: log } }
routes: [{ from: orders, to: console }]
`;

  it('commits and routes what it pulls, and goes on from its checkpoint after a restart', async () => {
    for (const round of [1, 2]) {
      const { router } = await place.router(yaml());
      const store = router.get(Store);
      const keys = async () => (await store.events({ limit: 10 })).items.map(({ key }) => key).toSorted();
      await eventually(async () => (await keys()).length >= round);
      expect(await keys()).to.deep.equal(['o1', 'o2'].slice(0, round));
      expect((await store.deliveries({ limit: 10 })).items).to.have.length(round);
      await router.close();
    }
    expect(shop.requests.map(({ path }) => path)).to.deep.equal(['/orders?after=', '/orders?after=p1']);
  });

  it('has no endpoint for it, and shows it in the status', async () => {
    const { url } = await place.router(yaml('{ use: memory }'));
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await fetch(`${url}/hooks/orders`, init)).status).to.equal(404);
    expect((await fetch(`${url}/hooks/orders`)).status).to.equal(405);
    const status = (await (await fetch(`${url}/api/status`)).json()) as { readonly pulls: readonly object[] };
    const [pull] = status.pulls;
    expect(pull).to.include({ source: 'orders', use: 'http.poll', state: 'running', lastFailure: null });
    const { stdout, code } = await place.command(['status', '--url', url]);
    expect(stdout.replaceAll(/[│\s]+/g, ' ')).to.contain('orders http.poll running since');
    expect(code).to.equal(0);
  });

  it('is not made where the store keeps no state', async () => {
    const file = await place.write('stateless.yaml', yaml('{ use: stateless }'));
    const failure = await createRouter(file).then(
      () => ({ code: null, message: '' }),
      (error) => error,
    );
    expect(failure.code).to.equal('STATE_NOT_KEPT');
    expect(failure.message).to.contain('source orders (http.poll');
  });
});
