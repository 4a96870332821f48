/** A load generator in a process of its own: signed events over kept-alive sockets, each request unique and made beforehand. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What to send. */
export interface Load {
  readonly port: number;
  readonly path: string;
  readonly secret: string;
  readonly requests: number;
  readonly connections: number;
  /** Makes the events of this run different from those of another: the n-th, from 0, is about conversation `<label>-<n>`. */
  readonly label: string;
  /** What is sent: an event that has ended, or a ringing phone. Default: the event. */
  readonly body?: 'event' | 'call';
  /** Number of the first call: the calls of this run are others than those before it. Default: 0. */
  readonly firstCall?: number;
  /** At most so many per second; undefined = as fast as they are answered. */
  readonly perSecond?: number;
}

/** What came back. */
export interface Measured {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Replies by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** How each request was answered, in the order they were made. */
  readonly replies: readonly Reply[];
}

export interface Reply {
  readonly status: number;
  readonly ms: number;
}

const padding = 'x'.repeat(1_700);

/** Ten thousand callers; whoever calls again calls another number, which is another call. */
function callBody(index: number): string {
  const from = `+1202555${String(index % 10_000).padStart(4, '0')}`;
  const to = `+1234567${String(8_913 + Math.floor(index / 10_000)).padStart(4, '0')}`;
  return JSON.stringify({ event: 'inbound_call', from_number: from, to_number: to });
}

function eventBody(label: string, index: number): string {
  return JSON.stringify({
    event: 'conversation_ended',
    conversationId: `${label}-${index}`,
    agentId: `agent_${index % 10}`,
    duration: index % 300,
    status: 'ended',
    terminationReason: 'customer_ended_call',
    startTime: '2026-01-01T00:00:00.000Z',
    endTime: '2026-01-01T00:01:13.000Z',
    transcript: padding,
  });
}

function requestFor({ path, secret, label, body: kind, firstCall = 0 }: Load, index: number): Buffer {
  const body = kind === 'call' ? callBody(firstCall + index) : eventBody(label, index);
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Signature: ${signature}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

/** Not all at once: a listener's queue holds a few hundred. */
async function connected({ port, connections }: Load): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < connections) {
    const next = Array.from({ length: Math.min(100, connections - sockets.length) }, () => connect(port, '127.0.0.1'));
    await Promise.all(next.map((socket) => once(socket.setNoDelay(true), 'connect')));
    sockets.push(...next);
  }
  return sockets;
}

async function run(load: Load): Promise<Measured> {
  const requests = Array.from({ length: load.requests }, (_, index) => requestFor(load, index));
  const sockets = await connected(load);
  const replies: Reply[] = [];
  const startedAt = performance.now();
  let next = 0;

  const take = async (): Promise<number> => {
    const index = next;
    next += 1;
    if (load.perSecond !== undefined && index < requests.length) {
      const waitMs = startedAt + (index * 1_000) / load.perSecond - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    return index;
  };

  const sendOver = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let index = 0;
      let sentAt = 0;
      let reply = '';
      const send = async (): Promise<void> => {
        index = await take();
        const request = requests[index];
        if (request === undefined) {
          socket.end();
          resolve();
          return;
        }
        sentAt = performance.now();
        socket.write(request);
      };
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('a connection was closed')));
      socket.on('data', (chunk) => {
        reply += chunk.toString('latin1');
        // One reply at a time, and all of them end with the JSON's brace.
        if (!reply.endsWith('}')) return;
        replies[index] = {
          status: Number(reply.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)),
          ms: performance.now() - sentAt,
        };
        reply = '';
        void send();
      });
      void send();
    });

  await Promise.all(sockets.map(sendOver));
  const seconds = (performance.now() - startedAt) / 1_000;
  const latencies = replies.map(({ ms }) => ms).sort((a, b) => a - b);
  const statuses: Record<string, number> = {};
  for (const { status } of replies) statuses[status] = (statuses[status] ?? 0) + 1;
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    requests: latencies.length,
    seconds,
    perSecond: latencies.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    statuses,
    replies,
  };
}

process.on('message', (load: Load) => {
  run(load).then(
    (measured) => process.send?.(measured),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
