/** A plugin in plain JavaScript whose components return what no contract allows: found, named, and mended without loss. */
import type { Router } from '@switchhook/core';
import { Clock, Store } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

/** `returns` of an option is evaluated: what the method returns. Lines count: messages name them. */
const plugin = `import { definePlugin, defineDestination, defineResolver, defineSource, defineTransform, z } from '@switchhook/sdk';
const options = z.strictObject({ returns: z.string().default('undefined').meta({ description: 'A value.' }) });
const valueOf = ({ returns }, data) => new Function('data', \`return (\${returns})\`)(data);
const kind = { options, description: 'For tests.' };
const components = [
  defineSource({ ...kind, type: 'odd.source', create: (own) => ({
    receive: ({ body }) => valueOf(own, JSON.parse(Buffer.from(body))),
  }) }),
  defineDestination({ ...kind, type: 'odd.destination', create: (own) => ({
    deliver: async () => valueOf(own),
    preview: () => valueOf(own),
  }) }),
  defineTransform({ ...kind, type: 'odd.transform', create: (own) => ({ apply: (event) => valueOf(own, event) }) }),
  defineResolver({ ...kind, type: 'odd.resolver', create: (own) => ({ resolve: async () => valueOf(own) }) }),
  defineDestination({ ...kind, type: 'odd.nothing', create: (own) => valueOf(own) }),
];
export default definePlugin({ name: 'odd', components });
`;
const event = '{ key: data.id, type: "t", subject: null, agent: null, occurredAtMs: null, data }';
const fine = `{ kind: "events", events: [${event}] }`;

describe('a component that returns what its contract does not allow', () => {
  let place: Workplace;
  const clock = new FakeClock();

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('odd.js', plugin);
  });
  afterEach(() => place.close());

  const yaml = ({
    source = fine,
    transform = 'data',
    destination = '{ kind: "delivered" }',
    use = 'odd.destination',
  }) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [./odd.js]
store: { use: sqlite, path: ./events.db }
sources: { in: { use: odd.source, returns: '${source}' } }
transforms: { redact: { use: odd.transform, returns: '${transform}' } }
destinations: { out: { use: ${use}, returns: '${destination}' } }
routes: [{ from: in, to: out, transform: redact }]
`;
  const started = (given: Parameters<typeof yaml>[0]) =>
    place.router(yaml(given), { configure: (container) => container.register(Clock, { useValue: clock }) });
  const send = (url: string, id: unknown = 'a') =>
    fetch(`${url}/hooks/in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    });
  const attemptsOf = async (router: Router) => {
    const store = router.get(Store);
    const listed = async () => (await store.deliveries({ limit: 10 })).items;
    while ((await listed()).some(({ state }) => state === 'waiting' || state === 'running')) await clock.advance(100);
    const items = await listed();
    const attempts = await Promise.all(items.map(({ id }) => store.attempts(id)));
    return { states: items.map(({ state }) => state), attempts: attempts.flat(), ids: items.map(({ id }) => id) };
  };

  const faults = [
    {
      what: 'a transform',
      fault: { transform: 'Promise.resolve(data)' },
      said: /^transform redact \(odd\.transform, .*odd\.js:13\): apply returned a promise; allowed is null, or an event/,
    },
    {
      what: 'a transform',
      fault: { transform: 'undefined' },
      said: /^transform redact .*apply returned undefined; allowed/,
    },
    {
      what: 'a transform',
      fault: { transform: '({ ...data, data: Promise.resolve({}) })' },
      said: /^transform redact .*apply returned an object with id, .*; allowed/,
    },
    {
      what: 'a transform',
      fault: { transform: '({ ...data, data: { customer: [Promise.resolve({})] } })' },
      said: /^transform redact .*apply returned an object with id, .*; allowed/,
    },
    {
      what: 'a destination',
      fault: { destination: '{ kind: "ok" }' },
      said: /^destination out \(odd\.destination, .*odd\.js:9\): deliver returned an object of kind "ok"; allowed is \{ kind: 'delivered' \}/,
    },
  ];
  for (const { what, fault, said } of faults)
    it(`ends the delivery as rejected for ${what} that returns ${Object.values(fault)}, and it can be replayed after the fix`, async () => {
      const broken = await started(fault);
      expect((await send(broken.url)).status).to.equal(200);
      const { states, attempts, ids } = await attemptsOf(broken.router);
      expect(states).to.deep.equal(['dead']);
      expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['rejected']);
      expect(attempts[0]?.reason).to.match(said);
      await broken.router.close();
      const mended = await started({});
      await mended.router.get(Store).replay(ids, clock.now());
      expect((await attemptsOf(mended.router)).states).to.deep.equal(['delivered']);
    });

  const oddSources = [
    'undefined',
    '{ kind: "event" }',
    fine.replace('data.id', 'undefined'),
    fine.replace('data.id', '"k".repeat(513)'),
    fine.replace('data }', 'data: Promise.resolve(data) }'),
    fine.replace('data }', 'data: { customer: Promise.resolve(data) } }'),
    '{ kind: "handshake", reply: { status: 999 } }',
    '{ kind: "handshake", reply: { status: 200, headers: { "a b": "c" } } }',
    '{ kind: "handshake", reply: { status: 200, body: Promise.resolve(data) } }',
    '{ kind: "handshake", reply: { status: 200, text: "two\\nlines" } }',
  ];
  for (const source of oddSources)
    it(`answers 500 where a source returns ${source}, keeps nothing, and logs what is allowed`, async () => {
      const { url, router, lines } = await started({ source });
      const reply = await send(url);
      expect(reply.status).to.equal(500);
      expect(await reply.json()).to.include({ error: 'SOURCE_FAILED' });
      const log = lines.join('');
      expect(log).to.match(/source in \(odd\.source, [^)]*odd\.js:6\): receive returned .+; allowed is/);
      expect((await router.get(Store).events({ limit: 1 })).items).to.deep.equal([]);
    });

  it('does not start with a component whose create returned nothing', async () => {
    const said = await started({ use: 'odd.nothing', destination: 'undefined' }).then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(said).to.equal(
      `destination out (odd.nothing, ${place.path('switchhook.yaml')}:8:17) could not be made: create returned undefined; allowed is a destination with deliver (${place.path('odd.js')}:15)`,
    );
  });
});
