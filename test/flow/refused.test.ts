/** Requests that a router refuses: found, explained and fixed by its operator with the command line. */
import { createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { refusedCommand, statusCommand } from '@switchhook/cli/internal';
import { expect } from 'chai';
import { endedBody } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents:
    use: sigmamind.events
    secrets: { agent_sales: "\${SALES_SECRET}", agent_support: secret-of-support }
  others: { use: sigmamind.events, secrets: secret-of-others }
  calls: { use: sigmamind.call, allow: [127.0.0.1] }
destinations: { console: { use: log } }
routes: [{ to: console }]
answers: [{ from: calls, variables: { name: there } }]
`;

describe('refused requests', () => {
  let place: Workplace;
  let url: string;
  beforeEach(async () => {
    place = await workplace();
    await place.write('.env', 'SALES_SECRET=the-old-secret\n');
    ({ url } = await place.router(yaml));
  });
  afterEach(() => place.close());

  /** Sends an event of an agent, signed with a secret. */
  const send = async (secret: string, agentId = 'agent_sales', source = 'agents') => {
    const body = endedBody({ agentId });
    const headers = {
      'content-type': 'application/json',
      'x-sigmamind-signature': createHmac('sha256', secret).update(body).digest('hex'),
    };
    return (await fetch(`${url}/hooks/${source}`, { method: 'POST', headers, body })).status;
  };
  const run = (...args: readonly string[]) => place.command([...args, '--url', url]);
  /** Runs a command in this process, on a terminal of so many columns, or for a program. */
  const printed = async (make: typeof refusedCommand, args: readonly string[], columns?: number): Promise<string> => {
    const lines: string[] = [];
    const add = (text: string | readonly string[] = '') => void lines.push(...[text].flat());
    const screen = columns === undefined ? { terminal: false } : { terminal: true, columns };
    const command = make({ ...screen, line: add, note: add, progress: () => {}, clear: () => {} });
    const where = ['--url', url, '--config', place.path('none.yaml')];
    await command.exitOverride().parseAsync([...args, ...where], { from: 'user' });
    return lines.join('\n');
  };
  const json = async (...args: readonly string[]) => JSON.parse(await printed(refusedCommand, [...args, '--json']));

  it('show a rotated secret with one command, which one reload fixes', async () => {
    for (let n = 0; n < 3; n += 1) expect(await send('the-new-secret')).to.equal(401);
    expect(await send('secret-of-support', 'agent_support')).to.equal(200);

    const { code, stdout, stderr } = await run('refused', '--group');
    expect(code).to.equal(0);
    const [, row] = stdout.split('\n');
    expect(row?.split('\t').slice(0, 7)).to.deep.equal([
      '3',
      'agents',
      'agent_sales',
      'UNVERIFIED',
      'signature does not match the body; X-SigmaMind-Signature has the configured form, so the secret or the signed content differs',
      'agent_sales',
      '-',
    ]);
    expect(stderr).to.match(/^Compare the secret with the sender.* switchhook reload\.\n/);
    await fetch(`${url}/hooks/nowhere`, { method: 'POST', body: '{}' });
    const both = (await run('refused')).stderr;
    expect(both).to.match(
      /^no source named "nowhere": Hooks are at .*\nsignature does not match the body: Compare the/,
    );

    await place.write('.env', 'SALES_SECRET=the-new-secret\n');
    expect((await run('reload')).code).to.equal(0);
    expect(await send('the-new-secret')).to.equal(200);

    expect(await printed(statusCommand, [])).to.match(
      /agents\tsigmamind.events\t2\t3, the last one .+ ago\t3 UNVERIFIED agent_sales/,
    );
  });

  it('show whose secret was used instead: that of another agent, or of another source', async () => {
    expect(await send('secret-of-support')).to.equal(401);
    expect(await send('secret-of-others')).to.equal(401);
    const { requests } = await json('--code', 'UNVERIFIED');
    const expected = { source: 'agents', agent: 'agent_sales' };
    expect(requests.map(({ secret }: { readonly secret: object }) => secret)).to.deep.equal([
      { expected, fits: [{ source: 'others', agent: null }] },
      { expected, fits: [{ source: 'agents', agent: 'agent_support' }] },
    ]);
    const stdout = await printed(refusedCommand, []);
    expect(stdout).to.include('\tagent_sales\tagent_support\t').and.include('\tagent_sales\tothers\t');
    expect(stdout).to.not.include('secret-of-');
  });

  it('are chosen by source, agent, code and time, and a name that is not configured is refused', async () => {
    await send('x');
    await send('x', 'agent_support');
    await send('x', 'agent_sales', 'others');
    await send('x', 'agent_sales', 'nowhere');
    const count = async (...args: readonly string[]) => (await json(...args)).requests.length;
    expect(await count()).to.equal(4);
    expect(await count('--source', 'agents')).to.equal(2);
    expect(await count('--agent', 'agent_sales')).to.equal(2);
    expect(await count('--code', 'NOT_FOUND')).to.equal(1);
    expect(await count('--since', '1h', '--limit', '3')).to.equal(3);
    expect(await count('--until', '1h')).to.equal(0);
    const wrong = await printed(refusedCommand, ['--source', 'agnets']).catch((error: Error) => error.message);
    expect(wrong).to.include('NO_SUCH_ROW').and.include('did you mean "agents"');
    const all = await json();
    const [first] = (await json('--limit', '1')).requests;
    expect(first).to.deep.equal(all.requests[0]);
    expect((await json('--cursor', first.id)).requests).to.deep.equal(all.requests.slice(1));
  });

  it('fit a terminal of any width, and cannot write to it', async () => {
    await send('secret-of-others', `${'a'.repeat(200)}\u001b[2J\u202e`);
    for (const columns of [60, 80, 120, 200])
      for (const args of [[], ['--group']]) {
        const text = stripVTControlCharacters(await printed(refusedCommand, args, columns));
        const table = text.split('\n').filter((line) => /^[│┌├└]/.test(line));
        expect(Math.max(...table.map((line) => line.length)), text).to.be.within(50, columns);
        expect(text).to.not.include('\u202e').and.not.include('\u001b');
      }
    const cells = await printed(refusedCommand, ['--group']);
    expect(cells).to.not.include('\u202e').and.not.include('\u001b');
  });

  it('are diagnosed with two commands if the source captures them, and hold no secret', async () => {
    const capturing = yaml.replace('secret-of-others', 'secret-of-others, capture: true');
    const other = await workplace();
    await other.write('.env', 'SALES_SECRET=the-old-secret\n');
    ({ url } = await other.router(capturing));
    const body = endedBody();
    const signature = createHmac('sha512', 'secret-of-another-scheme').update(body).digest('base64');
    const headers = { 'content-type': 'application/json', 'x-call-signature': `v1=${signature}`, cookie: 'private=1' };
    await fetch(`${url}/hooks/others`, { method: 'POST', headers, body });
    await send('not captured');

    const file = other.path('request.http');
    await other.write('request.http', 'readable by others');
    const saved = await run('refused', '--save', file);
    expect([saved.code, saved.stderr]).to.satisfy(([code, text]: [number, string]) => {
      return code === 0 && text.includes(`doctor signature --capture ${file}`) && text.includes('header cookie');
    });
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(await readFile(file, 'utf8'))
      .to.include(body)
      .and.not.include('private=1');
    const found = await place.command([
      'doctor',
      'signature',
      '--capture',
      file,
      '--secret',
      'secret-of-another-scheme',
    ]);
    expect([found.code, found.stdout]).to.satisfy(([code, text]: [number, string]) => {
      return code === 0 && text.includes('"prefix":"v1="') && text.includes('"algorithm":"sha512"');
    });
    await other.close();
  });

  it('are not kept whole unless the source says so, and `--save` says what to do', async () => {
    await send('x');
    const message = await printed(refusedCommand, ['--save', place.path('request.http')]).catch(
      (error: Error) => error.message,
    );
    expect(message).to.include('capture: true');
    const id = (await json()).requests[0].id;
    expect((await fetch(`${url}/api/refused/${id}/capture`)).status).to.equal(404);
  });
});
