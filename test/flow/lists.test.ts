/** Every list of the command line: followed to its end by the commands that it prints. */
import { runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Ended, type Workplace, workplace } from '../support/workplace.js';

const yaml = `version: 1
store: { use: sqlite, path: ./lists.db }
sources:
  agents:
    use: sigmamind.events
    secrets: only-for-tests
    followedBy: { conversation_started: { type: conversation_ended, within: 1m } }
  phones: { use: sigmamind.call, allow: [127.0.0.1] }
destinations:
  crm: { use: http.post, url: "\${RECEIVER_URL}", allowPrivate: true }
routes:
  - { from: agents, to: crm }
answers:
  - { from: phones, variables: { name: there } }
`;
const subjects = ['conv_1', 'conv_2', 'conv_3', 'conv_4', 'conv_5'];

/** Each list, and how many rows it has. */
const lists: readonly (readonly [command: readonly string[], rows: number])[] = [
  [['events', '--source', 'agents'], 5],
  [['events', '--duplicates'], 3],
  [['deliveries', '--destination', 'crm'], 5],
  [['dead'], 4],
  [['dead', '--destination', 'crm', '--since', '2025-12-31'], 4],
  [['calls'], 3],
  [['refused'], 3],
  [['incomplete'], 5],
  [['erase', '--list'], 3],
  [['erase', '--list', '--subject', 'of a visitor'], 2],
];

/** The words of a command line as a shell reads them. */
function wordsIn(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** The rows of a table without their ages, which grow. */
function rowsIn({ stdout }: Ended): readonly string[] {
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.replaceAll(/ \([^)]* ago\)/g, ''));
}

describe('a list of the command line', () => {
  let place: Workplace;
  let router: TestRouter;

  before(async () => {
    place = await workplace();
    router = await runRouter(yaml, [], { directory: place.directory });
    const { url, send, receiver, clock } = router;
    receiver.answer(() => 422);
    const event = (subject: string) => ({ event: 'conversation_started', conversationId: subject, agentId: 'a' });
    for (const subject of subjects) await send('agents', event(subject));
    for (const subject of subjects.slice(0, 3)) await send('agents', event(subject));
    await router.attempts(5);
    for (const n of [1, 2, 3]) {
      await router.call('phones', { from: `+1415555010${n}` });
      const body = JSON.stringify(event('conv_6'));
      await fetch(`${url}/hooks/agents`, { method: 'POST', headers: { 'x-sigmamind-signature': '0' }, body });
    }
    const api = async (path: string) => JSON.parse(await (await fetch(url + path)).text());
    while ((await api('/api/incomplete')).conversations.length < subjects.length) await clock.advance(20_000);
    for (const subject of ['of a visitor', 'conv_9', 'of a visitor'])
      await place.command(['erase', '--subject', subject, '--yes', '--url', url]);
    // In the middle of the list of what is dead.
    const { deliveries } = await api('/api/deliveries?limit=3&state=dead');
    await place.command(['discard', deliveries[2].id, '--url', url]);
  });
  after(async () => {
    await router.close();
    await place.close();
  });

  for (const [command, count] of lists)
    it(`is read to its end by the commands that \`${command.join(' ')}\` prints`, async () => {
      const whole = await place.command([...command, '--url', router.url]);
      expect(rowsIn(whole), whole.stdout + whole.stderr).to.have.length(count);
      expect(whole.stderr).not.to.include('There are more');
      for (const limit of [1, 2]) {
        const found: string[] = [];
        let pages = 0;
        let next: readonly string[] | undefined = [...command, '--limit', `${limit}`, '--url', router.url];
        while (next !== undefined) {
          const page = await place.command(next);
          pages += 1;
          expect(rowsIn(page).length).to.be.within(1, limit);
          found.push(...rowsIn(page));
          const [, rest] = /There are more: switchhook (.+)/.exec(page.stderr) ?? [];
          next = rest === undefined ? undefined : wordsIn(rest);
        }
        expect(found, `pages of ${limit}`).to.deep.equal(rowsIn(whole));
        expect(pages).to.equal(Math.ceil(count / limit));
      }
    });

  it('has the cursor in its JSON, and refuses one of another list', async () => {
    for (const [command] of lists) {
      const run = (...args: readonly string[]) => place.command([...command, ...args, '--url', router.url]);
      const { cursor } = JSON.parse((await run('--limit', '1', '--json')).stdout);
      expect(cursor, command.join(' ')).to.be.a('string');
      expect(JSON.parse((await run('--json')).stdout).cursor).to.equal(null);
      const wrong = await run('--cursor', 'nothing');
      expect([wrong.code, wrong.stderr.split(':')[0]], command.join(' ')).to.deep.equal([1, 'MALFORMED']);
    }
    const useless = await place.command(['erase', '--subject', 'x', '--cursor', 'x', '--url', router.url]);
    expect([useless.code, useless.stderr]).to.deep.equal([2, '--cursor continues a list of records: add --list\n']);
  });

  it('does not print the token', async () => {
    const { stderr } = await place.command(['events', '--limit', '1', '--token', 'hunter2', '--url', router.url]);
    expect(stderr).to.match(/^There are more: switchhook events --url \S+ --token <token> --limit 1 --cursor \S+\n$/);
  });
});
