/** The dashboard on a full store: how long each question of a page takes, and what three open pages cost the intake. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import plugin from '@switchhook/plugin-sqlite';
import type { StoredDelivery, StoredEvent } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { processorSeconds } from './database.js';
import {
  loaded,
  median,
  type Pair,
  perSecondRow,
  type Row,
  ratioRow,
  repeated,
  type Size,
  warmUp,
} from './measuring.js';
import { eventsPath, twoDeliveries } from './scenarios.js';
import { inDirectory, type Server, startRouter } from './servers.js';

const chunk = 1_000;
/** How often each question is asked. */
const asked = 20;
/** Of the events that are kept, every tenth has a dead delivery. */
const deadPart = 10;
const hourMs = 3_600_000;
/** Every twentieth event is an answered call, and callers call again after so many. */
const callPart = 20;
const callers = 5_000;
/** One caller who has called once, long ago. */
const rareNumber = '9999999';
/** Events that came again. */
const repeatedEvents = 500;
const paintsPerRound = 7;

/** With calls, which are answered without a look-up. */
const withCalls = `${twoDeliveries.replace('sources:', `sources:\n  calls: { use: sigmamind.call, token: token-of-the-benchmark }`)}
answers:
  - { from: calls, defaults: { name: there } }
`;

/** Digits behind `+1` of who has called with, or is the party of, the event of this index. */
function numberOf(index: number): number {
  return 1_000_000 + index;
}

const states = ['waiting', 'running', 'delivered', 'dead', 'skipped', 'gathered'] as const;

/** A path below `/api`; with a body, which is posted. */
type Question = string | { readonly path: string; readonly body: unknown };

/** Every filter and page of the views, and the routes to one event, delivery and conversation. */
function questions(
  events: number,
  first: { readonly event: string; readonly delivery: string; readonly cursor: string; readonly call: string },
): Readonly<Record<string, Question>> {
  const middle = Math.floor(events / 2);
  return {
    status: 'status',
    history: 'history?since=48h&step=30m',
    events: 'events',
    'events, next page': `events?cursor=${encodeURIComponent(first.cursor)}`,
    'events of a type': 'events?type=type_3',
    'events of a rare type': 'events?type=rare',
    'events of no type': 'events?type=unknown',
    'events of a source': 'events?source=agents',
    'events of an agent': 'events?agent=agent_7',
    'events of a subject': `events?subject=conv_${Math.floor(middle / 3)}`,
    'events of a number': `events?party=%2B1${numberOf(middle)}`,
    'events, unrouted': 'events?unrouted=true',
    ...Object.fromEntries(states.map((state) => [`events with a delivery that is ${state}`, `events?state=${state}`])),
    'events that came again, in the list': 'events?duplicate=true',
    'events of a time': 'events?since=20h&until=19h',
    'events with a text': 'events?text=of%20interest',
    'events with a text that none has': 'events?text=nowhere',
    'events with a condition': `events?${where('event.data.duration > 60')}`,
    'events with a condition that none meets': `events?${where('event.data.duration > 1000')}`,
    'events of a type with text and condition': `events?type=type_3&text=of%20interest&${where('event.data.duration > 60')}`,
    'events that came again': 'duplicates?limit=1000',
    'events that came again, of a type': 'duplicates?type=type_3',
    'one event': `events/${first.event}`,
    'one event, explained': { path: 'explain', body: { event: first.event } },
    'a conversation, explained': { path: 'explain', body: { subject: `conv_${Math.floor(middle / 3)}` } },
    'a body, tried': { path: 'explain', body: { source: 'agents', body: triedBody } },
    samples: 'samples',
    calls: 'calls?limit=50',
    'calls, next page': `calls?limit=50&cursor=${encodeURIComponent(first.call)}`,
    'calls of a number': `calls?number=%2B1${numberOf(3)}`,
    'calls of a rare number': `calls?number=%2B1${rareNumber}`,
    'calls of a number that never called': 'calls?number=%2B49301',
    'calls of a source': 'calls?source=calls',
    'calls of an answer': 'calls?answer=sales',
    'calls of an answer that none had': 'calls?answer=unknown',
    'calls of a resolver': 'calls?resolver=crm',
    'calls of a resolver that was never looked up': 'calls?resolver=unknown',
    'calls of a time': 'calls?since=20h&until=19h',
    deliveries: 'deliveries',
    'deliveries, running': 'deliveries?state=running',
    'deliveries, skipped': 'deliveries?state=skipped',
    'deliveries, gathered': 'deliveries?state=gathered',
    'deliveries of an event': `deliveries?event=${first.event}`,
    'deliveries of a time': 'deliveries?since=20h&until=19h',
    'deliveries of a destination in a state': 'deliveries?destination=one&state=delivered',
    'deliveries, delivered': 'deliveries?state=delivered',
    'deliveries, waiting': 'deliveries?state=waiting',
    'deliveries of a destination': 'deliveries?destination=two',
    'deliveries of a route': 'deliveries?route=all',
    'deliveries settled in a time': 'deliveries?settledSince=20h&settledUntil=19h',
    dead: 'deliveries?state=dead',
    'dead of a destination': 'deliveries?state=dead&destination=one',
    'dead, rejected': 'deliveries?reason=rejected',
    'dead of a time': 'deliveries?state=dead&since=20h&until=19h',
    'dead that died in a time': 'deliveries?state=dead&settledSince=20h&settledUntil=19h',
    'dead by failure': 'dead',
    'dead by failure, of a destination': 'dead?destination=one&reason=rejected',
    'dead by failure, of a time': 'dead?since=20h&until=19h',
    'one delivery': `deliveries/${first.delivery}`,
    refused: 'refused',
    'refused by reason': 'refused/groups',
    routes: 'routes',
    components: 'components',
  };
}

function where(condition: string): string {
  return `where=${encodeURIComponent(condition)}`;
}

/** The p95 of the slowest questions, and the intake while three pages are open. */
export async function dashboard({ rounds, requests, backlog: events }: Size): Promise<Row[]> {
  return inDirectory(async (directory) => {
    await kept(join(directory, 'bench.db'), events);
    const server = await startRouter(directory, withCalls);
    await repeatedly(server);
    const rows = [...(await answers(server, events)), ...(await firstPaint(server, rounds))];
    await server.stop();
    // More than for other scenarios: what is compared differs by less than one round from the next.
    const pairs = await repeated(2 * rounds - 1, async (round) => {
      const alone = () => intake(directory, requests, `closed-${round}`, () => async () => {});
      // Each is the first one in turn: a machine becomes slower and faster.
      const earlier = round % 2 === 0 ? null : await alone();
      const open = await intake(directory, requests, `open-${round}`, threePages);
      return [open, earlier ?? (await alone())] as const;
    });
    const pairsOf = (what: keyof Intake): Pair[] => pairs.map(([open, alone]) => [open[what], alone[what]]);
    const processor = 'processor time of an event while three pages are open ÷ while none is, µs';
    return [
      ...rows,
      perSecondRow(
        'pages',
        'ingest while three pages are open ÷ while none is, events/s',
        '≥ 0.95',
        pairsOf('perSecond'),
      ),
      perSecondRow('pages processor', processor, '≤ 1.05', pairsOf('microseconds')),
    ];
  });
}

/** What a sender has sent twice. */
const triedBody = { event: 'conversation_ended', conversationId: 'conv_tried', duration: 90 };

/** Sends events twice, so that there is something that came again. */
async function repeatedly(server: Server): Promise<void> {
  for (let n = 0; n < repeatedEvents; n += 1)
    for (let time = 0; time < 2; time += 1)
      await text(server, {
        path: 'send',
        body: { source: 'agents', body: { ...triedBody, conversationId: `again_${n}` } },
      });
}

/**
 * First contentful paint of the overview in Chromium, with the full store behind it, and of a static page without a script in the same
 * run: each in a fresh context, whose cache is empty.
 */
async function firstPaint(router: Server, rounds: number): Promise<readonly Row[]> {
  const [browser, bare] = await Promise.all([startBrowser(), barePage()]);
  try {
    // The first page of a browser pays for its start.
    for (const url of [bare.url, urlOf(router)]) await paintMs(browser, url);
    const pairs = await repeated(paintsPerRound * rounds, async (): Promise<Pair> => {
      return [await paintMs(browser, urlOf(router)), await paintMs(browser, bare.url)];
    });
    const [page, compared] = [0, 1].map((side) => median(pairs.map((pair) => pair[side] ?? 0)));
    const [pageMs = 0, bareMs = 1] = [page, compared];
    const all = pairs.map(([ms]) => ms).toSorted((a, b) => a - b);
    const p95 = all[Math.ceil(all.length * 0.95) - 1] ?? 0;
    return [
      {
        ...{ id: 'first paint', what: 'first contentful paint of the overview, ms' },
        ...{ figures: `p95 ${p95.toFixed(0)}`, ratio: pageMs, setTarget: '–' },
      },
      ratioRow('first paint', 'the same ÷ that of a bare static page, ms', '–', pageMs, bareMs, 0),
    ];
  } finally {
    await Promise.all([browser.close(), bare.close()]);
  }
}

function urlOf({ port }: Server): string {
  return `http://127.0.0.1:${port}/`;
}

async function paintMs(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  const painted = `new Promise((resolve) => {
    const found = performance.getEntriesByName('first-contentful-paint')[0];
    if (found) return resolve(found.startTime);
    new PerformanceObserver((list, observer) => {
      const [entry] = list.getEntriesByName('first-contentful-paint');
      if (!entry) return;
      observer.disconnect();
      resolve(entry.startTime);
    }).observe({ type: 'paint', buffered: true });
  })`;
  const ms: number = await page.evaluate(painted);
  await context.close();
  return ms;
}

/** A page of one sentence. */
async function barePage(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const html = '<!doctype html><html lang="en"><title>Bare</title><h1>Overview</h1><p>All well.</p></html>';
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A row for the slowest question, and one for each that takes longer than it may. */
async function answers(server: Server, events: number): Promise<readonly Row[]> {
  const read = async (path: string) => JSON.parse(await text(server, path));
  const { events: latest, cursor } = await read('events?limit=1');
  const [delivery] = (await read('deliveries?limit=1')).deliveries;
  const { cursor: call } = await read('calls?limit=50');
  const found: { readonly name: string; readonly p95: number; readonly p50: number }[] = [];
  for (const [name, question] of Object.entries(
    questions(events, { event: latest[0].id, delivery: delivery.id, cursor, call }),
  )) {
    const times: number[] = [];
    for (let n = 0; n < asked; n += 1) {
      const startedAt = performance.now();
      await text(server, question);
      times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    found.push({ name, p50: times[asked / 2] ?? 0, p95: times[Math.ceil(asked * 0.95) - 1] ?? 0 });
  }
  const slowestFirst = found.toSorted((a, b) => b.p95 - a.p95);
  return slowestFirst
    .filter(({ p95 }, index) => index === 0 || p95 > 200)
    .map(({ name, p50, p95 }) => ({
      id: 'dashboard',
      what: `p95 of ${name}, of ${found.length} questions with ${events.toLocaleString('en')} events kept, ms`,
      figures: `p50 ${p50.toFixed(1)}`,
      ratio: p95,
      setTarget: '≤ 200',
    }));
}

/** How fast events were accepted, and the processor time of the router for each. */
interface Intake {
  readonly perSecond: number;
  readonly microseconds: number;
}

async function intake(
  directory: string,
  requests: number,
  label: string,
  open: (server: Server) => () => Promise<void>,
): Promise<Intake> {
  const server = await startRouter(directory, twoDeliveries);
  const close = open(server);
  const secondsBefore = processorSeconds([server]);
  let seconds = 0;
  const { perSecond } = await loaded(server, { path: eventsPath, requests, label }, async () => {
    seconds = processorSeconds([server]) - secondsBefore;
    await close();
    await server.stop();
  });
  return { perSecond, microseconds: (1e6 * seconds) / (requests + warmUp) };
}

/** What three open pages ask: each the status, and one each for the overview, the history and the live view. */
function threePages(server: Server): () => Promise<void> {
  const ends = new AbortController();
  const again = async (path: string, everyMs: number): Promise<void> => {
    while (!ends.signal.aborted) {
      await text(server, path, ends.signal);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  const pages = [
    ...Array.from({ length: 3 }, () => again('status', 2_000)),
    again('history?since=1h&step=1m', 5_000),
    text(server, 'live', ends.signal),
    again('history?since=6h&step=5m', 30_000),
  ];
  return async () => {
    ends.abort();
    await Promise.allSettled(pages);
  };
}

async function text({ port }: Server, question: Question, signal?: AbortSignal): Promise<string> {
  const { path, body = null } = typeof question === 'string' ? { path: question } : question;
  const headers = { 'content-type': 'application/json' };
  const posted = body === null ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, { ...posted, ...(signal && { signal }) });
  const reply = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${reply}`);
  return reply;
}

/** Makes a store of the last 24 hours: a delivery of each event for two destinations, a tenth of which is dead. */
async function kept(path: string, events: number): Promise<void> {
  const services = fakeServices();
  const store = createComponent('store', plugin.components[0], { path }, services);
  await store.open?.();
  const nowMs = performance.timeOrigin + performance.now();
  for (let made = 0; made < events; made += chunk)
    await store.restore?.(
      Array.from({ length: chunk }, (_, index) =>
        storedEvent(made + index, Math.floor(nowMs - 24 * hourMs * (1 - (made + index) / events))),
      ),
    );
  await store.close?.();
  await services.close();
}

function storedEvent(index: number, atMs: number): StoredEvent {
  return index % callPart === 3 ? storedCall(index, atMs) : storedConversation(index, atMs);
}

/** A call that was answered: no route delivers it. */
function storedCall(index: number, atMs: number): StoredEvent {
  const id = `kept-${index}`;
  const from = `+1${index === callPart + 3 ? rareNumber : numberOf(index % callers)}`;
  const lookup = { resolver: 'crm', outcome: 'found', start_ms: 0.2, ms: 12, reason: null };
  const answer = {
    ...{ from, to: '+12345678913', name: 'sales', step: 'fresh', variables: { name: 'Ada' }, override_agent: null },
    ...{ override_agent_origin: null, origins: { name: { step: 'fresh', resolvers: ['crm'], reason: null } } },
    ...{ lookups: [lookup], requests: 1, ms: 13, within_ms: 2_000, deadline_ms: 10_000 },
  };
  const event = {
    ...{ id, key: id, source: 'calls', type: 'inbound_call', subject: null, agent: null, party: from },
    ...{ occurredAtMs: atMs, receivedAtMs: atMs },
    body: Buffer.from(JSON.stringify({ event: 'inbound_call', from_number: from, to_number: '+12345678913', answer })),
  };
  return { event, deliveries: [] };
}

function storedConversation(index: number, atMs: number): StoredEvent {
  const id = `kept-${index}`;
  const type = index % 50_000 === 7 ? 'rare' : `type_${index % 5}`;
  const subject = `conv_${Math.floor(index / 3)}`;
  // One in a hundred is of interest.
  const transcript = index % 100 === 2 ? `${'x'.repeat(290)} of interest` : 'x'.repeat(300);
  const event = {
    ...{ id, key: id, source: 'agents', type, subject, agent: `agent_${index % 100}`, party: `+1${numberOf(index)}` },
    ...{ occurredAtMs: atMs, receivedAtMs: atMs },
    body: Buffer.from(JSON.stringify({ event: type, conversationId: subject, duration: index % 120, transcript })),
  };
  const isDead = index % deadPart === 0;
  const deliveries = ['one', 'two'].map((destination, at): StoredDelivery => {
    const failed = isDead && at === 0;
    const reason = failed ? `HTTP 422: no record ${index % 7}` : null;
    return {
      record: {
        ...{ id: `${id}.${at}`, eventId: id, type, subject, route: 'all', destination, transforms: [] },
        ...{ state: failed ? 'dead' : 'delivered', reason: failed ? 'rejected' : null, attempts: 1, failure: reason },
        ...{ dueMs: null, createdAtMs: atMs, settledAtMs: atMs + 50 },
      } as const,
      attempts: [
        {
          ...{ number: 1, startedAtMs: atMs + 1, durationMs: 40 },
          ...{ outcome: failed ? 'rejected' : 'delivered', reason, response: failed ? 'no record' : null },
        } as const,
      ],
    };
  });
  // One in a thousand matched no route.
  return { event, deliveries: index % 1_000 === 5 ? [] : deliveries };
}
