import { stripVTControlCharacters } from 'node:util';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = (crm: Receiver) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: secret-of-the-calls }
destinations:
  crm: { use: http.post, url: "${crm.url}", retry: { attempts: 1 } }
routes:
  - { name: finished, from: agents, on: conversation_ended, to: crm }
answers:
  - { name: line, from: calls, variables: { tier: standard } }
`;

describe('the history of a router', () => {
  let place: Workplace;
  let crm: Receiver;
  beforeEach(async () => {
    place = await workplace();
    crm = await receiver(({ json }) => (JSON.stringify(json()).includes('conv_bad') ? 422 : 200));
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  /** Two events that arrive, one of them twice, one that dies, a request that is refused, and a call. */
  async function traffic(url: string): Promise<void> {
    const send = (conversationId: string) => postSigned(`${url}/hooks/agents`, endedBody({ conversationId }));
    for (const subject of ['conv_1', 'conv_1', 'conv_2', 'conv_bad']) await send(subject);
    await fetch(`${url}/hooks/agents`, { method: 'POST', body: '{}' });
    const call = { event: 'call_inbound', from_number: '+12345678912', to_number: '+12345678913' };
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/hooks/calls/secret-of-the-calls`, { method: 'POST', headers, body: JSON.stringify(call) });
  }
  const asked = async (url: string, query = '') =>
    JSON.parse(await (await fetch(`${url}/api/history?${query}`)).text());
  const total = async (url: string) => (await asked(url)).total;
  const whole = { received: 4, duplicates: 1, refused: 1, delivered: 2, failed: 1, dead: 1, calls: 1 };
  async function until(url: string, expected: object): Promise<void> {
    await eventually(async () => JSON.stringify(await total(url)) === JSON.stringify(expected));
  }

  it('answers how many events, calls and deaths there were, also after a restart', async () => {
    const before = await place.router(yaml(crm));
    await traffic(before.url);
    await until(before.url, whole);
    await before.router.close();
    const { url } = await place.router(yaml(crm));
    expect(await total(url)).to.deep.equal(whole);

    const run = (...args: readonly string[]) =>
      place.command(['history', ...args, '--config', place.path('switchhook.yaml'), '--url', url]);
    const { code, stdout } = await run();
    expect(code).to.equal(0);
    for (const line of [
      /^events 4 \(0\.0\d+\/min\), duplicates 1, refused requests 1$/m,
      /^calls 1 \((?:0\.9\d|1)\/h\): \w+ 1$/m,
      /^ring time p50 \S+ ms, p95 \S+ ms, p99 \S+ ms$/m,
      /^delivered 2, failed attempts 1, dead deliveries 1$/m,
      /^crm\t2\t1\t1\t\S+ ms\t\S+ ms\t▁*█▁*$/m,
      /^1\tcrm\tHTTP 422/m,
    ])
      expect(stdout).to.match(line);
    const json = JSON.parse((await run('--step', '30m', '--json')).stdout);
    expect([json.total, json.stepSeconds, json.dead.groups.length]).to.deep.equal([whole, 1_800, 1]);
    expect(json.destinations[0].delivered).to.have.length(json.times.length);

    for (const columns of [60, 200]) {
      const stdout = `process.stdout.isTTY=true;process.stdout.hasColors=()=>true;process.stdout.columns=${columns}`;
      const env = { CI: 'true', TERM: 'dumb', NODE_OPTIONS: `--import=data:text/javascript,${stdout}` };
      const args = ['history', '--since', '2d', '--config', place.path('switchhook.yaml'), '--url', url];
      const shown = stripVTControlCharacters((await place.run(args, env)).stdout);
      expect(Math.max(...shown.split('\n').map((line) => line.length)), shown).to.be.within(50, columns);
    }
  });

  it('refuses a step or a name that cannot be meant', async () => {
    const { url } = await place.router(yaml(crm));
    const refused = async (query: string) => (await asked(url, query)).code;
    for (const step of ['90s', '0m', '2d', 'hour']) expect(await refused(`step=${step}`), step).to.equal('MALFORMED');
    expect(await refused('destination=cmr')).to.equal('NO_SUCH_ROW');
    expect(await refused('source=crm')).to.equal('NO_SUCH_ROW');
    const { destinations, total: none } = await asked(url, 'destination=crm&since=1d');
    expect([destinations, none.received]).to.deep.equal([[], 0]);
  });
});
