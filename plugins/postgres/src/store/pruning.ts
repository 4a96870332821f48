/** Removes events that are kept no longer. */
import type { PruneRequest } from '@switchhook/sdk';
import type { Days } from './days.js';
import { perDay } from './sql-schema.js';
import type { Writes } from './writes.js';

const dayMs = 86_400_000;

/** One step; returns how many were removed. `duplicatesMs`: how long keys are kept; null = as long as their events. */
export async function pruneEvents(
  { writes, days }: { readonly writes: Writes; readonly days: Days },
  nowMs: number,
  duplicatesMs: number | null,
  { beforeMs, limit }: PruneRequest,
): Promise<number> {
  const dropsKeys = duplicatesMs === null;
  if (nowMs - beforeMs < dayMs)
    return writes.removeEvents({ beforeMs, until: Number.MAX_SAFE_INTEGER, limit, dropsKeys });
  const ended = await days.endedBefore(beforeMs);
  for (const day of ended) {
    const dropped = await days.drop(day);
    if (dropped === 'in use') return 0;
    if (dropped !== 'needed' && dropped > 0) return dropped;
  }
  const until = ended.at(-1)?.until ?? 0;
  const removed = await writes.removeEvents({ beforeMs: (until / perDay) * dayMs, until, limit, dropsKeys });
  if (removed > 0) return removed;
  const keysFrom = Math.floor((nowMs - (duplicatesMs ?? 0)) / dayMs) * perDay;
  await writes.dropKeys(Math.min(await days.firstNumber(), keysFrom));
  return 0;
}
