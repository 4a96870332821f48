/** Reads the exact bytes of a request, within limits of size and time. */
import type { IncomingMessage } from 'node:http';
import { type Clock, refuse } from '@switchhook/sdk';
import type { ConnectionFairness } from './connection-fairness.js';

/** What a body may cost. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** From the end of the headers to the end of the body. */
  readonly timeoutMs: number;
}

/** What reads bodies. */
export interface BodyReading {
  readonly limits: BodyLimits;
  readonly clock: Clock;
  readonly fairness: ConnectionFairness;
}

/** The whole body. Rejects with a refusal: too large, too slow, broken off, or no room. Never holds more than `maxBytes`. */
export function readBody(
  request: IncomingMessage,
  { limits, clock, fairness }: BodyReading,
  room: BodyBudget,
): Promise<Buffer> {
  const { socket } = request;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.maxBytes) return Promise.reject(tooLarge(limits));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const overloaded = (): void => end(() => reject(refuse('OVERLOADED', 'too many bodies are being read')));
    const body: PendingBody = {
      get length() {
        return length;
      },
      leave: overloaded,
    };

    const end = (finish: () => void): void => {
      cancelTimeout();
      room.free(body);
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      fairness.read(socket, chunk.length);
      if (length + chunk.length > limits.maxBytes) end(() => reject(tooLarge(limits)));
      else if (!room.take(body, chunk.length)) overloaded();
      else {
        length += chunk.length;
        chunks.push(chunk);
      }
    };
    const onEnd = (): void => end(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const onBroken = (): void => end(() => reject(refuse('MALFORMED', 'the sender broke off')));
    const cancelTimeout = clock.after(limits.timeoutMs, () =>
      end(() => reject(refuse('BODY_TOO_SLOW', `no complete body after ${limits.timeoutMs} ms`))),
    );

    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}

/** A body that is not read holds its connection for no longer than one that is, and takes no more of a turn. */
export function limitUnread(request: IncomingMessage, { limits, clock, fairness }: BodyReading): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const cancel = clock.after(limits.timeoutMs, () => request.destroy());
  request.on('data', (chunk: Buffer) => fairness.read(socket, chunk.length));
  request.once('end', cancel).once('close', cancel);
}

function tooLarge({ maxBytes }: BodyLimits): Error {
  return refuse('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

/** A body that is being read. */
export interface PendingBody {
  /** Bytes so far. */
  readonly length: number;
  /** Called when the budget evicts the body: it is read no further. */
  leave(): void;
}

export class BodyBudget {
  readonly #mostBytes: number;
  readonly #bodies = new Set<PendingBody>();
  #taken = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * Room for so many bytes more of a body, which its length does not count yet. Where there is none, the longest body
   * is evicted, and so on: a few stalled bodies do not block others. False if that would be this one.
   */
  take(body: PendingBody, bytes: number): boolean {
    while (this.#taken + bytes > this.#mostBytes) {
      const longest = this.#longestBut(body);
      if (longest === null) break;
      if (longest.length <= body.length + bytes) return false;
      longest.leave();
    }
    this.#bodies.add(body);
    this.#taken += bytes;
    return true;
  }

  /** Its bytes are free again. */
  free(body: PendingBody): void {
    if (this.#bodies.delete(body)) this.#taken -= body.length;
  }

  #longestBut(body: PendingBody): PendingBody | null {
    let longest: PendingBody | null = null;
    for (const other of this.#bodies) if (other !== body && other.length > (longest?.length ?? -1)) longest = other;
    return longest;
  }
}
