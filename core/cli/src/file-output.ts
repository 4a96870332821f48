/** Writes a file that is there as a whole or not at all, or to standard output. */
import { constants } from 'node:fs';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { errorMessage } from '@switchhook/sdk/internal';
import { CommandFailure, exitCodes } from './output.js';

/** Only its owner may read it: it holds transcripts and phone numbers. */
const mode = 0o600;

/** What the system's error codes mean for a file that is written. */
const sentences: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or write to another disk',
  EDQUOT: 'the quota of this user is used up: free some space, or write to another disk',
  EFBIG: 'the file is larger than this user, or the file system, may write',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOENT: 'the directory does not exist',
  ENOTDIR: 'a part of its path is no directory',
  ENAMETOOLONG: 'the name is too long',
};

/**
 * Lets `write` fill a file beside `path`, which gets this name when all of it is on disk. Whatever fails, and if the process is
 * killed, `path` is what it was before. Throws a `CommandFailure`.
 */
export async function writeWhole(
  path: string,
  { force = false }: { readonly force?: boolean },
  write: (stream: Writable) => Promise<void>,
): Promise<void> {
  await refuseExisting(path, force);
  await removeLeftovers(path);
  const temporary = `${path}.${process.pid}.tmp`;
  let stream: Writable | null = null;
  try {
    const file = await open(temporary, 'wx', mode);
    // `flush`: it is on disk before it is closed.
    stream = file.createWriteStream({ flush: true });
    await write(stream);
    await refuseExisting(path, force);
    await rename(temporary, path);
    await syncDirectory(path);
  } catch (error) {
    stream?.destroy();
    await unlink(temporary).catch(ignored);
    throw failureOf(path, error);
  }
}

/** Runs until it ends, or a signal ends it: what it writes is then removed. */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await run(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? new CommandFailure(exitCodes.failed, 'Interrupted: nothing was kept.') : error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** Standard output, for a pipeline, which would end the process's own stream. Fails with EPIPE where the reader has gone. */
export function standardOutput(): Writable {
  return new Writable({ write: (chunk, _encoding, done) => void process.stdout.write(chunk, done) });
}

/** The first failure is reported; what follows from it is not. */
function ignored(): void {}

/** Never a device or a pipe: a file would take its place. */
async function refuseExisting(path: string, force: boolean): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw failureOf(path, error);
  });
  if (found === null) return;
  if (found.isDirectory()) throw new CommandFailure(exitCodes.usage, `${path} is a directory: name a file in it`);
  if (!found.isFile())
    throw new CommandFailure(exitCodes.usage, `${path} is not a regular file: pass - and redirect standard output`);
  if (!force)
    throw new CommandFailure(exitCodes.failed, `${path} exists: pass --force to replace it, or name another file`);
}

/** Of processes that were killed while they wrote the same file. */
async function removeLeftovers(path: string): Promise<void> {
  const directory = dirname(resolve(path));
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names) {
    const pid = name.startsWith(`${basename(path)}.`) && /\.(\d+)\.tmp$/.exec(name)?.[1];
    if (pid && name === `${basename(path)}.${pid}.tmp` && !isRunning(Number(pid)))
      await unlink(join(directory, name)).catch(ignored);
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** The new name survives a power failure, too. Not every system can do so for a directory. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(resolve(path)), constants.O_RDONLY).catch(() => null);
  await directory?.sync().catch(ignored);
  await directory?.close();
}

function failureOf(path: string, error: unknown): unknown {
  if (error instanceof CommandFailure) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const reason = sentences[code];
  // A failure of what is written, not of the file.
  if (reason === undefined && !(error instanceof Error && 'syscall' in error)) return error;
  return new CommandFailure(
    exitCodes.failed,
    `${path} was not written: ${reason ?? errorMessage(error)}${reason === undefined ? '' : ` (${code})`}`,
  );
}
