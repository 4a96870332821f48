/** Makes the lines of a backup from a snapshot, a page at a time. */
import { createHash } from 'node:crypto';
import type { Snapshot } from '@switchhook/sdk';
import { CommandFailure, exitCodes } from '../output.js';
import { type Counts, type Header, lineOfEvent, newestFormat } from './format.js';
import { eventPages, keyPages, textPages } from './snapshot-pages.js';

/** What the header says beside what the snapshot knows. */
export interface Origin {
  /** Version of this program. */
  readonly router: string;
  /** Type of the store. */
  readonly store: string;
  readonly takenAtMs: number;
}

export function headerOf(snapshot: Snapshot, { router, store, takenAtMs }: Origin): Header {
  const instant = (atMs: number | null) => (atMs === null ? null : new Date(atMs).toISOString());
  return {
    switchhook: 'backup',
    format: newestFormat,
    router,
    store,
    takenAt: new Date(takenAtMs).toISOString(),
    oldestAt: instant(snapshot.oldestMs),
    newestAt: instant(snapshot.newestMs),
    counts: { ...snapshot.counts },
  };
}

/** All lines, some in each piece. Throws before the last one where they are not as many as the header says. */
export async function* linesOf(
  snapshot: Snapshot,
  header: Header,
  onProgress: (events: number) => void,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const written: Counts = { events: 0, deliveries: 0, attempts: 0, texts: 0, keys: 0 };
  const piece = (lines: readonly string[]): string => {
    const text = lines.map((line) => `${line}\n`).join('');
    hash.update(text);
    return text;
  };
  yield piece([JSON.stringify(header)]);
  for await (const texts of textPages(snapshot)) {
    written.texts += texts.length;
    yield piece(texts.map((text) => JSON.stringify({ text })));
  }
  for await (const keys of keyPages(snapshot)) {
    written.keys += keys.length;
    yield piece(keys.map((key) => JSON.stringify({ key })));
  }
  for await (const events of eventPages(snapshot)) {
    yield piece(events.map(lineOfEvent));
    written.events += events.length;
    for (const { deliveries } of events) {
      written.deliveries += deliveries.length;
      for (const { attempts } of deliveries) written.attempts += attempts.length;
    }
    onProgress(written.events);
  }
  for (const [what, count] of Object.entries(header.counts))
    if (written[what as keyof Counts] !== count)
      throw new CommandFailure(
        exitCodes.failed,
        `the store counts ${count} ${what} and returned ${written[what as keyof Counts]}: it is damaged, or its plugin is wrong`,
      );
  yield `${JSON.stringify({ end: { sha256: hash.digest('hex') } })}\n`;
}
