/** The directory of a demo: its name has the process, so that the next demo removes what one that was killed has left. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const prefix = 'switchhook-demo-';

/** Makes the directory of this process. */
export function demoDirectory(parent: string, pid = process.pid): Promise<string> {
  return mkdtemp(join(parent, `${prefix}${pid}-`));
}

/** Removes the directories of processes that have ended; returns their names. What cannot be removed stays, such as that of another user. */
export async function removeLeftovers(parent: string, isRunning = runs): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parent)) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const isGone = await rm(join(parent, name), { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (isGone) removed.push(name);
  }
  return removed;
}

/** Also a process of another user, which may not be signalled. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return Object(error).code === 'EPERM';
  }
}
