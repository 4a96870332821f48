/** Reads one response: its status, its headers, and its body as far as it comes. */
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
      const { maxBytes = defaultMaxBytes } = this.init;
      this.#end(new FetchError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`));
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
