import { pausesKey } from '@switchhook/core/internal';
import { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { postgres } from '../support/postgres.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const yaml = (store: string): string => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: ${store}
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations:
  console: { use: log }
  crm: { use: http.post, url: http://127.0.0.1:9/, allowPrivate: true, retry: { attempts: 1 } }
  later: { use: http.post, url: http://127.0.0.1:9/, allowPrivate: true, retry: { attempts: 9, first: 1h } }
routes: [{ to: [console, crm, later] }]
`;

const pluginKey = 'plugin:crm:token';
const endsAtMs = 4_000_000_000_000;
const pauses = JSON.stringify([{ kind: 'destination', name: 'other', by: 'jo', reason: 'test', sinceMs: 1 }]);

describe('switchhook store copy', () => {
  it('copies a store to PostgreSQL and back, continues where it ended, and finds both the same', async () => {
    const place = await workplace();
    const database = await postgres();
    const schema = String((await database.query('select current_schema() as schema'))[0]?.schema);
    try {
      const sqlite = await place.write('sqlite.yaml', yaml('{ use: sqlite, path: ./first.db }'));
      const target = yaml(`{ use: postgres, url: "${database.url}", schema: ${schema} }`);
      const postgresql = await place.write('postgres.yaml', target);
      const back = await place.write('back.yaml', yaml('{ use: sqlite, path: ./second.db }'));
      const send = async (numbers: readonly number[]): Promise<void> => {
        const { router, url } = await place.router(yaml('{ use: sqlite, path: ./first.db }'));
        for (const n of numbers)
          expect((await postSigned(`${url}/hooks/agents`, endedBody({ conversationId: `c${n}` }))).status).to.equal(
            200,
          );
        const store = router.get(Store);
        const isSettled = async (): Promise<boolean> => {
          const { items } = await store.deliveries({ limit: 1_000 });
          const attempts = await Promise.all(items.map(({ id }) => store.attempts(id)));
          return attempts.every(({ length }) => length > 0);
        };
        await eventually(async () => await isSettled());
        await router.get(Store).setState?.(pausesKey, pauses, null);
        await router.get(Store).setState?.(pluginKey, 'token', null, endsAtMs);
        await router.close();
      };
      const copy = async (from: string, to: string) => {
        const { code, stdout, stderr } = await place.command(['store', 'copy', '--from', from, '--to', to, '--json']);
        return { code, stderr: stderr.trim().split('\n'), ...JSON.parse(stdout) };
      };
      await send([1, 2, 3]);
      const first = await copy(sqlite, postgresql);
      expect(first).to.deep.include({ code: 0, isSame: true });
      expect(first.stderr[0]).to.equal('3 events read, 3 written, 0 the same already');
      expect(first.stderr[1]).to.match(/^(1 text|\d texts) copied \(/);
      await send([4]);
      const again = await copy(sqlite, postgresql);
      expect(again).to.deep.include({ code: 0, isSame: true });
      expect(again.stderr[0]).to.equal('4 events read, 1 written, 3 the same already');
      expect(again.days.map(({ events, deliveries }: Record<string, number>) => [events, deliveries])).to.deep.equal([
        [4, 12],
      ]);
      const itself = await place.write('itself.yaml', target.replace('use: postgres', 'use: postgres, connections: 7'));
      const refused = await place.command(['store', 'copy', '--from', postgresql, '--to', itself]);
      expect([refused.code, refused.stderr]).to.deep.equal([
        2,
        `${postgresql} and ${itself} name the same store. Nothing was copied\n`,
      ]);
      expect(await copy(postgresql, back)).to.deep.include({ code: 0, isSame: true });
      const { router } = await place.router(target);
      const states = (await router.get(Store).deliveries({ limit: 100 })).items.map(({ state }) => state);
      expect(await router.get(Store).state?.(pausesKey)).to.equal(pauses);
      expect(await router.get(Store).state?.(pluginKey)).to.equal('token');
      expect(new Set(states)).to.deep.equal(new Set(['waiting', 'dead', 'delivered']));
      await router.close();
      await database.query(`update settled set reason = 'discarded' where state = 5`);
      expect(await database.query('select expires_at from state where key = $1', [pluginKey])).to.deep.equal([
        { expires_at: String(endsAtMs) },
      ]);
      const { code, stdout } = await place.command(['store', 'copy', '--from', postgresql, '--to', sqlite]);
      expect([code, stdout.trim().split('\n').at(-1)]).to.deep.equal([0, 'ok both stores keep the same']);
    } finally {
      await place.close();
      await database.close();
    }
  });

  it('removes from a copy what was erased since', async () => {
    const place = await workplace();
    try {
      const from = await place.write('from.yaml', yaml('{ use: sqlite, path: ./from.db }'));
      const to = await place.write('to.yaml', yaml('{ use: sqlite, path: ./to.db }'));
      const copy = async () => {
        const { stdout } = await place.command(['store', 'copy', '--from', from, '--to', to, '--json']);
        return JSON.parse(stdout);
      };
      const { router, url } = await place.router(yaml('{ use: sqlite, path: ./from.db }'));
      for (const conversationId of ['c1', 'c2']) await postSigned(`${url}/hooks/agents`, endedBody({ conversationId }));
      await router.close();
      expect(await copy()).to.include({ isSame: true });
      const again = (await place.router(yaml('{ use: sqlite, path: ./from.db }'))).router;
      const { items } = await again.get(Store).events({ subject: 'c1', limit: 9 });
      await again.get(Store).erase?.({ eventIds: items.map(({ id }) => id), keysUntilMs: endsAtMs });
      await again.close();
      const { isSame, days } = await copy();
      expect([isSame, days[0].events]).to.deep.equal([true, 1]);
    } finally {
      await place.close();
    }
  });

  it('reports a store that another router uses, or that cannot be copied into', async () => {
    const place = await workplace();
    try {
      const file = await place.write('sqlite.yaml', yaml('{ use: sqlite, path: ./first.db }'));
      await place.router(yaml('{ use: sqlite, path: ./first.db }'));
      const other = await place.write('other.yaml', yaml('{ use: sqlite, path: ./other.db }'));
      const { code, stderr } = await place.command(['store', 'copy', '--from', file, '--to', other]);
      expect(code).to.equal(1);
      expect(stderr).to.match(/the store of .*sqlite\.yaml could not be opened: /);
      const same = await place.write('same.yaml', yaml('{ use: sqlite, path: other.db }'));
      const itself = await place.command(['store', 'copy', '--from', other, '--to', same]);
      expect([itself.code, itself.stdout]).to.deep.equal([2, '']);
      expect(itself.stderr).to.include('name the same store');
    } finally {
      await place.close();
    }
  });
});
