/** The disk of a router that runs: pulled out, and put back. */
import { type ExecFileException, execFileSync } from 'node:child_process';
import { run } from '../../plugins/sqlite/test/processes/processes.js';

/** Until it is put back, the router can commit nothing. */
export interface PulledDisk {
  putBack(): Promise<void>;
}

/**
 * From now on no file takes a single byte more of this process: the system refuses each write, as it does on a full disk.
 * Where it cannot be told to (macOS), another process holds the store's file.
 */
export async function pullDisk(pid: number, storeFile: string): Promise<PulledDisk> {
  const limit = limitOf(pid);
  if (limit !== null) {
    setLimit(pid, '0');
    return { putBack: async () => setLimit(pid, limit) };
  }
  const locker = run('locker.ts', storeFile);
  await locker.wrote(1);
  return {
    putBack: async () => {
      locker.process.stdin?.end();
      await locker.ended();
    },
  };
}

/** How long a file of the process may get, in bytes or `unlimited`; null where `prlimit` is missing. */
function limitOf(pid: number): string | null {
  try {
    return prlimit(pid, '--fsize', '--output=SOFT', '--noheadings', '--raw').trim();
  } catch (error) {
    if ((error as ExecFileException).code === 'ENOENT') return null;
    throw error;
  }
}

function setLimit(pid: number, soft: string): void {
  prlimit(pid, `--fsize=${soft}:`);
}

function prlimit(pid: number, ...given: readonly string[]): string {
  return execFileSync('prlimit', ['--pid', String(pid), ...given], { encoding: 'utf8' });
}
