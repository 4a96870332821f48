/** Whether files have changed since a configuration was read from them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';

const missing = 'missing';

/** By path. */
export function digestsOf(files: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...files].map((file) => [file, digestOfFile(file)]));
}

/** Those with another content by now. */
export async function changedFiles(digests: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const present = await Promise.all(
    [...digests.keys()].map((file) => readFile(file).then(digestOf, () => missing /* or not to be read */)),
  );
  return [...digests].flatMap(([file, digest], index) => (present[index] === digest ? [] : [file]));
}

/** As one writes a path in the file: from its directory, where it is below that. */
export function pathFrom(directory: string, file: string): string {
  const path = relative(directory, file);
  return path.startsWith('..') ? file : path;
}

function digestOfFile(file: string): string {
  try {
    return digestOf(readFileSync(file));
  } catch {
    // A file that is looked for, such as .env.
    return missing;
  }
}

function digestOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
