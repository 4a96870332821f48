/** The senders: each sends the events of one subject, one after the other, and every one again until it is acknowledged. */
import type { SentEvent } from './ledger.js';
import { type PostParts, signedPost } from './signed-post.js';

/** What senders work with. */
export interface SenderParts extends PostParts {
  readonly perSecond: number;
  /** Called with each acknowledged event, once. */
  readonly onAcknowledged: (event: SentEvent) => void;
  /** Whether one of the routers must take what is offered. */
  readonly mustTake: () => boolean;
  /** Called when an event was offered to every router while one of them had to take it, and none has acknowledged it. It is offered again. */
  readonly onRefused: () => void;
}

/** Of one sender; there are as many senders as the rate needs. */
const mostPerSecond = 20;
const replyMs = 5_000;
/** Between two tries of one event. */
const againMs = 25;
/** The types of a sender's events, in turn. Where each is sent, the configuration says. */
const types = ['plain', 'limited', 'ordered'] as const;

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
      const type = types[(number - 1) % types.length] ?? 'plain';
      await this.#untilAcknowledged({ id: `${subject}-${number}`, type, subject, number });
      // What was missed while the router was down is not made up for.
      nextAtMs = Math.max(nextAtMs + betweenMs, clock.elapsed());
      await this.#pause(nextAtMs - clock.elapsed());
    }
  }

  async #untilAcknowledged(event: SentEvent): Promise<void> {
    const { mustTake, onAcknowledged, onRefused } = this.#parts;
    const body = JSON.stringify(event);
    for (let first = event.number; !this.#stopped; first += 1) {
      const hooks = this.#hooks;
      const hadTo = mustTake();
      for (let turn = 0; turn < hooks.length && !this.#stopped; turn += 1) {
        const hook = hooks[(first + turn) % hooks.length] ?? '';
        // No reply is no promise: the router was killed, or is too slow.
        const posted = await signedPost(this.#parts, hook, body, replyMs);
        if (posted.kind === 'reply' && posted.status === 200) return onAcknowledged(event);
      }
      if (hadTo && mustTake()) onRefused();
      await this.#pause(againMs);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(ms, () => resolve()));
  }
}
