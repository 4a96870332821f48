/** Senders of signed events and of ringing phones that go on until they are ended: what became of each request. */
import { Agent, request } from 'node:http';
import { systemClock } from '@switchhook/core/internal';
import { Sleep } from '@switchhook/sdk/internal';
import { callers, token } from './phones.js';
import { endedBody, signedHeaders } from './signing.js';

/** How many there are, and how they send. */
export interface Sending {
  /** Senders that keep their connections. */
  readonly kept: number;
  /** Senders that make a connection for each request. Default: 0. */
  readonly fresh?: number;
  /** Between two requests of a sender, in milliseconds: the n-th takes the n-th of these, in turn. Default: no pause. */
  readonly pausesMs?: readonly number[];
  /** Begins the ids of conversations. Default: `sent`. */
  readonly label?: string;
}

/** Requests to one kind of source. */
export interface Answered {
  /** Those that got 200: the conversation of an event, the number of a caller. */
  readonly ids: string[];
  slowestMs: number;
}

/** Every fifth request is a call, each from another number. */
export class Senders {
  readonly events: Answered = { ids: [], slowestMs: 0 };
  readonly calls: Answered = { ids: [], slowestMs: 0 };
  /** Requests that did not get 200, by what the sender saw. */
  readonly failures = new Map<string, number>();
  readonly #kept = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #fresh = new Agent();
  readonly #sleep = new Sleep(systemClock);
  readonly #url: string;
  readonly #label: string;
  readonly #all: Promise<unknown>;
  #requests = 0;
  #isOver = false;

  /** The router at `url` has the sources `agents` (sigmamind.events) and `calls` (sigmamind.call) of the tests. */
  constructor(url: string, { kept, fresh = 0, pausesMs = [0], label = 'sent' }: Sending) {
    this.#url = url;
    this.#label = label;
    this.#all = Promise.all(
      Array.from({ length: kept + fresh }, (_, index) =>
        this.#send(index < kept ? this.#kept : this.#fresh, pausesMs[index % pausesMs.length] ?? 0),
      ),
    );
  }

  get requests(): number {
    return this.#requests;
  }

  /** Resolves when the last requests are answered. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#sleep.end();
    await this.#all;
    this.#kept.destroy();
  }

  async #send(agent: Agent, pauseMs: number): Promise<void> {
    while (!this.#isOver) {
      this.#requests += 1;
      const number = this.#requests;
      const isCall = number % 5 === 0;
      const id = isCall ? (callers[number % callers.length] ?? '') : `${this.#label}-${number}`;
      const body = isCall
        ? JSON.stringify({ event: 'inbound_call', from_number: id, to_number: '+12345678913' })
        : endedBody({ conversationId: id });
      const answered = isCall ? this.calls : this.events;
      const fromMs = performance.now();
      const seen = await this.#posted(agent, isCall ? `/hooks/calls/${token}` : '/hooks/agents', body);
      answered.slowestMs = Math.max(answered.slowestMs, performance.now() - fromMs);
      if (seen === '200') answered.ids.push(id);
      else this.failures.set(seen, (this.failures.get(seen) ?? 0) + 1);
      if (pauseMs > 0) await this.#sleep.for(pauseMs);
    }
  }

  /** The status, or the error. */
  #posted(agent: Agent, path: string, body: string): Promise<string> {
    return new Promise((resolve) => {
      const options = { method: 'POST', agent, headers: signedHeaders(body) };
      const sent = request(`${this.#url}${path}`, options, (response) => {
        response.on('error', (error) => resolve(String(error)));
        response.resume().on('end', () => resolve(String(response.statusCode)));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      sent.end(body);
    });
  }
}
