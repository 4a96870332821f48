/** Every list of the command line: followed to its end by the commands that it prints, and on terminals of different widths. */
import { stripVTControlCharacters } from 'node:util';
import { runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Ended, type Workplace, workplace } from '../support/workplace.js';

// Names as long as they come.
const [agents, crm] = ['agents-of-the-sales-team-in-the-north-east', 'customer-relationship-management-of-sales'];
const yaml = `version: 1
store: { use: sqlite, path: ./lists.db }
sources:
  ${agents}:
    use: sigmamind.events
    secrets: { agent-of-the-sales-team-in-the-north-east: only-for-tests, another-agent: also-for-tests }
    followedBy: { conversation_started: { type: conversation_ended, within: 1m } }
  phones: { use: sigmamind.call, allow: [127.0.0.1] }
resolvers:
  customer_of_the_shop: { use: http.lookup, url: "\${RECEIVER_URL}", allowPrivate: true }
destinations:
  ${crm}: { use: http.post, url: "\${RECEIVER_URL}", allowPrivate: true, breaker: { failures: 1 } }
routes:
  - { name: everything-of-the-sales-team, from: ${agents}, to: ${crm} }
answers:
  - { name: answer-of-the-sales-team, from: phones, resolve: [customer_of_the_shop], variables: { name_of_the_caller: "\${{ customer_of_the_shop.name }}" }, defaults: { name_of_the_caller: there } }
`;
const agentId = 'agent-of-the-sales-team-in-the-north-east';
const subjects = [1, 2, 3, 4, 5].map((n) => `conversation-01890a5d-ac96-774b-bcce-b302099a805${n}-of-it`);

/** Each list, and how many rows it has. */
const lists: readonly (readonly [command: readonly string[], rows: number])[] = [
  [['events', '--source', agents], 5],
  [['events', '--duplicates'], 3],
  [['events', '--came-again'], 3],
  [['events', '--state', 'dead', '--source', agents], 5],
  [['deliveries', '--destination', crm], 5],
  [['dead'], 4],
  [['dead', '--destination', crm, '--since', '2025-12-31'], 4],
  [['calls'], 3],
  [['refused'], 3],
  [['incomplete'], 5],
  [['incomplete', '--source', agents], 5],
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

interface Shown {
  readonly lines: readonly string[];
  readonly notes: string;
}

describe('a list of the command line', () => {
  let place: Workplace;
  let router: TestRouter;
  /** Of the changes, before all. */
  let start: string;

  before(async () => {
    place = await workplace();
    router = await runRouter(yaml, [], { directory: place.directory });
    const { url, send, receiver, clock } = router;
    await place.write('switchhook.yaml', yaml.replaceAll('${RECEIVER_URL}', receiver.url));
    start = (await asked('/api/changes')).cursor;
    receiver.answer(() => ({ status: 422, body: 'the customer is not known to this system, '.repeat(9) }));
    const event = (subject: string) => ({ event: 'conversation_started', conversationId: subject, agentId });
    for (const subject of subjects) await send(agents, event(subject));
    for (const subject of subjects.slice(0, 3)) await send(agents, event(subject));
    await router.attempts(5);
    for (const n of [1, 2, 3]) {
      await router.call('phones', { from: `+1415555010${n}` });
      const body = JSON.stringify(event('conv_6'));
      await fetch(`${url}/hooks/${agents}`, { method: 'POST', headers: { 'x-sigmamind-signature': '0' }, body });
    }
    while ((await asked('/api/incomplete')).conversations.length < subjects.length) await clock.advance(20_000);
    for (const subject of ['of a visitor', 'conv_9', 'of a visitor'])
      await place.command(['erase', '--subject', subject, '--yes', '--url', url]);
    // In the middle of the list of what is dead.
    const { deliveries } = await asked('/api/deliveries?limit=3&state=dead');
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

  it('has what one conversation lacks', async () => {
    const [subject = ''] = subjects;
    const { stdout } = await place.command(['incomplete', '--subject', subject, '--json', '--url', router.url]);
    const found = JSON.parse(stdout).conversations.map((one: { conversation: string }) => one.conversation);
    expect(found).to.deep.equal([subject]);
    const none = await place.command(['incomplete', '--subject', 'nothing', '--url', router.url]);
    expect(none.stdout).to.equal('No conversation is incomplete.\n');
  });

  it('does not print the token', async () => {
    const { stderr } = await place.command(['events', '--limit', '1', '--token', 'hunter2', '--url', router.url]);
    expect(stderr).to.match(/^There are more: switchhook events --url \S+ --token <token> --limit 1 --cursor \S+\n$/);
  });

  /** What is shown on a terminal of so many columns: lines of results without colours, and notes. */
  const shown = async (command: readonly string[], columns: number) => {
    const [lines, notes]: [string[], string[]] = [[], []];
    process.chdir(place.directory);
    const { runCommand, terminalOutput } = await import('@switchhook/cli/internal');
    const output = terminalOutput(
      (text) => lines.push(...stripVTControlCharacters(text).split('\n')),
      (text) => notes.push(text),
      () => columns,
    );
    await runCommand(command, output);
    return { lines, notes: notes.join('\n') };
  };
  const asked = async (path: string) => JSON.parse(await (await fetch(router.url + path)).text());
  const offline = ['--config', 'switchhook.yaml'];
  const numbers = ['--from', '+14155550101', '--to', '+14155550199'];

  /** Further lists, with a text that is in each of them. Ids are those of the router of these tests. */
  const others: readonly (readonly [name: string, words: () => Promise<readonly string[]>, text: string])[] = [
    ['dead --group', async () => ['dead', '--group'], 'HTTP 422'],
    ['refused --group', async () => ['refused', '--group'], 'agents'],
    ['status', async () => ['status', '--once'], 'customer_of_t'],
    ['history', async () => ['history'], 'events 8'],
    ['events <id>', async () => ['events', (await asked(`/api/events?source=${agents}`)).events[0].id], 'HTTP 422'],
    ['deliveries <id>', async () => ['deliveries', (await asked('/api/deliveries')).deliveries[0].id], 'HTTP 422'],
    ['calls <id>', async () => ['calls', (await asked('/api/calls')).calls[0].id], 'customer_of_the_shop'],
    ['tail', async () => ['tail', '--limit', '10', '--after', start], crm],
    ['erase --dry-run', async () => ['erase', '--agent', agentId, '--dry-run'], 'would be erased'],
    ['plan', async () => ['plan', ...offline, '--since', '30000d'], 'with 8 events'],
  ];
  for (const [name, words, text] of [
    ...lists.map(([command]) => [command.join(' '), async () => command, ''] as const),
    ...others,
  ])
    it(`fits a terminal of any width: ${name}`, async () => {
      for (const columns of [60, 80, 120, 200])
        isFitting(await shown([...(await words()), '--url', router.url], columns), columns, text);
    });

  for (const [words, text] of [
    [['check', ...offline, '--connect'], 'reached'],
    [['call', ...offline, '--offline', ...numbers], 'name_of_the'],
    [['plugins', ...offline], 'what it'],
    [['plugins', 'http.post', ...offline], 'allowPrivate'],
    [['simulate', '--list'], 'happy-call'],
  ] as const)
    it(`fits a terminal of any width: ${words[0]} ${words.at(-1)}`, async () => {
      for (const columns of [60, 80, 120, 200]) isFitting(await shown(words, columns), columns, text);
    });
});

/** JSON and YAML, which is to be copied, keeps its lines. */
const isCopied = (line: string): boolean => /^ *(?:["{}[\]]|[a-z]+:)/.test(line);

function isFitting({ lines, notes }: Shown, columns: number, text: string): void {
  const whole = lines.join('\n');
  expect(whole, notes).to.include(text);
  const tooLong = lines.filter((line) => line.length > columns && !isCopied(line));
  expect(tooLong, `${columns} columns:\n${whole}`).to.deep.equal([]);
  // A row of a table is not cut down to nothing.
  for (const cells of lines.filter((line) => line.startsWith('│')).map((line) => line.split('│').slice(1, -1)))
    for (const cell of cells) expect(cell.trim(), whole).not.to.match(/^(?:.{0,3}|2026-.{0,10})…$/);
}
