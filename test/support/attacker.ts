/** An attacker in a process of its own, without any secret: `attacker.ts <attack> <port>`. It goes on until it is killed. */
import { connect, type Socket } from 'node:net';

const [attack = '', port = ''] = process.argv.slice(2);

/** What came back so far, by status; printed as a line of JSON whenever it changes. */
const statuses: Record<string, number> = {};

/** Keeps so many connections: each is attacked with as soon as it is there, and made anew when it ends. */
function keep(connections: number, use: (socket: Socket) => void): void {
  const open = (): void => {
    const socket = connect({ port: Number(port), host: '127.0.0.1' });
    socket.on('error', () => {}).once('close', () => setImmediate(open));
    socket.once('connect', () => use(socket));
  };
  for (let n = 0; n < connections; n += 1) open();
}

function count(socket: Socket): void {
  socket.on('data', (chunk) => {
    for (const [, status = ''] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g))
      statuses[status] = (statuses[status] ?? 0) + 1;
    console.log(JSON.stringify(statuses));
  });
}

/** One request after the other over a connection, each when the one before has been answered. */
function repeat(socket: Socket, request: Buffer): void {
  count(socket);
  socket.on('data', (chunk) => {
    if (chunk.includes('HTTP/1.1 ')) socket.write(request);
  });
  socket.write(request);
}

function post(path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-SigmaMind-Signature: ${'0'.repeat(64)}\r\n`;
  return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const megabyte = 1_000_000;
const fillers = Array.from({ length: 1_100 }, (_, n) => `X-F${n}: 1\r\n`).join('');

const attacks: Readonly<Record<string, () => void>> = {
  /** Tens of thousands of requests at once, whose replies are never read. */
  'unread-replies': () =>
    keep(20, (socket) => {
      socket.pause();
      for (const path of ['/metrics', '/healthz', '/api/status'])
        socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(20_000));
    }),
  /** Large bodies that are not signed, for agents with and without a secret. */
  'large-bodies': () =>
    keep(100, (socket) =>
      repeat(
        socket,
        post('/hooks/agents', `{"agentId":"agent_${Math.floor(Math.random() * 400)}","x":"${'x'.repeat(megabyte)}"}`),
      ),
    ),
  /** The same, made of numbers that take long to parse. */
  'large-numbers': () =>
    keep(20, (socket) =>
      repeat(
        socket,
        post('/hooks/agents', `{"agentId":"agent_1","x":[${'8202522731445525543,'.repeat(megabyte / 20)}1]}`),
      ),
    ),
  /** The same, made of brackets, which take longest to parse. */
  'deep-bodies': () =>
    keep(20, (socket) =>
      repeat(
        socket,
        post('/hooks/agents', `{"agentId":"agent_1","x":${'['.repeat(megabyte / 2)}${']'.repeat(megabyte / 2)}}`),
      ),
    ),
  /** So many headers that those of a proxy would not be kept. */
  'filler-headers': () =>
    keep(20, (socket) =>
      repeat(
        socket,
        Buffer.from(`GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n${fillers}X-Forwarded-For: 203.0.113.7\r\n\r\n`),
      ),
    ),
};

attacks[attack]?.();
console.log(JSON.stringify(statuses));
