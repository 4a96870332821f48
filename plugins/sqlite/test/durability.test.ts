import { deliveryId } from '@switchhook/sdk';
import { expect } from 'chai';
import { aClaim, anEntry, eventId, failure, withStore } from './fixtures.js';
import { run } from './processes/processes.js';

describe('sqlite, killed', () => {
  it(
    'keeps everything it has acknowledged, however often it is killed while it works',
    withStore(async ({ path, open }) => {
      const promised: string[] = [];
      for (const [round, lines] of [30, 150, 600].entries()) {
        const child = run('appender.ts', path, String(round * 100_000));
        await child.wrote(lines);
        await child.kill();
        promised.push(...child.lines.filter((line) => line !== 'open'));
      }
      const store = await open();
      for (const line of promised) {
        const [word, n = ''] = line.split(' ');
        const id = eventId(Number(n));
        expect((await store.event(id))?.key, line).to.equal(`key-${n}`);
        const first = await store.delivery(deliveryId(id, 0));
        if (word === 'settled') expect(first?.state, line).to.equal('delivered');
        expect(await store.delivery(deliveryId(id, 1)), line).to.include({ attempts: 1 });
      }
    }),
  );

  it(
    'returns running deliveries, with their attempts counted, to the next store that opens it',
    withStore(async ({ path, open, clock }) => {
      const child = run('appender.ts', path);
      await child.wrote(100);
      await child.kill();
      const store = await open();
      const [backlog] = await store.backlog();
      const { deliveries } = await store.claim({ ...aClaim(10_000), nowMs: clock.now() });
      expect(deliveries.length).to.equal(backlog?.running).and.be.greaterThan(0);
      expect(new Set(deliveries.map(({ attempt, lease }) => `${attempt} ${lease}`))).to.deep.equal(new Set(['2 2']));
    }),
  );

  it(
    'is held by one process at a time, and free as soon as that one is killed, also for one that has prepared to open it',
    withStore(async ({ path, make }) => {
      const child = run('appender.ts', path);
      await child.wrote(1);
      const error = await failure(make().open?.());
      expect(error.code).to.equal('STORE_IN_USE');
      expect(error.message).to.include(path);
      const [waiting, unused] = [make(), make()];
      await Promise.all([waiting.prepare?.(), unused.prepare?.()]);
      await unused.close?.();
      await child.kill();
      await waiting.open?.();
      expect(await waiting.backlog()).to.have.length(1);
    }),
  );

  it(
    'is held by one store at a time also within a process',
    withStore(async ({ open, make }) => {
      const store = await open();
      expect((await failure(make().open?.())).code).to.equal('STORE_IN_USE');
      await store.append([anEntry(1)]);
      await store.close?.();
      expect(await (await open()).event(eventId(1))).to.include({ key: 'key-1' });
    }),
  );

  it(
    'lets the process end once it is closed',
    withStore(async ({ directory, open }) => {
      expect(await run('once.ts', directory).ended()).to.equal(0);
      expect(await (await open()).event(eventId(1))).to.include({ key: 'key-1' });
    }),
  );

  it(
    'commits what is queued before it closes, and takes nothing after',
    withStore(async ({ open }) => {
      const store = await open();
      const appended = Array.from({ length: 700 }, (_, n) => store.append([anEntry(n)]));
      const closed = store.close?.();
      expect((await failure(store.append([anEntry(999)]))).code).to.equal('STORE_CLOSED');
      await closed;
      await Promise.all(appended);
      expect((await (await open()).backlog())[0]?.waiting).to.equal(700);
    }),
  );
});
