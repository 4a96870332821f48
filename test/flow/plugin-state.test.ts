/** Plugins that keep state in the router's store: over a restart, and where the store cannot. */
import { createRouter } from '@switchhook/core';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

/** `counter` counts its deliveries in `State`, which it gets by a service of the plugin; `counter.direct` injects it. */
const plugin = (name: string, word: string) => `import * as s from '@switchhook/sdk';
const options = s.z.strictObject({});
const Ledger = s.token('${name}.Ledger');
const kind = { options, description: 'For tests.' };
const deliver = (state, log) => async () => {
  const entry = await state.get('count');
  await state.set('count', (entry?.value ?? 0) + 1);
  log.info('note.counted', { count: (entry?.value ?? 0) + 1 });
  return { kind: 'delivered' };
};
const methods = ['append', 'claim', 'settle', 'extend', 'event', 'events', 'delivery', 'deliveries', 'attempts', 'replay', 'discard', 'prune', 'backlog'];
export default s.definePlugin({
  name: '${name}',
  services: [s.provide(Ledger, { inject: { state: s.State }, create: ({ state }) => ({ state }) })],
  components: [
    s.defineDestination({ ...kind, type: '${word}', inject: { ledger: Ledger, log: s.Log }, create: (_, { ledger, log }) => ({ deliver: deliver(ledger.state, log) }) }),
    s.defineDestination({ ...kind, type: '${word}.direct', inject: { state: s.State, log: s.Log }, create: (_, { state, log }) => ({ deliver: deliver(state, log) }) }),
    s.defineStore({ ...kind, type: '${word}.stateless', create: () => Object.fromEntries(methods.map((method) => [method, async () => []])) }),
  ],
});
`;
const yaml = ({ store = '{ use: sqlite, path: ./events.db }', to = ['counter', 'counter.direct'] }) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [./counter.js, ./other.js]
store: ${store}
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations:
${to.map((use) => `  ${use.replace('.', '-')}: { use: ${use} }`).join('\n')}
routes: [{ to: [${to.map((use) => use.replace('.', '-')).join(', ')}] }]
`;

describe('State of a plugin', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('counter.js', plugin('counter', 'counter'));
    await place.write('other.js', plugin('other', 'other'));
  });
  afterEach(() => place.close());

  const countsAfterEvent = async (config: string, conversationId: string): Promise<readonly number[]> => {
    const { router, url, lines } = await place.router(config);
    const body = JSON.stringify({ event: 'conversation_ended', conversationId, agentId: 'a' });
    const { headers, rest } = router.signed('agents', Buffer.from(body)) ?? { headers: {}, rest: '' };
    const type = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/hooks/agents${rest}`, {
      method: 'POST',
      headers: { ...headers, ...type },
      body,
    });
    expect(response.status).to.equal(200);
    await router.close();
    return lines
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'note.counted')
      .map(({ count }) => count);
  };

  it('is kept over a restart, and no other plugin sees it', async () => {
    expect(await countsAfterEvent(yaml({ to: ['counter', 'other'] }), 'c1')).to.deep.equal([1, 1]);
    expect(await countsAfterEvent(yaml({ to: ['counter.direct', 'other'] }), 'c2')).to.deep.equal([2, 2]);
  });

  it('is empty in check --connect, which opens no store, and kept as long as it runs', async () => {
    await place.write(
      'token.js',
      `import * as s from '@switchhook/sdk';
const probe = (state) => async () => {
  const before = await state.get('token');
  await state.set('token', 'fresh', { ifVersion: before?.version ?? null, expiresInMs: 60_000 });
  const { value, version } = await state.get('token');
  const stale = await state.set('token', 'stale', { ifVersion: null });
  await state.set('token', null, { ifVersion: version });
  return [before === null, value, stale, await state.get('token') === null].join();
};
const destination = s.defineDestination({
  type: 'tokens',
  description: 'For tests.',
  options: s.z.strictObject({}),
  inject: { state: s.State },
  create: (_, { state }) => ({ probe: probe(state), deliver: async () => ({ kind: 'delivered' }) }),
});
export default s.definePlugin({ name: 'tokens', components: [destination] });
`,
    );
    const file = await place.write('token.yaml', yaml({ to: ['tokens'] }).replace('./other.js', './token.js'));
    const { code, stdout, stderr } = await place.command(['check', '--connect', '--json', file]);
    expect([code, stderr]).to.deep.equal([0, '']);
    const probes: readonly { readonly name: string; readonly note: string | null }[] = JSON.parse(stdout).probes;
    expect(probes.find(({ name }) => name === 'tokens')?.note).to.equal('true,fresh,false,true');
  });

  it('is missed at the row by check and start, where the store cannot keep it', async () => {
    for (const use of ['counter', 'counter.direct']) {
      const config = yaml({ store: '{ use: other.stateless }', to: [use] });
      const file = await place.write('stateless.yaml', config);
      const { code, stdout, stderr } = await place.run(['check', file]);
      const said = `destination ${use.replace('.', '-')} (${use}, ${file}:8:3)`;
      expect(code).to.equal(78);
      expect(`${stdout}${stderr}`)
        .to.contain(said)
        .and.to.contain('it requires State, and the store has no state and setState');
      const failure = await createRouter(file).then(
        () => ({ code: null }),
        (error) => error,
      );
      expect(failure).to.include({ name: 'ComponentFailure', code: 'STATE_NOT_KEPT' });
    }
  });

  it('is refused where two plugins have the same name', async () => {
    await place.write('other.js', plugin('counter', 'other'));
    const file = await place.write('twins.yaml', yaml({ to: ['counter', 'other'] }));
    const failure = await createRouter(file).then(
      () => ({ message: '' }),
      (error) => error,
    );
    expect(failure.message).to.contain('another plugin has the name counter, too: give each its own name');
  });
});
