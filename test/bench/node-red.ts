/** Node-RED on the same work, where it is installed beside: HTTP in, HMAC in a function, HTTP request, HTTP response. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Row, Size } from './measuring.js';
import { delivered, forwarding } from './scenarios.js';
import { inDirectory, type Server, secret, startRouter } from './servers.js';

/** The program of Node-RED; null where it is not installed beside. */
export function installedNodeRed(): string | null {
  try {
    return createRequire(join(process.cwd(), 'package.json')).resolve('node-red/red.js');
  } catch {
    // It is no dependency: whoever wants the comparison installs it.
    return null;
  }
}

/** The router's whole way against Node-RED's, which keeps nothing on disk. No row where it is not installed. */
export async function nodeRed({ requests }: Size): Promise<Row[]> {
  const program = installedNodeRed();
  if (program === null) return [];
  const few = Math.min(requests, 5_000);
  const theirs = await inDirectory((directory) =>
    delivered(({ port }) => startNodeRed(program, directory, `http://127.0.0.1:${port}/`), '/', 'node-red', few),
  );
  const ours = await inDirectory((directory) =>
    delivered((receiver) => startRouter(directory, forwarding(receiver)), '/hooks/agents', 'beside-node-red', requests),
  );
  const figures = `${ours.toFixed(0)} ÷ ${theirs.toFixed(0)}`;
  return [
    {
      id: 'node-red',
      what: 'verify, store, forward ÷ verify, forward by Node-RED, events/s',
      figures,
      ratio: ours / theirs,
      setTarget: '> 1',
    },
  ];
}

const verify = `
const digest = crypto.createHmac('sha256', '${secret}').update(JSON.stringify(msg.payload)).digest('hex');
if (digest !== msg.req.headers['x-signature']) { msg.statusCode = 401; return [null, msg]; }
msg.headers = { 'content-type': 'application/json' };
return [msg, null];`;

/** Starts it with a flow that passes each verified event on before it replies. */
export async function startNodeRed(program: string, directory: string, forwardTo: string): Promise<Server> {
  const tab = { id: 'tab', type: 'tab', label: 'bench' };
  const node = (id: string, type: string, more: object) => ({ id, type, z: 'tab', ...more });
  const flow = [
    tab,
    node('in', 'http in', { url: '/', method: 'post', wires: [['verify']] }),
    node('verify', 'function', {
      func: verify,
      outputs: 2,
      libs: [{ var: 'crypto', module: 'crypto' }],
      wires: [['forward'], ['reply']],
    }),
    node('forward', 'http request', { method: 'POST', url: forwardTo, ret: 'txt', wires: [['answer']] }),
    node('answer', 'function', {
      func: "msg.payload = '{}'; msg.headers = {}; return msg;",
      outputs: 1,
      wires: [['reply']],
    }),
    node('reply', 'http response', {}),
  ];
  const port = await freePort();
  await writeFile(join(directory, 'flows.json'), JSON.stringify(flow));
  await writeFile(
    join(directory, 'settings.js'),
    `module.exports = { uiPort: ${port}, uiHost: '127.0.0.1', httpAdminRoot: false, functionExternalModules: true, logging: { console: { level: 'info' } } };`,
  );
  const args = [
    program,
    '--userDir',
    directory,
    '--settings',
    join(directory, 'settings.js'),
    join(directory, 'flows.json'),
  ];
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => chunk.includes('Started flows') && resolve());
    child.once('exit', () => reject(new Error('Node-RED ended before it was ready')));
  });
  return {
    pid: child.pid,
    port,
    readyMs: performance.now() - startedAt,
    residentMb: () => 0,
    stop: async () => {
      child.removeAllListeners('exit');
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
