import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { openNetwork } from '@switchhook/core/internal';
import { type Clock, type FetchInit, isFetchError, type ResponseHead, type StreamedBody } from '@switchhook/sdk';
import { type Behaviour, cutOffResponse, FakeClock, receiver, settled } from '@switchhook/testkit';
import { expect } from 'chai';

/** A network and a server that decides about each request itself, before its body has come. */
async function setup(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void, clock?: Clock) {
  const network = openNetwork(clock);
  const sockets = new Set<Socket>();
  const server = createServer(answer);
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    await network.close();
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetch: network.fetch,
    sockets,
    close,
  };
}

/** A network and a receiver, which reads requests as a whole. */
async function withReceiver(behaviour?: Behaviour, clock?: Clock) {
  const network = openNetwork(clock);
  const server = await receiver(behaviour);
  const close = async () => {
    await network.close();
    await server.close();
  };
  return { url: server.url, fetch: network.fetch, server, close };
}

/** Keeps what it is given. */
function collector() {
  const parts: Buffer[] = [];
  const heads: ResponseHead[] = [];
  const collect = (part: Uint8Array, head: ResponseHead): void => {
    parts.push(Buffer.from(part));
    heads.push(head);
  };
  return { parts, heads, sink: collect, text: () => Buffer.concat(parts).toString() };
}

function deferred() {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: unknown) => error,
  );

async function failsWith(promise: Promise<unknown>, code: string): Promise<string> {
  const error = await failureOf(promise);
  expect(isFetchError(error) && error.code, String(error)).to.equal(code);
  return String(error);
}

describe('a sink', () => {
  it('is given the whole body in order, with the head of the response, which has no body then', async () => {
    const body = Array.from({ length: 100_000 }, (_, index) => index).join(' ');
    const { url, fetch, close } = await withReceiver(() => ({ status: 206, headers: { 'x-a': 'b' }, body }));
    const { sink, text, parts, heads } = collector();
    const response = await fetch(url, { sink });
    expect([response.status, response.body.byteLength, response.truncated]).to.deep.equal([206, 0, false]);
    expect(text()).to.equal(body);
    expect(parts.every(({ length }) => length > 0)).to.equal(true);
    expect(heads[0]).to.deep.include({ status: 206 });
    expect(heads[0]?.headers['x-a']).to.equal('b');
    await close();
  });

  it('pauses the sender while it waits, and gets no part meanwhile', async () => {
    const total = 64 * 1_048_576;
    let sent = 0;
    const { url, fetch, close } = await setup((_, outgoing) => {
      const send = (): void => {
        while (sent < total) {
          sent += 1_048_576;
          if (!outgoing.write(Buffer.alloc(1_048_576, 1))) return void outgoing.once('drain', send);
        }
        outgoing.end();
      };
      send();
    });
    const gate = deferred();
    const first = deferred();
    let [calls, taken, running] = [0, 0, 0];
    const response = fetch(url, {
      maxBytes: total,
      sink: async (part) => {
        calls += 1;
        running += 1;
        expect(running).to.equal(1);
        first.resolve();
        await gate.promise;
        taken += part.byteLength;
        running -= 1;
      },
    });
    await first.promise;
    for (let turn = 0; turn < 100; turn += 1) await settled();
    expect(calls).to.equal(1);
    expect(sent).to.be.lessThan(total / 2);
    gate.resolve();
    expect((await response).status).to.equal(200);
    expect([sent, taken]).to.deep.equal([total, total]);
    await close();
  });

  it('leaves the connection for the next request once it has taken the whole body', async () => {
    const { url, fetch, sockets, close } = await setup((_, outgoing) => outgoing.end('x'.repeat(1_000_000)));
    for (let round = 0; round < 3; round += 1) {
      const { sink, text } = collector();
      const slow = async (part: Uint8Array, head: ResponseHead): Promise<void> => {
        await settled();
        sink(part, head);
      };
      await fetch(url, { sink: slow });
      expect(text()).to.have.length(1_000_000);
      await settled();
    }
    expect(sockets.size).to.equal(1);
    await close();
  });

  for (const [what, how] of [
    ['throws', (error: Error): void => void throwing(error)],
    ['rejects', (error: Error): Promise<void> => Promise.reject(error)],
  ] as const)
    it(`ends the request with what it ${what}, and closes the connection`, async () => {
      const closed = deferred();
      const { url, fetch, close } = await setup((_, outgoing) => {
        outgoing.on('close', closed.resolve);
        outgoing.write('the first part');
      });
      const full = new Error('the disk is full');
      let calls = 0;
      const fail = (): void | Promise<void> => {
        calls += 1;
        return how(full);
      };
      expect(await failureOf(fetch(url, { sink: fail }))).to.equal(full);
      await closed.promise;
      expect(calls).to.equal(1);
      await close();
    });

  it('gets nothing more once the signal is aborted, in the middle of the body or while it waits', async () => {
    for (const isWaiting of [false, true]) {
      const closed = deferred();
      const { url, fetch, close } = await setup((_, outgoing) => {
        outgoing.on('close', closed.resolve);
        outgoing.write('x'.repeat(1_000_000));
      });
      const controller = new AbortController();
      const reason = new Error('time is up');
      const [begun, gate] = [deferred(), deferred()];
      let calls = 0;
      const response = failureOf(
        fetch(url, {
          signal: controller.signal,
          sink: async () => {
            calls += 1;
            begun.resolve();
            if (isWaiting) await gate.promise;
          },
        }),
      );
      await begun.promise;
      if (!isWaiting) await settled();
      const before = calls;
      controller.abort(reason);
      expect(await response).to.equal(reason);
      await closed.promise;
      gate.resolve();
      await settled();
      expect(calls).to.equal(before);
      await close();
    }
  });

  it('rejects a body that is larger than maxBytes, before the first part where its length is announced', async () => {
    const body = 'x'.repeat(10_001);
    for (const [answer, most] of [
      [(_: unknown, outgoing: ServerResponse) => void outgoing.end(body), 0],
      [
        (_: unknown, outgoing: ServerResponse) => {
          outgoing.write(body.slice(0, 9_000));
          outgoing.end(body.slice(9_000));
        },
        10_000,
      ],
    ] as const) {
      const { url, fetch, close } = await setup(answer);
      const { sink, text } = collector();
      const sentence = await failsWith(fetch(url, { sink, maxBytes: 10_000 }), 'BODY_TOO_LARGE');
      expect(sentence).to.include('10000 bytes');
      expect(text().length).to.be.at.most(most);
      await fetch(url, { sink: () => {}, maxBytes: 10_001 });
      await close();
    }
  });

  it('rejects a body that breaks off, and one that does not end in time', async () => {
    const { url, fetch, server, close } = await withReceiver(() => cutOffResponse);
    const { sink, text } = collector();
    const error = await failureOf(fetch(url, { sink }));
    expect(isFetchError(error)).to.equal(true);
    expect('{"half":'.startsWith(text())).to.equal(true);
    expect(server.requests).to.have.length(1);
    await close();

    const clock = new FakeClock();
    const slow = await setup((_, outgoing) => void outgoing.write('half'), clock);
    const begun = deferred();
    const pending = failsWith(slow.fetch(slow.url, { bodyMs: 2_000, sink: begun.resolve }), 'BODY_TIMEOUT');
    await begun.promise;
    await clock.advance(2_000);
    expect(await pending).to.include('2000 ms');
    expect(clock.pending).to.equal(0);
    await slow.close();
  });

  it('does not repeat a request over another connection whose body has broken off', async () => {
    const { url, fetch, server, close } = await withReceiver((_, index) => (index === 0 ? 200 : cutOffResponse));
    await fetch(url);
    await settled();
    await failureOf(fetch(url, { sink: () => {} }));
    expect(server.requests).to.have.length(2);
    await close();
  });

  it('is not used for other statuses, whose body is read as ever', async () => {
    for (const status of [302, 404, 503]) {
      const { url, fetch, close } = await withReceiver(() => ({ status, body: 'the reason' }));
      const { sink, parts } = collector();
      const response = await fetch(url, { sink, maxBytes: 3 });
      expect([response.status, response.text(), response.truncated]).to.deep.equal([status, 'the', true]);
      expect(parts).to.deep.equal([]);
      await close();
    }
  });

  it('is not called for a response without a body', async () => {
    const { url, fetch, close } = await withReceiver(() => 204);
    const { sink, parts } = collector();
    expect((await fetch(url, { sink })).status).to.equal(204);
    expect(parts).to.deep.equal([]);
    await close();
  });

  describe('of a compressed body', () => {
    const text = 'the sound of a call '.repeat(50_000);
    const encoded = (encoding: string, body: Buffer) =>
      setup((_, outgoing) => void outgoing.setHeader('content-encoding', encoding).end(body));

    it('is given what was compressed', async () => {
      for (const [encoding, body] of [
        ['gzip', gzipSync(text)],
        ['deflate', deflateRawSync(text)],
        ['deflate, gzip', gzipSync(deflateRawSync(text))],
      ] as const) {
        const { url, fetch, close } = await encoded(encoding, body);
        const { sink, text: found } = collector();
        await fetch(url, { sink });
        expect(found() === text, encoding).to.equal(true);
        await close();
      }
    });

    it('rejects one that expands beyond maxBytes, and one that cannot be decoded', async () => {
      const bomb = await encoded('gzip', gzipSync(Buffer.alloc(10_000_000)));
      const { sink, text: found } = collector();
      await failsWith(bomb.fetch(bomb.url, { sink, maxBytes: 100_000 }), 'BODY_TOO_LARGE');
      expect(found().length).to.be.at.most(100_000);
      await bomb.close();
      for (const [encoding, body] of [
        ['gzip', Buffer.from('no gzip at all')],
        ['gzip', gzipSync(text).subarray(0, 40)],
        ['zstd', Buffer.from('x')],
      ] as const) {
        const { url, fetch, close } = await encoded(encoding, body);
        expect(await failsWith(fetch(url, { sink: () => {} }), 'BODY_ENCODING')).to.include(encoding);
        await close();
      }
    });
  });
});

describe('a body of parts', () => {
  async function* each(...parts: (string | Error)[]): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      if (part instanceof Error) throw part;
      yield Buffer.from(part);
    }
  }
  const put = (parts: AsyncIterable<Uint8Array>, byteLength: number): FetchInit => ({
    method: 'PUT',
    body: { parts, byteLength },
  });

  it('is sent with its length, over a connection that is kept', async () => {
    const lengths: (string | undefined)[] = [];
    const bodies: string[] = [];
    const { url, fetch, sockets, close } = await setup((incoming, outgoing) => {
      lengths.push(incoming.headers['content-length']);
      let body = '';
      incoming.on('data', (chunk) => {
        body += chunk;
      });
      incoming.on('end', () => {
        bodies.push(body);
        outgoing.end();
      });
    });
    await fetch(url, put(each('ab', '', 'cd', 'e'), 5));
    await settled();
    await fetch(url, put(each(''), 0));
    await settled();
    await fetch(url, put(each('f'), 1));
    expect([bodies, lengths]).to.deep.equal([
      ['abcde', '', 'f'],
      ['5', '0', '1'],
    ]);
    expect(sockets.size).to.equal(1);
    await close();
  });

  it('is read no faster than it is sent', async () => {
    const [begun, gate] = [deferred(), deferred()];
    const { url, fetch, close } = await setup(async (incoming, outgoing) => {
      begun.resolve();
      await gate.promise;
      incoming.resume().on('end', () => outgoing.end());
    });
    const count = 64;
    let given = 0;
    const parts = async function* () {
      for (; given < count; given += 1) yield Buffer.alloc(1_048_576);
    };
    const response = fetch(url, put(parts(), count * 1_048_576));
    await begun.promise;
    for (let turn = 0; turn < 100; turn += 1) await settled();
    expect(given).to.be.lessThan(count / 2);
    gate.resolve();
    expect((await response).status).to.equal(200);
    expect(given).to.equal(count);
    await close();
  });

  for (const [what, parts, byteLength, sentence] of [
    ['ends early', ['abc'], 5, 'the request’s body has ended after 3 bytes, its byteLength is 5'],
    ['has no parts', [], 5, 'the request’s body has ended after 0 bytes, its byteLength is 5'],
    ['is too long', ['abc', 'def'], 5, 'the request’s body has 6 bytes or more, its byteLength is 5'],
    ['has a further part', ['abc', 'de', 'f'], 5, 'the request’s body has 6 bytes or more, its byteLength is 5'],
    ['is not empty', ['f'], 0, 'the request’s body has 1 bytes or more, its byteLength is 0'],
  ] as const)
    it(`is an error that names both lengths where it ${what}, and no complete request`, async () => {
      let complete = 0;
      const { url, fetch, close } = await setup((incoming) => {
        incoming.resume().on('error', () => {});
        incoming.on('end', () => {
          complete += 1;
        });
      });
      const found = await failsWith(fetch(url, put(each(...parts), byteLength)), 'BODY_LENGTH');
      expect(found.replace("'", '’')).to.include(sentence);
      await settled();
      expect(complete).to.equal(0);
      await close();
    });

  it('ends the request with what it throws, and closes the connection', async () => {
    const closed = deferred();
    const { url, fetch, close } = await setup((incoming) => void incoming.on('error', closed.resolve).resume());
    const lost = new Error('the file is gone');
    expect(await failureOf(fetch(url, put(each('ab', 'cd', lost), 10)))).to.equal(lost);
    await closed.promise;
    await close();
  });

  it('is ended where the signal is aborted, and where there is no connection it is not begun', async () => {
    const { url, fetch, close } = await setup((incoming) => void incoming.resume());
    const controller = new AbortController();
    const ended = deferred();
    const begun = deferred();
    let isRead = false;
    const parts = async function* () {
      isRead = true;
      try {
        for (;;) {
          yield Buffer.alloc(1_000);
          begun.resolve();
          await settled();
        }
      } finally {
        ended.resolve();
      }
    };
    const reason = new Error('time is up');
    const response = failureOf(fetch(url, { ...put(parts(), 1e12), signal: controller.signal }));
    await begun.promise;
    controller.abort(reason);
    expect(await response).to.equal(reason);
    await ended.promise;
    await close();
    isRead = false;
    await failsWith(openNetwork().fetch(url, put(parts(), 1)), 'ECONNREFUSED');
    expect(isRead).to.equal(false);
  });

  it('is not sent a second time where the other side closes a kept connection under it', async () => {
    const { url, fetch, server, close } = await withReceiver((_, index) => (index === 1 ? 'reset' : 200));
    await fetch(url);
    await settled();
    const error = await failureOf(fetch(url, put(each('abc'), 3)));
    expect(isFetchError(error) && error.code).to.match(/^(ECONNRESET|UND_ERR_SOCKET)$/);
    expect(server.requests).to.have.length(2);
    await close();
  });

  it('is over where the response comes before its end', async () => {
    const { url, fetch, close } = await setup((_, outgoing) => void outgoing.writeHead(413).end('too much'));
    const parts = async function* () {
      for (;;) {
        yield Buffer.alloc(65_536);
        await settled();
      }
    };
    const response = await fetch(url, put(parts(), 1e12));
    expect([response.status, response.text()]).to.deep.equal([413, 'too much']);
    await close();
  });

  it('is refused where it is none', async () => {
    const { url, fetch, server, close } = await withReceiver();
    for (const body of [
      { parts: each('a'), byteLength: -1 },
      { parts: each('a'), byteLength: 0.5 },
      { parts: each('a') } as unknown as StreamedBody,
      { byteLength: 1 } as unknown as StreamedBody,
      each('a') as unknown as StreamedBody,
    ])
      await failsWith(fetch(url, { method: 'PUT', body }), 'REQUEST_INVALID');
    expect(server.requests).to.deep.equal([]);
    await close();
  });
});

function throwing(error: Error): never {
  throw error;
}
