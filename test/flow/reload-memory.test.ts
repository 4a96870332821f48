import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Config, Router } from '@switchhook/core';
import { loadConfig } from '@switchhook/core/internal';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = (level: string) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { console: { use: log, level: ${level} } }
routes: [{ name: ended, where: event.data.duration > 30, to: console }]
`;

describe('the memory of a router that is reloaded', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  it('holds no configuration but the first and the present one', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const loaded: WeakRef<Config['destinations']>[] = [];
    const load = async (): Promise<Config> => {
      const file = await place.write('switchhook.yaml', yaml(loaded.length % 2 === 0 ? 'info' : 'warn'));
      const config = await loadConfig(file);
      loaded.push(new WeakRef(config.destinations));
      return config;
    };
    const router = new Router(await load(), { load, logTo: { write: () => {} } });
    await router.open();
    for (let reloads = 0; reloads < 4; reloads += 1)
      expect((await router.reload()).destinations.changed).to.deep.equal(['console']);
    const held = () => loaded.slice(1, -1).filter((rows) => rows.deref() !== undefined).length;
    for (let rounds = 0; rounds < 50 && held() > 0; rounds += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    expect(held()).to.equal(0);
    await router.close();
  });
});
