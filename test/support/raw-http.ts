/** Bytes on a socket, for requests that no HTTP client would send. */
import { connect } from 'node:net';

/** Sends bytes and ends its side; resolves with everything that came back when the other side has ended, too. */
export function exchanged(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const done = (): void => {
      socket.destroy();
      resolve(Buffer.concat(received).toString('latin1'));
    };
    socket.on('data', (chunk) => received.push(chunk));
    // The other side may cut the connection while there is still something to be sent.
    socket.on('error', done).on('close', done);
    socket.on('connect', () => socket.end(bytes));
  });
}

/** The statuses of the responses in what came back. */
export function statusesIn(received: string): readonly number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
}
