/** The callers: each rings again and again, as a platform does that asks for the variables of its agent while the phone rings. */
import { callDeadlineMs, callTries } from './plugin.js';
import { type PostParts, signedPost } from './signed-post.js';

/** What callers work with. */
export interface CallerParts extends PostParts {
  /** Called with the time from the request that was answered to its answer. */
  readonly onAnswered: (ms: number) => void;
  readonly onUnanswered: () => void;
  /** Whether one of the routers must take what is offered. */
  readonly mustTake: () => boolean;
  /** Called when every router had a request about a call while one of them had to take it, and none has answered. */
  readonly onRefused: () => void;
  /** Called when the same call, at another router, got another answer. */
  readonly onAnsweredAnew: () => void;
}

const callers = 3;
/** Between the end of a call and the next one. */
const betweenMs = 250;
/** Between two requests of one call. */
const nextRequestMs = 1_000;
/** Until a connection that failed is made again. */
const againMs = 25;

export class Callers {
  readonly #parts: CallerParts;
  #hooks: readonly string[] = [];
  #stopped = false;
  readonly #loops: readonly Promise<void>[];

  /** They start at once, and wait for the address of a router. */
  constructor(parts: CallerParts) {
    this.#parts = parts;
    this.#loops = Array.from({ length: callers }, (_, index) => this.#ring(index));
  }

  /** Where the routers listen. Requests go to one after the other, as by a load balancer. */
  setTargets(urls: readonly string[]): void {
    this.#hooks = urls.map((url) => `${url}/hooks/phone`);
  }

  /** Resolves when none of them rings any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #ring(caller: number): Promise<void> {
    const { clock, onAnswered, onUnanswered, onAnsweredAnew } = this.#parts;
    for (let number = 1; !this.#stopped; number += 1) {
      const body = JSON.stringify({ call: `c${caller}-${number}` });
      const answer = await this.#answerTo(body, number);
      if (answer !== null) onAnswered(answer.ms);
      else if (!this.#stopped) onUnanswered();
      if (answer !== null && this.#hooks.length > 1) {
        const repeated = await this.#answerTo(body, number + 1);
        if (repeated !== null && repeated.text !== answer.text) onAnsweredAnew();
      }
      await new Promise<void>((resolve) => clock.after(betweenMs, resolve));
    }
  }

  /** Null where it got none in any of its requests, or the test stops. A connection that fails is made again, at another router, and is none of them. */
  async #answerTo(body: string, first: number): Promise<{ readonly text: string; readonly ms: number } | null> {
    const { clock, mustTake, onRefused } = this.#parts;
    let missed = 0;
    let hadTo = mustTake();
    for (let turn = first, requests = 0; requests < callTries && !this.#stopped; turn += 1) {
      const hooks = this.#hooks;
      const hook = hooks[turn % hooks.length];
      const startedAtMs = clock.elapsed();
      const posted = hook === undefined ? null : await signedPost(this.#parts, hook, body, callDeadlineMs);
      if (posted?.kind === 'reply' && posted.status === 200)
        return { text: posted.text, ms: clock.elapsed() - startedAtMs };
      missed += 1;
      if (missed >= hooks.length) {
        if (hadTo && mustTake()) onRefused();
        missed = 0;
        hadTo = mustTake();
      }
      const isRequest = posted !== null && posted.kind !== 'none';
      if (isRequest) requests += 1;
      await new Promise<void>((resolve) => clock.after(isRequest ? nextRequestMs : againMs, resolve));
    }
    return null;
  }
}
