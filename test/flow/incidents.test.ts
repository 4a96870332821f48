/** Plays the incidents of docs/operating/incidents.md, with the commands of that page. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Store } from '@switchhook/core';
import { memoryStore } from '@switchhook/plugin-memory';
import type { Store as KeptStore } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { postgres, startPostgres } from '../support/postgres.js';
import { lastingPort } from '../support/processes.js';
import { endedBody, postSigned, secret, signedHeaders } from '../support/signing.js';
import { type Ended, repository, type Workplace, workplace } from '../support/workplace.js';

const page = readFileSync(join(repository, 'docs/operating/incidents.md'), 'utf8');
/** The commands below each heading; `npm` is about other programs. */
const incidents = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = ''] = section.split('\n');
      const [, code = ''] = /```sh elsewhere\n([^`]+)```/.exec(section) ?? [];
      const commands = code.split('\n').filter((line) => line.startsWith('npx switchhook '));
      return [heading, commands.map((line) => wordsOf(line).slice(2))] as const;
    }),
);

/** The words of a command as a shell reads them. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

const number = '+14155550100';
const yaml = (urls: { crm: string; team: string }) => `
version: 1
country: US
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: { agent_sales: "\${SALES_SECRET}" } }
  calls: { use: sigmamind.call, allow: [127.0.0.1] }
destinations:
  crm: { use: http.post, url: ${urls.crm}, retry: { attempts: 1 } }
  team: { use: http.post, url: ${urls.team} }
  warehouse: { use: http.post, url: ${urls.team}/warehouse, breaker: { failures: 1 } }
routes:
  - { name: to-crm, from: agents, where: event.data.duration > 30, to: crm }
  - { name: to-team, from: agents, where: event.data.duration == 1, to: team }
  - { name: to-warehouse, from: agents, where: event.data.duration == 2, to: warehouse }
answers:
  - { from: calls, variables: { name: there } }
`;

const inPostgres = (text: string, databaseUrl: string): string =>
  text.replace('use: sqlite, path: ./switchhook.db', `use: postgres, url: "${databaseUrl}"`);

describe('The incidents of docs/operating/incidents.md', () => {
  let place: Workplace;
  let crm: Receiver;
  let team: Receiver;
  let url: string;
  const played = new Set<string>();

  beforeEach(async () => {
    place = await workplace();
    [crm, team] = [await receiver(), await receiver()];
    await place.write('.env', `SALES_SECRET=${secret}\n`);
    ({ url } = await place.router(yaml({ crm: crm.url, team: team.url })));
  });
  afterEach(async () => {
    await place.close();
    await Promise.all([crm.close(), team.close()]);
  });

  /** Sends an event of a conversation. */
  const send = async (conversationId: string, more: Readonly<Record<string, unknown>> = {}): Promise<number> =>
    (await postSigned(`${url}/hooks/agents`, endedBody({ conversationId, ...more }))).status;
  const ring = async (from: string): Promise<number> => {
    const body = JSON.stringify({ event: 'inbound_call', from_number: from, to_number: '+14155550199' });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}/hooks/calls`, { method: 'POST', headers, body })).status;
  };
  /** Runs the commands of an incident, in their order. */
  const play = async (heading: string): Promise<readonly Ended[]> => {
    const commands = incidents.get(heading);
    if (commands === undefined) throw new Error(`the page has no incident "${heading}"`);
    played.add(heading);
    const ended: Ended[] = [];
    for (const words of commands) {
      const asks = !['check', 'backup', 'restore'].includes(words[0] ?? '');
      const file = words.includes('--config') ? [] : ['--config', place.path('switchhook.yaml')];
      ended.push(await place.command([...words, ...file, ...(asks ? ['--url', url] : [])]));
    }
    return ended;
  };
  /** Asks until the answer contains a text. */
  const until = async (text: string, ...args: readonly string[]): Promise<void> => {
    await eventually(async () => (await place.command([...args, '--url', url])).stdout.includes(text));
  };

  it('Is it healthy?', async () => {
    const [well] = await play('Is it healthy?');
    expect(well).to.include({ code: 0 });
    crm.answer(() => 400);
    await send('conv_1');
    await until('rejected', 'dead');
    const [trouble] = await play('Is it healthy?');
    expect(trouble?.code).to.equal(1);
    expect(trouble?.stdout.split('\n')[0]).to.include('crm');
  });

  it('Why did a call not reach the CRM?', async () => {
    crm.answer(() => ({ status: 422, body: 'no contact with this number' }));
    await send('conv_123');
    await until('rejected', 'dead');
    const [why] = await play('Why did a call not reach the CRM?');
    expect(why?.stdout).to.include('422').and.to.include('no contact with this number').and.to.include('to-team');
  });

  it('What died last night?', async () => {
    crm.answer(() => 500);
    await send('conv_1');
    await send('conv_2');
    await until('conv_1', 'dead');
    await until('conv_2', 'dead');
    crm.answer(() => 200);
    const [dead, replayed] = await play('What died last night?');
    expect(dead?.stdout).to.match(/\b2\b.*crm.*500/);
    expect(replayed?.code).to.equal(0);
    await crm.received(4);
  });

  it('Slack limits us', async () => {
    team.answer(() => ({ status: 429, headers: { 'retry-after': '1800' } }));
    await send('conv_1', { duration: 1 });
    await until('429', 'deliveries', '--state', 'waiting');
    const [status] = await play('Slack limits us');
    expect(status?.code).to.equal(1);
    expect(status?.stdout).to.match(/team.*asked.*(until|wait)/s);
  });

  it('Slack is well again', async () => {
    team.answer(() => ({ status: 429, headers: { 'retry-after': '1800' } }));
    await send('conv_1', { duration: 1 });
    await until('429', 'deliveries', '--state', 'waiting');
    team.answer(() => 200);
    const [probed] = await play('Slack is well again');
    expect(probed).to.include({ code: 0 });
    await until('delivered', 'deliveries', '--destination', 'team');
  });

  it('PostgreSQL was down for an hour', async () => {
    team.answer(() => 'reset');
    await send('conv_1', { duration: 2 });
    await until('warehouse', 'deliveries', '--state', 'waiting');
    await until('circuit breaker', 'status', '--once');
    const [status, waiting] = await play('PostgreSQL was down for an hour');
    expect(status?.code).to.equal(1);
    expect(status?.stdout).to.match(/warehouse.*circuit breaker/s);
    expect(waiting?.stdout).to.include('conv_1');
    team.answer(() => 200);
    expect((await place.command(['probe', 'warehouse', '--url', url])).code).to.equal(0);
  });

  it('The disk is full', async () => {
    let isFull = true;
    const clock = { now: () => Date.now(), elapsed: () => performance.now(), after: () => () => {} };
    const kept = memoryStore(clock);
    const append: KeptStore['append'] = async (entries) => {
      if (isFull) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      return kept.append(entries);
    };
    const full = new Proxy(kept, {
      get: (store, name) => {
        const value: unknown = Reflect.get(store, name);
        if (name === 'append') return append;
        return typeof value === 'function' ? value.bind(store) : value;
      },
    });
    const text = yaml({ crm: crm.url, team: team.url }).replace('use: sqlite, path: ./switchhook.db', 'use: memory');
    ({ url } = await place.router(text, {
      configure: (container) => container.register(Store, { useValue: full }),
    }));
    expect(await send('conv_1')).to.equal(503);
    expect(await ring(number)).to.equal(200);
    const [status] = await play('The disk is full');
    expect(status?.code).to.equal(1);
    expect(status?.stdout.split('\n')[0]).to.match(/^Trouble: The store cannot commit: .*database or disk is full/);
    isFull = false;
    expect((await place.command(['health', '--ready', '--url', url])).code).to.equal(0);
    expect(await send('conv_1')).to.equal(200);
  });

  it('The database of the routers fails over', async () => {
    const settings = { directory: place.path('postgres'), port: await lastingPort(), password: 'of-the-test' };
    const first = await startPostgres(settings);
    const text = yaml({ crm: crm.url, team: team.url });
    const opened = await place.router(inPostgres(text, first.url));
    ({ url } = opened);
    expect(await send('conv_1')).to.equal(200);
    await first.kill();
    expect(await send('conv_2')).to.equal(503);
    expect(await ring(number)).to.equal(200);
    const [status, ready] = await play('The database of the routers fails over');
    expect([status?.code, ready?.code]).to.deep.equal([1, 1]);
    expect(status?.stdout.split('\n')[0]).to.match(/^Trouble: The store cannot commit: /);
    const second = await startPostgres(settings);
    await eventually(async () => (await place.command(['health', '--ready', '--url', url])).code === 0);
    expect(await send('conv_2')).to.equal(200);
    await opened.router.close();
    await second.stop();
  });

  it('A router is gone', async () => {
    const database = await postgres();
    const opened = await place.router(inPostgres(yaml({ crm: crm.url, team: team.url }), database.url));
    ({ url } = opened);
    await opened.router.get(Store).coordination?.beat({ id: 'other', beat: 1, report: '{"name":"router-2"}' });
    await until('no heartbeat', 'status', '--once');
    const [status] = await play('A router is gone');
    expect(status?.stdout).to.match(/Router router-2 has sent no heartbeat for /);
    await opened.router.close();
    await database.close();
  });

  it('A name is wrong', async () => {
    const [named, checked] = await play('A name is wrong');
    expect(named?.code).to.equal(1);
    expect(named?.stderr).to.include('slak');
    expect(checked).to.include({ code: 0 });
    const close = await place.command(['deliveries', '--destination', 'warehous', '--url', url]);
    expect(close.stderr).to.include('did you mean "warehouse"?');
  });

  it('A secret was rotated', async () => {
    await place.write('.env', 'SALES_SECRET=the-old-one\n');
    await place.command(['reload', '--url', url]);
    expect(await send('conv_1')).to.equal(401);
    await place.write('.env', `SALES_SECRET=${secret}\n`);
    const [refused, reloaded] = await play('A secret was rotated');
    expect(refused?.stdout).to.include('agent_sales').and.to.include('UNVERIFIED');
    expect(reloaded).to.include({ code: 0 });
    expect(await send('conv_1')).to.equal(200);
  });

  it('Upgrade', async () => {
    const own = yaml({ crm: crm.url, team: team.url }).replace('./switchhook.db', './upgraded.db');
    const router = await place.start(await place.write('upgraded.yaml', own), ['--replaceable']);
    ({ url } = router);
    const body = endedBody({ conversationId: 'conv_9' });
    const [restarted] = await play('Upgrade');
    expect(restarted?.stderr).to.equal('');
    expect(restarted?.stdout).to.include('a new process answers');
    const sent = await fetch(`${url}/hooks/agents`, { method: 'POST', headers: signedHeaders(body), body });
    expect(sent.status).to.equal(200);
  });

  it('Back up', async () => {
    await send('conv_1');
    const [made, verified] = await play('Back up');
    expect(made).to.include({ code: 0 });
    expect(verified?.stdout).to.match(/1 event\b/);
  });

  it('Move to another machine', async () => {
    crm.answer(() => 'hang');
    await send('conv_1');
    await place.command(['pause', 'crm', '--reason', 'move', '--url', url]);
    await mkdir(place.path('new'));
    await place.write('new/.env', `SALES_SECRET=${secret}\n`);
    await place.write('new/switchhook.yaml', yaml({ crm: crm.url, team: team.url }));
    const [, restored] = await play('Move to another machine');
    expect(restored).to.include({ code: 0 });
    ({ url } = await place.serve(place.path('new/switchhook.yaml')));
    const events = await place.command(['events', '--url', url]);
    expect(events.stdout).to.include('conv_1');
  });

  it('Who called today?', async () => {
    await ring(number);
    await until(number, 'calls');
    const [calls] = await play('Who called today?');
    expect(calls?.stdout).to.include(number);
  });

  it('Erase a number', async () => {
    await ring(number);
    await until(number, 'calls');
    const [counted, erased] = await play('Erase a number');
    expect(counted).to.include({ code: 0 });
    expect(erased).to.include({ code: 0 });
    expect((await place.command(['calls', '--url', url])).stdout).not.to.include(number);
  });

  it('How many events per minute?', async () => {
    for (const id of ['conv_1', 'conv_2', 'conv_3']) await send(id);
    const [history] = await play('How many events per minute?');
    expect(history).to.include({ code: 0 });
    expect(history?.stdout).to.match(/\b3\b/);
  });

  it('are all played', () => {
    expect(incidents.size).to.equal(17);
    expect([...played].sort()).to.deep.equal([...incidents.keys()].sort());
  });
});
