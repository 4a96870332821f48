/**
 * Shares the event loop among connections. As long as a thousand sockets have something to read, libuv reads on, up to 49,000
 * times: meanwhile it accepts no connection and runs no timer. Since version 1.45 it also accepts only one connection in a
 * turn of the loop. Measured on one core beside 2,500 senders that send again after each reply: with 64 replies in each turn
 * 25 connections were accepted a second, and a call whose connection stood behind 250 others got its answer after 13 s.
 */
import type { Socket } from 'node:net';

/** Replies in one turn of the event loop until connections have to wait: some milliseconds of work. */
const mostReplies = 64;
/** Turns in a row in which only new connections are accepted: enough to empty the listener's queue, a few milliseconds. */
const mostAcceptTurns = 64;

export class ConnectionFairness {
  readonly #waiting: Socket[] = [];
  #replies = 0;
  #accepted = 0;
  #acceptTurns = 0;
  #isTurnCounted = false;

  /** A connection was accepted: others may stand behind it. While connections wait, those are accepted first. */
  accepted(): void {
    this.#accepted += 1;
  }

  /** A reply has gone out. Where that makes too many in this turn, what comes next over the connection is read in a later one. */
  replied(socket: Socket): void {
    this.#countTurn();
    this.#replies += 1;
    if (this.#acceptTurns === 0 && this.#replies <= mostReplies) return;
    socket.pause();
    this.#waiting.push(socket);
  }

  #countTurn(): void {
    if (this.#isTurnCounted) return;
    this.#isTurnCounted = true;
    setImmediate(() => {
      this.#isTurnCounted = false;
      this.#replies = 0;
      const acceptsMore = this.#waiting.length > 0 && this.#accepted > 0 && this.#acceptTurns < mostAcceptTurns;
      this.#accepted = 0;
      this.#acceptTurns = acceptsMore ? this.#acceptTurns + 1 : 0;
      if (!acceptsMore) for (const socket of this.#waiting.splice(0, mostReplies)) socket.resume();
      if (this.#waiting.length > 0) this.#countTurn();
    });
  }
}
