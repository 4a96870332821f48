/** Attacks from outside while phones ring: how long calls wait for their answers, against the same router at rest. */
import { attackedSources, attacks, startAttack } from '../support/attacks.js';
import { type Row, ratioRow, type Size } from './measuring.js';
import { inDirectory, measure, secret, startRouter } from './servers.js';

/** The default of an answer: what comes later holds its defaults. */
const withinMs = 3_000;

const rows = `${attackedSources}
resolvers: { customer: { use: static, values: { first_name: Jane } } }
destinations: { console: { use: log, level: debug } }
routes: [{ from: agents, to: console }]
answers: [{ from: calls, resolve: [customer], variables: { first_name: "\${{ customer.first_name }}" } }]
`;

/** Each attack on a router of its own; 50 calls a second from 8 connections, for ten seconds and for a minute. */
export async function attack({ rounds }: Size): Promise<Row[]> {
  const calls = rounds === 1 ? 500 : 3_000;
  const found: Row[] = [];
  for (const name of attacks)
    found.push(
      await inDirectory(async (directory) => {
        const server = await startRouter(directory, rows);
        const path = '/hooks/calls/token-of-the-tests';
        const load = { port: server.port, path, secret, body: 'call', connections: 8, label: name } as const;
        await measure({ ...load, requests: 1_000, perSecond: 500 });
        const idle = await measure({ ...load, firstCall: 1_000, requests: calls, perSecond: 50 });
        const running = await startAttack(name, server.port);
        const busy = await measure({ ...load, firstCall: 1_000 + calls, requests: calls, perSecond: 50 });
        const replies = Object.entries(running.statuses).map(([status, count]) => `${count} × ${status}`);
        await running.stop();
        const memoryMb = Math.round(server.residentMb());
        await server.stop();
        const inTime = busy.replies.filter(({ status, ms }) => status === 200 && ms < withinMs);
        const slowestMs = Math.round(Math.max(...busy.replies.map(({ ms }) => ms)));
        const what = `p99 of an answered call under the attack ${name} ÷ idle, ms`;
        const row = ratioRow(`attack ${name}`, what, '', busy.p99, idle.p99, 1);
        const share = `answered in time: ${((100 * inTime.length) / calls).toFixed(2)} %, the last after ${slowestMs} ms`;
        return {
          ...row,
          figures: `${row.figures}; ${share}; ${memoryMb} MB; replies to the attacker: ${replies.join(', ') || 'none read'}`,
        };
      }),
    );
  return found;
}
