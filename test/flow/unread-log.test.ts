import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ExposedMetrics } from '@switchhook/core';
import { Log, Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { ring } from '../support/phones.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const command = fileURLToPath(new URL('../../core/cli/bin/switchhook.js', import.meta.url));

describe('a log that nobody reads', () => {
  it('costs lines, and no event waits for it', async () => {
    const place = await workplace();
    const file = await place.write(
      'switchhook.yaml',
      `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  console: { use: log }
routes:
  - { to: console }
`,
    );
    const child = spawn(process.execPath, [command, 'start', '--json', '--config', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const url = await new Promise<string>((resolve) => {
        let printed = '';
        child.stdout.on('data', (text: Buffer) => {
          printed += text;
          const found = /^\{"url":"([^"]+)"\}$/m.exec(printed)?.[1];
          if (found !== undefined) resolve(found);
        });
      });
      // From here on the pipe fills up: it holds 64 KB, and each event takes three lines.
      child.stdout.removeAllListeners('data').pause();
      for (let n = 0; n < 40; n += 1) {
        const posts = Array.from({ length: 25 }, (_, i) =>
          postSigned(`${url}/hooks/agents`, endedBody({ conversationId: `c${n}-${i}` })),
        );
        const statuses = (await Promise.all(posts)).map(({ status }) => status);
        expect(new Set(statuses)).to.deep.equal(new Set([200]));
      }
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await place.close();
    }
  });

  it('costs no call anything where it cannot write at all', async () => {
    const place = await workplace();
    const broken = () => {
      throw new Error('no space left on device');
    };
    const calls = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { calls: { use: sigmamind.call, token: token-of-the-tests } }
answers: [{ from: calls, defaults: { first_name: there } }]
`;
    const { url } = await place.router(calls, { logTo: { write: broken } });
    expect((await ring(url, '+12025550123')).variables).to.deep.equal({ first_name: 'there' });
    const log = { debug: broken, info: broken, warn: broken, error: broken };
    const other = await place.router(calls, { configure: (container) => container.register(Log, { useValue: log }) });
    expect((await ring(other.url, '+12025550123')).variables).to.deep.equal({ first_name: 'there' });
    await place.close();
  });

  it('costs no event its delivery where it throws, and nor do metrics that do', async () => {
    const place = await workplace();
    const broken = () => {
      throw new Error('no space left on device');
    };
    const log = { debug: broken, info: broken, warn: broken, error: broken };
    const metrics = { count: broken, observe: broken, gauge: broken, expose: broken };
    const events = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;
    const { url, router } = await place.router(events, {
      configure: (container) => {
        container.register(Log, { useValue: log });
        container.register(ExposedMetrics, { useValue: metrics });
      },
    });
    for (const conversationId of ['c1', 'c2', 'c3'])
      expect((await postSigned(`${url}/hooks/agents`, endedBody({ conversationId }))).status).to.equal(200);
    await router.close();
    const { items } = await router.get(Store).deliveries({ limit: 10 });
    expect(items.map(({ state }) => state)).to.deep.equal(['delivered', 'delivered', 'delivered']);
    await place.close();
  });
});
