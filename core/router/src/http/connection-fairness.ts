/**
 * Shares the event loop among connections. As long as a thousand sockets have something to read, libuv reads on, up to 49,000
 * times: meanwhile it accepts no connection and runs no timer. Since version 1.45 it also accepts only one connection in a
 * turn of the loop, and it reads up to 2 MB of each connection in a turn. Measured on one core beside 2,500 senders that send again after each reply: with 64 replies in each turn
 * 25 connections were accepted a second, and a call whose connection stood behind 250 others got its answer after 13 s.
 */
import type { Socket } from 'node:net';

/** Replies in one turn of the event loop until connections have to wait: some milliseconds of work. */
const mostReplies = 64;
/** Bytes of bodies in one turn, likewise: a hundred connections that send large ones made turns of half a second. */
const mostBytes = 2 * 1_048_576;
/** Turns in a row in which only new connections are accepted: enough to empty the listener's queue, a few milliseconds. */
const mostAcceptTurns = 64;

export class ConnectionFairness {
  readonly #waiting = new Set<Socket>();
  #replies = 0;
  #bytes = 0;
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
    if (this.#replies > mostReplies || this.#acceptTurns > 0) this.#wait(socket);
  }

  /** So many bytes of a body have been read from a connection. */
  read(socket: Socket, bytes: number): void {
    this.#countTurn();
    this.#bytes += bytes;
    if (this.#bytes > mostBytes || this.#acceptTurns > 0) this.#wait(socket);
  }

  #wait(socket: Socket): void {
    socket.pause();
    this.#waiting.add(socket);
  }

  #countTurn(): void {
    if (this.#isTurnCounted) return;
    this.#isTurnCounted = true;
    setImmediate(() => {
      this.#isTurnCounted = false;
      this.#replies = 0;
      this.#bytes = 0;
      const acceptsMore = this.#waiting.size > 0 && this.#accepted > 0 && this.#acceptTurns < mostAcceptTurns;
      this.#accepted = 0;
      this.#acceptTurns = acceptsMore ? this.#acceptTurns + 1 : 0;
      if (!acceptsMore) this.#resume();
      if (this.#waiting.size > 0) this.#countTurn();
    });
  }

  /** The first of those that wait. */
  #resume(): void {
    let left = mostReplies;
    for (const socket of this.#waiting) {
      if (left === 0) return;
      left -= 1;
      this.#waiting.delete(socket);
      socket.resume();
    }
  }
}
