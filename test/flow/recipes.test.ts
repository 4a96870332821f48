/** The complete examples of docs/recipes.md, as they are in config/examples, from end to end. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '@switchhook/sdk';
import { type Behaviour, runRouter, type TestRouter } from '@switchhook/testkit';
import { expect } from 'chai';
import { type FarContact, goHighLevel } from '../../plugins/gohighlevel/test/imitation.js';
import { repository } from '../support/workplace.js';

/** The text of an example, with its events in memory. */
async function example(name: string): Promise<string> {
  const text = await readFile(join(repository, 'config/examples', name), 'utf8');
  return text.replace(/^store: .*$/m, 'store: { use: memory }');
}

const caller = '+12025550143';
const ended = (id: string, event: string, more: JsonObject = {}) => ({
  event,
  call: {
    ...{ call_id: id, agent_id: 'agent_1', call_type: 'phone_call', direction: 'inbound' },
    ...{ from_number: caller, to_number: '+12025550199', call_analysis: { call_summary: `Summary of ${id}` } },
    ...more,
  },
});

describe('A GoHighLevel agency with ten clients', () => {
  const clients = ['dental', 'roofing', 'fitness', 'legal', 'plumbing', 'realty', 'spa', 'solar', 'vet', 'autos'];
  type Account = Awaited<ReturnType<typeof goHighLevel>>;
  let accounts: ReadonlyMap<string, Account>;
  let router: TestRouter;

  /** The example with these clients, each with an account of its own in which the caller has another name. */
  const open = async (names: readonly string[], text: string) => {
    const opened = names.map(async (name) => {
      const account = await goHighLevel({ token: `token-of-${name}`, locationId: `location-of-${name}` });
      account.contacts.push(contact('c1', caller, { firstName: `Ada of ${name}` }));
      return [name, account] as const;
    });
    accounts = new Map(await Promise.all(opened));
    const variables = names.flatMap((name) => [
      [`${name.toUpperCase()}_RETELL_KEY`, `key-of-${name}`],
      [`${name.toUpperCase()}_GHL_TOKEN`, `token-of-${name}`],
      [`${name.toUpperCase()}_GHL_LOCATION`, `location-of-${name}`],
    ]);
    const local = text.replace(/^x-(\w+): (&\1 \{ token: .*) \}$/gm, (_line, name, rest) => {
      return `x-${name}: ${rest}, baseUrl: "${accounts.get(name)?.far.url}" }`;
    });
    router = await runRouter(local, [], { variables: Object.fromEntries(variables) });
  };
  afterEach(async () => {
    await router.close();
    for (const { far } of accounts.values()) await far.close();
  });
  const accountOf = (client: string): Account => {
    const found = accounts.get(client);
    if (found === undefined) throw new Error(`there is no ${client}`);
    return found;
  };
  const greeting = async (client: string, from = caller) =>
    (await router.call(`${client}-calls`, { from })).answer?.variables;

  it('greets each caller with the name that the called client knows, and others with the default', async () => {
    await open(clients, await example('agency.yaml'));
    for (const client of clients)
      expect(await greeting(client), client).to.deep.equal({ first_name: `Ada of ${client}` });
    expect(await greeting('spa', '+12025550144')).to.deep.equal({ first_name: 'there' });
  });

  it('writes each call to the account of its client once, however often it is sent', async () => {
    await open(clients, await example('agency.yaml'));
    for (const client of clients)
      for (const id of [`call_${client}`, `call_${client}`])
        expect((await router.send(client, ended(id, 'call_analyzed'))).status).to.equal(200);
    // A second analysis of the same call is another event. Retell sends other events, and calls without a number.
    await router.send('spa', ended('call_spa', 'call_analyzed', { disconnection_reason: 'user_hangup' }));
    await router.send('spa', ended('call_spa', 'call_ended'));
    await router.send('spa', ended('call_web', 'call_analyzed', { call_type: 'web_call', from_number: '' }));
    const attempts = await router.attempts(clients.length + 1);
    expect(attempts.filter(({ outcome }) => outcome !== 'delivered')).to.deep.equal([]);
    for (const client of clients) {
      const [only, ...others] = accountOf(client).contacts;
      expect(others).to.deep.equal([]);
      expect([only?.notes, [...(only?.tags ?? [])]], client).to.deep.equal([
        [`Call call_${client}: Summary of call_${client}`],
        ['called'],
      ]);
    }
  });

  it('refuses the events of one client that are sent for another', async () => {
    await open(clients, await example('agency.yaml'));
    const body = JSON.stringify(ended('call_1', 'call_analyzed'));
    const headers = router.router.signed('dental', Buffer.from(body))?.headers;
    const post = (source: string) =>
      fetch(`${router.url}/hooks/${source}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
    expect((await post('roofing')).status).to.equal(401);
    expect((await post('dental')).status).to.equal(200);
  });

  it('serves the other clients while the account of one fails, and that one with what was known before', async () => {
    await open(clients, await example('agency.yaml'));
    await greeting('legal');
    await router.clock.advance(120_000);
    accountOf('legal').answers(() => 503);
    expect(await greeting('legal')).to.deep.equal({ first_name: 'Ada of legal' });
    expect(await greeting('legal', '+12025550144')).to.deep.equal({ first_name: 'there' });
    await router.send('legal', ended('call_1', 'call_analyzed'));
    await router.attempts(1);
    await router.send('vet', ended('call_2', 'call_analyzed'));
    expect((await router.attempts(2)).map(({ destination, outcome }) => [destination, outcome])).to.deep.equal([
      ['legal', 'unavailable'],
      ['vet', 'delivered'],
    ]);
    accountOf('legal').answers(null);
    await router.clock.advance(60_000);
    await router.attempts(3);
    expect(accountOf('legal').contacts[0]?.notes).to.deep.equal(['Call call_1: Summary of call_1']);
  });

  it('takes an eleventh client by seven lines', async () => {
    const text = await example('agency.yaml');
    const own = text.split('\n').filter((line) => /\bvet\b/.test(line) && !line.startsWith('#'));
    expect(own).to.have.length(7);
    const added = text.split('\n').flatMap((line) => {
      const isOwn = own.includes(line);
      return isOwn ? [line, line.replaceAll('vet', 'bakery').replaceAll('VET', 'BAKERY')] : [line];
    });
    await open([...clients, 'bakery'], added.join('\n'));
    expect(await greeting('bakery')).to.deep.equal({ first_name: 'Ada of bakery' });
    await router.send('bakery', ended('call_1', 'call_analyzed'));
    await router.attempts(1);
    expect(accountOf('bakery').contacts[0]?.notes).to.have.length(1);
  });
});

describe('n8n behind Switchhook', () => {
  let router: TestRouter;
  let running = 0;
  let most = 0;
  /** What a workflow does with an event. */
  let work: () => Promise<number> | number;
  let isDown = false;

  /** n8n with header authentication, and a webhook of each workflow. */
  const n8n: Behaviour = async (request) => {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    if (request.headers['x-switchhook-token'] !== 'token-of-n8n') return 403;
    if (isDown) return 503;
    if (pathname === '/webhook/caller') {
      const isKnown = searchParams.get('phone') === caller;
      return { status: 200, body: JSON.stringify(isKnown ? { first_name: 'Ada', open_ticket: 'T-1' } : {}) };
    }
    if (pathname !== '/webhook/calls') return 404;
    most = Math.max(most, ++running);
    try {
      return await work();
    } finally {
      running--;
    }
  };

  beforeEach(async () => {
    [running, most, isDown, work] = [0, 0, false, () => 200];
    const text = (await example('n8n.yaml')).replaceAll('${N8N_URL:-https://n8n.example.com}', '${RECEIVER_URL}');
    router = await runRouter(text, [], { variables: { N8N_TOKEN: 'token-of-n8n' } });
    router.receiver.answer(n8n);
  });
  afterEach(() => router.close());

  const variables = async (from: string) => (await router.call('calls', { from })).answer?.variables;

  it('answers calls with what the workflow knows, also while n8n is down', async () => {
    expect(await variables(caller)).to.deep.equal({ first_name: 'Ada', open_ticket: 'T-1' });
    expect(await variables('+12025550144')).to.deep.equal({ first_name: 'there', open_ticket: 'none' });
    isDown = true;
    await router.clock.advance(120_000);
    expect(await variables(caller)).to.deep.equal({ first_name: 'Ada', open_ticket: 'T-1' });
    expect(await variables('+12025550145')).to.deep.equal({ first_name: 'there', open_ticket: 'none' });
  });

  it('acknowledges events at once, while n8n works on four of them at a time', async () => {
    const waiting: ((status: number) => void)[] = [];
    work = () => new Promise((resolve) => waiting.push(resolve));
    for (let n = 0; n < 12; n++)
      expect((await router.send('agents', ended(`call_${n}`, 'call_analyzed'))).status).to.equal(200);
    await router.receiver.received(4);
    for (let n = 0; n < 12; n++) {
      await router.receiver.received(Math.min(12, n + 4));
      waiting.shift()?.(200);
      await router.attempts(n + 1);
    }
    expect(most).to.equal(4);
    expect(router.receiver.requests).to.have.length(12);
  });

  it('keeps events while n8n is down, then delivers each once and in the order of its call', async () => {
    isDown = true;
    await router.send('agents', ended('call_1', 'call_ended'));
    expect((await router.attempts(1))[0]).to.include({ outcome: 'unavailable' });
    await router.send('agents', ended('call_1', 'call_analyzed'));
    isDown = false;
    await router.clock.advance(60_000);
    await router.attempts(3);
    const keys = router.receiver.requests.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).to.equal(2);
    expect(keys[1]).to.equal(keys[0]);
    const types = router.receiver.requests.slice(1).map((request) => Object(request.json()).type);
    expect(types).to.deep.equal(['call_ended', 'call_analyzed']);
  });
});

describe('One Slack message for each conversation', () => {
  let router: TestRouter;
  beforeEach(async () => {
    const text = await example('one-message.yaml');
    router = await runRouter(text.replace(/\$\{SLACK_WEBHOOK_URL.*\}/, '${RECEIVER_URL}'));
  });
  afterEach(() => router.close());

  const happened = (event: string, more: JsonObject = {}) => {
    return { event, agentId: 'agent_sales', conversationId: 'conv_1', duration: 73, ...more };
  };
  const texts = async (count: number) =>
    (await router.receiver.received(count)).map((request) => Object(request.json()).text);

  it('has the analysis, if it comes in time', async () => {
    await router.send('agents', happened('conversation_ended'));
    await router.clock.advance(9 * 60_000);
    await router.send('agents', happened('conversation_analysed', { transcript: 'Agent: Hello' }));
    expect(await texts(1)).to.deep.equal(['Call conv_1, 1m 13s: Agent: Hello']);
  });

  it('is sent without the analysis after 10 minutes, and not a second time when it comes', async () => {
    await router.send('agents', happened('conversation_ended'));
    await router.clock.advance(10 * 60_000);
    expect(await texts(1)).to.deep.equal(['Call conv_1, 1m 13s: there is no analysis yet']);
    await router.attempts(1);
    await router.send('agents', happened('conversation_analysed', { transcript: 'Agent: Hello' }));
    await router.clock.advance(20 * 60_000);
    expect(router.receiver.requests).to.have.length(1);
  });
});

function contact(id: string, phone: string, fields: JsonObject): FarContact {
  return { id, phone, fields, tags: new Set(), notes: [], workflows: new Set() };
}
