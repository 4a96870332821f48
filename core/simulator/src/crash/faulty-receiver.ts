/** A receiver that cannot be relied on: it takes, refuses, hangs and cuts the connection as chance will have it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Arrival, SentEvent } from './ledger.js';
import type { SeededRandom } from './seeded-random.js';

/** `lie`: it accepts the delivery, and cuts the connection before its response is complete. */
type Fault = 'take' | 'fail' | 'busy' | 'hang' | 'cut' | 'lie';

/** The weight of each, while it is faulty. */
const faults: readonly (readonly [Fault, number])[] = [
  ['take', 74],
  ['fail', 10],
  ['busy', 1],
  ['hang', 1],
  ['cut', 9],
  ['lie', 5],
];

/** The event it is about. */
export interface Witness {
  arrive(arrival: Arrival): void;
  /** Called before the receiver answers. */
  accept(arrival: Arrival, event: SentEvent): void;
}

export class FaultyReceiver {
  readonly #random: SeededRandom;
  readonly #witness: Witness;
  readonly #server: Server;
  #moody = true;
  #down: string | null = null;

  private constructor(random: SeededRandom, witness: Witness) {
    this.#random = random;
    this.#witness = witness;
    this.#server = createServer((incoming, outgoing) => this.#receive(incoming, outgoing));
  }

  /** Listens on a free port of this machine. */
  static async open(random: SeededRandom, witness: Witness): Promise<FaultyReceiver> {
    const receiver = new FaultyReceiver(random, witness);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on it takes nothing for this destination; null ends that. */
  setDown(destination: string | null): void {
    this.#down = destination;
  }

  /** From now on it takes everything. */
  calmDown(): void {
    this.#moody = false;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #receive(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Only complete requests are reported: one that was cut off cannot be identified.
    incoming.on('end', () => {
      const arrival = arrivalOf(incoming);
      this.#witness.arrive(arrival);
      const fate = arrival.destination === this.#down ? 'fail' : this.#moody ? this.#random.among(faults) : 'take';
      if (fate === 'take' || fate === 'lie') this.#witness.accept(arrival, eventIn(chunks));
      answer(outgoing, fate);
    });
  }
}

function answer(outgoing: ServerResponse, fate: Fault): void {
  switch (fate) {
    case 'take':
      outgoing.writeHead(200).end('taken');
      return;
    case 'fail':
      outgoing.writeHead(503).end();
      return;
    case 'busy':
      outgoing.writeHead(429, { 'retry-after': '1' }).end();
      return;
    case 'hang':
      return;
    case 'cut':
      outgoing.socket?.resetAndDestroy();
      return;
    case 'lie':
      outgoing.writeHead(200, { 'content-length': '1000' });
      outgoing.write('taken', () => outgoing.socket?.resetAndDestroy());
  }
}

function arrivalOf({ headers }: IncomingMessage): Arrival {
  const header = (name: string): string => String(headers[name] ?? '');
  return {
    deliveryId: header('x-delivery'),
    destination: header('x-destination'),
    key: header('x-event-key'),
    attempt: Number(header('x-attempt')),
  };
}

/** What the plugin posts is what our sender sent. */
function eventIn(chunks: readonly Buffer[]): SentEvent {
  return JSON.parse(Buffer.concat(chunks).toString()) as SentEvent;
}
