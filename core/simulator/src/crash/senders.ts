/** The senders: each sends the events of one subject, one after the other, and every one again until it is acknowledged. */

import type { Network } from '@switchhook/core/internal';
import { type Clock, signatureHeaders } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import type { SentEvent } from './ledger.js';
import { signing } from './plugin.js';

/** What senders work with. */
export interface SenderParts {
  readonly perSecond: number;
  readonly secret: string;
  readonly network: Network;
  readonly clock: Clock;
  /** Called with each acknowledged event, once. */
  readonly onAcknowledged: (event: SentEvent) => void;
  /** Called when an event was offered to every router there is, and none has acknowledged it. It is offered again. */
  readonly onRefused: () => void;
}

/** Of one sender; there are as many senders as the rate needs. */
const mostPerSecond = 20;
const replyMs = 5_000;
/** Between two tries of one event. */
const againMs = 25;
/** Every third event is also one for the ordered destination. */
const orderedEvery = 3;

export class Senders {
  readonly #parts: SenderParts;
  #hooks: readonly string[] = [];
  #stopped = false;
  readonly #loops: readonly Promise<void>[];

  /** They start at once, and wait for the address of a router. */
  constructor(parts: SenderParts) {
    this.#parts = parts;
    const count = Math.ceil(parts.perSecond / mostPerSecond);
    this.#loops = Array.from({ length: count }, (_, index) => this.#send(`s${index + 1}`, count));
  }

  /** Where the routers listen. Each event is offered to one of them and, as by a load balancer, to the next where it is not taken. */
  setTargets(urls: readonly string[]): void {
    this.#hooks = urls.map((url) => `${url}/hooks/sender`);
  }

  /** Resolves when none of them sends any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #send(subject: string, count: number): Promise<void> {
    const { perSecond, clock } = this.#parts;
    const betweenMs = (1_000 * count) / perSecond;
    let nextAtMs = clock.elapsed();
    for (let number = 1; !this.#stopped; number += 1) {
      const type = number % orderedEvery === 0 ? 'ordered' : 'plain';
      await this.#untilAcknowledged({ id: `${subject}-${number}`, type, subject, number });
      // What was missed while the router was down is not made up for.
      nextAtMs = Math.max(nextAtMs + betweenMs, clock.elapsed());
      await this.#pause(nextAtMs - clock.elapsed());
    }
  }

  async #untilAcknowledged(event: SentEvent): Promise<void> {
    const { secret, clock, onAcknowledged, onRefused } = this.#parts;
    const body = JSON.stringify(event);
    const signed = { body: Buffer.from(body), method: 'POST', url: '' };
    const headers = { 'content-type': 'application/json', ...signatureHeaders(signing, secret, signed, clock.now()) };
    for (let first = event.number; !this.#stopped; first += 1) {
      const hooks = this.#hooks;
      for (let turn = 0; turn < hooks.length && !this.#stopped; turn += 1) {
        const hook = hooks[(first + turn) % hooks.length] ?? '';
        if (await this.#isAcknowledged(hook, headers, body)) return onAcknowledged(event);
      }
      onRefused();
      await this.#pause(againMs);
    }
  }

  async #isAcknowledged(hook: string, headers: Readonly<Record<string, string>>, body: string): Promise<boolean> {
    const { network, clock } = this.#parts;
    try {
      const post = (signal: AbortSignal) => network.fetch(hook, { method: 'POST', headers, body, signal });
      return (await withTimeout(clock, replyMs, post)).status === 200;
    } catch (error) {
      // No reply is no promise: the router was killed, or is too slow.
      if (error instanceof Error) return false;
      throw error;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(ms, () => resolve()));
  }
}
