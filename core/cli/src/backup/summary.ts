/** Says what a backup has inside. */
import type { DeliveryState } from '@switchhook/sdk';
import { type Output, styled } from '../output.js';
import { quantity } from '../print.js';
import type { Counts, Header } from './format.js';

/** What is found when a whole backup is read. */
export interface Inside {
  readonly header: Header;
  readonly sha256: string;
  /** Deliveries by their state. */
  readonly states: Readonly<Partial<Record<DeliveryState, number>>>;
}

/** `3 events from 2026-01-01T08:00:00.000Z to 2026-01-02T08:00:00.000Z`. */
export function eventsText({
  counts: { events },
  oldestAt,
  newestAt,
}: Pick<Header, 'counts' | 'oldestAt' | 'newestAt'>) {
  return `${quantity(events, 'event')}${oldestAt === null ? '' : `, received from ${oldestAt} to ${newestAt}`}`;
}

export function printInside(output: Output, path: string, { header, sha256, states }: Inside): void {
  const { counts, takenAt, router, store, format } = header;
  const byState = Object.entries(states).map(([state, count]) => `${count.toLocaleString('en')} ${state}`);
  output.line(`${styled(output, 'green', 'ok')} ${path} is complete`);
  output.line([
    `  taken at   ${takenAt} from ${store}, by Switchhook ${router}, in format ${format}`,
    `  events     ${eventsText(header)}`,
    `  deliveries ${counts.deliveries.toLocaleString('en')}${byState.length === 0 ? '' : `: ${byState.join(', ')}`}`,
    `  attempts   ${counts.attempts.toLocaleString('en')}`,
    `  others     ${othersText(counts)}`,
    `  sha256     ${sha256}`,
  ]);
}

function othersText({ texts, keys }: Counts): string {
  return `${quantity(texts, 'text')} (pauses, state of plugins, history), ${quantity(keys, 'key')} of removed events`;
}
