/** Inspects the file without opening it as a database: `check --connect` must have no effect, also beside a running router. */
import { constants } from 'node:fs';
import { access, open, readlink, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { StoreSize } from '@switchhook/sdk';
import { applicationId, migrations } from './sql-schema.js';

/** The permissions needed to create a file in a directory. */
const writable = constants.W_OK | constants.X_OK;

/** Rejects when a router could not use the path. */
export async function probeFile(path: string): Promise<void> {
  const header = await headerOf(path);
  // The lock file is beside it.
  await probeDirectory(dirname(path));
  if (header === null) return probeTarget(path);
  await access(path, constants.R_OK | constants.W_OK);
  // An empty file is one whose first transaction is still in its log.
  if (header.length === 0) return;
  // SQLite's file format: magic text, at 60 the user version, at 68 the application id.
  if (
    header.length < 100 ||
    header.toString('latin1', 0, 15) !== 'SQLite format 3' ||
    header.readUInt32BE(68) !== applicationId
  )
    throw new Error(`${path}: the file is not a store of Switchhook`);
  const version = header.readUInt32BE(60);
  if (version > migrations.length)
    throw Object.assign(new Error(`${path}: the file has version ${version}, written by a newer router`), {
      code: 'STORE_TOO_NEW',
    });
}

async function headerOf(path: string): Promise<Buffer | null> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The nearest existing directory must be writable, since missing ones are created in it; but not behind a link, e.g. to a disk that is not mounted. */
async function probeDirectory(directory: string): Promise<void> {
  try {
    await access(directory, writable);
  } catch (error) {
    if (!isMissing(error) || dirname(directory) === directory) throw error;
    const target = await targetOf(directory);
    if (target !== null) throw new Error(`${directory}: the link points to ${target}, which does not exist`);
    await probeDirectory(dirname(directory));
  }
}

/** A missing file is created; for a link, at its target, without creating a directory. */
async function probeTarget(path: string): Promise<void> {
  const target = await targetOf(path);
  if (target === null) return;
  await access(dirname(target), writable);
  await probeTarget(target);
}

/** The target of a link; null if the path is none. */
async function targetOf(path: string): Promise<string | null> {
  try {
    return resolve(dirname(path), await readlink(path));
  } catch (error) {
    if (isMissing(error) || codeOf(error) === 'EINVAL') return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

/** What a file takes with its write-ahead log, and the room on its disk. */
export async function sizeOf(path: string): Promise<StoreSize> {
  const sizes = await Promise.all([path, `${path}-wal`].map((file) => stat(file).then(({ size }) => size, absent)));
  const { bavail, bsize } = await statfs(dirname(path));
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), freeBytes: bavail * bsize };
}

function absent(error: NodeJS.ErrnoException): number {
  if (error.code === 'ENOENT') return 0;
  throw error;
}
