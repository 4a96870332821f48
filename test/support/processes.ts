/** Processes of the system: what belongs together, what is told to all of them, and when they are gone. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { eventually } from './eventually.js';

interface Row {
  readonly pid: number;
  readonly parent: number;
  /** As `ps` has it: `Z` is one that has ended and that nobody has asked about. */
  readonly state: string;
}

/** The process and those that it has started. */
export function familyOf(pid: number): readonly number[] {
  return [pid, ...allProcesses().flatMap((row) => (row.parent === pid ? [row.pid] : []))];
}

/** Sends a signal to each of them that is still there. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
}

/** When all of them have ended. A killed process is not gone at once. */
export async function gone(pids: readonly number[]): Promise<void> {
  const isThere = ({ pid, state }: Row): boolean => pids.includes(pid) && !/^[ZX]/.test(state);
  await eventually(() => !allProcesses().some(isThere));
}

/**
 * A free port that stays free while its server is away: below those that Linux and macOS give to whoever connects, since
 * many do meanwhile.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A bare Linux has no `ps`, macOS no `/proc`. */
function allProcesses(): readonly Row[] {
  if (process.platform === 'linux') return readdirSync('/proc').flatMap(rowIn);
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state };
  });
}

function rowIn(name: string): Row[] {
  if (!/^\d+$/.test(name)) return [];
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    // The command stands in brackets and may hold anything.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid: Number(name), parent: Number(parent), state }];
  } catch {
    // It has ended since it was listed.
    return [];
  }
}
