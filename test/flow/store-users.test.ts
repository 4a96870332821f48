import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { postgres, type TestDatabase } from '../support/postgres.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = (store: string): string => `
version: 1
server: { host: 127.0.0.1, port: 0, name: r3, admin: { token: a-token-for-the-tests } }
store: ${store}
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations: { note: { use: log } }
routes: [{ to: note }]
`;

describe('a PostgreSQL store that a router uses', () => {
  let place: Workplace;
  let database: TestDatabase;
  let schema: string;

  beforeEach(async () => {
    [place, database] = [await workplace(), await postgres()];
    await place.link();
    schema = String((await database.query('select current_schema() as schema'))[0]?.schema);
  });
  afterEach(async () => {
    await place.close();
    await database.close();
  });

  /** What the router's tables have, without what it writes by itself. */
  const kept = async () => [
    (await database.query('select id::text, xmin::text from events order by 1')).map((row) => Object.values(row)),
    (await database.query('select key from state order by 1')).map(({ key }) => key),
  ];

  for (const [how, options] of [
    ['', ''],
    [', behind a pooler', ', prepare: false, listen: false'],
  ])
    it(`is neither restored nor copied, and stays as it is, until the router has ended${how}`, async () => {
      const own = `{ use: postgres, url: "${database.url}", schema: ${schema}${options} }`;
      const live = await place.write('live.yaml', yaml(own));
      const empty = await place.write('empty.yaml', yaml('{ use: sqlite, path: ./empty.db }'));
      const router = await place.start(live);
      await postSigned(`${router.url}/hooks/agents`, endedBody({ conversationId: 'conv_1' }));
      expect(await place.command(['backup', 'one.backup', '--config', live])).to.include({ code: 0 });
      await postSigned(`${router.url}/hooks/agents`, endedBody({ conversationId: 'conv_2' }));
      // Its own texts, such as the history, are written once a minute.
      const before = await kept();
      const restore = ['restore', 'one.backup', '--config', live, '--force'];
      const copies = [
        ['store', 'copy', '--from', empty, '--to', live],
        ['store', 'copy', '--from', live, '--to', empty],
      ];
      for (const args of [restore, ...copies]) {
        const { code, stderr } = await place.command(args);
        expect(code, args.join(' ')).to.equal(1);
        expect(stderr.trim().split('\n').at(-1)).to.match(
          /^the store of \S+live\.yaml is in use by router r3 \(id \S+, last heartbeat 0\.\d s ago\)\. Stop it first\. Nothing was changed$/,
        );
      }
      expect(await kept()).to.deep.equal(before);
      expect(before[0]).to.have.length(2);

      await router.kill();
      const copied = await place.command(copies[1] ?? []);
      expect([copied.code, copied.stdout.trim().split('\n').at(-1)], copied.stderr).to.deep.equal([
        0,
        'ok both stores keep the same',
      ]);
      const again = await place.start(live);
      await eventually(() => again.log.some(({ event }) => event === 'router.opened'));
      expect(await again.stop()).to.equal(0);
      const restored = await place.command(restore);
      expect([restored.code, restored.stdout.trim().split('\n').at(-1)], restored.stderr).to.deep.equal([
        0,
        'ok restored',
      ]);
      expect((await kept())[0]).to.have.length(1);
    }).timeout(120_000);
});
