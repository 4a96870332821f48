/** The dashboard on a full store: how long each question of a page takes, and what three open pages cost the intake. */
import { join } from 'node:path';
import plugin from '@switchhook/plugin-sqlite';
import type { StoredDelivery, StoredEvent } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
import { loaded, type Pair, perSecondRow, type Row, repeated, type Size } from './measuring.js';
import { eventsPath, twoDeliveries } from './scenarios.js';
import { inDirectory, type Server, startRouter } from './servers.js';

const chunk = 1_000;
/** How often each question is asked. */
const asked = 20;
/** Of the events that are kept, every tenth has a dead delivery. */
const deadPart = 10;
const hourMs = 3_600_000;

/** Every filter and page of the views, and the routes to one event, delivery and conversation. */
function questions(
  events: number,
  first: { readonly event: string; readonly delivery: string; readonly cursor: string },
) {
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
    'events of a subject': `events?subject=conv_${middle}`,
    'events of a number': `events?party=%2B1${1_000_000 + middle}`,
    'events, unrouted': 'events?unrouted=true',
    'events of a time': 'events?since=20h&until=19h',
    'one event': `events/${first.event}`,
    calls: 'calls?limit=50',
    'calls of a number': `calls?number=%2B1${1_000_000 + middle}`,
    deliveries: 'deliveries',
    'deliveries, delivered': 'deliveries?state=delivered',
    'deliveries, waiting': 'deliveries?state=waiting',
    'deliveries of a destination': 'deliveries?destination=two',
    'deliveries of a route': 'deliveries?route=all',
    'deliveries settled in a time': 'deliveries?settledSince=20h&settledUntil=19h',
    dead: 'deliveries?state=dead',
    'dead of a destination': 'deliveries?state=dead&destination=one',
    'dead by failure': 'dead',
    'one delivery': `deliveries/${first.delivery}`,
  };
}

/** The p95 of the slowest questions, and the intake while three pages are open. */
export async function dashboard({ rounds, requests, backlog: events }: Size): Promise<Row[]> {
  return inDirectory(async (directory) => {
    await kept(join(directory, 'bench.db'), events);
    const server = await startRouter(directory, twoDeliveries);
    const rows = await answers(server, events);
    await server.stop();
    const pairs = await repeated(rounds, async (round): Promise<Pair> => {
      const open = await intake(directory, requests, `open-${round}`, threePages);
      const alone = await intake(directory, requests, `closed-${round}`, () => async () => {});
      return [open, alone];
    });
    return [
      ...rows,
      perSecondRow('pages', 'ingest while three pages are open ÷ while none is, events/s', '≥ 0.95', pairs),
    ];
  });
}

/** A row for the slowest question, and one for each that takes longer than it may. */
async function answers(server: Server, events: number): Promise<readonly Row[]> {
  const read = async (path: string) => JSON.parse(await text(server, path));
  const { events: latest, cursor } = await read('events?limit=1');
  const [delivery] = (await read('deliveries?limit=1')).deliveries;
  const found: { readonly name: string; readonly p95: number; readonly p50: number }[] = [];
  for (const [name, path] of Object.entries(
    questions(events, { event: latest[0].id, delivery: delivery.id, cursor }),
  )) {
    const times: number[] = [];
    for (let n = 0; n < asked; n += 1) {
      const startedAt = performance.now();
      await text(server, path);
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

async function intake(
  directory: string,
  requests: number,
  label: string,
  open: (server: Server) => () => Promise<void>,
): Promise<number> {
  const server = await startRouter(directory, twoDeliveries);
  const close = open(server);
  const { perSecond } = await loaded(server, { path: eventsPath, requests, label }, async () => {
    await close();
    await server.stop();
  });
  return perSecond;
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

async function text({ port }: Server, path: string, signal?: AbortSignal): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, { ...(signal && { signal }) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`);
  return body;
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
  const id = `kept-${index}`;
  const type = index % 50_000 === 7 ? 'rare' : `type_${index % 5}`;
  const subject = `conv_${Math.floor(index / 3)}`;
  const event = {
    ...{ id, key: id, source: 'agents', type, subject, agent: `agent_${index % 100}`, party: `+1${1_000_000 + index}` },
    ...{ occurredAtMs: atMs, receivedAtMs: atMs },
    body: Buffer.from(JSON.stringify({ event: type, conversationId: subject, transcript: 'x'.repeat(300) })),
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
