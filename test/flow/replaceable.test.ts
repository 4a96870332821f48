/** A router that is replaced by a new process, or listens on a socket that another program has opened. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { familyOf, signalAll } from '../support/processes.js';
import { Senders } from '../support/senders.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { commandFile, type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

const yaml = (crm: Receiver) => `
version: 1
server: { host: 127.0.0.1, port: 0, admin: { token: token-of-an-operator } }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: token-of-the-tests }
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks }
routes:
  - { from: agents, to: crm }
answers:
  - { from: calls, variables: { name: there } }
`;

describe('a router that can be replaced', () => {
  let place: Workplace;
  let crm: Receiver;
  let file: string;

  beforeEach(async () => {
    place = await workplace();
    crm = await receiver();
    file = await place.write('switchhook.yaml', yaml(crm));
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  const restart = ({ url }: RouterProcess) =>
    place.run(['restart', '--config', file, '--url', url, '--token', 'token-of-an-operator', '--json']);
  const logged = async (
    { log }: RouterProcess,
    event: string,
    count = 1,
  ): Promise<Readonly<Record<string, unknown>>> => {
    const line = () => log.filter((each) => each.event === event)[count - 1];
    await eventually(() => line() !== undefined);
    return line() ?? {};
  };

  it('refuses no request and loses no event while new processes take over, one where two are asked for at the same time, and calls are answered', async () => {
    const router = await place.start(file, ['--replaceable']);
    const load = new Senders(router.url, { kept: 6, fresh: 2 });
    for (const attempt of [1, 2]) {
      // Two at the same time are one.
      const ended = await Promise.all(Array.from({ length: attempt }, () => restart(router)));
      for (const { code, stdout, stderr } of ended) {
        expect(stderr).to.equal('');
        expect(code).to.equal(0);
        expect(JSON.parse(stdout)).to.have.all.keys('earlierVersion', 'version', 'readyMs', 'tookMs');
      }
      await logged(router, 'router.listening', attempt + 1);
    }
    await load.end();
    expect([...load.failures]).to.deep.equal([]);
    const acknowledged = load.events.ids;
    expect(acknowledged.length).to.be.greaterThan(100);
    // Some arrive twice: an attempt that the earlier process had begun.
    for (let count = acknowledged.length; ; count += 1) {
      const requests = await crm.received(count);
      if (new Set(requests.map(({ body }) => JSON.parse(String(body)).subject)).size === acknowledged.length) break;
    }
    expect(await router.stop()).to.equal(0);
    for (const event of ['router.listening', 'router.closed'])
      expect(router.log.filter((line) => line.event === event)).to.have.length(3);
  }).timeout(180_000);

  it('goes on where the new process does not get ready, and says why; is replaced on SIGUSR2 and reloads on SIGHUP', async () => {
    const router = await place.start(file, ['--replaceable']);
    await place.write('switchhook.yaml', yaml(crm).replace('use: http.post', 'use: http.pots'));
    const { code, stderr } = await place.run(['restart', '--url', router.url, '--token', 'token-of-an-operator']);
    expect(code).to.equal(1);
    expect(stderr).to.include('RESTART_FAILED: the new process ended with exit code 78 before it was ready');
    expect((await fetch(`${router.url}/readyz`)).status).to.equal(200);
    expect(await logged(router, 'router.restart-failed')).to.include({ level: 'error' });
    await place.write('switchhook.yaml', yaml(crm));
    router.process.kill('SIGUSR2');
    await logged(router, 'router.listening', 2);
    await logged(router, 'router.closed');
    router.process.kill('SIGHUP');
    await logged(router, 'config.reloaded');
    expect(await router.stop()).to.equal(0);
  });

  it('ends without a router left where it is stopped while a new process is being prepared', async () => {
    const router = await place.start(file, ['--replaceable']);
    const asked = restart(router);
    await logged(router, 'router.restarting');
    expect(await router.stop()).to.equal(0);
    expect((await asked).code).to.equal(1);
    expect(router.log.filter(({ event }) => event === 'router.listening')).to.have.length(1);
  });

  it('finishes what it has begun where its supervisor is killed', async () => {
    const router = await place.start(file, ['--replaceable']);
    await router.kill();
    await logged(router, 'router.closed');
  });

  it('does not wait long for an attempt: the next process makes it again', async () => {
    let requests = 0;
    crm.answer(() => {
      requests += 1;
      return requests === 1 ? new Promise(() => {}) : 200;
    });
    const router = await place.start(file, ['--replaceable']);
    expect((await postSigned(`${router.url}/hooks/agents`, endedBody())).status).to.equal(200);
    await crm.received(1);
    expect((await restart(router)).code).to.equal(0);
    await crm.received(2);
    expect(await router.stop()).to.equal(0);
    const outcomes = router.log.filter(({ event }) => event === 'delivery.attempted').map(({ outcome }) => outcome);
    expect(outcomes).to.include('delivered');
  });

  it('passes the store on before it waits for components that do not close', async () => {
    const plugin = fileURLToPath(new URL('../support/unclosing-plugin.js', import.meta.url));
    const rows = yaml(crm)
      .replace('destinations:', 'destinations:\n  unclosing: { use: unclosing }')
      .replace('to: crm', 'to: [crm, unclosing]');
    await place.write('switchhook.yaml', `plugins: ["${plugin}"]\n${rows}`);
    const router = await place.start(file, ['--replaceable']);
    // It waits until the next process can commit.
    expect((await restart(router)).code).to.equal(0);
    expect(router.log.filter(({ event }) => event === 'router.closed')).to.deep.equal([]);
    signalAll(familyOf(router.process.pid ?? 0), 'SIGKILL');
  });

  it('cannot be replaced without its option, and says how', async () => {
    const router = await place.start(file);
    const { code, stderr } = await restart(router);
    expect(code).to.equal(1);
    expect(stderr).to.include('NOT_REPLACEABLE').and.to.include('switchhook start --replaceable');
  });
});

describe('a socket that was opened by systemd', () => {
  let place: Workplace;
  let crm: Receiver;
  let listening: Server;

  beforeEach(async () => {
    place = await workplace();
    crm = await receiver();
    listening = createServer();
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    listening.close();
    await place.close();
    await crm.close();
  });

  /** As systemd starts it: the process has the socket as its file 3, and its own number in LISTEN_PID. */
  const started = async (sockets: number, args: readonly string[] = []) => {
    const file = await place.write('switchhook.yaml', yaml(crm).replace('port: 0', 'port: 1'));
    const { fd } = (listening as unknown as { _handle: { fd: number } })._handle;
    const command = [process.execPath, commandFile, 'start', '--config', file, ...args].join(' ');
    return spawn('sh', ['-c', `LISTEN_FDS=${sockets} LISTEN_PID=$$ exec ${command}`], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
    });
  };

  for (const args of [[], ['--replaceable']])
    it(`is listened on, in place of server.port: start ${args.join(' ')}`, async () => {
      const child = await started(1, args);
      const lines = createInterface({ input: child.stdout ?? process.stdin });
      const url = await new Promise<string>((resolve) => {
        lines.on('line', (text) => {
          const line = JSON.parse(text);
          if (line.event === 'router.listening') resolve(line.url);
        });
      });
      const address = listening.address();
      expect(url).to.equal(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
      // This process has the socket, too, and accepts nothing on it.
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      expect(code).to.equal(0);
    });

  it('is refused where there are several', async () => {
    const child = await started(2);
    const [said] = await once(createInterface({ input: child.stderr ?? process.stdin }), 'line');
    expect(said).to.equal('cannot listen: systemd passes 2 sockets, and the router listens on one');
    const [code] = await once(child, 'exit');
    expect(code).to.equal(1);
  });
});
