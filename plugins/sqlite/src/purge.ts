/** Overwrites what was removed from the file, and empties its write-ahead log. */
import type { Clock } from '@switchhook/sdk';
import { failureOf } from './failure.js';
import type { Database } from './sql-connection.js';
import { emptyLog, rewrite } from './sql-removals.js';

/** A larger file is not rewritten: nothing else is written meanwhile, some 10 s for each GB. */
const mostBytes = 2 ** 29;

/** What was done. */
export interface Purged {
  /** A sentence on what may be left; null = nothing. */
  readonly left: string | null;
  /** Whether it may succeed soon: something else reads the file. */
  readonly busy: boolean;
}

/**
 * `secure_delete` has overwritten the rows; rewriting the file also removes the copies that SQLite leaves in its pages when it moves rows, and
 * what was removed by versions without `secure_delete`.
 */
export function purge(db: Database): Purged {
  const bytes = Number(db.pragma('page_count')) * Number(db.pragma('page_size'));
  const isLarge = bytes > mostBytes;
  try {
    if (!isLarge) db.exec(rewrite);
    if (Number(db.pragma(emptyLog)) !== 0) return { left: whileRead, busy: true };
  } catch (error) {
    const { code, message } = failureOf(error);
    const busy = code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED');
    return { left: busy ? whileRead : `the file could not be rewritten: ${message}`, busy };
  }
  const gigabytes = (bytes / 2 ** 30).toFixed(1);
  return {
    left: isLarge
      ? `the rows are overwritten, but a file of ${gigabytes} GB is not rewritten while the router runs: copies that SQLite made when it moved rows may be left in it until you stop the router and run "vacuum" on it`
      : null,
    busy: false,
  };
}

const whileRead =
  'the write-ahead log still contains it, because another program reads the file, such as a backup: erase again when that has ended';

const tries = 8;
const betweenTriesMs = 500;

/** Purges again for a while where something else reads the file; it keeps the write-ahead log. Returns what may be left. */
export async function purgeRepeatedly(once: () => Promise<Purged>, clock: Clock): Promise<string | null> {
  for (let tried = 1; ; tried += 1) {
    const { left, busy } = await once();
    if (!busy || tried === tries) return left;
    await new Promise<void>((resolve) => clock.after(betweenTriesMs, resolve));
  }
}
