import http from '@switchhook/plugin-http';
import type { EmitPulled, EventDraft, JsonObject, Source } from '@switchhook/sdk';
import {
  aRequest,
  type Behaviour,
  createComponent,
  fakeServices,
  pullingSuite,
  receiver,
  refusalOf,
  settled,
} from '@switchhook/testkit';
import { expect } from 'chai';

const component = http.components.find(({ type }) => type === 'http.poll');
const orders = [
  { id: 1, kind: 'order.created', customer: 'c1', at: '2026-01-01T00:00:00Z', n: 2 },
  { id: 2, kind: 'order.paid', customer: null, at: 'soon' },
];
const reply = (data: unknown, status = 200, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: JSON.stringify(data),
});

async function world(given: JsonObject = {}, behaviour: Behaviour = () => reply({ orders, next: 'page/2&x' })) {
  const far = await receiver(behaviour);
  const services = fakeServices({ name: 'orders' });
  const options = {
    url: `${far.url}/orders?since=\${{ since }}`,
    allowPrivate: true,
    schedule: '5m',
    items: 'reply.orders',
    key: 'item.id',
    type: 'item.kind',
    subject: 'item.customer',
    occurredAt: 'item.at',
    since: 'reply.next',
    ...given,
  };
  const make = (): Source => createComponent('source', component, options, services);
  const drafts: EventDraft[] = [];
  const emit: EmitPulled = async (emitted, { checkpoint } = {}) => {
    drafts.push(...emitted);
    if (checkpoint !== undefined) await services.state.set(checkpoint.key, checkpoint.value);
  };
  const controller = new AbortController();
  const start = () => {
    const ended: Promise<Error | null> = (async () => make().start?.(emit, controller.signal))().then(
      () => null,
      (error) => error,
    );
    return { ended };
  };
  const until = async (isSo: () => boolean) => {
    for (let turn = 0; turn < 2_000 && !isSo(); turn += 1) await settled();
    for (let turn = 0; turn < 20; turn += 1) await settled();
  };
  const close = async () => {
    controller.abort(new Error('closing'));
    await far.close();
    await services.close();
  };
  return { far, services, make, drafts, start, until, close, clock: services.clock, state: services.state };
}

pullingSuite('http.poll', () => world());
pullingSuite('http.poll at times', async () =>
  Object.assign(await world({ schedule: '0 * * * * UTC' }), { afterMs: 3_600_000 }),
);

describe('http.poll', () => {
  const withWorld =
    (given: Parameters<typeof world>, body: (place: Awaited<ReturnType<typeof world>>) => Promise<void>) =>
    async () => {
      const place = await world(...given);
      try {
        await body(place);
      } finally {
        await place.close();
      }
    };

  it(
    'makes an event of each item, and sends what it has kept in the next request, also after a restart',
    withWorld([], async (place) => {
      const { far, drafts, until, clock, start } = place;
      start();
      await until(() => drafts.length === 2);
      const [first, second] = drafts;
      expect(first).to.deep.equal({
        key: '1',
        type: 'order.created',
        subject: 'c1',
        agent: null,
        occurredAtMs: Date.UTC(2026, 0),
        data: orders[0],
      });
      expect(second).to.deep.include({ key: '2', type: 'order.paid', subject: null, occurredAtMs: null });
      await clock.advance(299_999);
      await until(() => far.requests.length > 1);
      expect(far.requests.map(({ path }) => path)).to.deep.equal(['/orders?since=']);
      await clock.advance(1);
      await until(() => far.requests.length === 2);
      start();
      await until(() => far.requests.length === 3);
      expect(far.requests.map(({ path }) => path).slice(1)).to.deep.equal(Array(2).fill('/orders?since=page%2F2%26x'));
    }),
  );

  it(
    'waits as long as the other side asks it to, and for its next time at least',
    withWorld([{}, () => reply({}, 429, { 'retry-after': '600' })], async (place) => {
      const { far, until, clock, start, services, drafts } = place;
      start();
      await until(() => services.log.of('poll.postponed').length === 1);
      await clock.advance(599_000);
      await until(() => far.requests.length > 1);
      expect(far.requests).to.have.length(1);
      await clock.advance(1_000);
      await until(() => far.requests.length === 2);
      expect([far.requests.length, drafts.length]).to.deep.equal([2, 0]);
      expect(services.log.of('poll.postponed')[0]?.fields).to.deep.equal({ status: 429, waitMs: 600_000 });
    }),
  );

  it('takes 304 and an empty list for nothing new', async () => {
    for (const behaviour of [() => 304, () => reply({ orders: [], next: 'n' })]) {
      const place = await world({}, behaviour);
      const { ended } = place.start();
      await place.until(() => place.far.requests.length === 1);
      expect(place.drafts).to.deep.equal([]);
      await place.close();
      expect(await ended).to.equal(null);
    }
  });

  it('fails, to be started again, with a reason that quotes no reply', async () => {
    const cases: readonly (readonly [Behaviour, string])[] = [
      [() => 401, 'HTTP 401'],
      [() => 500, 'HTTP 500'],
      [() => ({ status: 200, body: 'secret' }), 'the reply is not JSON'],
      [() => reply({ orders: {} }), 'reply.orders is no list'],
      [() => reply({ orders: ['x'.repeat(5_000)] }), 'the reply is longer than maxBytes, or broke off'],
    ];
    for (const [behaviour, said] of cases) {
      const place = await world({ maxBytes: '4kb' }, behaviour);
      const failure = await place.start().ended;
      expect(failure?.message).to.contain(said);
      expect(failure?.message).to.not.contain('secret');
      expect(place.services.clock.pending).to.equal(0);
      await place.close();
    }
  });

  it(
    'skips items without a key or a type, and says which',
    withWorld(
      [{}, () => reply({ orders: [{ kind: 'a' }, 7, { id: '', kind: 'a' }, { id: 3, kind: 'a' }], next: null })],
      async (place) => {
        const { drafts, until, start, services } = place;
        start();
        await until(() => drafts.length > 0);
        expect(drafts.map(({ key }) => key)).to.deep.equal(['3']);
        expect(services.log.of('poll.item-skipped').map(({ fields }) => fields.index)).to.deep.equal([0, 1, 2]);
      },
    ),
  );

  it(
    'stops a request that gets no reply within 30 s',
    withWorld([{}, () => 'hang'], async (place) => {
      const { far, until, clock, start } = place;
      const { ended } = start();
      await until(() => far.requests.length === 1);
      await clock.advance(30_000);
      expect((await ended)?.message).to.contain('no reply within 30 s');
    }),
  );

  it(
    'receives no requests',
    withWorld([], async ({ make }) => {
      expect((await refusalOf(make(), aRequest({ body: {} })))?.code).to.equal('NOT_FOUND');
    }),
  );
});
