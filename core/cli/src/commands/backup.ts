/** `switchhook backup`: writes all that a store keeps into one file, while the router goes on; and verifies such a file. */
import { stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { systemClock, version } from '@switchhook/core/internal';
import type { Header } from '../backup/format.js';
import { type ConfiguredStore, storeOf, withSnapshot } from '../backup/store.js';
import { eventsText, printInside } from '../backup/summary.js';
import { verifyBackup } from '../backup/verify.js';
import { headerOf, linesOf } from '../backup/writer.js';
import type { ConfigOptions } from '../configuration.js';
import { interruptible, standardOutput, writeWhole } from '../file-output.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, quantity } from '../print.js';

interface BackupOptions extends ConfigOptions {
  readonly force?: true;
  readonly verify?: true;
}

export async function runBackup(output: Output, file: string, options: BackupOptions): Promise<void> {
  if (options.verify) return verify(file, options, output);
  if (file === '-' && options.json)
    throw new CommandFailure(exitCodes.usage, '--json prints to standard output, which has the backup');
  return backUp(file, options, output);
}

async function verify(file: string, { json, force }: BackupOptions, output: Output): Promise<void> {
  if (file === '-') throw new CommandFailure(exitCodes.usage, '--verify reads a file: name it');
  if (force) throw new CommandFailure(exitCodes.usage, '--verify writes nothing: omit --force');
  const { header, sha256, states } = await verifyBackup(file, output);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0)
    output.note(
      `Other users can read ${file} (mode ${(mode & 0o777).toString(8)}), which has bodies of events: chmod 600.`,
    );
  if (json) printJson(output, { ...header, sha256, states });
  else printInside(output, file, { header, sha256, states });
}

async function backUp(file: string, options: BackupOptions, output: Output): Promise<void> {
  const configured = await storeOf(options.config, output);
  if (file === '-') {
    if (process.stdout.isTTY)
      throw new CommandFailure(exitCodes.usage, 'standard output is a terminal: redirect it, or name a file');
    const run = (signal: AbortSignal) => write(configured, standardOutput(), output, signal);
    await interruptible(run).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      throw new CommandFailure(
        exitCodes.failed,
        'The backup is incomplete: the program that reads standard output has ended.',
      );
    });
    return;
  }
  const written: Header[] = [];
  await interruptible((signal) =>
    writeWhole(file, options, async (stream) => void written.push(await write(configured, stream, output, signal))),
  );
  const { size } = await stat(file);
  for (const header of written)
    if (options.json) printJson(output, { file, bytes: size, ...header });
    else {
      output.line(`${styled(output, 'green', 'ok')} ${file}, ${megabytes(size)}: ${eventsText(header)}`);
      output.line(`   with ${quantity(header.counts.deliveries, 'delivery', 'deliveries')}, as of ${header.takenAt}`);
    }
}

/** Writes all lines to a stream, and returns the header. */
async function write(
  configured: ConfiguredStore,
  stream: Writable,
  output: Output,
  signal: AbortSignal,
): Promise<Header> {
  // Read before the snapshot: all that was acknowledged by then is in it.
  const origin = { router: version, store: configured.config.store.component.type, takenAtMs: systemClock.now() };
  return withSnapshot(configured, async (snapshot) => {
    const header = headerOf(snapshot, origin);
    const lines = linesOf(snapshot, header, (events) =>
      output.progress(`${quantity(events, 'event')} of ${header.counts.events.toLocaleString('en')}`),
    );
    try {
      // A piece has megabytes.
      await pipeline(Readable.from(lines, { highWaterMark: 1 }), createGzip(), stream, { signal });
    } finally {
      output.progress('');
    }
    return header;
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}
