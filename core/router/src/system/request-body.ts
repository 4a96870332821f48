/** Bodies of requests, in the forms in which undici sends them. */
import type { Readable } from 'node:stream';
import { FetchError, type FetchInit, type StreamedBody } from '@switchhook/sdk';

/** What a function of the request has thrown, or an iterable: it is passed on as it is. */
export class CallersError extends Error {
  constructor(readonly thrown: unknown) {
    super('a part of the request has thrown');
  }
}

/** A body for undici. */
export interface RequestBody {
  readonly options: { readonly body?: string | Buffer | Readable };
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it can still be sent: parts are there only once. */
  readonly isUnread: () => boolean;
}

/** Throws a `FetchError` where the length of a streamed body is none. */
export function requestBodyOf(body: FetchInit['body']): RequestBody {
  const isUnread = (): boolean => true;
  if (body === undefined) return { options: {}, headers: {}, isUnread };
  if (typeof body === 'string') return { options: { body }, headers: {}, isUnread };
  // undici wants a Buffer; this one is on the same bytes, of which there may be many.
  if (body instanceof Uint8Array)
    return { options: { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }, headers: {}, isUnread };
  const { byteLength, parts } = body;
  if (!Number.isSafeInteger(byteLength) || byteLength < 0 || typeof parts?.[Symbol.asyncIterator] !== 'function')
    throw new FetchError(
      'REQUEST_INVALID',
      'the body is no text, no Uint8Array and no { parts, byteLength } with an async iterable and a number of bytes',
    );
  let isRead = false;
  const counted = countedParts(body, () => {
    isRead = true;
  });
  return {
    // undici sends every async iterable; its types name only streams.
    options: { body: counted as unknown as Readable },
    headers: { 'content-length': String(byteLength) },
    isUnread: () => !isRead,
  };
}

/** The parts, each once the next one is known: the last one, which completes the request, only if the length is right. */
async function* countedParts({ parts, byteLength }: StreamedBody, onRead: () => void): AsyncGenerator<Uint8Array> {
  onRead();
  let given = 0;
  let held: Uint8Array | null = null;
  for await (const part of passingErrors(parts)) {
    given += part.byteLength;
    if (given > byteLength)
      throw new FetchError(
        'BODY_LENGTH',
        `the request's body has ${given} bytes or more, its byteLength is ${byteLength}`,
      );
    if (part.byteLength === 0) continue;
    if (held !== null) yield held;
    held = part;
  }
  if (given < byteLength)
    throw new FetchError(
      'BODY_LENGTH',
      `the request's body has ended after ${given} bytes, its byteLength is ${byteLength}`,
    );
  if (held !== null) yield held;
}

async function* passingErrors(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* parts;
  } catch (thrown) {
    throw new CallersError(thrown);
  }
}
