import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { BodyBudget, ConnectionFairness, readBody } from '@switchhook/core/internal';
import { isRefusal } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

function setup(mostBytes: number) {
  const [clock, room] = [new FakeClock(), new BodyBudget(mostBytes)];
  const begin = () => {
    const stream = new PassThrough();
    // Of a request, the reader uses what every stream has, and its headers.
    const request = Object.assign(stream, { headers: {} }) as unknown as IncomingMessage;
    const read = readBody(
      request,
      { limits: { maxBytes: 1_000, timeoutMs: 10_000 }, clock, fairness: new ConnectionFairness() },
      room,
    ).then(
      (body) => body.byteLength,
      (error: unknown) => (isRefusal(error) ? error.code : String(error)),
    );
    return { stream, read };
  };
  return { clock, begin };
}

describe('reading bodies', () => {
  it('has room for so many bytes of all senders together, and says so to who has most of it', async () => {
    const { begin } = setup(1_000);
    const [first, second] = [begin(), begin()];
    first.stream.write(Buffer.alloc(800));
    second.stream.write(Buffer.alloc(300));
    expect(await first.read).to.equal('OVERLOADED');
    const largest = begin();
    largest.stream.write(Buffer.alloc(701));
    expect(await largest.read).to.equal('OVERLOADED');
    second.stream.end();
    expect(await second.read).to.equal(300);
    const third = begin();
    third.stream.end(Buffer.alloc(900));
    expect(await third.read).to.equal(900);
  });

  it('gives the room of who stalls back', async () => {
    const { begin, clock } = setup(1_000);
    const stalled = begin();
    stalled.stream.write(Buffer.alloc(900));
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(10_000);
    expect(await stalled.read).to.equal('BODY_TOO_SLOW');
    const next = begin();
    next.stream.end(Buffer.alloc(900));
    expect(await next.read).to.equal(900);
  });
});
