import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { openBackup } from '@switchhook/cli/internal';
import { Store } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { postgres } from '../support/postgres.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { commandFile, type Workplace, workplace } from '../support/workplace.js';

/** Counts its deliveries in `State`. */
const plugin = `import * as s from '@switchhook/sdk';
const options = s.z.strictObject({});
export default s.definePlugin({
  name: 'counter',
  components: [s.defineDestination({
    type: 'counter', options, description: 'For tests.', inject: { state: s.State, log: s.Log },
    create: (_, { state, log }) => ({
      deliver: async () => {
        const entry = await state.get('count');
        const count = (entry?.value ?? 0) + 1;
        await state.set('count', count);
        log.info('note.counted', { count });
        return { kind: 'delivered' };
      },
    }),
  })],
});
`;

interface Receivers {
  readonly crm: Receiver;
  readonly late: Receiver;
}

const yaml = (store: string, { crm, late }: Receivers): string => `
version: 1
server: { host: 127.0.0.1, port: 0, admin: { token: a-token-for-the-tests } }
plugins: [./counter.js]
store: ${store}
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations:
  crm: { use: http.post, url: "${crm.url}", allowPrivate: true, retry: { attempts: 50, first: 200ms, max: 500ms }, breaker: false }
  late: { use: http.post, url: "${late.url}", allowPrivate: true, breaker: false }
  counter: { use: counter, concurrency: 1 }
routes:
  - { to: [crm, late] }
  - { where: 'event.subject == "counted"', to: counter }
`;

/** Conversations of the requests that a receiver has answered with 200. */
function delivered(requests: Receiver['requests'], isRefused: (id: string) => boolean): readonly string[] {
  const ids = requests.map((request) => (request.json() as { data: { conversationId: string } }).data.conversationId);
  return ids.filter((id) => !isRefused(id));
}

/** Sends events with eight senders until it is stopped; all that were acknowledged. */
function sendAll(url: string, prefix: string) {
  const acknowledged: string[] = [];
  let isStopped = false;
  let next = 0;
  const sender = async (): Promise<void> => {
    while (!isStopped) {
      next += 1;
      const conversationId = `${prefix}_${next}`;
      const { status } = await postSigned(`${url}/hooks/agents`, endedBody({ conversationId }));
      if (status === 200) acknowledged.push(conversationId);
    }
  };
  const ended = Promise.all(Array.from({ length: 8 }, sender));
  const stop = async (): Promise<void> => {
    isStopped = true;
    await ended;
  };
  const reached = async (count: number): Promise<void> => {
    await eventually(() => acknowledged.length >= count);
  };
  return { acknowledged, stop, reached };
}

async function subjectsIn(file: string): Promise<ReadonlySet<string | null>> {
  const subjects = new Set<string | null>();
  for await (const content of (await openBackup(file)).contents)
    if (content.kind === 'event') subjects.add(content.event.event.subject);
  return subjects;
}

/** The two stores of a kind: of the old and of the new machine. */
const kinds = {
  sqlite: async () => ({
    stores: ['{ use: sqlite, path: ./a.db }', '{ use: sqlite, path: ./other/b.db }', '{ use: sqlite, path: ./c.db }'],
    close: async () => {},
  }),
  postgres: async () => {
    const database = await postgres();
    const names = ['a', 'b', 'c'].map((name) => `backup_${name}_${process.pid}`);
    return {
      stores: names.map((name) => `{ use: postgres, url: "${database.url}", schema: ${name} }`),
      close: async () => {
        for (const name of names) await database.query(`drop schema if exists ${name} cascade`);
        await database.close();
      },
    };
  },
};

describe('switchhook backup and restore', () => {
  let place: Workplace;
  let receivers: Receivers;
  let isDown = (_id: string): boolean => false;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('counter.js', plugin);
    await mkdir(place.path('other'));
    isDown = () => false;
    const crm = await receiver(({ json }) =>
      isDown((json() as { data: { conversationId: string } }).data.conversationId) ? 503 : 200,
    );
    receivers = { crm, late: await receiver() };
  });
  afterEach(async () => {
    await place.close();
    await Promise.all([receivers.crm.close(), receivers.late.close()]);
  });

  for (const [kind, make] of Object.entries(kinds))
    it(`moves a router with a ${kind} store to another place: nothing is lost, and what was delivered is not repeated`, async () => {
      const { stores, close } = await make();
      try {
        const [a = '', b = '', c = ''] = await Promise.all(
          stores.map((store, index) => place.write(`${'abc'[index]}.yaml`, yaml(store, receivers))),
        );
        const old = await place.start(a);
        const ask = (...args: readonly string[]) => place.command([...args, '--url', old.url, '--config', a]);
        expect(await ask('pause', 'late', '--reason', 'the move')).to.include({ code: 0 });
        for (const _ of [1, 2])
          await postSigned(`${old.url}/hooks/agents`, endedBody({ conversationId: 'counted', at: _ }));
        isDown = (id) => Number(id.split('_')[1]) % 3 === 0;

        // Under traffic.
        const traffic = sendAll(old.url, 'first');
        await traffic.reached(200);
        const before = [...traffic.acknowledged];
        const online = await place.command(['backup', 'online.backup', '--config', a]);
        expect([online.code, online.stderr]).to.deep.equal([0, '']);
        expect(online.stdout).to.match(/^ok online\.backup, /);
        const during = traffic.acknowledged.length;
        await traffic.stop();
        expect(during, 'events were accepted while it was written').to.be.greaterThan(before.length);
        const inside = await subjectsIn(place.path('online.backup'));
        expect(before.filter((id) => !inside.has(id))).to.deep.equal([]);
        expect((await stat(place.path('online.backup'))).mode & 0o777).to.equal(0o600);

        // The move: stop, back up, restore, start.
        expect(await old.stop()).to.equal(0);
        expect(await place.command(['backup', 'last.backup', '--config', a])).to.include({ code: 0, stderr: '' });
        const settled = delivered(receivers.crm.requests, isDown);
        const restored = await place.command(['restore', 'last.backup', '--config', b]);
        expect([restored.code, restored.stdout.split('\n').at(-2)]).to.deep.equal([0, 'ok restored']);
        expect(restored.stderr).to.match(/deliveries are made after the start\. Those that were delivered after 20/);
        const isRefusedByOld = isDown;
        const asked = receivers.crm.requests.length;
        isDown = () => false;
        const fresh = await place.start(b);
        expect(fresh.url).not.to.equal(old.url);
        const all = new Set([...traffic.acknowledged, 'counted']);
        const already = new Set(settled);
        const waiting = [...all].filter((id) => !already.has(id));
        expect(waiting.length).to.be.greaterThan(50);
        const missing = new Set(waiting);
        const later: string[] = [];
        while (missing.size > 0) {
          const [id = ''] = delivered((await receivers.crm.received(asked + later.length + 1)).slice(-1), isDown);
          later.push(id);
          missing.delete(id);
        }
        const first = new Set(waiting);
        expect(
          later.filter((id) => !first.delete(id)),
          'delivered twice',
        ).to.deep.equal([]);
        expect(waiting.some(isRefusedByOld)).to.equal(true);

        // Pauses and State are kept.
        expect(receivers.late.requests).to.deep.equal([]);
        const status = await place.command(['status', '--json', '--url', fresh.url, '--config', b]);
        const { destinations } = JSON.parse(status.stdout);
        const late = destinations.find((row: { destination: string }) => row.destination === 'late');
        expect(late.holds).to.have.length(1);
        expect(late.holds[0]).to.include({ kind: 'paused', reason: 'the move' });
        await postSigned(`${fresh.url}/hooks/agents`, endedBody({ conversationId: 'counted', at: 3 }));
        const counts = () => fresh.log.filter(({ event }) => event === 'note.counted').map(({ count }) => count);
        await eventually(() => counts().length > 0);
        expect(counts()).to.deep.equal([3]);
        expect(await fresh.stop()).to.equal(0);

        // The backup that was written under traffic is whole, too: all of its destinations are paused first.
        const paused = await place.command(['restore', 'online.backup', '--config', c, '--paused', '--json']);
        expect(paused.code).to.equal(0);
        expect(JSON.parse(paused.stdout)).to.deep.include({ isComplete: true, paused: ['crm', 'late', 'counter'] });
        const { router } = await place.router(yaml(stores[2] ?? '', receivers));
        const kept = new Set<string | null>();
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page: Awaited<ReturnType<Store['events']>> = await router
            .get(Store)
            .events({ limit: 1_000, ...(cursor !== undefined && { cursor }) });
          for (const { subject } of page.items) kept.add(subject);
          cursor = page.cursor;
        }
        expect([...kept].sort()).to.deep.equal([...inside].sort());
        const pauses = JSON.parse((await router.get(Store).state?.('switchhook.pauses')) ?? '[]');
        expect(pauses.map(({ name, by }: { name: string; by: string }) => [name, by]).slice(1)).to.deep.equal([
          ['crm', 'switchhook restore'],
          ['counter', 'switchhook restore'],
        ]);
        await router.close();
      } finally {
        await close();
      }
    }).timeout(240_000);

  describe('with a store that keeps much', () => {
    /** Bodies that cannot be compressed: writing them takes a while. */
    async function fill(): Promise<string> {
      const { router } = await place.router(yaml('{ use: sqlite, path: ./a.db }', receivers));
      const receivedAtMs = 1_700_000_000_000;
      for (let n = 0; n < 40; n += 1)
        await router.get(Store).append(
          Array.from({ length: 25 }, (_, index) => {
            const id = `01890a5d-ac96-774b-bcce-${(n * 25 + index).toString(16).padStart(12, '0')}`;
            const body = Buffer.from(JSON.stringify({ noise: randomBytes(20_000).toString('base64') }));
            const texts = { key: id, source: 'agents', type: 'a', subject: id, agent: null, party: null };
            return { event: { id, ...texts, occurredAtMs: receivedAtMs, receivedAtMs, body }, deliveries: [] };
          }),
        );
      await router.close();
      return place.write('a.yaml', yaml('{ use: sqlite, path: ./a.db }', receivers));
    }
    const launched = (file: string, ...before: readonly string[]) => {
      const command = [...before, process.execPath, commandFile, 'backup', 'big.backup', '--config', file];
      return spawn(command[0] ?? '', command.slice(1), { cwd: place.directory, stdio: ['ignore', 'ignore', 'pipe'] });
    };
    const filesOf = async () => (await readdir(place.directory)).filter((name) => name.startsWith('big.backup'));

    for (const signal of ['SIGKILL', 'SIGTERM'] as const)
      it(`leaves no half file under the final name after ${signal}, and works again afterwards`, async () => {
        const file = await fill();
        const child = launched(file);
        const ended = once(child, 'exit');
        const size = async () => {
          const [name] = await filesOf();
          return name === undefined ? 0 : (await stat(place.path(name))).size;
        };
        // Some of it is on disk.
        await eventually(async () => (await size()) >= 100_000);
        child.kill(signal);
        const [code, by] = await ended;
        if (signal === 'SIGTERM') expect([code, await filesOf()]).to.deep.equal([1, []]);
        else expect([by, await filesOf()]).to.deep.equal([signal, [`big.backup.${child.pid}.tmp`]]);
        expect(await place.command(['backup', 'big.backup', '--config', file])).to.include({ code: 0 });
        expect(await filesOf()).to.deep.equal(['big.backup']);
        expect(await place.command(['backup', '--verify', 'big.backup'])).to.include({ code: 0, stderr: '' });
      }).timeout(120_000);

    it('leaves nothing where the system takes no more bytes, and gives the reason', async () => {
      const file = await fill();
      const [command, ...limit] =
        process.platform === 'linux' ? ['prlimit', '--fsize=200000'] : ['sh', '-c', 'ulimit -f 400; exec "$@"', 'sh'];
      const child = launched(file, command ?? '', ...limit);
      const printed: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => printed.push(text));
      const [code] = await once(child, 'close');
      expect([code, printed.join('').trim()]).to.deep.equal([
        1,
        'big.backup was not written: the file is larger than this user, or the file system, may write (EFBIG)',
      ]);
      expect(await filesOf()).to.deep.equal([]);
    }).timeout(120_000);
  });

  it('restores only into an empty store, unless it may remove what is there, and never beside a router', async () => {
    const file = await place.write('a.yaml', yaml('{ use: sqlite, path: ./a.db }', receivers));
    const running = await place.start(file);
    isDown = () => true;
    await postSigned(`${running.url}/hooks/agents`, endedBody({ conversationId: 'conv_1' }));
    expect(await place.command(['backup', 'one.backup', '--config', file])).to.include({ code: 0 });
    const beside = await place.command(['restore', 'one.backup', '--config', file]);
    expect([beside.code, beside.stderr.trim()]).to.deep.equal([
      1,
      `the store of ${file} could not be opened: ${place.path('a.db')}: another router is using the file. Stop it first`,
    ]);
    await postSigned(`${running.url}/hooks/agents`, endedBody({ conversationId: 'conv_2' }));
    await receivers.late.received(2);
    await running.stop();
    const refused = await place.command(['restore', 'one.backup', '--config', file]);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(
      /^The store of \S+ is not empty\. It keeps 2 events, received from \S+ to \S+, 4 deliveries \(2 open, 0 dead\), and 0 texts of plugins and pauses\. Nothing was changed: /,
    );
    const forced = await place.command(['restore', 'one.backup', '--config', file, '--force', '--json']);
    expect(forced.code).to.equal(0);
    expect(forced.stderr).to.match(/^Removing from the store of \S+: 2 events, /);
    const { backup, store, isComplete } = JSON.parse(forced.stdout);
    expect([backup.counts.events, store.events, isComplete]).to.deep.equal([1, 1, true]);
    expect(await place.command(['backup', '--verify', 'a.yaml'])).to.deep.include({
      ...{ code: 1, stdout: '', stderr: 'a.yaml is no backup of Switchhook\n' },
    });
  }).timeout(120_000);

  it('keeps what was erased and the record of it, and passes over erased events of an older backup', async () => {
    const file = await place.write('a.yaml', yaml('{ use: sqlite, path: ./a.db }', receivers));
    const old = await place.start(file);
    const ask = (url: string, ...args: readonly string[]) => place.command([...args, '--url', url, '--config', file]);
    await postSigned(`${old.url}/hooks/agents`, endedBody({ conversationId: 'conv_1' }));
    expect(await place.command(['backup', 'one.backup', '--config', file])).to.include({ code: 0 });
    expect(await ask(old.url, 'erase', '--subject', 'conv_1', '--yes')).to.include({ code: 0 });
    await old.stop();
    // It keeps nothing else: it may be filled, but not emptied of its erasures.
    const restored = await place.command(['restore', 'one.backup', '--config', file]);
    expect([restored.code, restored.stdout.split('\n').at(-2)]).to.deep.equal([0, 'ok restored']);
    expect(restored.stderr).to.include('1 event of the backup was passed over: it was erased in this store.');
    const forced = await place.command(['restore', 'one.backup', '--config', file, '--force', '--json']);
    const { store, passedOver, isComplete } = JSON.parse(forced.stdout);
    expect([forced.code, store.events, isComplete]).to.deep.equal([0, 0, true]);
    expect(passedOver).to.include({ events: 1, deliveries: 2 });
    const fresh = await place.start(file);
    const { erasures } = JSON.parse((await ask(fresh.url, 'erase', '--list', '--json')).stdout);
    expect(erasures.map((one: { state: string }) => one.state)).to.deep.equal(['done']);
    expect((await ask(fresh.url, 'events', '--json')).stdout).not.to.include('conv_1');
    await fresh.stop();
  }).timeout(120_000);

  it('continues a restore that was interrupted, during which all destinations are paused', async () => {
    const store = '{ use: sqlite, path: ./a.db }';
    const file = await place.write('a.yaml', yaml(store, receivers));
    const first = await place.router(yaml(store, receivers));
    await postSigned(`${first.url}/hooks/agents`, endedBody({ conversationId: 'conv_1' }));
    await first.router.close();
    expect(await place.command(['backup', 'one.backup', '--config', file])).to.include({ code: 0 });
    const other = '{ use: sqlite, path: ./b.db }';
    const target = await place.write('b.yaml', yaml(other, receivers));
    // As it stands after a power failure in the middle.
    const { sha256 } = JSON.parse((await place.command(['backup', '--verify', 'one.backup', '--json'])).stdout);
    const interrupted = await place.router(yaml(other, receivers));
    await interrupted.router.get(Store).restore?.([], {
      texts: [
        { key: 'switchhook.restoring', value: sha256, expiresAtMs: null },
        { key: 'plugin:x:y', value: 'a part', expiresAtMs: null },
      ],
    });
    await interrupted.router.close();
    const { code, stderr } = await place.command(['restore', 'one.backup', '--config', target]);
    expect(code).to.equal(0);
    expect(stderr).to.match(/^Continues a restore of this backup that was interrupted\./);
    const { router } = await place.router(yaml(other, receivers));
    const kept = router.get(Store);
    expect([await kept.state?.('switchhook.restoring'), await kept.state?.('switchhook.pauses')]).to.deep.equal([
      null,
      null,
    ]);
    expect((await kept.events({ limit: 9 })).items.map(({ subject }) => subject)).to.deep.equal(['conv_1']);
  }).timeout(120_000);

  it('backs up nothing of a store that no other process can read', async () => {
    const file = await place.write('a.yaml', yaml('{ use: memory }', receivers));
    const { code, stderr } = await place.command(['backup', 'one.backup', '--config', file]);
    expect([code, stderr.trim()]).to.deep.equal([
      2,
      `the store of ${file}, memory, keeps nothing that another process can read`,
    ]);
    expect(await readdir(place.directory)).not.to.include('one.backup');
  });
});
