/** Bounds what unverified requests cost: the time of their verification per turn of the event loop, and the memory of those that wait. */
import { Clock, refuse } from '@switchhook/sdk';
import { inject, injectable } from '../system/injection.js';

/** Verification in one turn; further requests wait for the next one, so that calls and timers go on. An HMAC of 1 MB takes about 1 ms. */
const turnMs = 5;
/** Bytes of bodies that wait. */
const most = { ofSender: 16 * 1_048_576, inAll: 64 * 1_048_576 };

/** Requests of one sender that wait, the first one first. */
interface Waiting {
  readonly requests: { readonly bytes: number; readonly verify: () => void }[];
  bytes: number;
}

@injectable()
export class VerificationQueue {
  /** By sender, in the order in which they have their turns. */
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #spentMs = 0;
  #isScheduled = false;

  constructor(@inject(Clock) private readonly clock: Clock) {}

  /**
   * Runs `verify`: at once where this turn has time left and no one waits, else later, senders taking turns. Rejects as
   * `OVERLOADED` where too many bytes of this sender, or of all, wait already.
   */
  run<T>(sender: string, bytes: number, verify: () => T | Promise<T>): T | Promise<T> {
    if (this.#waiting.size === 0 && this.#spentMs < turnMs) return this.#timed(verify);
    const own = this.#waiting.get(sender) ?? { requests: [], bytes: 0 };
    if (own.bytes + bytes > most.ofSender || this.#bytes + bytes > most.inAll)
      throw refuse('OVERLOADED', 'too many bytes of bodies wait for their verification');
    this.#bytes += bytes;
    own.bytes += bytes;
    this.#waiting.set(sender, own);
    return new Promise<T>((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(this.#timed(verify));
        } catch (error) {
          reject(error);
        }
      };
      own.requests.push({ bytes, verify: run });
      this.#schedule();
    });
  }

  #timed<T>(verify: () => T): T {
    const startedAtMs = this.clock.elapsed();
    try {
      return verify();
    } finally {
      this.#spentMs += this.clock.elapsed() - startedAtMs;
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  /** One request of each sender after the other. */
  #turn(): void {
    this.#isScheduled = false;
    this.#spentMs = 0;
    while (this.#spentMs < turnMs) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [sender, own] = next;
      const first = own.requests.shift();
      this.#waiting.delete(sender);
      if (own.requests.length > 0) this.#waiting.set(sender, own);
      if (first === undefined) continue;
      own.bytes -= first.bytes;
      this.#bytes -= first.bytes;
      first.verify();
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
