import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { listen, listenerFor, type ServerParts } from '@switchhook/core/internal';
import { type HttpReply, type RawRequest, refuse } from '@switchhook/sdk';
import { FakeClock, FakeLog, settled } from '@switchhook/testkit';
import { expect } from 'chai';

const limit = 1_000;

async function setup(given: Partial<ServerParts> = {}) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const received: RawRequest[] = [];
  const refusals: string[] = [];
  const parts: ServerParts = {
    hooks: new Map([
      ['agents', { accepts: ['application/json'], calls: false, handshake: false }],
      ['phones', { accepts: null, calls: true, handshake: false }],
      ['pages', { accepts: ['application/json'], calls: false, handshake: true }],
    ]),
    receive: async (_source, request): Promise<HttpReply> => {
      received.push(request);
      return { status: 200, body: { id: 'e1' } };
    },
    refused: ({ source, refusal: { code, message } }) => refusals.push(`${source} ${code}: ${message}`),
    ready: async () => {},
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'switchhook_up 1\n' }),
    metricsAccess: null,
    api: async () => {},
    pages: null,
    limits: { maxBytes: limit, timeoutMs: 10_000 },
    trustProxy: false,
    publicUrl: 'https://hooks.example.com',
    clock,
    log,
    ...given,
  };
  const server = await listen(listenerFor(parts), { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const socket = async (): Promise<Socket> => {
    const opened = connect(server.port, '127.0.0.1');
    await once(opened, 'connect');
    return opened;
  };
  return { clock, log, received, refusals, server, url, post, socket };
}

async function reply(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

describe('the HTTP server', () => {
  it('answers what has arrived on a kept connection before idle ones are cut, also where it was busy meanwhile', async () => {
    const { socket, server } = await setup();
    const kept = await socket();
    kept.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(kept, 'data');
    let cut = (): void => {};
    const closed = server.close(
      new Promise<void>((resolve) => {
        cut = resolve;
      }),
    );
    // In the turn after the one in which it has stopped to accept.
    await new Promise((resolve) => setImmediate(resolve));
    const replied = reply(kept);
    kept.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    cut();
    expect(await replied).to.match(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n/);
    await closed;
  });

  it('takes a call whatever its body is called, and while bodies of events take all the room', async () => {
    const { post, socket, received, refusals, server } = await setup({
      limits: { maxBytes: 2 ** 28, timeoutMs: 10_000 },
    });
    const stalled = await socket();
    const room = 128 * 2 ** 20;
    stalled.write(
      `POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${room + 1}\r\n\r\n`,
    );
    await new Promise<void>((written) => stalled.write(Buffer.alloc(room), () => written()));
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', ''])
      expect((await post('/hooks/phones', '{}', { 'content-type': type })).status, type).to.equal(200);
    expect(received.map(({ body }) => Buffer.from(body).toString())).to.deep.equal(['{}', '{}', '{}']);
    expect(refusals).to.deep.equal([]);
    // The room is full: whoever has most of it leaves.
    while (refusals.length === 0) expect((await post('/hooks/agents', '{}')).status).to.equal(200);
    expect(refusals).to.deep.equal(['agents OVERLOADED: too many bodies are being read']);
    stalled.destroy();
    await server.close();
  });

  it('hands a source the exact bytes, the rest of the path, the query, the headers and the public URL', async () => {
    const { post, received, server } = await setup();
    const body = Buffer.from('{"a" : "\\u00e4\u00e4",  "b":1}\n');
    const response = await post('/hooks/agents/to%2Fken?x=1&x=2&y=%2B', body, { 'x-signature': 'abc' });
    expect([response.status, response.headers.get('content-type')]).to.deep.equal([
      200,
      'application/json; charset=utf-8',
    ]);
    expect(await response.json()).to.deep.equal({ id: 'e1' });
    const [request] = received;
    expect(Buffer.from(request?.body ?? []).equals(body)).to.equal(true);
    expect(request).to.include({ method: 'POST', rest: 'to/ken', remoteAddress: '127.0.0.1' });
    expect(request?.query).to.deep.equal({ x: '1', y: '+' });
    expect(request?.headers).to.include({ 'x-signature': 'abc' });
    expect(request?.url).to.equal('https://hooks.example.com/hooks/agents/to%2Fken?x=1&x=2&y=%2B');
    await server.close();
  });

  it('takes the URL from the header Host without a public one, whatever the header Origin says', async () => {
    const { post, received, server } = await setup({ publicUrl: null });
    for (const headers of [{}, { origin: 'https://evil.example.com' }])
      expect((await post('/hooks/agents?x=1', '{}', headers)).status).to.equal(200);
    const own = `http://127.0.0.1:${server.port}/hooks/agents?x=1`;
    expect(received.map(({ url }) => url)).to.deep.equal([own, own]);
    await server.close();
  });

  it('refuses, before reading, what it cannot want: source, method, content type, encoding', async () => {
    const { post, url, received, refusals, server } = await setup();
    expect((await post('/hooks/nobody', '{}')).status).to.equal(404);
    const get = await fetch(`${url}/hooks/agents`);
    expect([get.status, get.headers.get('allow')]).to.deep.equal([405, 'POST']);
    expect((await post('/hooks/agents', '{}', { 'content-type': 'text/plain' })).status).to.equal(415);
    expect((await post('/hooks/agents', '{}', { 'content-encoding': 'gzip' })).status).to.equal(415);
    expect(received).to.deep.equal([]);
    expect(refusals.map((line) => line.split(':')[0])).to.deep.equal([
      ' NOT_FOUND',
      'agents METHOD_NOT_ALLOWED',
      'agents UNSUPPORTED_MEDIA_TYPE',
      'agents UNSUPPORTED_MEDIA_TYPE',
    ]);
    await server.close();
  });

  it('hands a handshake by GET to a source that has one, without a body', async () => {
    const { url, received, server } = await setup();
    expect((await fetch(`${url}/hooks/pages/x?hub.challenge=1&hub.mode=subscribe`)).status).to.equal(200);
    expect(received[0]).to.include({ method: 'GET', rest: 'x' });
    expect(received[0]?.query).to.deep.equal({ 'hub.challenge': '1', 'hub.mode': 'subscribe' });
    expect(received[0]?.body).to.have.length(0);
    for (const method of ['HEAD', 'PUT', 'OPTIONS']) {
      const response = await fetch(`${url}/hooks/pages`, { method });
      expect([response.status, response.headers.get('allow')], method).to.deep.equal([405, 'GET, POST']);
    }
    await server.close();
  });

  it('sends a text as plain text, which no browser takes for a page', async () => {
    const headers = { 'content-type': 'text/html', 'x-content-type-options': 'none' };
    const { url, server } = await setup({ receive: async () => ({ status: 200, headers, text: '<b>1</b>' }) });
    const response = await fetch(`${url}/hooks/pages`);
    expect(await response.text()).to.equal('<b>1</b>');
    expect(response.headers.get('content-type')).to.equal('text/plain; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).to.equal('nosniff');
    await server.close();
  });

  it('refuses a request with more header fields than Node might keep', async () => {
    const { post, received, refusals, server } = await setup();
    const filler = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, '']));
    expect((await post('/hooks/agents', '{}', filler(400))).status).to.equal(200);
    for (const path of ['/hooks/agents', '/api/status', '/metrics'])
      expect((await post(path, '{}', filler(600))).status, path).to.equal(400);
    expect([received.length, refusals.length]).to.deep.equal([1, 0]);
    await server.close();
  });

  it('renders metrics once a second, however many ask, and asks them for what the API needs', async () => {
    let rendered = 0;
    const metrics = async () => {
      rendered += 1;
      return { contentType: 'text/plain', body: `rendered ${rendered}\n` };
    };
    const { url, clock, server } = await setup({ metrics, metricsAccess: { token: 'right', proxied: false } });
    const ask = async (token: string) => {
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      return `${response.status} ${await response.text()}`;
    };
    expect(await ask('wrong')).to.equal('401 {"error":"API_TOKEN_WRONG"}');
    expect(await Promise.all([ask('right'), ask('right'), ask('right')])).to.deep.equal(
      Array(3).fill('200 rendered 1\n'),
    );
    await clock.advance(999);
    expect(await ask('right')).to.equal('200 rendered 1\n');
    await clock.advance(1);
    expect(await ask('right')).to.equal('200 rendered 2\n');
    await server.close();
  });

  it('ends a connection that has more than 32 requests under way, and serves others', async () => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let begun = 0;
    const metrics = async () => {
      begun += 1;
      return { contentType: 'text/plain', body: 'm\n' };
    };
    const receive = () => finished.then((): HttpReply => ({ status: 200 }));
    const { post, socket, url, server } = await setup({ metrics, receive });
    const request =
      'POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    const [greedy, modest] = [await socket(), await socket()];
    const ended = reply(greedy);
    greedy.write(request.repeat(33));
    expect(await ended).to.equal('');
    const answers = reply(modest);
    modest.write(request.repeat(31) + request.replace('Host', 'Connection: close\r\nHost'));
    expect((await fetch(`${url}/metrics`)).status).to.equal(200);
    const other = post('/hooks/agents', '{}');
    finish();
    expect((await answers).match(/HTTP\/1.1 200/g)).to.have.length(32);
    expect([(await other).status, begun]).to.deep.equal([200, 1]);
    await server.close();
  });

  it('says the code of a refusal to the sender, and the reason to nobody but the log', async () => {
    const receive = () => Promise.reject(refuse('UNVERIFIED', 'signature does not match the body'));
    const { post, refusals, server } = await setup({ receive });
    const response = await post('/hooks/agents', '{}');
    expect([response.status, await response.text()]).to.deep.equal([401, '{"error":"UNVERIFIED"}']);
    expect(refusals).to.deep.equal(['agents UNVERIFIED: signature does not match the body']);
    await server.close();
  });

  it('asks to come back later where that helps', async () => {
    const receive = () => Promise.reject(refuse('STORE_UNAVAILABLE', 'disk full'));
    const { post, server } = await setup({ receive });
    const response = await post('/hooks/agents', '{}');
    expect([response.status, response.headers.get('retry-after')]).to.deep.equal([503, '5']);
    await server.close();
  });

  it('takes a body of exactly the limit and refuses one byte more, announced or not', async () => {
    const { post, url, received, server } = await setup();
    const body = Buffer.alloc(limit, 32);
    expect((await post('/hooks/agents', body)).status).to.equal(200);
    expect((await post('/hooks/agents', Buffer.alloc(limit + 1, 32))).status).to.equal(413);
    const chunked = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent <= limit; sent += 100) controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', body: chunked, headers, duplex: 'half' } as RequestInit;
    expect((await fetch(`${url}/hooks/agents`, init)).status).to.equal(413);
    expect(received).to.have.length(1);
    await server.close();
  });

  it('ends a connection whose body does not come in time', async () => {
    const { socket, clock, received, refusals, server } = await setup();
    const slow = await socket();
    slow.write(
      'POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"',
    );
    while (clock.pending === 0) await settled();
    const answer = reply(slow);
    await clock.advance(10_000);
    expect(await answer)
      .to.match(/^HTTP\/1\.1 408 /)
      .and.to.include('{"error":"BODY_TOO_SLOW"}');
    expect(received).to.deep.equal([]);
    expect(refusals).to.deep.equal(['agents BODY_TOO_SLOW: no complete body after 10000 ms']);
    await server.close();
  });

  it('ends a connection whose unwanted body does not come in time, and forgets about one that does', async () => {
    const { socket, clock, post, url, server } = await setup();
    expect((await post('/hooks/nobody', '{}')).status).to.equal(404);
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    while (clock.pending > 0) await settled();
    const slow = await socket();
    slow.write(
      'POST /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"',
    );
    while (clock.pending === 0) await settled();
    const answer = reply(slow);
    await clock.advance(10_000);
    expect(await answer).to.match(/^HTTP\/1\.1 404 /);
    await server.close();
  });

  it('survives a sender that breaks off half-way', async () => {
    const { socket, post, clock, received, server } = await setup();
    const broken = await socket();
    broken.write(
      'POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"',
    );
    while (clock.pending === 0) await settled();
    broken.destroy();
    while (clock.pending > 0) await settled();
    expect((await post('/hooks/agents', '{}')).status).to.equal(200);
    expect(received).to.have.length(1);
    await server.close();
  });

  it('answers pipelined requests in their order', async () => {
    const { socket, received, server } = await setup();
    const pipe = await socket();
    const one = (body: string, more = '') =>
      `POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
    const answers = reply(pipe);
    pipe.write(one('{"n":1}') + one('[') + one('{"n":3}', 'Connection: close\r\n'));
    expect((await answers).match(/HTTP\/1\.1 200/g)).to.have.length(3);
    expect(received.map(({ body }) => Buffer.from(body).toString())).to.deep.equal(['{"n":1}', '[', '{"n":3}']);
    await server.close();
  });

  it('does not log what a sender sends that is no HTTP', async () => {
    const { socket, log, server } = await setup();
    const strange = await socket();
    const answer = reply(strange);
    strange.end('POST /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n+12345678912 is no HTTP\r\n\r\n');
    await answer;
    await server.close();
    expect(log.lines.map(({ event }) => event)).to.deep.equal(['connection.broken']);
    expect(log.of('connection.broken')[0]?.fields).to.deep.equal({ code: 'HPE_INVALID_METHOD' });
  });

  it("takes the sender's address from X-Forwarded-For only with trustProxy, and then from its last entry", async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.7' };
    for (const [trustProxy, expected] of [
      [false, '127.0.0.1'],
      [true, '203.0.113.7'],
    ] as const) {
      const { post, received, server } = await setup({ trustProxy });
      await post('/hooks/agents', '{}', headers);
      expect(received[0]?.remoteAddress).to.equal(expected);
      await server.close();
    }
  });

  it('reads an address in X-Forwarded-For as proxies write it: with a port, in brackets, with a comma behind', async () => {
    const { post, received, server } = await setup({ trustProxy: true });
    const written: Readonly<Record<string, string>> = {
      '203.0.113.7:51234': '203.0.113.7',
      '[2001:db8::1]:443': '2001:db8::1',
      '[2001:db8::1]': '2001:db8::1',
      '2001:db8::1': '2001:db8::1',
      '6.6.6.6, 203.0.113.7, ': '203.0.113.7',
      '203.0.113.7,': '203.0.113.7',
      ' , ': '127.0.0.1',
      unknown: 'unknown',
    };
    for (const value of Object.keys(written)) await post('/hooks/agents', '{}', { 'x-forwarded-for': value });
    expect(received.map(({ remoteAddress }) => remoteAddress)).to.deep.equal(Object.values(written));
    await server.close();
  });

  it('is alive always, and ready when the router says so', async () => {
    const { url, server } = await setup({ ready: () => Promise.reject(refuse('STORE_UNAVAILABLE', 'locked')) });
    expect((await fetch(`${url}/healthz`)).status).to.equal(200);
    expect((await fetch(`${url}/readyz`)).status).to.equal(503);
    expect((await fetch(`${url}/metrics`)).headers.get('content-type')).to.match(/^text\/plain/);
    expect((await fetch(`${url}/`)).status).to.equal(404);
    expect((await fetch(`${url}/healthz`, { method: 'DELETE' })).status).to.equal(405);
    await server.close();
  });

  it('says nothing to the sender about a fault of its own', async () => {
    const receive = () => Promise.reject(new Error('password=hunter2'));
    const { post, log, server } = await setup({ receive });
    const response = await post('/hooks/agents', '{}');
    expect([response.status, await response.text()]).to.deep.equal([500, '{"error":"INTERNAL"}']);
    expect(log.of('http.failed')).to.have.length(1);
    await server.close();
  });

  it('reports a fault that no source caused as INTERNAL, and logs its stack once', async () => {
    const error = new Error('no such metric');
    const { url, log, server } = await setup({ metrics: () => Promise.reject(error) });
    const response = await fetch(`${url}/metrics`);
    expect([response.status, await response.text()]).to.deep.equal([500, '{"error":"INTERNAL"}']);
    expect(log.lines).to.deep.equal([{ level: 'error', event: 'http.failed', fields: { error } }]);
    await server.close();
  });

  it('hands on what caused a refusal, and logs nothing of it itself', async () => {
    const cause = new Error('disk full');
    const causes: unknown[] = [];
    const receive = () => Promise.reject(refuse('STORE_UNAVAILABLE', 'disk full', { cause }));
    const { post, log, server } = await setup({ receive, refused: ({ refusal }) => causes.push(refusal.cause) });
    expect((await post('/hooks/agents', '{}')).status).to.equal(503);
    expect(causes).to.deep.equal([cause]);
    expect(log.lines).to.deep.equal([]);
    await server.close();
  });

  it('takes up a new connection beside thousands that send again as soon as they have their reply', async () => {
    const { server, socket } = await setup();
    const request = `POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    let replies = 0;
    const sender = (opened: Socket): void => {
      opened.on('data', () => {
        replies += 1;
        opened.write(request);
      });
      opened.write(request);
    };
    const senders: Socket[] = [];
    while (senders.length < 1_500) senders.push(await socket());
    for (const opened of senders) sender(opened);
    while (replies < 3_000) await settled();
    const before = replies;
    const phone = await socket();
    phone.write(request.replace('Host: x', 'Host: x\r\nConnection: close'));
    expect(await reply(phone)).to.include('200 OK');
    expect(replies - before).to.be.lessThan(15_000);
    for (const opened of senders) opened.destroy();
    await server.close();
  });
});
