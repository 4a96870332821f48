/** A caller asks to be removed: what the router keeps about one number is counted, erased, and stays erased. */
import { readdir, readFile } from 'node:fs/promises';
import { eraseCommand } from '@switchhook/cli/internal';
import { defineDestination, definePlugin, Emitter, Store, z } from '@switchhook/sdk';
import { type Receiver, receiver, runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { ring, token } from '../support/phones.js';
import { postgres, type TestDatabase } from '../support/postgres.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const number = '+14155550100';
const admin = 'token-of-the-operator';

const yaml = (crm: Receiver, database: TestDatabase, store = '{ use: sqlite, path: ./switchhook.db }') => `
version: 1
country: US
server: { host: 127.0.0.1, port: 0, admin: { token: ${admin} } }
store: ${store}
sources:
  agents:
    use: sigmamind.events
    secrets: [${secret}]
    capture: true
    followedBy: { conversation_ended: { type: conversation_analysed, within: 1s } }
  calls: { use: sigmamind.call, token: ${token} }
resolvers:
  people: { use: http.lookup, url: "${crm.url}/people?number=\${{ call.from }}", allowPrivate: true }
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks, retry: { first: 1h, max: 1h } }
  warehouse: { use: postgres.upsert, url: "${database.url}", columns: { about: "\${{ event.data.note }}" } }
routes:
  - { from: agents, to: [crm, warehouse] }
answers:
  - { from: calls, resolve: [people], cache: { for: 1h }, variables: { name: "\${{ people.name }}" }, defaults: { name: there } }
`;

interface Row {
  readonly id: string;
  readonly subject: string;
}

describe('an erasure', () => {
  let place: Workplace;
  let crm: Receiver;
  let database: TestDatabase;
  beforeEach(async () => {
    [place, crm, database] = await Promise.all([workplace(), receiver(), postgres()]);
    crm.answer(({ path }) => (path.startsWith('/people') ? { status: 200, body: '{"name":"Ada"}' } : 200));
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
    await database.close();
  });

  async function setup(text = yaml(crm, database)) {
    const { router, url } = await place.router(text);
    const send = async (given: Readonly<Record<string, unknown>>) =>
      (await postSigned(`${url}/hooks/agents`, endedBody(given))).body;
    /** Runs the command in this process, for a program; `code` as the process would end. */
    const run = async (...args: readonly string[]) => {
      const [lines, notes]: [string[], string[]] = [[], []];
      const line = (text: string | readonly string[] = '') => void lines.push(...[text].flat());
      const note = (text: string) => void notes.push(text);
      const command = eraseCommand({ terminal: false, line, note, progress: () => {}, clear: () => {} });
      const where = ['--url', url, '--token', admin, '--config', place.path('none.yaml')];
      const failure = await command
        .exitOverride()
        .parseAsync([...args, ...where], { from: 'user' })
        .then(
          () => null,
          (error: { readonly exitCode: number; readonly message: string }) => error,
        );
      return {
        code: failure?.exitCode ?? 0,
        stdout: lines.join('\n'),
        stderr: [...notes, failure?.message ?? ''].join('\n'),
      };
    };
    const erase = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      expect([code, stderr], stdout).to.deep.equal([0, '']);
      return JSON.parse(stdout);
    };
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${admin}` } });
    const api = async (path: string) => (await ask(path)).json() as Promise<Record<string, readonly Row[]>>;
    /** Asks the API until a list is as it should be. */
    const until = (path: string, fits: (reply: string) => boolean) =>
      eventually(async () => {
        const reply = await (await ask(path)).text();
        return fits(reply) && reply;
      });
    return { router, url, send, run, erase, ask, api, until };
  }

  /** The files of the store that contain a text. */
  const filesWith = async (text: string): Promise<readonly string[]> => {
    const names = (await readdir(place.directory)).filter((name) => name.startsWith('switchhook.db'));
    const found = await Promise.all(
      names.map(async (name) => ((await readFile(place.path(name))).includes(text) ? [name] : [])),
    );
    return found.flat();
  };

  it('finds a number however it is written, counts first, then leaves nothing of it, and says what was sent', async () => {
    const { url, send, run, erase, ask, api, until } = await setup();
    expect((await ring(url, number)).variables).to.deep.equal({ name: 'Ada' });
    const spoken = String((await send({ conversationId: 'conv_a', note: 'call me at (415) 555-0100 please' })).id);
    const other = String((await send({ conversationId: 'conv_b', note: 'call me at (415) 555-0101 please' })).id);
    await until('/api/deliveries?state=delivered', (reply) => reply.split('"id"').length - 1 === 4);
    crm.answer(({ path }) => (path.startsWith('/people') ? { status: 200, body: '{"name":"Ada"}' } : 503));
    const waiting = String((await send({ conversationId: 'conv_a', event: 'conversation_started', note: 'x' })).id);
    await until(
      `/api/deliveries/${waiting}.0`,
      (reply) => reply.includes('"attempts":1') && reply.includes('"waiting"'),
    );
    await until('/api/calls', (reply) => reply.includes('"name":"Ada"'));
    const refused = { event: 'conversation_ended', conversationId: 'conv_z', from: number };
    await fetch(`${url}/hooks/agents`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-sigmamind-signature': '00'.repeat(32) },
      body: JSON.stringify(refused),
    });

    const counted = await erase('--number', '4155550100', '--dry-run');
    expect(counted).to.deep.include({
      ...{ state: 'done', dryRun: true, number },
      events: [
        { type: 'conversation_ended', count: 1 },
        { type: 'inbound_call', count: 1 },
        { type: 'conversation_started', count: 1 },
      ],
      foundBy: { party: 1, mentioned: 1, conversation: 1 },
      removed: { calls: 1, facts: 1, refused: 1, duplicates: 0, incomplete: 0, unrecorded: 0 },
    });
    expect((await ask(`/api/events/${spoken}`)).status).to.equal(200);

    const unconfirmed = await run('--number', '4155550100');
    expect([unconfirmed.code, unconfirmed.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes('Erase 3 events? Pass --yes'),
    );
    const { sent, destinations, left, deliveries } = await erase('--number', '4155550100', '--yes', '--by', 'ada');
    expect(left).to.equal(null);
    expect(deliveries).to.have.deep.members([
      { destination: 'crm', state: 'delivered', count: 1 },
      { destination: 'crm', state: 'waiting', count: 1 },
      { destination: 'warehouse', state: 'delivered', count: 2 },
    ]);
    expect(
      sent.map(({ delivery, arrived }: { delivery: string; arrived: boolean }) => [delivery, arrived]),
    ).to.have.deep.members([
      [`${spoken}.0`, true],
      [`${spoken}.1`, true],
      [`${waiting}.0`, false],
      [`${waiting}.1`, true],
    ]);
    expect(destinations).to.have.deep.members([
      { destination: 'crm', deliveries: 2, able: false, records: 0, failure: null },
      { destination: 'warehouse', deliveries: 2, able: true, records: 1, failure: null },
    ]);
    expect(await database.query('select subject from switchhook_conversations')).to.deep.equal([{ subject: 'conv_b' }]);

    for (const gone of [spoken, waiting]) expect((await ask(`/api/events/${gone}`)).status).to.equal(404);
    expect((await ask(`/api/deliveries/${waiting}.0/replay`, { method: 'POST' })).status).to.equal(404);
    expect((await api('/api/events')).events?.map(({ id }) => id)).to.deep.equal([other]);
    expect((await api('/api/refused')).requests).to.deep.equal([]);
    expect((await api('/api/calls')).calls).to.deep.equal([]);
    for (const text of [number, '555-0100', 'conv_a', 'Ada']) expect(await filesWith(text), text).to.deep.equal([]);
    expect(await filesWith('555-0101')).not.to.deep.equal([]);

    expect(await send({ conversationId: 'conv_a', note: 'call me at (415) 555-0100 please' })).to.deep.equal({
      id: spoken,
      duplicate: true,
    });
    expect((await api('/api/events')).events?.length).to.equal(1);
    expect((await api('/api/duplicates')).duplicates).to.deep.equal([]);

    const lookups = () => crm.requests.filter(({ path }) => path.startsWith('/people')).length;
    const before = lookups();
    await ring(url, number);
    expect(lookups()).to.equal(before + 1);

    const { erasures } = await erase('--list');
    expect(erasures.length).to.equal(1);
    expect(erasures[0]).to.deep.include({ by: 'ada', state: 'done', sentCount: 4 });
    expect(JSON.stringify(erasures)).not.to.match(/5550100|555-0100|conv_a/);
    expect((await erase('--list', '--number', '+1 (415) 555-0100')).erasures.length).to.equal(1);
    expect((await erase('--list', '--number', '+1 (415) 555-0101')).erasures.length).to.equal(0);
    const local = await run('--list', '--number', '(415) 555-0100');
    expect([local.code, local.stderr]).to.deep.equal([
      2,
      'with --list, write (415) 555-0100 with + and the country: +14155550100',
    ]);
  });

  it('stays done over a restart', async () => {
    const first = await setup();
    const id = (await first.send({ conversationId: 'conv_a' })).id;
    await first.erase('--subject', 'conv_a', '--yes');
    await first.router.close();
    const second = await setup();
    expect((await second.api('/api/events')).events).to.deep.equal([]);
    expect(await second.send({ conversationId: 'conv_a' })).to.deep.equal({ id, duplicate: true });
    expect((await second.erase('--list')).erasures[0].filter.subject).to.match(/^[0-9a-f]{64}$/);
  });

  it('takes an agent and a period, and says honestly what PostgreSQL may still contain', async () => {
    const schema = 'switchhook_erase';
    const { send, run, erase, api } = await setup(
      yaml(crm, database, `{ use: postgres, url: "${database.url}", schema: ${schema} }`),
    );
    await send({ conversationId: 'conv_a', agentId: 'agent_old' });
    await send({ conversationId: 'conv_b', agentId: 'agent_new' });
    expect((await erase('--agent', 'agent_old', '--until', '1h', '--yes')).events).to.deep.equal([]);
    const { code, stdout, stderr } = await run('--agent', 'agent_old', '--since', '1h', '--yes');
    expect([code, stdout.split('\n')[0]?.startsWith('1 event erased')], stdout).to.deep.equal([0, true]);
    expect(stderr).to.match(/vacuum/);
    expect((await api('/api/events')).events?.map(({ subject }) => subject)).to.deep.equal(['conv_b']);
    await place.close();
    await database.query(`drop schema ${schema} cascade`);
  });

  it('is refused without a name, with a withheld number, and from another page', async () => {
    const { url, run } = await setup();
    expect((await run('--until', '1d')).stderr).to.include('name what to erase');
    expect((await run('--number', 'anonymous', '--dry-run')).stderr).to.include('withheld');
    const post = (headers: Record<string, string>) =>
      fetch(`${url}/api/erasures`, { method: 'POST', headers, body: JSON.stringify({ subject: 'conv_a' }) });
    const type = { 'content-type': 'application/json' };
    expect((await post(type)).status).to.equal(401);
    expect((await post({ authorization: `Bearer ${admin}`, 'content-type': 'text/plain' })).status).to.equal(415);
    expect((await run('--list')).stdout).to.include('Nothing was erased.');
  });

  it('removes an incomplete conversation from the list, with the event about it, and makes no further one', async () => {
    const followed = `version: 1
store: { use: memory }
sources:
  agents: { use: retell.events, secrets: only-for-tests, followedBy: { call_started: { type: call_ended, within: 2h } } }
destinations: { console: { use: log } }
routes: [{ from: [agents, router], to: console }]
`;
    const router = await runRouter(followed, []);
    try {
      const listed = async (): Promise<readonly Row[]> =>
        ((await (await fetch(`${router.url}/api/incomplete`)).json()) as { conversations: readonly Row[] })
          .conversations;
      for (const id of ['call_1', 'call_2'])
        await router.send('agents', { event: 'call_started', call: { call_id: id, agent_id: 'agent_1' } });
      await router.clock.advance(2 * 3_600_000);
      while ((await listed()).length < 2) await router.clock.advance(20_000);
      const erased = await eraseBy(router, 'call_1');
      expect(erased).to.deep.include({ foundBy: { named: 2 } });
      expect((erased.removed as Readonly<Record<string, number>>).incomplete).to.equal(1);
      expect((await listed()).length).to.equal(1);
      await router.clock.advance(3 * 3_600_000);
      expect((await listed()).length).to.equal(1);
      const { items } = await router.router.get(Store).events({ subject: 'call_1', limit: 9 });
      expect(items).to.deep.equal([]);
    } finally {
      await router.close();
    }
  });

  it('drops what a destination emits because of an event that is erased meanwhile', async () => {
    let deliver = (): void => {};
    const begun = new Promise<void>((resolve) => {
      deliver = resolve;
    });
    let goOn = (): void => {};
    const erased = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const plugin = definePlugin({
      name: 'archive',
      components: [
        defineDestination({
          type: 'archive',
          description: 'For tests.',
          options: z.strictObject({}),
          emits: ['stored'],
          inject: { emitter: Emitter },
          create: (_, { emitter }) => ({
            async deliver({ event }) {
              deliver();
              await erased;
              const data = { of: event.data };
              await emitter.emit([{ key: 'k', type: 'stored', subject: null, agent: null, occurredAtMs: null, data }]);
              return { kind: 'delivered' };
            },
          }),
        }),
      ],
    });
    const emitting = `version: 1
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: only-for-tests } }
destinations: { archive: { use: archive } }
routes: [{ from: agents, to: archive }]
`;
    const router = await runRouter(emitting, [plugin]);
    try {
      await router.send('agents', JSON.parse(endedBody()));
      await begun;
      const running = eraseBy(router, 'conv_1');
      const store = router.router.get(Store);
      await eventually(async () => (await store.events({ limit: 9 })).items.length === 0);
      goOn();
      expect(await running).to.deep.include({ state: 'done', sentCount: 1 });
      expect((await store.events({ limit: 9 })).items).to.deep.equal([]);
      expect((await router.attempts(1))[0]?.outcome).to.equal('delivered');
    } finally {
      await router.close();
    }
  });
});

/** Erases a conversation by the API of a router. */
async function eraseBy({ url }: TestRouter, subject: string): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json' };
  const reply = await fetch(`${url}/api/erasures`, { method: 'POST', headers, body: JSON.stringify({ subject }) });
  return (await reply.json()) as Record<string, unknown>;
}
