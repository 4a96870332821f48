import { request as httpRequest } from 'node:http';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { type ConfigProblem, problem, type ReloadReport, type ReloadRequest } from '@switchhook/core/api';
import {
  type ApiAccess,
  apiFor,
  endpoints,
  Incomplete,
  type Intake,
  listen,
  listenerFor,
  maskFor,
  requireAccess,
  retentionPolicy,
} from '@switchhook/core/internal';
import { refuse } from '@switchhook/sdk';
import { ERRORS } from '@switchhook/sdk/internal';
import { aRequest, FakeLog, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import type { Context } from 'koa';
import type { z } from 'zod';
import { anOperator, aRoute, fickle, type OperatorsWorld } from '../../support/operations.js';
import { storeWith } from '../../support/pipeline.js';

const dayMs = 86_400_000;
const ownRetention = [{ name: 'agents', retention: { types: { analysed: { bodies: dayMs } } } }];
const token = 'a-token-of-the-tests';
const aProblem: ConfigProblem = {
  ...{ code: 'UNKNOWN_KEY', file: 'switchhook.yaml', line: 3, column: 5, path: 'server.prot', message: 'unknown key' },
  ...{ hint: 'Remove it.', excerpt: null },
};
const open: ApiAccess = { token, proxied: false };

/** What a reply must hold, and nothing else: by the schema the document names for it. */
function expectByDocument(method: string, path: string, status: number, body: unknown): void {
  const segments = (path.split('?')[0] ?? '').split('/');
  const endpoint = endpoints.find((one) => {
    const pattern = one.path.split('/');
    const isHere = pattern.every((part, index) => part === segments[index] || part === '{id}');
    return one.method === method && pattern.length === segments.length && isHere;
  });
  const schema: z.ZodType | undefined = status === 200 ? endpoint?.reply : problem;
  expect(schema?.parse(body)).to.deep.equal(body);
}

async function setup(fixture: OperatorsWorld = {}, access: ApiAccess = open) {
  const operator = anOperator(fixture);
  const log = new FakeLog();
  const trustProxy = false;
  const limits = { maxBytes: 2_000, timeoutMs: 10_000 };
  const info = {
    version: '1.2.3',
    node: 'v20.0.0',
    file: 'switchhook.yaml',
    routes: fixture.routes ?? [aRoute()],
    conditions: ['event.data.x == "hunter2"'],
    components: [
      { kind: 'store' as const, name: 'store', use: 'memory', description: 'Keeps.', receivesAt: null },
      { kind: 'destination' as const, name: 'crm', use: 'http.post', description: 'Sends.', receivesAt: null },
    ],
    samples: [
      { source: 'agents', use: 'a.b', calls: false, signs: true, samples: [{ name: 'ended', body: { key: 'a' } }] },
    ],
    answers: [
      {
        ...{ name: 'sales', from: ['calls'], resolvers: ['customer'], where: null, withinSeconds: 3 },
        ...{ variables: { tier: 'hunter2' }, defaults: { tier: 'a' }, overrideAgent: 'agent hunter2', cache: null },
      },
    ],
    configuration: {
      shown: () => ({ isFile: true, text: 'version: 1\n# hunter2\n' }),
      ...{ warnings: [aProblem], files: ['switchhook.yaml'], restart: [] },
      changed: async () => ['switchhook.yaml'],
    },
    installed: async () => ({ types: [], kinds: [], problems: [] }),
  };
  const { operations, searches, controls, status, duplicates, changes, history, trials, clock } = operator;
  const intake: Intake = {
    url: 'http://localhost',
    receive: async () => ({ status: 200, body: { id: 'event-1' } }),
    refused: () => refuse('UNVERIFIED', 'no'),
  };
  const incomplete = operator.engine.get(Incomplete);
  const mask = maskFor(['hunter2']);
  const generation = { number: 2, sinceMs: 0, digest: 'aaaaaaaa' };
  const rows = { added: [], changed: ['crm'], removed: [], unchanged: [] };
  const problems = [aProblem];
  const reload = async ({ dryRun, removed }: ReloadRequest): Promise<ReloadReport> => {
    if (!dryRun) throw Object.assign(refuse('CONFIG_REJECTED', '1 problem'), { problems });
    return {
      ...{
        file: info.file,
        dryRun,
        generation: 1,
        settings: [],
        draining: [removed],
        restart: [],
        warnings: [aProblem],
      },
      ...{ sources: rows, transforms: rows, destinations: rows, resolvers: rows, routes: rows, answers: rows },
    };
  };
  const restart = async () => ({ readyMs: 1 });
  const pruned = () => ({ atMs: clock.now(), removed: 3, bodies: 2 });
  const retention = () => retentionPolicy({ events: 30 * dayMs, bodies: 7 * dayMs, keys: 90 * dayMs }, ownRetention);
  const api = apiFor({
    ...{
      operations,
      searches,
      controls,
      status,
      duplicates,
      changes,
      incomplete,
      history,
      trials,
      intake,
      info,
      generation,
      reload,
      restart,
      pruned,
      retention,
    },
    ...{ access, trustProxy, limits, clock, log, mask },
  });
  const refuseAll = () => Promise.reject(new Error('no hooks here'));
  const listener = listenerFor({
    ...{
      hooks: new Map(),
      receive: refuseAll,
      refused: () => {},
      ready: async () => {},
      metrics: refuseAll,
      metricsAccess: null,
      pages: null,
    },
    ...{ api, limits, trustProxy: false, publicUrl: null, clock, log },
  });
  const server = await listen(listener, { host: '127.0.0.1', port: 0 });
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const reply = JSON.parse(await response.text());
    expectByDocument(method, path, response.status, reply);
    return { status: response.status, reply, headers: response.headers };
  };
  const close = async (): Promise<void> => {
    const closing = operator.pipeline.close();
    await clock.advance(10_000);
    await closing;
    await server.close();
  };
  return { ...operator, log, port: server.port, ask, close };
}

/** A request as no browser and no fetch would send it. */
function raw(port: number, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path: '/api/routes', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

describe('the API', () => {
  it('lists events by what is asked for, page after page', async () => {
    const { ask, received, clock, close } = await setup();
    await received({ key: 'a', type: 'started' }, { key: 'b', subject: 'conv_1' });
    await clock.advance(3_600_000);
    await received({ key: 'c', subject: 'conv_1' });
    const keys = async (query: string) => {
      const { reply } = await ask('GET', `/api/events?${query}`);
      return reply.events.map(({ key }: { key: string }) => key).join('');
    };
    expect(await keys('')).to.equal('cba');
    expect(await keys('type=started')).to.equal('a');
    expect(await keys('subject=conv_1&source=agents')).to.equal('cb');
    expect(await keys('since=30m')).to.equal('c');
    expect(await keys('until=30m')).to.equal('ba');
    expect(await keys('since=2026-01-01T00:30:00Z')).to.equal('c');
    expect(await keys('since=2026-01-01&until=2026-01-01T01:30:00%2B01:00')).to.equal('ba');
    expect(await keys('unrouted=true')).to.equal('');
    expect(await keys('unrouted=false')).to.equal('cba');
    const first = await ask('GET', '/api/events?limit=2');
    expect(await keys(`limit=2&cursor=${first.reply.cursor}`)).to.equal('a');
    await close();
  });

  it('searches in the data of events, and says what it has looked at and what is wrong', async () => {
    const { ask, received, clock, close } = await setup();
    await received({ key: 'a', type: 'ended', duration: 90 }, { key: 'b', type: 'ended' });
    await clock.advance(3_600_000);
    await received({ key: 'c', type: 'ended', duration: 30, note: 'VIP' });
    const search = async (query: Record<string, string>) => {
      const { status, reply } = await ask('GET', `/api/events?${new URLSearchParams(query)}`);
      return { status, reply, keys: reply.events?.map(({ key }: { key: string }) => key).join('') };
    };
    expect((await search({})).reply).to.not.have.property('search');
    const byText = await search({ text: 'vip' });
    expect([byText.keys, byText.reply.cursor]).to.deep.equal(['c', null]);
    const byCondition = await search({ where: 'event.data.duration > 60', type: 'ended' });
    expect(byCondition.keys).to.equal('a');
    expect(byCondition.reply.search).to.deep.equal({
      ...{ examined: 3, examinedSince: '2026-01-01T00:00:00.000Z', isComplete: true, withoutData: 0 },
      ...{ failed: 1, failure: 'event.data.duration is missing' },
    });
    const first = await search({ where: 'event.data.duration > 60', last: '2' });
    expect([first.keys, first.reply.search.examined, first.reply.search.isComplete]).to.deep.equal(['', 2, true]);
    expect((await search({ where: 'event.data.duration > 60', cursor: first.reply.cursor })).keys).to.equal('a');
    expect((await search({ text: 'VIP', type: 'none' })).reply.search).to.include({
      ...{ examined: 0, examinedSince: null, isComplete: true },
    });

    const { status, reply } = await search({ where: 'event.data.duration > ' });
    expect([status, reply.code]).to.deep.equal([400, 'MALFORMED']);
    expect(reply.errors).to.have.length(1);
    expect(reply.errors[0]).to.include({ path: 'where', code: 'EXPRESSION_SYNTAX', position: 23 });
    for (const [query, path] of [
      [{ last: '5' }, 'last'],
      [{ text: 'a', last: '0' }, 'last'],
      [{ text: 'a', last: '10001' }, 'last'],
      [{ text: '' }, 'text'],
      [{ text: 'a'.repeat(513) }, 'text'],
      [{ where: '' }, 'where'],
      [{ where: '1'.repeat(4_001) }, 'where'],
    ] as const) {
      const refused = await search(query);
      expect([refused.status, refused.reply.errors[0].path], JSON.stringify(query)).to.deep.equal([400, path]);
    }
    expect(await search({ text: 'a', source: 'agent' })).to.deep.include({ status: 404 });
    await close();
  });

  it('lists refused requests, counts them, and returns one whole if its source captures them', async () => {
    const sources = { agents: { receive: () => ({ kind: 'events' as const, events: [] }) } };
    const { ask, refused, captures, clock, close } = await setup({ sources });
    captures.add('agents');
    const headers = { 'x-signature': 'ab'.repeat(32), cookie: 'a=b' };
    const request = aRequest({ body: '{"a":1}', headers, url: 'https://hooks.example.com/hooks/agents' });
    const given = { source: 'agents', remoteAddress: '203.0.113.7', method: 'POST', bytes: 7, request };
    const about = { agent: 'agent_a', secretOf: ['agent_b'] };
    refused.refused({ ...given, refusal: refuse('UNVERIFIED', 'no hunter2', { about }) });
    await clock.advance(3_600_000);
    refused.refused({ ...given, bytes: null, request: null, refusal: refuse('BODY_TOO_LARGE', 'too large') });

    const { requests, cursor } = (await ask('GET', '/api/refused?limit=1')).reply;
    expect(requests[0]).to.deep.include({ code: 'BODY_TOO_LARGE', bytes: null, secret: null, captured: false });
    const next = (await ask('GET', `/api/refused?limit=1&cursor=${cursor}`)).reply;
    const secret = {
      expected: { source: 'agents', agent: 'agent_a' },
      fits: [{ source: 'agents', agent: 'agent_b' }],
    };
    const { id, at, ...rest } = next.requests[0];
    const advice = 'The sender uses the secret or the URL of another agent or source, or two secrets are swapped.';
    expect(next.cursor).to.equal(null);
    expect(at).to.equal(new Date(clock.now() - 3_600_000).toISOString());
    expect(rest).to.deep.equal({
      ...{ source: 'agents', agent: 'agent_a', code: 'UNVERIFIED', reason: 'no ***', secret, advice },
      ...{ remoteAddress: '203.0.113.7', method: 'POST', bytes: 7, captured: true },
    });
    expect((await ask('GET', '/api/refused?since=30m')).reply.requests).to.have.length(1);
    const { groups } = (await ask('GET', '/api/refused/groups?agent=agent_a')).reply;
    expect(groups).to.deep.equal([
      {
        ...{ source: 'agents', agent: 'agent_a', code: 'UNVERIFIED', reason: 'no ***', secret, requests: 1, advice },
        ...{ firstAt: at, lastAt: at, latest: id, minutes: [{ at, requests: 1 }] },
      },
    ]);
    const whole = (await ask('GET', `/api/refused/${id}/capture`)).reply;
    expect(whole.masked).to.deep.equal(['header cookie']);
    expect(Buffer.from(whole.file, 'base64').toString()).to.match(/^POST https:\/\/.+\r\n\r\n\{"a":1\}$/s);

    expect((await ask('GET', `/api/refused/${requests[0].id}/capture`)).reply.code).to.equal('NOT_KEPT');
    expect((await ask('GET', '/api/refused?source=agnets')).reply.code).to.equal('NO_SUCH_ROW');
    expect((await ask('GET', '/api/refused/groups?source=agnets')).reply.code).to.equal('NO_SUCH_ROW');
    expect((await ask('GET', '/api/refused?cursor=')).reply.code).to.equal('MALFORMED');
    const [source] = (await ask('GET', '/api/status')).reply.sources;
    expect(source).to.deep.include({
      source: 'agents',
      received: 0,
      refused: 2,
      lastRefusedAt: new Date(clock.now()).toISOString(),
    });
    expect(Object.keys(source.refusal)).to.have.members(['agent', 'code', 'reason', 'requests', 'secret']);
    await close();
  });

  it('tells an event with its data, its deliveries and every attempt', async () => {
    const { ask, received, close } = await setup({ destinations: { crm: fickle().deliver } });
    const [id] = await received({ key: 'a', nested: { x: [1] } });
    const { status, reply } = await ask('GET', `/api/events/${id}`);
    expect(status).to.equal(200);
    expect(reply.data).to.deep.equal({ key: 'a', nested: { x: [1] } });
    expect(reply.deliveries).to.have.length(1);
    const { createdAt, ...delivery } = reply.deliveries[0];
    expect(delivery).to.deep.equal({
      ...{ id: `${id}.0`, event: id, type: 'ended', subject: null, route: 'calls', destination: 'crm', transforms: [] },
      ...{ state: 'dead', reason: 'rejected', attempts: 1, failure: 'status 400', dueAt: null, settledAt: createdAt },
      ...{ attemptsInAll: 1, gathered: null, holds: [], heldBack: null },
      history: [
        { number: 1, startedAt: createdAt, durationMs: 0, outcome: 'rejected', reason: 'status 400', response: null },
      ],
    });
    await close();
  });

  it('lists deliveries by state, reason, destination, route and event', async () => {
    const crm = fickle();
    const { ask, received, close } = await setup({
      destinations: { crm: crm.deliver, slack: async () => ({ kind: 'delivered' }) },
      routes: [aRoute(), aRoute({ name: 'tell', to: ['slack'] })],
    });
    const [id] = await received({ key: 'a' }, { key: 'b' });
    const count = async (query: string) => (await ask('GET', `/api/deliveries?${query}`)).reply.deliveries.length;
    const queries = [
      '',
      'state=dead',
      'state=skipped',
      'reason=rejected',
      'destination=slack',
      'route=tell',
      `event=${id}`,
    ];
    expect(await Promise.all(queries.map(count))).to.deep.equal([4, 2, 0, 2, 2, 2, 2]);
    expect((await ask('GET', '/api/deliveries?limit=1')).reply.deliveries).to.have.length(1);
    await close();
  });

  it('lists and counts what died in a period', async () => {
    const { ask, received, clock, close } = await setup({ destinations: { crm: fickle().deliver } });
    await received({ key: 'a' });
    await clock.advance(3_600_000);
    await received({ key: 'b' });
    const count = async (query: string) => (await ask('GET', `/api/deliveries?${query}`)).reply.deliveries.length;
    expect(await count('settledSince=30m')).to.equal(1);
    expect(await count('state=dead&settledUntil=2026-01-01T00:30:00Z')).to.equal(1);
    const { reply } = await ask('GET', '/api/dead');
    expect(reply).to.deep.equal({
      groups: [
        {
          ...{ destination: 'crm', reason: 'rejected', failure: 'status 400', deliveries: 2 },
          ...{ firstAt: '2026-01-01T00:00:00.000Z', lastAt: '2026-01-01T01:00:00.001Z' },
          latest: reply.groups[0]?.latest,
        },
      ],
      more: false,
    });
    expect((await ask('GET', '/api/dead?settledSince=30m')).reply.groups[0]?.deliveries).to.equal(1);
    const alike = { filter: { destination: 'crm', failure: reply.groups[0]?.failure }, dryRun: true };
    for (const verb of ['replay', 'discard'])
      expect((await ask('POST', `/api/${verb}`, alike)).reply).to.deep.include({
        matched: 2,
        filter: { ...alike.filter, state: 'dead' },
      });
    const unlike = { filter: { failure: null }, dryRun: true };
    expect((await ask('POST', '/api/replay', unlike)).reply).to.deep.include({
      matched: 0,
      filter: { failure: null, state: 'dead' },
    });
    const misspelt = await ask('GET', '/api/dead?destination=crmm');
    expect([misspelt.status, misspelt.reply.code]).to.deep.equal([404, 'NO_SUCH_ROW']);
    expect(misspelt.reply.detail).to.contain('did you mean "crm"');
    await close();
  });

  it('returns the data of an event as they are kept, until retention has removed them', async () => {
    const { ask, received, store, clock, close } = await setup();
    const [id = ''] = await received({ key: 'a', order: 12 });
    expect((await ask('GET', `/api/events/${id}/body`)).reply).to.deep.equal({
      body: new TextDecoder().decode((await store.event(id))?.body),
    });
    await store.prune({ beforeMs: clock.now() + 1, limit: 9, remove: 'bodies' });
    const { status, reply } = await ask('GET', `/api/events/${id}/body`);
    expect([status, reply.code]).to.deep.equal([ERRORS.BODY_REMOVED.status, 'BODY_REMOVED']);
    await close();
  });

  it('replays and discards one delivery', async () => {
    const crm = fickle();
    const { ask, received, clock, close } = await setup({ destinations: { crm: crm.deliver } });
    const [id] = await received({ key: 'a' });
    crm.fate.outcome = { kind: 'delivered' };
    expect((await ask('POST', `/api/deliveries/${id}.0/replay`)).status).to.equal(200);
    await clock.advance(0);
    expect((await ask('GET', `/api/deliveries/${id}.0`)).reply.state).to.equal('delivered');
    const { status, reply } = await ask('POST', `/api/deliveries/${id}.0/discard`);
    expect([status, reply.code, reply.detail]).to.deep.equal([409, 'WRONG_STATE', 'it is delivered']);
    await close();
  });

  it('replays by a filter, and tells how it went', async () => {
    const crm = fickle();
    const { ask, received, close } = await setup({ destinations: { crm: crm.deliver } });
    await received({ key: 'a', subject: 'conv_1' }, { key: 'b' });
    const filter = { subject: 'conv_1', since: '1h' };
    expect((await ask('POST', '/api/replay', { filter, dryRun: true })).reply).to.include({ matched: 1, replayed: 0 });
    const { reply } = await ask('POST', '/api/replay', { filter });
    expect(reply).to.include({ state: 'done', matched: 1, replayed: 1 });
    expect((await ask('GET', `/api/replays/${reply.id}`)).reply).to.deep.equal(reply);
    expect((await ask('GET', '/api/replays')).reply.replays).to.have.length(2);
    expect((await ask('POST', '/api/replay', { filter: { state: 'delivered' } })).reply.matched).to.equal(0);
    await close();
  });

  it('says what the deliveries of a replay wait for', async () => {
    const crm = fickle();
    const { ask, received, clock, close } = await setup({ destinations: { crm: crm.deliver } });
    await received({ key: 'a' });
    await ask('POST', '/api/destinations/crm/pause', { reason: 'it is moved' });
    const counted = await ask('POST', '/api/replay', { filter: { destination: 'crm' }, dryRun: true });
    expect(counted.reply.outcomes).to.equal(null);
    expect(String(counted.reply.heldBack)).to.match(/^crm is paused.*it is moved/);
    const { reply } = await ask('POST', '/api/replay', { filter: { destination: 'crm' } });
    expect(reply.outcomes).to.include({ open: 1, again: 0 });
    expect(String(reply.heldBack)).to.match(/^crm is paused.*it is moved/);
    crm.fate.outcome = { kind: 'delivered' };
    await ask('POST', '/api/destinations/crm/resume');
    await clock.advance(1_000);
    expect((await ask('GET', `/api/replays/${reply.id}`)).reply).to.deep.include({ heldBack: [] });
    await close();
  });

  it('lists events by the state of their deliveries, and those that came again', async () => {
    const { ask, received, close } = await setup({ destinations: { crm: fickle().deliver } });
    const [a = '', b = ''] = await received({ key: 'a', subject: 'one' }, { key: 'b', subject: 'two' });
    await received({ key: 'a' });
    const idsOf = async (query: string) =>
      (await ask('GET', `/api/events?${query}`)).reply.events.map((event: { readonly id: string }) => event.id);
    await ask('POST', `/api/deliveries/${b}.0/replay`);
    await ask('POST', `/api/deliveries/${b}.0/discard`);
    expect(await idsOf('state=dead')).to.deep.equal([b, a]);
    expect(await idsOf('state=dead&subject=one')).to.deep.equal([a]);
    expect(await idsOf('state=delivered')).to.deep.equal([]);
    expect(await idsOf('duplicate=true')).to.deep.equal([a]);
    expect(await idsOf('duplicate=true&text=one')).to.deep.equal([a]);
    expect(await idsOf('duplicate=true&subject=two')).to.deep.equal([]);
    expect((await ask('GET', '/api/events?state=late')).reply.code).to.equal('MALFORMED');
    await close();
  });

  it('says where the store cannot filter, instead of returning events that do not fit', async () => {
    const { ask, received, close } = await setup({
      store: (store) => storeWith(store, { eventConditions: ['ids'] }),
    });
    await received({ key: 'a' });
    for (const query of ['state=dead', 'state=dead&text=a']) {
      const { status, reply } = await ask('GET', `/api/events?${query}`);
      expect([status, reply.code, reply.detail]).to.deep.equal([
        501,
        'STORE_CANNOT_FILTER',
        'it finds no events by the state of their deliveries: its eventConditions lack "state"',
      ]);
    }
    expect((await ask('GET', '/api/events?duplicate=true')).reply.events).to.deep.equal([]);
    await close();
  });

  it('explains all events of a subject, page by page', async () => {
    const { ask, received, close } = await setup();
    const ids = await received(...Array.from({ length: 45 }, (_, n) => ({ key: `a${n}`, subject: 'conv_1' })));
    const found: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const { reply } = await ask('POST', '/api/explain', { subject: 'conv_1', ...(cursor && { cursor }) });
      found.unshift(...reply.explanations.map(({ event }: { readonly event: { readonly id: string } }) => event.id));
      sizes.push(reply.explanations.length);
      cursor = reply.cursor;
    }
    expect([found, sizes]).to.deep.equal([ids, [20, 20, 5]]);
    expect((await ask('POST', '/api/explain', { event: ids[0] })).reply.cursor).to.equal(null);
    expect((await ask('POST', '/api/explain', { subject: 'conv_1', cursor: 'x' })).reply.code).to.equal('MALFORMED');
    expect((await ask('POST', '/api/explain', { event: ids[0], cursor: 'x' })).reply.code).to.equal('MALFORMED');
    await close();
  });

  it('discards by a filter, tells how it went, and which it chose', async () => {
    const { ask, received, close } = await setup({ destinations: { crm: fickle().deliver } });
    await received({ key: 'a', subject: 'conv_1' }, { key: 'b' });
    const filter = { subject: 'conv_1', destination: 'crm', since: '1h', reason: 'rejected' };
    expect((await ask('POST', '/api/discard', { filter, dryRun: true })).reply).to.include({
      matched: 1,
      discarded: 0,
    });
    const { reply } = await ask('POST', '/api/discard', { filter });
    expect(reply).to.deep.include({
      state: 'done',
      matched: 1,
      discarded: 1,
      skipped: { running: 0 },
      perSecond: 1_000,
    });
    const { since, ...used } = reply.filter;
    expect(used).to.deep.equal({ state: 'dead', subject: 'conv_1', destination: 'crm', reason: 'rejected' });
    expect(Date.parse(since)).to.be.below(Date.parse(reply.startedAt));
    expect((await ask('GET', `/api/discards/${reply.id}`)).reply).to.deep.equal(reply);
    expect((await ask('GET', '/api/discards')).reply.discards).to.have.length(2);
    const ended = await ask('POST', `/api/discards/${reply.id}/cancel`);
    expect([ended.status, ended.reply.code]).to.deep.equal([409, 'WRONG_STATE']);
    const settled = `/api/deliveries?reason=discarded&settledSince=${reply.startedAt}`;
    expect((await ask('GET', settled)).reply.deliveries).to.have.length(1);
    await close();
  });

  it('sends events through the routes of today', async () => {
    const { ask, received, close } = await setup();
    await received({ key: 'a' });
    const { reply } = await ask('POST', '/api/replay', { reroute: true, filter: { source: 'agents' } });
    expect(reply).to.include({ reroute: true, state: 'done', matched: 0 });
    await close();
  });

  it('explains', async () => {
    const { ask, received, close } = await setup({ previews: { crm: ({ event }) => ({ key: event.key }) } });
    const [id] = await received({ key: 'a', subject: 'conv_1' });
    for (const question of [{ event: id }, { subject: 'conv_1' }]) {
      const { reply } = await ask('POST', '/api/explain', question);
      expect(reply.explanations[0]).to.have.nested.property('event.id', id);
      expect(reply.explanations[0].routes[0].destinations[0].preview).to.deep.equal({ key: 'a' });
    }
    expect((await ask('POST', '/api/explain', { source: 'nobody', body: {} })).reply.code).to.equal('MALFORMED');
    expect((await ask('POST', '/api/explain', { subject: 'conv_9' })).reply.code).to.equal('NOT_KEPT');
    await close();
  });

  it('lists the samples of sources, and sends a body for real', async () => {
    const sign = () => ({ headers: {}, rest: '' });
    const agents = { sign, receive: () => ({ kind: 'events' as const, events: [] }) };
    const { ask, close } = await setup({ sources: { agents, sealed: { receive: agents.receive } } });
    const samples = [{ name: 'ended', body: { key: 'a' } }];
    for (const query of ['', '?source=agents'])
      expect((await ask('GET', `/api/samples${query}`)).reply.sources).to.deep.equal([
        { source: 'agents', use: 'a.b', calls: false, signs: true, samples },
      ]);
    expect((await ask('GET', '/api/samples?source=agent')).reply.detail).to.include('did you mean "agents"?');
    const { reply } = await ask('POST', '/api/send', { source: 'agents', body: { key: 'a' } });
    expect(reply).to.deep.equal({
      reply: { status: 200, body: { id: 'event-1' }, text: null },
      ...{ event: 'event-1', duplicate: false, reason: null, replaced: [], kept: [] },
    });
    for (const body of [{ source: 'agents' }, { source: 'agents', body: {}, text: '{}' }])
      expect((await ask('POST', '/api/send', body)).reply.detail).to.include('expected body or text');
    expect((await ask('POST', '/api/send', { source: 'agents', text: '[1]' })).reply.detail).to.include(
      'not a JSON object',
    );
    const refused = await ask('POST', '/api/send', { source: 'sealed', body: {} });
    expect([refused.status, refused.reply.code]).to.deep.equal([409, 'SOURCE_CANNOT_SIGN']);
    await close();
  });

  it('tells how the router, its store and each lane stand', async () => {
    const { ask, received, clock, close } = await setup({
      policy: { rateLimit: { count: 10, perMs: 1_000 }, breaker: { failures: 1, windowMs: 1_000, cooldownMs: 1_000 } },
      destinations: { crm: async () => ({ kind: 'unavailable', reason: 'status 503' }) },
    });
    await received({ key: 'a' });
    await clock.advance(1_999);
    const { reply } = await ask('GET', '/api/status');
    expect(reply).to.deep.include({ version: '1.2.3', node: 'v20.0.0', uptimeSeconds: 2 });
    expect(reply.store).to.deep.equal({
      ...{ use: 'memory', canCommit: true, reason: null, commitMs: 0, bytes: null, freeBytes: null },
      pruned: { at: reply.now, removed: 3, bodies: 2 },
      retention: {
        ...{ eventsSeconds: 2_592_000, bodiesSeconds: 604_800, keysSeconds: 7_776_000 },
        parts: [
          { sources: ['agents'], types: ['analysed'], eventsSeconds: 2_592_000, bodiesSeconds: 86_400 },
          { sources: ['agents'], exceptTypes: ['analysed'], eventsSeconds: 2_592_000, bodiesSeconds: 604_800 },
        ],
      },
    });
    expect(reply.process.memoryBytes).to.be.above(1_000_000);
    expect(reply.process.busyShare).to.be.within(0, 1);
    expect(reply.destinations).to.deep.equal([
      {
        ...{
          destination: 'crm',
          configured: true,
          draining: false,
          use: 'http.post',
          waiting: 1,
          running: 0,
          dead: 0,
          oldestSeconds: 2,
        },
        holds: [
          {
            ...{ kind: 'breaker-open', by: null, reason: null },
            ...{ since: '2026-01-01T00:00:00.000Z', until: '2026-01-01T00:00:01.000Z' },
          },
        ],
        lastFailure: { at: '2026-01-01T00:00:00.000Z', reason: 'status 503' },
        ...{
          held: 0,
          breaker: 'half-open',
          concurrency: 2,
          rateLimit: { count: 10, perMs: 1_000 },
          rateLimited: false,
          ordered: false,
        },
        trouble: {
          level: 'bad',
          what: 'Its circuit breaker has been open for less than a minute. Last failure, less than a minute ago: status 503. 1 delivery waits.',
          advice: 'Fix the cause, then probe it. The next attempt is due now.',
        },
      },
    ]);
    expect(reply.summary.what).to.equal(
      'Destination crm: its circuit breaker has been open for less than a minute. Last failure, less than a minute ago: status 503. 1 delivery waits.',
    );
    await close();
  });

  it('pauses, probes, resets and resumes a destination', async () => {
    const { ask, received, close } = await setup({ destinations: { crm: async () => ({ kind: 'delivered' }) } });
    const paused = await ask('POST', '/api/destinations/crm/pause', { reason: ' migration ' });
    expect(paused.reply.holds[0]).to.deep.include({
      kind: 'paused',
      by: 'the API, from 127.0.0.1',
      reason: 'migration',
    });
    const [id] = await received({ key: 'a' });
    const { reply } = await ask('POST', '/api/destinations/crm/probe');
    expect(reply).to.deep.include({ tried: 'delivery', succeeded: true, delivery: `${id}.0`, reason: null });
    expect((await ask('POST', '/api/destinations/crm/reset')).reply.holds).to.have.length(1);
    expect((await ask('POST', '/api/destinations/crm/resume')).reply.holds).to.deep.equal([]);
    for (const [path, body, code] of [
      ['/api/destinations/crn/pause', { reason: 'x' }, 'NO_SUCH_ROW'],
      ['/api/resolvers/crm/reset', undefined, 'NO_SUCH_ROW'],
      ['/api/destinations/crm/pause', {}, 'MALFORMED'],
    ] as const)
      expect((await ask('POST', path, body)).reply.code).to.equal(code);
    await close();
  });

  it('says of a delivery that waits, and of what would be delivered, what holds the destination back', async () => {
    const { ask, received, close } = await setup({ destinations: { crm: async () => ({ kind: 'delivered' }) } });
    const heldIn = ({ holds, heldBack }: { readonly holds: readonly object[]; readonly heldBack: string | null }) => [
      holds.length,
      heldBack,
    ];
    await ask('POST', '/api/destinations/crm/pause', { reason: 'migration', by: 'jo' });
    const [id] = await received({ key: 'a', subject: 'conv_1' });
    const paused = [1, 'crm is paused by jo: migration.'];
    const explained = async (question: object) => (await ask('POST', '/api/explain', question)).reply.explanations[0];
    for (const question of [{ event: id }, { subject: 'conv_1' }]) {
      const { deliveries, routes } = await explained(question);
      expect(deliveries.map(heldIn)).to.deep.equal([paused]);
      expect(deliveries[0].holds[0]).to.include({ kind: 'paused', by: 'jo', reason: 'migration', until: null });
      expect(routes[0].destinations.map(heldIn)).to.deep.equal([paused]);
    }
    expect((await ask('GET', `/api/events/${id}`)).reply.deliveries.map(heldIn)).to.deep.equal([paused]);
    expect(heldIn((await ask('GET', `/api/deliveries/${id}.0`)).reply)).to.deep.equal(paused);
    expect(heldIn((await ask('POST', `/api/deliveries/${id}.0/replay`)).reply)).to.deep.equal(paused);

    await ask('POST', '/api/destinations/crm/probe');
    const delivered = (await ask('GET', `/api/deliveries/${id}.0`)).reply;
    expect([delivered.state, ...heldIn(delivered)]).to.deep.equal(['delivered', 0, null]);
    await close();
  });

  it('returns what a reload would change, or what is wrong with the new configuration', async () => {
    const { ask, close } = await setup();
    const { reply } = await ask('POST', '/api/reload', { dryRun: true });
    expect(reply).to.deep.include({ dryRun: true, draining: ['drain'] });
    const { status, reply: refused } = await ask('POST', '/api/reload', {});
    expect([status, refused.code, refused.problems]).to.deep.equal([422, 'CONFIG_REJECTED', [aProblem]]);
    expect((await ask('POST', '/api/reload', { removed: 'drop' })).reply.code).to.equal('MALFORMED');
    await close();
  });

  it('tells routes and components', async () => {
    const { ask, close } = await setup();
    const { routes } = (await ask('GET', '/api/routes')).reply;
    expect(routes).to.deep.equal([
      {
        name: 'calls',
        from: ['agents'],
        on: ['*'],
        where: 'event.data.x == "***"',
        to: ['crm'],
        transforms: [],
        wait: null,
      },
    ]);
    const { components } = (await ask('GET', '/api/components')).reply;
    expect(components.map(({ use }: { use: string }) => use)).to.deep.equal(['memory', 'http.post']);
    expect(components.map(({ receivesAt }: { receivesAt: string }) => receivesAt)).to.deep.equal([null, null]);
    await close();
  });

  it('returns the configuration and the answers without secrets, and whether the file has changed', async () => {
    const { ask, close } = await setup();
    const { reply } = await ask('GET', '/api/configuration');
    expect(reply).to.deep.include({ file: 'switchhook.yaml', generation: 2, digest: 'aaaaaaaa', format: 'file' });
    expect(reply).to.deep.include({ text: 'version: 1\n# ***\n', since: '1970-01-01T00:00:00.000Z' });
    expect(reply).to.deep.include({ changed: ['switchhook.yaml'], warnings: [aProblem] });
    const [answer] = (await ask('GET', '/api/answers')).reply.answers;
    expect(answer).to.deep.include({ name: 'sales', variables: { tier: '***' }, overrideAgent: 'agent ***' });
    await close();
  });

  it('returns the installed types where they are asked for, and what each code means', async () => {
    const { ask, close } = await setup();
    expect((await ask('GET', '/api/components?installed=false')).reply).to.have.all.keys('components');
    const { installed } = (await ask('GET', '/api/components?installed=true')).reply;
    expect(installed).to.deep.equal({ types: [], kinds: [], problems: [] });
    expect((await ask('GET', '/api/components?installed=yes')).reply.code).to.equal('MALFORMED');
    const { errors } = (await ask('GET', '/api/errors')).reply;
    expect(errors).to.deep.include({
      ...{ code: 'UNVERIFIED', status: 401, page: 'docs/errors.md#unverified' },
      ...{ meaning: ERRORS.UNVERIFIED.sentence, advice: ERRORS.UNVERIFIED.hint },
    });
    expect(errors.map(({ code }: { code: string }) => code)).to.deep.equal(Object.keys(ERRORS));
    await close();
  });

  it('names the limits of a number, and no source where the content type of its own request is wrong', async () => {
    const { ask, close } = await setup();
    for (const limit of ['-1', '0', '1001', '1.5', 'many'])
      expect((await ask('GET', `/api/events?limit=${limit}`)).reply.errors, limit).to.deep.equal([
        { path: 'limit', message: 'expected a whole number from 1 to 1000' },
      ]);
    expect((await ask('POST', '/api/replay')).reply.title).not.to.include('source');
    await close();
  });

  it('says what a field should be in the words of the configuration', async () => {
    const { ask, close } = await setup();
    const { reply: query } = await ask('GET', `/api/events?type=${'x'.repeat(513)}&agent=a&agent=b`);
    const { reply: body } = await ask('POST', '/api/replay', { perSecond: 0, dryRun: 1, filter: [] });
    expect([...query.errors, ...body.errors].map(({ message }: { message: string }) => message)).to.have.members([
      'expected at most 512 characters',
      'expected a text',
      'expected at least 1',
      'expected true or false',
      'expected a map',
    ]);
    await close();
  });

  it('says where a body stops being JSON, without quoting the rest', async () => {
    const { ask, close } = await setup();
    const detailOf = async (body: string) => (await ask('POST', '/api/replay', body)).reply.detail;
    expect(await detailOf('{"all": tr}')).to.equal("the body is not JSON: Unexpected token '}'");
    expect(await detailOf('{"all": true')).to.match(/^the body is not JSON: Expected .* at position 12/);
    await close();
  });

  describe('says as a problem', () => {
    const cases: readonly (readonly [
      what: string,
      asked: readonly [string, string, unknown?],
      code: string,
      path?: string,
    ])[] = [
      ['that there is no such path', ['GET', '/api/nothing'], 'NOT_FOUND'],
      ['that a path differs in case', ['GET', '/api/Events'], 'NOT_FOUND'],
      ['that a path ends with a slash', ['GET', '/api/events/'], 'NOT_FOUND'],
      ['that a method is unknown', ['PROPFIND', '/api/events'], 'METHOD_NOT_ALLOWED'],
      ['that the path is no path', ['GET', '/api/events/%E0%A4%A'], 'MALFORMED'],
      ['that a method is not allowed', ['DELETE', '/api/events'], 'METHOD_NOT_ALLOWED'],
      ['that an event is not kept', ['GET', '/api/events/nothing'], 'NOT_KEPT'],
      ['that an event whose body is asked for is not kept', ['GET', '/api/events/nothing/body'], 'NOT_KEPT'],
      ['that a delivery is not kept', ['GET', '/api/deliveries/nothing.0'], 'NOT_KEPT'],
      ['that a delivery to be replayed is not kept', ['POST', '/api/deliveries/nothing.0/replay'], 'NOT_KEPT'],
      ['that a replay is not known', ['GET', '/api/replays/nothing'], 'NOT_KEPT'],
      ['that a discard is not known', ['GET', '/api/discards/nothing'], 'NOT_KEPT'],
      ['that a discard to be cancelled is not known', ['POST', '/api/discards/nothing/cancel'], 'NOT_KEPT'],
      ['that a discard has no condition', ['POST', '/api/discard', {}], 'MALFORMED', 'filter'],
      [
        'that what is delivered cannot be discarded',
        ['POST', '/api/discard', { filter: { state: 'delivered' } }],
        'MALFORMED',
        'filter.state',
      ],
      [
        'that one event of a discard has one type',
        ['POST', '/api/discard', { filter: { event: 'e', type: 't' } }],
        'MALFORMED',
        'filter.type',
      ],
      ['that a cursor is none', ['GET', '/api/events?cursor=nothing'], 'MALFORMED'],
      ['that a limit is too high', ['GET', '/api/events?limit=1001'], 'MALFORMED', 'limit'],
      ['that a limit is too low', ['GET', '/api/deliveries?limit=0'], 'MALFORMED', 'limit'],
      ['that a limit is negative', ['GET', '/api/events?limit=-1'], 'MALFORMED', 'limit'],
      ['that a limit is no number', ['GET', '/api/events?limit=many'], 'MALFORMED', 'limit'],
      ['that a time is none', ['GET', '/api/events?since=yesterday'], 'MALFORMED', 'since'],
      ['that a time has no zone', ['GET', '/api/events?since=2026-01-01T00:00:00'], 'MALFORMED', 'since'],
      ['that a state is unknown', ['GET', '/api/deliveries?state=lost'], 'MALFORMED', 'state'],
      ['that a key is unknown', ['GET', '/api/deliveries?dest=crm'], 'MALFORMED', 'dest'],
      ['that a key comes twice', ['GET', '/api/events?type=a&type=b'], 'MALFORMED', 'type'],
      ['that a query is unexpected', ['GET', '/api/status?verbose=true'], 'MALFORMED', 'verbose'],
      ['that a body is no JSON', ['POST', '/api/replay', '{'], 'MALFORMED'],
      ['that a body is no object', ['POST', '/api/replay', '[]'], 'MALFORMED', ''],
      ['that a body has __proto__', ['POST', '/api/replay', '{"__proto__":{"dryRun":true}}'], 'MALFORMED'],
      ['that a body is too large', ['POST', '/api/replay', { filter: { type: 'x'.repeat(3_000) } }], 'BODY_TOO_LARGE'],
      ['that a body is missing', ['POST', '/api/replay'], 'UNSUPPORTED_MEDIA_TYPE'],
      [
        'that running ones are not replayed',
        ['POST', '/api/replay', { filter: { state: 'running' } }],
        'MALFORMED',
        'filter.state',
      ],
      ['that a replay has no condition', ['POST', '/api/replay', {}], 'MALFORMED', 'filter'],
      ['that a pace is too high', ['POST', '/api/replay', { perSecond: 1e6, all: true }], 'MALFORMED', 'perSecond'],
      [
        'that reroute has no state',
        ['POST', '/api/replay', { reroute: true, filter: { state: 'dead' } }],
        'MALFORMED',
        'filter.state',
      ],
      [
        'that reroute has no failure',
        ['POST', '/api/replay', { reroute: true, filter: { failure: null } }],
        'MALFORMED',
        'filter.failure',
      ],
      [
        'that unrouted needs reroute',
        ['POST', '/api/replay', { filter: { unrouted: true } }],
        'MALFORMED',
        'filter.unrouted',
      ],
      [
        'that one event has one type',
        ['POST', '/api/replay', { filter: { event: 'e', type: 't' } }],
        'MALFORMED',
        'filter.type',
      ],
      ['that a question is none', ['POST', '/api/explain', { what: 'x' }], 'MALFORMED', ''],
    ];
    for (const [what, asked, code, path] of cases)
      it(what, async () => {
        const { ask, stateOf, received, close } = await setup();
        await received({ key: 'a' });
        const { reply, headers } = await ask(...asked);
        expect(headers.get('content-type')).to.match(/^application\/problem\+json/);
        expect(reply.code).to.equal(code);
        expect(reply.errors.map((one: { path: string }) => one.path)).to.deep.equal(path === undefined ? [] : [path]);
        expect(await stateOf()).to.deep.equal(['delivered']);
        await close();
      });

    it('names the methods of a path that has no such method', async () => {
      const { ask, close } = await setup();
      expect((await ask('DELETE', '/api/events')).headers.get('allow')).to.equal('HEAD, GET');
      expect((await ask('GET', '/api/replay')).headers.get('allow')).to.equal('POST');
      await close();
    });

    it('all that is wrong at once', async () => {
      const { ask, close } = await setup();
      const { reply } = await ask('GET', '/api/events?limit=0&since=never&state=lost&what=1&sorce=2&agent=');
      const said = Object.fromEntries(
        reply.errors.map(({ path, message }: { path: string; message: string }) => [path, message]),
      );
      expect(Object.keys(said)).to.have.members(['limit', 'since', 'state', 'what', 'sorce', 'agent']);
      expect(said).to.include({
        state: 'expected one of waiting, running, delivered, dead, skipped, gathered',
        what: 'the query has no such field',
        sorce: 'the query has no such field; did you mean "source"?',
        agent: 'expected a text that is not empty',
      });
      await close();
    });

    it('that it could not answer, and the reason to nobody but the log', async () => {
      const broken = () => Promise.reject(new Error('password=hunter2'));
      const { ask, log, close } = await setup({ store: (store) => storeWith(store, { events: broken }) });
      const { status, reply } = await ask('GET', '/api/events');
      expect([status, reply.code]).to.deep.equal([500, 'API_FAILED']);
      expect(JSON.stringify(reply)).not.to.include('hunter2');
      expect(log.of('api.failed')).to.have.length(1);
      await close();
    });

    it('that a body does not come in time', async () => {
      const { port, clock, close } = await setup();
      const answer = new Promise<number | undefined>((resolve) => {
        const sent = httpRequest({ host: '127.0.0.1', port, path: '/api/replay', method: 'POST' }, (response) => {
          resolve(response.statusCode);
          sent.destroy();
        });
        sent.on('error', () => resolve(undefined));
        sent.setHeader('authorization', `Bearer ${token}`).setHeader('content-type', 'application/json');
        sent.setHeader('content-length', 100).write('{"dryRun"');
      });
      const before = clock.pending;
      while (clock.pending === before) await settled();
      await clock.advance(10_000);
      expect(await answer).to.equal(408);
      await close();
    });
  });

  describe('answers', () => {
    it('with a configured token only to whom it was given', async () => {
      const { ask, port, close } = await setup();
      for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${token}`, `Bearer ${token}x`, token]) {
        const { status, reply, headers } = await ask('GET', '/api/routes', undefined, { authorization });
        expect([status, reply.code, headers.get('www-authenticate')]).to.deep.equal([401, 'API_TOKEN_WRONG', 'Bearer']);
      }
      expect(await raw(port, { authorization: `bearer   ${token} ` })).to.equal(200);
      await close();
    });

    it('nothing to whom it does not know, not even which paths there are', async () => {
      const { ask, close } = await setup();
      for (const path of ['/api/nothing', '/api/openapi.json', '/api/events/1'])
        expect((await ask('GET', path, undefined, { authorization: 'Bearer x' })).status).to.equal(401);
      await close();
    });

    it('without a token only to this machine, and not through a proxy or for a page of another site', async () => {
      const { port, close } = await setup({}, { token: null, proxied: false });
      const host = `127.0.0.1:${port}`;
      expect(await raw(port, {})).to.equal(200);
      expect(await raw(port, { host: `localhost:${port}` })).to.equal(200);
      expect(await raw(port, { host: '[::1]' })).to.equal(200);
      expect(await raw(port, { host, origin: `http://${host}` })).to.equal(200);
      const strange = [
        { 'x-forwarded-for': '127.0.0.1' },
        { 'x-real-ip': '127.0.0.1' },
        { forwarded: 'for=127.0.0.1' },
        { via: '1.1 proxy' },
        { 'cf-connecting-ip': '127.0.0.1' },
        { 'true-client-ip': '127.0.0.1' },
        { 'cf-ray': '230b030023ae2822-SJC' },
        { 'cf-connecting-ipv6': '::1' },
        { 'x-vercel-forwarded-for': '127.0.0.1' },
        { 'wl-proxy-client-ip': '127.0.0.1' },
        { 'do-connecting-ip': '127.0.0.1' },
        { 'x-amzn-trace-id': 'Root=1-67891233-abcdef012345678912345678' },
        { 'tailscale-user-login': 'ada@example.com' },
        { 'x-forwarded': 'for=127.0.0.1' },
        { 'x-forwarded-port': '443' },
        { 'x-original-forwarded-for': '127.0.0.1' },
        { 'x-envoy-external-address': '127.0.0.1' },
        { host: 'hooks.example.com' },
        { host: '127.0.0.1.example.com' },
        { host, origin: 'https://evil.example' },
        { host, origin: 'null' },
        { host, origin: 'http://127.0.0.1:1' },
      ];
      for (const headers of strange) expect(await raw(port, headers), JSON.stringify(headers)).to.equal(403);
      await close();
    });

    it('to no other machine without a token', () => {
      const from = (remoteAddress: string | undefined) => {
        const headers: Record<string, string> = { host: '127.0.0.1:8080' };
        const ctx = { get: (name: string) => headers[name] ?? '', req: { headers, socket: { remoteAddress } } };
        return () => requireAccess(ctx as unknown as Context, { token: null, proxied: false });
      };
      for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) expect(from(address)).not.to.throw();
      for (const address of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '127.0.0.1.example', '::2', '', undefined])
        expect(from(address), address).to.throw('another machine');
    });

    it('to nobody without a token where a proxy stands in front', async () => {
      const { port, close } = await setup({}, { token: null, proxied: true });
      expect(await raw(port, {})).to.equal(403);
      await close();
    });
  });

  it('logs who changes something', async () => {
    const { ask, log, close } = await setup();
    await ask('POST', '/api/replay', { dryRun: true });
    await ask('GET', '/api/events');
    expect(
      log.of('api.requested').map(({ fields }) => `${fields.method} ${fields.path} ${fields.status}`),
    ).to.deep.equal(['POST /api/replay 200']);
    await close();
  });
});

async function lintProblems(source: string): Promise<readonly string[]> {
  const problems = await lintFromString({ source, config: await createConfig({ extends: ['recommended-strict'] }) });
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`);
}

describe('the OpenAPI document', () => {
  it('describes every endpoint, its parameters, its body and its replies, without a reference to nowhere', async () => {
    const { port, close } = await setup();
    const response = await fetch(`http://127.0.0.1:${port}/api/openapi.json`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const document = JSON.parse(await response.text());
    expect(document).to.have.property('openapi', '3.1.0');
    expect(document.info.version).to.equal('1.2.3');
    for (const { method, path, reply, query, stream } of endpoints) {
      const type = stream === undefined ? 'application/json' : 'text/event-stream';
      const operation = document.paths[path][method.toLowerCase()];
      expect(operation.summary).to.be.a('string');
      expect(operation.responses[200].content[type].schema.$ref).to.match(/^#\/components\/schemas\/\w+$/);
      expect(operation.responses).to.include.keys('401', '403', '500');
      const names = (operation.parameters ?? []).map(({ name }: { name: string }) => name);
      expect(names).to.have.members([...(path.includes('{id}') ? ['id'] : []), ...Object.keys(query.shape)]);
      expect(reply).to.not.equal(undefined);
    }
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]*)"/g))
      expect(document.components.schemas).to.have.property(name);
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).to.equal(endpoints.length);
    await close();
  });

  it('passes the strict rules of a linter, and names its licence and its server', async () => {
    const { port, close } = await setup();
    const response = await fetch(`http://127.0.0.1:${port}/api/openapi.json`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const source = await response.text();
    expect(await lintProblems(source)).to.deep.equal([]);
    expect(await lintProblems(source.replace('"3.1.0"', '"3.1.0","license":"MIT"'))).to.not.deep.equal([]);
    const { info, servers } = JSON.parse(source);
    expect([info.license, servers[0].url]).to.deep.equal([{ name: 'MIT', identifier: 'MIT' }, '/']);
    await close();
  });

  it('says what a limit and a point in time look like', async () => {
    const { port, close } = await setup();
    const response = await fetch(`http://127.0.0.1:${port}/api/openapi.json`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { paths, components } = JSON.parse(await response.text());
    const parameters = paths['/api/events'].get.parameters;
    const limit = parameters.find(({ name }: { name: string }) => name === 'limit');
    expect(limit.schema).to.deep.include({ type: 'integer', minimum: 1, maximum: 1_000, default: 50 });
    expect(parameters.find(({ name }: { name: string }) => name === 'since').schema.examples).to.include('2h');
    expect(components.schemas.Delivery.properties.state.enum).to.include('waiting');
    expect(components.schemas.Delivery).to.have.property('additionalProperties', false);
    await close();
  });
});
