/** Reads a whole backup to see whether it is right, and what is in it. */
import type { DeliveryState } from '@switchhook/sdk';
import type { Output } from '../output.js';
import { quantity } from '../print.js';
import { openBackup } from './reader.js';
import type { Inside } from './summary.js';

/** What is inside, and the destinations of its open deliveries. Throws a `CommandFailure` where it is not right. */
export async function verifyBackup(
  path: string,
  output: Output,
): Promise<Inside & { readonly waitsFor: ReadonlySet<string> }> {
  const { header, contents, sha256 } = await openBackup(path);
  const states: Partial<Record<DeliveryState, number>> = {};
  const waitsFor = new Set<string>();
  let events = 0;
  try {
    for await (const content of contents) {
      if (content.kind !== 'event') continue;
      events += 1;
      if (events % 1_000 === 0) output.progress(`verifying: ${quantity(events, 'event')}`);
      for (const { record } of content.event.deliveries) {
        states[record.state] = (states[record.state] ?? 0) + 1;
        if (record.settledAtMs === null) waitsFor.add(record.destination);
      }
    }
  } finally {
    output.progress('');
  }
  return { header, sha256: sha256(), states, waitsFor };
}
