/** docs/writing-a-plugin.md and its reference, done as a reader would: its files are written, compiled, tested, and run by a router. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createRouter } from '@switchhook/core';
import sigmamind from '@switchhook/plugin-sigmamind';
import type { FetchResponse, Outcome, Plugin } from '@switchhook/sdk';
import {
  aCall,
  aDelivery,
  anEvent,
  aRequest,
  callSourceSuite,
  createComponent,
  cutOffResponse,
  destinationSuite,
  fakeServices,
  pullingSuite,
  receiver,
  resolverSuite,
  sourceSuite,
  transformSuite,
} from '@switchhook/testkit';
import { expect } from 'chai';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string) => readFile(join(repository, 'docs', name), 'utf8');
const page = (await read('writing-a-plugin.md')) + (await read('plugin-reference.md'));
const directory = await writtenAsThePageSays();
// Its own tests are the reader's: loading them registers their suites here.
await loaded('my-plugins/crm.test.ts');
await loaded('my-plugins/router.test.ts');

/** Inside the repository, so that what a reader has installed is found. */
async function writtenAsThePageSays(): Promise<string> {
  const generated = join(repository, 'test/.generated');
  await mkdir(generated, { recursive: true });
  const made = await mkdtemp(join(generated, 'writing-a-plugin-'));
  for (const [, name = '', content = ''] of page.matchAll(
    /^```(?:ts|yaml)[^\n]*\n(?:\/\/|#) (\S+)\n([\s\S]*?)^```$/gm,
  )) {
    await mkdir(dirname(join(made, name)), { recursive: true });
    await writeFile(join(made, name), content);
  }
  await writeFile(join(made, 'package.json'), '{ "type": "module" }');
  await writeFile(join(made, 'tsconfig.json'), '{ "extends": "../../tsconfig.json", "include": ["my-plugins"] }');
  return made;
}

function loaded(file: string) {
  return import(pathToFileURL(join(directory, file)).href);
}

async function componentOf(file: string) {
  const { default: plugin }: { default: Plugin } = await loaded(file);
  return plugin.components[0];
}

const callApiResponses = {
  well: 200,
  refusing: 422,
  down: 503,
  breaking: 'reset',
  hanging: 'hang',
  'cut-off': cutOffResponse,
} as const;

const redact = await componentOf('my-plugins/redact.ts');
transformSuite('the transform of the page', async () =>
  createComponent('transform', redact, { fields: ['transcript'] }, fakeServices()),
);

const account: Plugin = (await loaded('my-plugins/account.ts')).default;
/** The destination and the resolver of one plugin, which share its client, against a CRM that knows one caller. */
async function accountOf() {
  const crm = await receiver(({ path }) => {
    if (path === '/notes' || path === '/me') return { status: 200, body: '{}' };
    return path === '/contacts/%2B12345678912' ? { status: 200, body: '{"first_name":"Jim","tier":"gold"}' } : 404;
  });
  const services = fakeServices();
  const own = { url: crm.url, token: 'only-for-tests' };
  const [note, contact] = account.components;
  return {
    crm,
    destination: createComponent('destination', note, { note: 'ended' }, services, account, own),
    resolver: createComponent('resolver', contact, {}, services, account, own),
    close: async () => {
      await services.close();
      await crm.close();
    },
  };
}
resolverSuite(
  'the resolver of the page',
  async () => {
    const { crm, resolver, close } = await accountOf();
    return {
      ...{ resolver, known: aCall(), close },
      hang: () => crm.answer(() => 'hang'),
      down: () => crm.answer(() => 503),
    };
  },
  { never: ['cutOff'] },
);

const tickets = await componentOf('my-plugins/tickets.ts');
const fixtures = { made: 0, closed: 0 };
sourceSuite('the source of the page', async () => {
  const services = fakeServices();
  fixtures.made += 1;
  const close = async () => {
    await services.close();
    fixtures.closed += 1;
  };
  const source = createComponent('source', tickets, { secret: 'only-for-tests' }, services);
  return { source, sample: tickets?.samples?.['ticket.opened'] ?? {}, close };
}, ['signing']);

const pages = await componentOf('my-plugins/pages.ts');
sourceSuite('the source of the page with a handshake', () => {
  const handshake = (challenge: string, token = 'token-1') =>
    aRequest({ method: 'GET', query: { 'hub.challenge': challenge, 'hub.verify_token': token } });
  return {
    source: createComponent('source', pages, { appSecret: 'app-secret', tokens: ['token-1'] }, fakeServices()),
    sample: pages?.samples?.change ?? {},
    handshake: { request: handshake, unverified: [handshake('1', 'token-2')] },
  };
}, ['signing']);

const switchboard = await componentOf('my-plugins/switchboard.ts');
sourceSuite(
  'the source of calls of the page',
  () => ({
    source: createComponent('source', switchboard, { token: 'only-for-tests' }, fakeServices()),
    sample: switchboard?.samples?.ring ?? {},
    bodyUnsigned: true,
  }),
  ['signing'],
);

const trunk = await componentOf('my-plugins/trunk.ts');
sourceSuite(
  'the source of the page that answers by a call',
  () => ({
    source: createComponent('source', trunk, { url: 'http://127.0.0.1:9', token: 'only-for-tests' }, fakeServices()),
    sample: trunk?.samples?.ring ?? {},
    bodyUnsigned: true,
  }),
  ['signing'],
);
callSourceSuite('the source of the page', async () => {
  const services = fakeServices();
  const platform = await receiver();
  const options = { url: platform.url, token: 'only-for-tests' };
  return {
    make: () => createComponent('source', trunk, options, services),
    sample: trunk?.samples?.ring ?? {},
    different: [{ ...trunk?.samples?.ring, call: 'call_2' }],
    arrived: () => platform.requests.map((request) => (request.json() as { facts: Record<string, string> }).facts),
    behave: (how) => platform.answer(() => callApiResponses[how]),
    secrets: ['only-for-tests'],
    close: async () => {
      await services.close();
      await platform.close();
    },
  };
});

const orders = await componentOf('my-plugins/orders.ts');
pullingSuite('the source of the page that pulls', async () => {
  const body = JSON.stringify({ cursor: 'c1', orders: [{ id: 'o1', status: 'paid' }] });
  const shop = await receiver(() => ({ status: 200, body }));
  const services = fakeServices();
  const { clock, state } = services;
  return {
    ...{ clock, state },
    make: () => createComponent('source', orders, { url: shop.url }, services),
    close: async () => {
      await services.close();
      await shop.close();
    },
  };
});

const archive = await componentOf('my-plugins/archive.ts');
destinationSuite('the destination of the page that emits events', async () => {
  const services = fakeServices();
  return {
    destination: createComponent('destination', archive, {}, services),
    emitted: services.emitted,
    arrived: () => services.emitted.map(({ key }) => key),
    mark: ({ event }) => `recording.stored:${event.id}`,
    behave: () => {},
    close: services.close,
  };
}, ['refusing', 'hanging', 'down', 'cut-off', 'erase', 'secrets']);

describe('docs/writing-a-plugin.md', () => {
  after(() => rm(directory, { recursive: true }));

  it('has code that compiles under the strictest settings', async () => {
    const compiler = join(repository, 'node_modules/.bin/tsc');
    const ended = await promisify(execFile)(compiler, ['-p', directory]).then(
      () => 'compiled',
      ({ stdout, message }) => stdout || message,
    );
    expect(ended).to.equal('compiled');
  });

  it('has a plugin that a router loads as it is, and delivers through', async () => {
    const crm = await receiver();
    await writeFile(join(directory, '.env'), `CRM_URL=${crm.url}\nSWITCHHOOK_PORT=0\n`);
    const router = await createRouter(join(directory, 'switchhook.yaml'), { logTo: { write: () => {} } });
    await router.open();
    const url = await router.listen();

    const sample = sigmamind.components.find(({ type }) => type === 'sigmamind.events')?.samples?.conversation_ended;
    const body = JSON.stringify(sample);
    const headers = { 'content-type': 'application/json', ...router.signed('agents', Buffer.from(body))?.headers };
    const { status } = await fetch(`${url}/hooks/agents`, { method: 'POST', headers, body });
    const [request] = await crm.received(1);
    await router.close();
    await crm.close();

    expect(status).to.equal(200);
    expect(request?.path).to.equal('/notes');
    expect(request?.headers.authorization).to.equal('Bearer only-for-trying-it-out');
    expect(page).to.include(`prints \`${request?.text()}\``);
  });

  it('has a client that two components share, with the options of their plugin, and that is probed', async () => {
    const { crm, destination, resolver, close } = await accountOf();
    const signal = AbortSignal.timeout(10_000);
    await destination.open?.();
    await destination.probe?.(signal);
    expect(await destination.deliver(aDelivery(), signal)).to.deep.equal({ kind: 'delivered' });
    expect(await resolver.resolve(aCall(), {}, signal, 1_000)).to.deep.equal({ first_name: 'Jim', tier: 'gold' });
    const caller = encodeURIComponent(aCall().from);
    expect(crm.requests.map(({ path }) => path)).to.deep.equal(['/me', '/notes', `/contacts/${caller}`]);
    expect(new Set(crm.requests.map(({ headers }) => headers.authorization))).to.have.property('size', 1);
    await destination.close?.();
    await close();
  });

  it('keeps a token, and refreshes it once where several need it at the same time', async () => {
    const { accessToken } = await loaded('my-plugins/token.ts');
    const { state, clock } = fakeServices();
    let made = 0;
    const token = () => accessToken(state, async () => `token ${++made}`);
    const [first, second] = await Promise.all([token(), token()]);
    expect([first, await token()]).to.deep.equal([second, first]);
    await clock.advance(3_500_000);
    expect(await token()).to.equal('token 3');
  });

  it('has a source whose fixtures the suite closes, one after each test', () => {
    expect(fixtures.made).to.be.above(10);
    expect(fixtures.closed).to.equal(fixtures.made);
  });

  it('gets a new token if the CRM has revoked the one that is kept', async () => {
    const { withToken } = await loaded('my-plugins/token.ts');
    const { state } = fakeServices();
    let made = 0;
    const sent: string[] = [];
    const send = async (token: string) => {
      sent.push(token);
      return { status: token === 'token 1' ? 401 : 200, body: {} };
    };
    for (const _request of [1, 2])
      expect(await withToken(state, async () => `token ${++made}`, send)).to.include({ status: 200 });
    expect(sent).to.deep.equal(['token 1', 'token 2', 'token 2']);
  });

  it('has an outcome of its own for a service that says no with 200', async () => {
    const { outcomeWithQuota } = await loaded('my-plugins/quota.ts');
    const outcomeOf = (text: string): Outcome => {
      const response: FetchResponse = {
        status: 200,
        headers: {},
        body: Buffer.from(text),
        truncated: false,
        text: () => text,
        json: () => text,
      };
      return outcomeWithQuota(response, 0);
    };
    expect(outcomeOf('thank you').kind).to.equal('delivered');
    expect(outcomeOf('QUOTA_EXCEEDED')).to.include({ kind: 'unavailable', retryAfterMs: 60_000 });
  });

  it('has a source of calls that a router answers through, in the words of its platform', async () => {
    const source = createComponent('source', switchboard, { token: 'only-for-tests' }, fakeServices());
    const body = switchboard?.callBody?.({ from: '+12345678912', to: '+12345678913', agent: null }) ?? {};
    const request = aRequest({ body, headers: { 'x-token': 'only-for-tests' } });
    const reception = await source.receive(request);
    if (reception.kind !== 'call') throw new Error('it is no call');
    expect(reception.call).to.include({ from: '+12345678912', to: '+12345678913' });
    const answer = { variables: { first_name: 'Jim' }, overrideAgent: 'front-desk' };
    expect(switchboard?.answerIn?.(reception.reply(answer).body ?? {})).to.deep.equal(answer);
    expect(source.fallback?.()).to.deep.equal({ status: 200, body: { facts: {} } });
  });

  it('has a transform that leaves fields out, and skips what is empty then', async () => {
    const component = await componentOf('my-plugins/redact.ts');
    const transform = createComponent('transform', component, { fields: ['transcript'] }, fakeServices());
    const event = anEvent({ data: { event: 'conversation_ended', transcript: 'I live at 1 Main Street' } });
    expect(transform.apply(event)?.data).to.deep.equal({ event: 'conversation_ended' });
    expect(transform.apply(anEvent({ data: { transcript: 'hello' } }))).to.equal(null);
  });
});
