import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Clock } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { asked } from '../support/http-request.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources: { agents: { use: sigmamind.events, secrets: [${secret}] } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;

/** One message of a stream. */
interface Message {
  readonly id: string;
  readonly data: {
    readonly changes: readonly { readonly kind: string; readonly event: { readonly subject: string } }[];
  };
}

/** Opens a stream; `next` resolves to its next message with data. */
async function stream(url: string, path: string, headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(url);
  const sent = request({ host: hostname, port, path, headers: { accept: 'text/event-stream', ...headers } });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]();
  let text = '';
  const block = async (): Promise<string | null> => {
    while (!text.includes('\n\n')) {
      const { value, done } = await chunks.next();
      if (done) return null;
      text += value;
    }
    const [found = ''] = text.split('\n\n', 1);
    text = text.slice(found.length + 2);
    return found;
  };
  const next = async (): Promise<Message> => {
    for (;;) {
      const found = await block();
      if (found === null) throw new Error('the stream has ended');
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(found)?.[1];
      const [id, data] = [field('id'), field('data')];
      if (id !== undefined && data !== undefined) return { id, data: JSON.parse(data) };
    }
  };
  /** Until its first cursor is there: what happens from then on is found. */
  const ready = async (): Promise<void> => {
    while (!(await block())?.startsWith('id: '));
  };
  return { response, block, next, ready, end: () => sent.destroy() };
}

describe('the live view', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  const send = (url: string, conversationId: string) =>
    postSigned(`${url}/hooks/agents`, endedBody({ conversationId }));

  it('shows events and attempts as they happen, and goes on after a restart where it ended', async () => {
    const first = await place.router(yaml);
    const live = await stream(first.url, '/api/live');
    expect(live.response.headers).to.include({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    await live.ready();
    await send(first.url, 'conv_1');
    const seen: string[] = [];
    let last = '';
    while (seen.length < 2) {
      const { id, data } = await live.next();
      last = id;
      seen.push(...data.changes.map(({ kind, event }) => `${kind} ${event.subject}`));
    }
    expect(seen).to.deep.equal(['event conv_1', 'attempt conv_1']);
    const filtered = await stream(first.url, '/api/live?type=none');
    await filtered.ready();
    await send(first.url, 'conv_2');
    await first.router.close();
    expect(await filtered.block(), 'it ends with the router').to.equal(null);
    const second = await place.router(yaml);
    const again = await stream(second.url, '/api/live', { 'last-event-id': last });
    const { data } = await again.next();
    expect(data.changes[0]).to.include({ kind: 'event' });
    expect(data.changes[0]?.event.subject).to.equal('conv_2');
    again.end();
  });

  it('ends when its browser signs out', async () => {
    const token = 'token-of-the-operator';
    const { url } = await place.router(yaml.replace('port: 0', `port: 0, admin: { token: ${token} }`));
    const { host, origin } = new URL(url);
    const ownPage = { host, origin, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
    const signedIn = await asked(url, '/api/session', {
      method: 'POST',
      headers: ownPage,
      body: JSON.stringify({ token }),
    });
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0] ?? '';
    const live = await stream(url, '/api/live', { cookie, host });
    await live.ready();
    await asked(url, '/api/session', { method: 'DELETE', headers: { ...ownPage, cookie } });
    await send(url, 'conv_1');
    expect(await live.block()).to.equal(null);
  });

  it('has room for another one as soon as one is closed', async () => {
    const clock = new FakeClock();
    const { url } = await place.router(yaml, {
      configure: (container) => container.register(Clock, { useValue: clock }),
    });
    const opened = await Promise.all(Array.from({ length: 32 }, () => stream(url, '/api/live')));
    for (const one of opened) await one.ready();
    expect((await asked(url, '/api/live')).status).to.equal(429);
    opened[0]?.end();
    const startedMs = clock.elapsed();
    // Less than the quarter of a minute after which a stream has a ping.
    for (;;) {
      const { response, end } = await stream(url, '/api/live');
      end();
      if (response.statusCode === 200) break;
      expect(clock.elapsed() - startedMs).to.be.below(10_000);
      await clock.advance(100);
    }
    for (const one of opened) one.end();
  });

  it('is also a list that is read again and again', async () => {
    const { url } = await place.router(yaml);
    const changes = async (query: string) => JSON.parse((await asked(url, `/api/changes?${query}`)).body);
    const { cursor, changes: none } = await changes('');
    expect(none).to.deep.equal([]);
    await send(url, 'conv_1');
    const found = await changes(`after=${cursor}&subject=conv_1`);
    expect(found.changes[0]).to.deep.include({ kind: 'event' });
    expect(found.changes[0].event).to.not.have.property('data');
    expect((await changes('after=none')).code).to.equal('MALFORMED');
    expect((await asked(url, '/api/live?since=1h')).status).to.equal(400);
    expect((await asked(url, '/api/live', { method: 'HEAD' })).status).to.equal(200);
    for (const wrong of ['live?source=nosuch', 'live?destination=nosuch', 'changes?source=nosuch'])
      expect((await asked(url, `/api/${wrong}`)).status, wrong).to.equal(404);
    expect((await changes('destination=nosuch')).detail).to.equal(
      'no destination "nosuch" is configured; there is console',
    );
  });

  it('is followed in a terminal, by lines or JSON, with the data of events', async () => {
    const { url } = await place.router(yaml);
    const { cursor } = JSON.parse((await asked(url, '/api/changes')).body);
    await send(url, 'conv_\u001b[31m1');
    const tail = (...args: readonly string[]) =>
      place.command(['tail', '--config', place.path('switchhook.yaml'), '--url', url, '--after', cursor, ...args]);
    const [lines, json] = await Promise.all([
      tail('--limit', '2', '--show', 'data'),
      tail('--limit', '1', '--json', '--destination', 'console'),
    ]);
    expect([lines.code, lines.stderr]).to.deep.equal([0, '']);
    expect(lines.stdout).to.match(/^2\S+Z {2}conversation_ended {2}conv_\S*31m1~\w+ {2}agents {2}/);
    expect(lines.stdout).to.include('"conversationId": ').and.not.include('\u001b');
    expect(lines.stdout).to.match(/^2\S+Z {2}console {2}delivered {2}\d+ ms {2}conv_/m);
    const change = JSON.parse(json.stdout);
    expect([change.kind, change.delivery.destination, typeof change.cursor]).to.deep.equal([
      ...['attempt', 'console', 'string'],
    ]);
    const nobody = await tail('--source', 'agent');
    expect([nobody.code, nobody.stderr]).to.deep.equal([
      1,
      'NO_SUCH_ROW: no source "agent" is configured; did you mean "agents"?\n' +
        'switchhook config components and switchhook config routes list them; in the API, GET /api/components and GET /api/routes.\n',
    ]);
    const wrong = await tail('--limit', '0');
    expect([wrong.code, wrong.stderr]).to.deep.equal([2, '--limit is a number from 1 on\n']);
  });
});
