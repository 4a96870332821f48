/** Reads a backup, line by line, and finds what is wrong with it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CommandFailure, exitCodes } from '../output.js';
import { type Content, type Counts, contentOf, end, type Header, header, marker, newestFormat } from './format.js';

/** The first bytes of gzip. */
const gzipMagic = [0x1f, 0x8b];
/** No header is longer: another file need not be read to its end to see that it is none. */
const longestHeader = 65_536;

const lineBreak = 0x0a;

/** A backup whose header was read. */
export interface OpenBackup {
  readonly header: Header;
  /** SHA-256 of its content; known when all contents were read. */
  readonly sha256: () => string;
  /**
   * All that is in it, in its order. Rejects at the end where the content is not what was written: only after that is all of it known
   * to be right.
   */
  readonly contents: AsyncGenerator<Content>;
}

/** Opens a backup. Everything that is wrong with it is thrown as a `CommandFailure`. */
export async function openBackup(path: string): Promise<OpenBackup> {
  const lines = checkedLines(path);
  const first = await lines.next();
  if (first.done === true) throw damaged(path, 'it has no lines');
  const found = headerIn(path, first.value);
  let sha256 = '';
  const contents = async function* (): AsyncGenerator<Content> {
    const hash = createHash('sha256').update(first.value).update('\n');
    const counted = counter();
    let last: string | null = null;
    for await (const line of lines) {
      if (last !== null) throw damaged(path, 'something follows its last line');
      last = endIn(line);
      if (last !== null) continue;
      hash.update(line).update('\n');
      const content = parsed(path, line);
      counted.add(content);
      yield content;
    }
    if (last === null) throw truncated(path);
    sha256 = hash.digest('hex');
    if (sha256 !== last) throw damaged(path, 'its content does not have the SHA-256 that its last line has');
    for (const [what, count] of Object.entries(counted.counts))
      if (found.counts[what as keyof Counts] !== count)
        throw damaged(path, `it has ${count} ${what}, and its header says ${found.counts[what as keyof Counts]}`);
  };
  return { header: found, sha256: () => sha256, contents: contents() };
}

/** Counts contents as a header does. */
export function counter() {
  const counts: Counts = { events: 0, deliveries: 0, attempts: 0, texts: 0, keys: 0 };
  const add = (content: Content): void => {
    if (content.kind !== 'event') {
      counts[content.kind === 'text' ? 'texts' : 'keys'] += 1;
      return;
    }
    counts.events += 1;
    counts.deliveries += content.event.deliveries.length;
    for (const { attempts } of content.event.deliveries) counts.attempts += attempts.length;
  };
  return { counts, add };
}

/** The lines of the file, without line breaks. */
async function* checkedLines(path: string): AsyncGenerator<Buffer> {
  await checkKind(path);
  let hasHeader = false;
  try {
    for await (const line of linesIn(path, () => hasHeader)) {
      hasHeader = true;
      yield line;
    }
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') throw truncated(path);
    if (code.startsWith('Z_')) throw damaged(path, `it cannot be decompressed (${message})`);
    throw unreadable(path, error);
  }
}

async function* linesIn(path: string, hasHeader: () => boolean): AsyncGenerator<Buffer> {
  const unpacked = createGunzip();
  // Its error is thrown by the loop below.
  pipeline(createReadStream(path), unpacked, () => {});
  let parts: Buffer[] = [];
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(lineBreak); at !== -1; at = chunk.indexOf(lineBreak, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, at)]);
      parts = [];
      start = at + 1;
    }
    parts.push(chunk.subarray(start));
    if (!hasHeader() && parts.reduce((sum, { length }) => sum + length, 0) > longestHeader) throw noBackup(path);
  }
  if (parts.some(({ length }) => length > 0)) throw hasHeader() ? truncated(path) : noBackup(path);
}

async function checkKind(path: string): Promise<void> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    if ((await file.stat()).isDirectory()) throw failed(`${path} is a directory`);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0).catch((error: unknown) => {
      throw unreadable(path, error);
    });
    if (bytesRead === 0) throw failed(`${path} is empty`);
    if (gzipMagic.some((byte, index) => buffer[index] !== byte)) throw noBackup(path);
  } finally {
    await file.close();
  }
}

function headerIn(path: string, line: Buffer): Header {
  const value = jsonIn(line);
  const { data: mark } = marker.safeParse(value);
  if (mark === undefined) throw noBackup(path);
  if (mark.format > newestFormat)
    throw failed(
      `${path} has format ${mark.format}, written by Switchhook ${mark.router}; this version reads formats up to ${newestFormat}: install that version or a newer one`,
    );
  const { data } = header.safeParse(value);
  if (data === undefined) throw damaged(path, 'its header is incomplete');
  return data;
}

/** The checksum of the last line; null where it is another line. */
function endIn(line: Buffer): string | null {
  if (!line.subarray(0, 7).equals(Buffer.from('{"end":'))) return null;
  return end.safeParse(jsonIn(line)).data?.end.sha256 ?? '';
}

function parsed(path: string, line: Buffer): Content {
  try {
    return contentOf(line.toString('utf8'));
  } catch {
    // What is wrong with it would repeat a part of an event.
    throw damaged(path, 'a line of it cannot be read');
  }
}

function jsonIn(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    // No JSON is no header.
    return null;
  }
}

function failed(message: string): CommandFailure {
  return new CommandFailure(exitCodes.failed, message);
}

function noBackup(path: string): CommandFailure {
  return failed(`${path} is no backup of Switchhook`);
}

function truncated(path: string): CommandFailure {
  return failed(`${path} is truncated: its end is missing. Use another backup, or copy the file again`);
}

function damaged(path: string, why: string): CommandFailure {
  return failed(`${path} is damaged: ${why}. Use another backup, or copy the file again`);
}

function unreadable(path: string, error: unknown): CommandFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return failed(`there is no file ${path}`);
  if (code === 'EACCES' || code === 'EPERM') return failed(`${path} cannot be read: this user may not (${code})`);
  return failed(`${path} cannot be read: ${message}`);
}
