/** Commands that show something until they are interrupted, and what a router is started with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { lastingPort } from '../support/processes.js';
import { commandFile, type Workplace, workplace } from '../support/workplace.js';

const yaml = `version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { agents: { use: retell.events, secrets: only-for-tests } }
destinations:
  console: { use: log }
  crm: { use: crm.note }
plugins: [./crm.js]
routes: [{ to: [console, crm] }]
`;
/** Delivers, and can be reached or not. */
const plugin = (probe: string) => `import { definePlugin, defineDestination, z } from '@switchhook/sdk';
export default definePlugin({ name: 'crm', components: [defineDestination({
  type: 'crm.note', description: 'Writes a note.', options: z.strictObject({}),
  create: () => ({ deliver: async () => ({ kind: 'rejected', reason: 'no such account' }), probe: async () => ${probe} }),
})] });
`;

describe('Output on a terminal', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('crm.js', plugin('null'));
  });
  afterEach(() => place.close());

  it('shows in a list with --watch what has come since, until Ctrl-C', async () => {
    const { router, url } = await place.router(yaml);
    const file = place.path('switchhook.yaml');
    const lists = [['events'], ['deliveries'], ['dead']].map((command) => {
      const args = [commandFile, ...command, '--watch', '--url', url, '--config', file];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      let look = (): void => {};
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        look();
      });
      const ended = once(child, 'close').then(([code]) => code);
      const shows = (wanted: RegExp) =>
        new Promise<void>((resolve) => {
          look = () => wanted.test(text) && resolve();
          look();
        });
      return { child, ended, shows, isFirst: /received|made|Nothing is dead/ };
    });
    await Promise.all(lists.map(({ shows, isFirst }) => shows(isFirst)));
    const body = JSON.stringify({ event: 'call_ended', call: { call_id: 'call_watched' } });
    const headers = { 'content-type': 'application/json', ...router.signed('agents', Buffer.from(body))?.headers };
    expect((await fetch(`${url}/hooks/agents`, { method: 'POST', headers, body })).status).to.equal(200);
    await Promise.all(lists.map(({ shows }) => shows(/call_watched/)));
    for (const { child } of lists) child.kill('SIGINT');
    expect(await Promise.all(lists.map(({ ended }) => ended))).to.deep.equal([0, 0, 0]);
  });

  it('begins with what fails, in check --connect', async () => {
    const file = await place.write(
      'switchhook.yaml',
      yaml
        .replace('console: { use: log }', '$&\n  archive: { use: crm.note }')
        .replace('console, crm', 'console, crm, archive'),
    );
    await place.write('crm.js', plugin("Promise.reject(new Error('no route to host'))"));
    const { code, stdout } = await place.command(['check', file, '--connect']);
    const lines = stdout.split('\n');
    expect(code).to.equal(1);
    expect(lines[0]).to.match(/^2 of \d+ cannot be reached$/);
    expect(lines[1]).to.match(/^ok /);
    expect(lines.slice(3, 5).map((line) => line.split('\t')[1])).to.deep.equal(['archive', 'crm']);
    expect(lines[5]).not.to.include('no route to host');
  });

  it('begins with a line about the dry run where start makes one, at the port that is given', async () => {
    const port = await lastingPort();
    const file = await place.write('switchhook.yaml', yaml);
    const dry = await place.start(file, ['--dry-run', '--port', String(port)]);
    expect(dry.url).to.equal(`http://127.0.0.1:${port}`);
    expect(dry.log[0]).to.include({
      event: 'router.dry-run',
      deliveries: 'accepted and discarded',
      store: 'temporary',
    });
    await dry.stop();
    const real = await place.start(file, ['--port', String(port)]);
    expect(real.url).to.equal(`http://127.0.0.1:${port}`);
    expect(real.log.map(({ event }) => event)).not.to.include('router.dry-run');
    expect((await place.run(['start', '--config', file, '--port', 'x'])).code).to.equal(2);
  });

  it('has one line for each event of the log', async () => {
    const file = await place.write('switchhook.yaml', yaml);
    const terminal = 'process.stdout.isTTY=true;process.stdout.hasColors=()=>true';
    const args = ['--import', `data:text/javascript,${terminal}`, commandFile, 'start', '--dry-run', '--config', file];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.includes('router.listening')) child.kill('SIGTERM');
    }
    expect(await ended).to.deep.equal([0, null]);
    for (const line of lines) expect(line).to.match(/^\[\d\d:\d\d:\d\d\.\d{3}\] /);
    expect(lines.find((line) => line.includes('router.dry-run'))).to.include('accepted and discarded');
  });
});
