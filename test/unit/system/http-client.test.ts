import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { openNetwork } from '@switchhook/core/internal';
import { type Clock, FetchError, isFetchError, isPublicAddress } from '@switchhook/sdk';
import { FakeClock, receiver, settled } from '@switchhook/testkit';
import { expect } from 'chai';

async function setup(behaviour?: Parameters<typeof receiver>[0], clock?: Clock) {
  const network = openNetwork(clock);
  const server = await receiver(behaviour);
  const close = async () => {
    await network.close();
    await server.close();
  };
  return { fetch: network.fetch, server, close };
}
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: unknown) => (isFetchError(error) ? error.code : String(error)),
  );

describe('the network', () => {
  it('sends what it is told and reads the whole response', async () => {
    const { fetch, server, close } = await setup(() => ({ status: 201, headers: { 'x-a': 'b' }, body: '{"ok":true}' }));
    const response = await fetch(`${server.url}/p?q=1`, { method: 'PUT', headers: { 'x-c': 'd' }, body: 'hello' });
    expect([response.status, response.headers['x-a'], response.json()]).to.deep.equal([201, 'b', { ok: true }]);
    expect(server.requests[0]).to.include({ method: 'PUT', path: '/p?q=1' });
    expect(server.requests[0]?.text()).to.equal('hello');
    expect(server.requests[0]?.headers['x-c']).to.equal('d');
    await close();
  });

  it('sends the bytes of a part of a buffer', async () => {
    const { fetch, server, close } = await setup();
    await fetch(server.url, { method: 'PUT', body: new Uint8Array([1, 2, 3, 4]).subarray(1, 3) });
    expect([...(server.requests[0]?.body ?? [])]).to.deep.equal([2, 3]);
    await close();
  });

  it('does not follow a redirect', async () => {
    const { fetch, server, close } = await setup(() => ({ status: 302, headers: { location: '/elsewhere' } }));
    expect((await fetch(server.url)).status).to.equal(302);
    expect(server.requests).to.have.length(1);
    await close();
  });

  it('keeps no more of a body than it is told', async () => {
    const { fetch, server, close } = await setup(() => ({ status: 200, body: 'x'.repeat(100_000) }));
    const response = await fetch(server.url, { maxBytes: 1_000 });
    expect([response.body.byteLength, response.truncated]).to.deep.equal([1_000, true]);
    expect((await fetch(server.url)).truncated).to.equal(false);
    await close();
  });

  describe('with a compressed body, asked for or not', () => {
    const json = Buffer.from(JSON.stringify({ name: 'José', text: 'x'.repeat(500) }));
    const compressed = (encoding: string, body: Uint8Array, end = '') => ({
      raw: `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.byteLength}\r\n\r\n${Buffer.from(body).toString('latin1')}${end}`,
    });
    for (const [encoding, body] of [
      ['gzip', gzipSync(json)],
      ['X-GZIP', gzipSync(json)],
      ['deflate', deflateSync(json)],
      ['deflate', deflateRawSync(json)],
      ['br', brotliCompressSync(json)],
      ['identity', json],
      ['deflate, gzip', gzipSync(deflateSync(json))],
    ] as const)
      it(`reads it: ${encoding}`, async () => {
        const { fetch, server, close } = await setup(() => compressed(encoding, body));
        const response = await fetch(server.url);
        expect(response.truncated).to.equal(false);
        expect(response.json()).to.deep.equal(JSON.parse(json.toString()));
        await close();
      });

    it('keeps no more of it than it is told, however much it expands to', async () => {
      for (const [encoding, body] of [
        ['gzip', gzipSync(Buffer.alloc(50_000_000))],
        ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
        ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
      ] as const) {
        const { fetch, server, close } = await setup(() => compressed(encoding, body));
        const response = await fetch(server.url, { maxBytes: 100_000 });
        expect([response.body.byteLength, response.truncated], encoding).to.deep.equal([100_000, true]);
        expect(response.json).to.throw(FetchError, '100000 bytes');
        await close();
      }
    });

    it('gives what can be read of it where it breaks off', async () => {
      const text = randomBytes(100_000).toString('hex');
      const whole = compressed('gzip', gzipSync(text)).raw;
      const { fetch, server, close } = await setup(() => ({ raw: whole.slice(0, whole.length / 2) }));
      const response = await fetch(server.url);
      expect([response.status, response.truncated]).to.deep.equal([200, true]);
      expect(text.startsWith(response.text())).to.equal(true);
      expect(response.body.byteLength).to.be.greaterThan(50_000);
      await close();
    });

    for (const [encoding, body] of [
      ['gzip', json],
      ['gzip', gzipSync(json).subarray(0, 40)],
      ['zstd', json],
      ['gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(gzipSync(json))))],
    ] as const)
      it(`gives the status, and why there is no JSON, where it cannot be read: ${encoding}`, async () => {
        const { fetch, server, close } = await setup(() => compressed(encoding, body));
        const response = await fetch(server.url);
        expect([response.status, response.truncated]).to.deep.equal([200, true]);
        expect(response.json).to.throw(FetchError, encoding);
        await close();
      });

    it('takes a response without a body as it is', async () => {
      const { fetch, server, close } = await setup(() => ({ status: 204, headers: { 'content-encoding': 'gzip' } }));
      const response = await fetch(server.url);
      expect([response.status, response.truncated]).to.deep.equal([204, false]);
      await close();
    });
  });

  describe('where the status has come and the rest has not', () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{"ok":1}';
    const unread = {
      'a body that breaks off': head,
      'a chunked body that breaks off': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{"ok":1}',
      'a chunk without a valid size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nten\r\n{"ok":1}',
      'two Content-Length headers': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok',
      'an invalid Content-Length': 'HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok',
      'headers that are too large': `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(100_000)}\r\n\r\nok`,
      'a header that is none': 'HTTP/1.1 200 OK\r\nno header\r\n\r\nok',
    };
    for (const [what, raw] of Object.entries(unread))
      it(`gives the status of a response with ${what}, and no JSON`, async () => {
        const { fetch, server, close } = await setup(() => ({ raw }));
        const response = await fetch(server.url);
        expect([response.status, response.truncated]).to.deep.equal([200, true]);
        expect(response.json).to.throw(FetchError);
        await close();
      });

    it('gives the status of the response that failed, not of an earlier one on the same connection', async () => {
      const refused = 'HTTP/1.1 503 Busy\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nno';
      const { fetch, server, close } = await setup((_, index) => (index === 0 ? 200 : { raw: refused }));
      expect((await fetch(server.url)).status).to.equal(200);
      expect((await fetch(server.url)).status).to.equal(503);
      await close();
    });

    it('gives up on the body in time', async () => {
      const clock = new FakeClock();
      const { fetch, server, close } = await setup(() => ({ raw: head, leaveOpen: true }), clock);
      const pending = fetch(server.url, { bodyMs: 2_000 });
      while (clock.pending === 0) await settled();
      await clock.advance(2_000);
      const response = await pending;
      expect([response.status, response.text(), response.truncated]).to.deep.equal([200, '{"ok":1}', true]);
      await close();
    });

    it('gives what has come when its signal is aborted', async () => {
      const clock = new FakeClock();
      const { fetch, server, close } = await setup(() => ({ raw: head, leaveOpen: true }), clock);
      const controller = new AbortController();
      const pending = fetch(server.url, { bodyMs: 2_000, signal: controller.signal });
      while (clock.pending === 0) await settled();
      const reason = new Error('time is up');
      controller.abort(reason);
      const response = await pending;
      expect([response.status, response.truncated, clock.pending]).to.deep.equal([200, true, 0]);
      expect(response.json).to.throw(reason.message);
      await close();
    });
  });

  it('ends with the reason of its signal, before and while it waits', async () => {
    const { fetch, server, close } = await setup(() => 'hang');
    const reason = new Error('time is up');
    const controller = new AbortController();
    const hanging = fetch(server.url, { signal: controller.signal }).catch((error: unknown) => error);
    await server.received(1);
    controller.abort(reason);
    expect(await hanging).to.equal(reason);
    expect(await fetch(server.url, { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error)).to.equal(
      reason,
    );
    await close();
  });

  it('names the failure where there is no response', async () => {
    const { fetch, server, close } = await setup(() => 'reset');
    expect(await codeOf(fetch(server.url))).to.match(/^(ECONNRESET|UND_ERR_SOCKET)$/);
    await server.close();
    expect(await codeOf(fetch(server.url))).to.equal('ECONNREFUSED');
    expect(await codeOf(fetch('ftp://example.com/'))).to.equal('URL_INVALID');
    expect(await codeOf(fetch('nonsense'))).to.equal('URL_INVALID');
    await close();
  });

  describe('where the other side closes a kept connection under a request', () => {
    const closing = (_: unknown, index: number) => (index === 1 ? ('reset' as const) : 200);
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'])
      it(`sends ${method} once more, over a new connection`, async () => {
        const { fetch, server, close } = await setup(closing);
        await fetch(server.url);
        await settled();
        expect((await fetch(server.url, { method })).status).to.equal(200);
        expect(server.requests).to.have.length(3);
        await close();
      });

    it('sends POST only once: it may have been read', async () => {
      const { fetch, server, close } = await setup(closing);
      await fetch(server.url);
      await settled();
      expect(await codeOf(fetch(server.url, { method: 'POST', body: '{}' }))).to.match(/^(ECONNRESET|UND_ERR_SOCKET)$/);
      expect(server.requests).to.have.length(2);
      await close();
    });

    it('does not send over and over', async () => {
      const { fetch, server, close } = await setup((_, index) => (index === 0 ? 200 : 'reset'));
      await fetch(server.url);
      await settled();
      expect(await codeOf(fetch(server.url))).to.match(/^(ECONNRESET|UND_ERR_SOCKET)$/);
      expect(server.requests).to.have.length(3);
      await close();
    });
  });

  it('does not go to private places when it must stay public, however they are written', async () => {
    const { fetch, server, close } = await setup();
    const port = new URL(server.url).port;
    const hosts = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '2130706433',
      '0x7f.1',
      '0.0.0.0',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '10.0.0.1',
    ];
    for (const host of hosts)
      expect(await codeOf(fetch(`http://${host}:${port}/`, { reach: 'public' })), host).to.equal('ADDRESS_FORBIDDEN');
    expect(server.requests).to.deep.equal([]);
    await close();
  });

  it('knows public addresses from others', () => {
    for (const address of ['8.8.8.8', '2606:4700::1111']) expect(isPublicAddress(address), address).to.equal(true);
    for (const address of [
      '192.168.1.1',
      '172.16.0.1',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
      'fe80::1',
      'fc00::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '::127.0.0.1',
      '::7f00:1',
      '::808:808',
      '4000::1',
      'x',
    ])
      expect(isPublicAddress(address), address).to.equal(false);
  });
});
