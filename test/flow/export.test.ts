import { readFile, stat } from 'node:fs/promises';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: secret-of-the-calls }
destinations: { console: { use: log } }
routes: [{ name: all, from: agents, to: console }]
answers: [{ name: line, from: calls, variables: { tier: "=gold" } }]
`;

describe('switchhook export', () => {
  let place: Workplace;
  let run: (...args: readonly string[]) => ReturnType<Workplace['run']>;
  let unread: (...args: readonly string[]) => ReturnType<Workplace['runUnread']>;

  beforeEach(async () => {
    place = await workplace();
    const { url } = await place.router(yaml);
    const address = ['--url', url, '--config', place.path('switchhook.yaml')];
    run = (...args) => place.run(['export', ...args, ...address]);
    unread = (...args) => place.runUnread(['export', ...args, ...address]);
    for (const conversationId of ['conv_1', '=cmd("x"),2', 'conv_3'])
      expect((await postSigned(`${url}/hooks/agents`, endedBody({ conversationId }))).status).to.equal(200);
    const headers = { 'content-type': 'application/json' };
    for (const from of ['+12345678912', '+12345678914']) {
      const body = JSON.stringify({ event: 'call_inbound', from_number: from, to_number: '+12345678913' });
      await fetch(`${url}/hooks/calls/secret-of-the-calls`, { method: 'POST', headers, body });
    }
    const counted = async (): Promise<number> => {
      const { calls } = JSON.parse(await (await fetch(`${url}/api/calls`)).text());
      const { deliveries } = JSON.parse(await (await fetch(`${url}/api/deliveries?state=delivered`)).text());
      return calls.length + deliveries.length;
    };
    await eventually(async () => (await counted()) >= 5);
  });
  afterEach(() => place.close());

  it('writes whole objects, a line each, with the filters of the lists', async () => {
    const { code, stdout, stderr } = await run('events', '--source', 'agents', '--data');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(lines.map(({ subject, data }) => [subject, data.conversationId, data.duration])).to.deep.equal(
      ['conv_3', '=cmd("x"),2', 'conv_1'].map((subject) => [subject, subject, 73]),
    );
    const deliveries = await run('deliveries', '--event', lines[0].id);
    expect(JSON.parse(deliveries.stdout)).to.include({
      event: lines[0].id,
      destination: 'console',
      state: 'delivered',
    });
    const calls = await run('calls', '--number', '+12345678914', '--since', 'today', '--data');
    const { answer, data } = JSON.parse(calls.stdout);
    expect([answer.from, answer.variables, data.answer.from]).to.deep.equal([
      '+12345678914',
      { tier: '=gold' },
      '+12345678914',
    ]);
    expect((await run('events', '--until', 'yesterday')).stdout).to.equal('');
  }).timeout(120_000);

  it('writes CSV that no spreadsheet calculates, into a file of its owner', async () => {
    const file = place.path('events.csv');
    const ended = await run('events', '--csv', '--source', 'agents', '--output', file);
    expect([ended.code, ended.stdout]).to.deep.equal([0, `ok ${file}: 3 events\n`]);
    const rows = (await readFile(file, 'utf8')).split('\r\n');
    expect(rows[0]).to.equal('id,receivedAt,occurredAt,source,type,subject,agent,key');
    expect(rows[2]).to.match(
      /^[\w-]{36},\d{4}-\d\d-\d\dT[\d:.]+Z,\d{4}-\d\d-\d\dT[\d:.]+Z,agents,conversation_ended,"'=cmd\(""x""\),2",agent_sales,/,
    );
    expect([rows.length, rows.at(-1), (await stat(file)).mode & 0o777]).to.deep.equal([5, '', 0o600]);
    const again = await run('events', '--csv', '--output', file);
    expect([again.code, again.stderr]).to.deep.equal([
      1,
      `${file} exists: pass --force to replace it, or name another file\n`,
    ]);
    const calls = await run('calls', '--csv');
    expect(calls.stdout.split('\r\n').map((row) => row.split(',').slice(5, 9))).to.deep.equal([
      ['from', 'to', 'name', 'step'],
      ['+12345678914', '+12345678913', 'line', 'fresh'],
      ['+12345678912', '+12345678913', 'line', 'fresh'],
      [],
    ]);
  }).timeout(120_000);

  it('reports what is wrong with the options, and ends quietly where its reader has gone', async () => {
    const wrong = await run('deliveries', '--destination', 'consol');
    expect([wrong.code, wrong.stdout]).to.deep.equal([1, '']);
    expect(wrong.stderr).to.match(/^NO_SUCH_ROW: no destination "consol" is configured; did you mean "console"\?/);
    expect(await run('events', '--csv', '--ndjson')).to.include({ code: 2 });
    expect((await run('events', '--force')).stderr).to.equal('--force replaces the file of --output: name it\n');
    expect(await unread('events', '--data')).to.equal(0);
  }).timeout(120_000);
});
