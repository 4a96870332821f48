/** Reads one response: its status, its headers, and its body as far as it comes. */
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { type Clock, FetchError, type FetchInit } from '@switchhook/sdk';
import type { Dispatcher } from 'undici';

const defaultMaxBytes = 1_048_576;

/** A response as it came. */
export interface ReadResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
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
  init: Pick<FetchInit, 'signal' | 'maxBytes' | 'bodyMs'>,
  clock: Clock,
): Promise<ReadResponse> {
  return new Promise((resolve, reject) => {
    if (init.signal?.aborted) reject(init.signal.reason);
    else dispatcher.dispatch(options, new ResponseReader(init, clock, { resolve, reject }));
  });
}

/** More of them in one response are a mistake, or an attack. */
const mostEncodings = 3;

/** Undoes the encodings of a body, which many servers apply unasked. The limit of bytes holds for each step, so that no small body becomes a large one. */
export async function decoded(response: ReadResponse, maxBytes = defaultMaxBytes): Promise<ReadResponse> {
  const encodings = String(response.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity');
  let { body, error } = response;
  if (body.byteLength === 0) return response;
  for (const encoding of encodings.toReversed()) {
    const decoder = encodings.length > mostEncodings ? null : decoderOf(encoding, body, error === null);
    const chunks: Buffer[] = [];
    try {
      if (decoder === null) throw new Error('the encoding is not supported');
      decoder.end(body);
      let left = maxBytes;
      for await (const chunk of decoder as AsyncIterable<Buffer>) {
        chunks.push(chunk.subarray(0, left));
        if (chunk.length > left) throw tooLarge(maxBytes);
        left -= chunk.length;
      }
    } catch (failure) {
      const reason = failure instanceof Error ? failure.message : failure;
      error ??=
        failure instanceof FetchError
          ? failure
          : new FetchError(
              'BODY_ENCODING',
              `the body cannot be read as ${encodings.join(', ').slice(0, 100)}: ${reason}`,
            );
    }
    body = Buffer.concat(chunks);
  }
  return { ...response, body, error };
}

/** Null where the encoding is unknown. Of a body that is not whole it gives what there is. */
function decoderOf(encoding: string, [first = 0]: Uint8Array, isWhole: boolean) {
  const options = isWhole ? {} : { finishFlush: constants.Z_SYNC_FLUSH };
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(options);
    case 'deflate':
      // Some servers leave the header out, which always has an 8 in its lower half.
      return (first & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options);
    case 'br':
      return createBrotliDecompress(isWhole ? {} : { finishFlush: constants.BROTLI_OPERATION_FLUSH });
    default:
      return null;
  }
}

function tooLarge(maxBytes = defaultMaxBytes): FetchError {
  return new FetchError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
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
  #left: number;
  #cancelTimeout: (() => void) | null = null;
  /** Why this side ended the response; undefined while it has not. */
  #ended: unknown;

  constructor(
    private readonly init: Pick<FetchInit, 'signal' | 'maxBytes' | 'bodyMs'>,
    private readonly clock: Clock,
    private readonly waiting: Waiting,
  ) {
    this.#left = init.maxBytes ?? defaultMaxBytes;
    init.signal?.addEventListener('abort', this.#abort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.init.signal?.aborted) this.#abort();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: ReadResponse['headers']): void {
    // Further headers come after those of an informational response.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    const { bodyMs } = this.init;
    if (bodyMs === undefined) return;
    this.#cancelTimeout = this.clock.after(bodyMs, () =>
      this.#end(new FetchError('BODY_TIMEOUT', `the body did not end within ${bodyMs} ms`)),
    );
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended !== undefined) return;
    this.#chunks.push(chunk.subarray(0, this.#left));
    if (chunk.length > this.#left) {
      this.#end(tooLarge(this.init.maxBytes));
    } else this.#left -= chunk.length;
  }

  onResponseEnd(): void {
    this.#settle(null);
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settle(this.#ended ?? error);
  }

  readonly #abort = (): void => this.#end(this.init.signal?.reason);

  /** Reads no further: the connection is closed with what it still brings. */
  #end(reason: unknown): void {
    this.#ended = reason;
    // Before the request has started, `onRequestStart` sees that the signal is aborted.
    if (this.#controller !== null) this.#controller.abort(reason instanceof Error ? reason : new Error('aborted'));
    this.#settle(reason);
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
