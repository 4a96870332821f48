import { Clock, HttpClient } from '@switchhook/sdk';

import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { workplace } from '../../support/workplace.js';

const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0, watchdog: true }
log: { level: silent }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;

describe('a replaced clock', () => {
  it('is the one by which host names are looked up', async () => {
    const clock = new FakeClock();
    const asked = new Promise<number>((resolve) => {
      const after = clock.after.bind(clock);
      clock.after = (ms, callback) => {
        // As long as one question to the system may take.
        if (ms === 60_000) resolve(ms);
        return after(ms, callback);
      };
    });
    const place = await workplace();
    const { router } = await place.router(yaml, {
      configure: (container) => container.register(Clock, { useValue: clock }),
    });
    const response = router
      .get(HttpClient)
      .fetch('http://localhost:9/')
      .catch(() => null);
    expect(await Promise.race([asked, response])).to.equal(60_000);
    await response;
    await place.close();
  });

  it('turns the watchdog off, which would see no beats', async () => {
    const workers: unknown[] = [];
    const note = (worker: unknown) => workers.push(worker);
    process.on('worker', note);
    const place = await workplace();
    await place.router(yaml, { configure: (container) => container.register(Clock, { useValue: new FakeClock() }) });
    expect(workers).to.have.length(0);
    await place.router(yaml);
    expect(workers).to.have.length(1);
    process.off('worker', note);
    await place.close();
  });
});
