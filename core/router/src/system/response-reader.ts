/** Reads one response: its status, its headers, and its body as far as it comes. */
import { Readable } from 'node:stream';
import { type Clock, FetchError, type FetchInit, isSuccess } from '@switchhook/sdk';
import type { Dispatcher } from 'undici';
import { decoding, defaultMaxBytes, encodingError, encodingsOf, tooLarge } from './body-encodings.js';
import { CallersError } from './request-body.js';

/** A response as it came. */
export interface ReadResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where a `sink` has taken it. */
  readonly body: Uint8Array;
  /** Why the body is not complete; null = it is. */
  readonly error: unknown;
}

/**
 * Sends a request and reads its response. Rejects where no status came, with the reason of the signal where that was
 * aborted. undici's own `request` makes a stream and its events for each response, which took a tenth of the time of a delivery.
 */
export function responseOf(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  init: ReadLimits,
  clock: Clock,
): Promise<ReadResponse> {
  return new Promise((resolve, reject) => {
    if (init.signal?.aborted) reject(init.signal.reason);
    else dispatcher.dispatch(options, new ResponseReader(init, clock, { resolve, reject }));
  });
}

/** Undoes the encodings of a body that has been read. */
export async function decoded(response: ReadResponse, maxBytes = defaultMaxBytes): Promise<ReadResponse> {
  const encodings = encodingsOf(response.headers);
  if (response.body.byteLength === 0 || encodings.length === 0) return response;
  const chunks: Buffer[] = [];
  let { error } = response;
  try {
    for await (const chunk of decoding(Readable.from([response.body]), encodings, maxBytes, error === null))
      chunks.push(chunk);
  } catch (failure) {
    error ??= encodingError(failure, encodings);
  }
  return { ...response, body: Buffer.concat(chunks), error };
}

/** What a request says about its response. */
type ReadLimits = Pick<FetchInit, 'signal' | 'maxBytes' | 'bodyMs' | 'sink'>;

/** Whether a sink takes the body of a response with this status. */
export function isPassedOn(status: number, { sink }: ReadLimits): boolean {
  return sink !== undefined && isSuccess(status);
}

interface Waiting {
  resolve(response: ReadResponse): void;
  reject(error: unknown): void;
}

class ResponseReader implements Dispatcher.DispatchHandler {
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #headers: ReadResponse['headers'] = {};
  readonly #maxBytes: number;
  #left: number;
  /** What the sink takes the body from; null where there is none. */
  #stream: Readable | null = null;
  #cancelTimeout: (() => void) | null = null;
  /** Why this side ended the response; undefined while it has not. */
  #ended: unknown;

  constructor(
    private readonly init: ReadLimits,
    private readonly clock: Clock,
    private readonly waiting: Waiting,
  ) {
    this.#maxBytes = init.maxBytes ?? defaultMaxBytes;
    this.#left = this.#maxBytes;
    init.signal?.addEventListener('abort', this.#abort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.init.signal?.aborted) this.#abort();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ReadResponse['headers']): void {
    // Further headers come after those of an informational response.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (isPassedOn(status, this.init)) {
      this.#stream = new Readable({ read: () => controller.resume() });
      this.#passOn(this.#stream).then(
        () => this.#settle(null),
        (error: unknown) => this.#end(error),
      );
      if (Number(headers['content-length']) > this.#maxBytes) this.#end(tooLarge(this.#maxBytes));
    }
    if (this.#ended !== undefined) return;
    const { bodyMs } = this.init;
    if (bodyMs === undefined) return;
    this.#cancelTimeout = this.clock.after(bodyMs, () =>
      this.#end(new FetchError('BODY_TIMEOUT', `the body did not end within ${bodyMs} ms`)),
    );
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended !== undefined) return;
    const part = chunk.subarray(0, this.#left);
    if (this.#stream === null) this.#chunks.push(part);
    else if (!this.#stream.push(part)) controller.pause();
    if (chunk.length > this.#left) this.#end(tooLarge(this.#maxBytes));
    else this.#left -= chunk.length;
  }

  onResponseEnd(): void {
    // The body has come in time; the sink may still be busy with it.
    this.#cancelTimeout?.();
    if (this.#stream === null) this.#settle(null);
    else this.#stream.push(null);
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#ended ??= error;
    this.#stream?.destroy();
    this.#settle(this.#ended);
  }

  /** Gives the body to the sink, part by part. */
  async #passOn(stream: Readable): Promise<void> {
    const encodings = encodingsOf(this.#headers);
    const head = { status: this.#status, headers: joined(this.#headers) };
    const take = async (part: Buffer): Promise<void> => {
      try {
        await this.init.sink?.(part, head);
      } catch (thrown) {
        throw new CallersError(thrown);
      }
    };
    try {
      // The last part before the limit may be empty.
      for await (const part of decoding(stream, encodings, this.#maxBytes))
        if (this.#ended === undefined && part.length > 0) await take(part);
    } catch (error) {
      throw error instanceof CallersError ? error : encodingError(error, encodings);
    }
  }

  readonly #abort = (): void => this.#end(this.init.signal?.reason);

  /** Reads no further: the connection is closed with what it still brings. */
  #end(reason: unknown): void {
    this.#ended ??= reason;
    this.#stream?.destroy();
    // Before the request has started, `onRequestStart` sees that the signal is aborted.
    if (this.#controller !== null) this.#controller.abort(reason instanceof Error ? reason : new Error('aborted'));
    this.#settle(this.#ended);
  }

  #settle(error: unknown): void {
    this.#cancelTimeout?.();
    this.init.signal?.removeEventListener('abort', this.#abort);
    if (this.#status === 0) this.waiting.reject(error);
    else {
      const [only] = this.#chunks;
      const body = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
      this.waiting.resolve({ status: this.#status, headers: this.#headers, body, error });
    }
  }
}

/** Headers as texts, with the values of one name joined. */
export function joined(headers: ReadResponse['headers']): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    texts[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  return texts;
}
