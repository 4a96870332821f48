/** Commits one event of the router itself, if a route takes it. */

import type { Ingest } from '../ingest/ingest.js';
import { eventOf, recordFrom } from '../routing/event-record.js';
import {
  type RouterEventFields,
  type RouterEventType,
  routerEventData,
  routerSource,
} from '../routing/router-events.js';
import type { Routes } from '../routing/routes.js';

/** What an event of a type is made from. */
export interface Emission<T extends RouterEventType = RouterEventType> {
  readonly type: T;
  readonly key: string;
  readonly subject: string | null;
  readonly agent?: string | null;
  /** When it happened, since the epoch. */
  readonly atMs: number;
  readonly fields: RouterEventFields<T>;
}

/** `duplicate`: one with its key is kept already. `untaken`: no route takes it, so it is not stored. Rejects where the store cannot commit. */
export async function emit<T extends RouterEventType>(
  { type, key, subject, agent = null, atMs, fields }: Emission<T>,
  { routeTable, ingest, nowMs }: { readonly routeTable: Routes; readonly ingest: Ingest; readonly nowMs: number },
): Promise<'stored' | 'duplicate' | 'untaken'> {
  const draft = { key, type, subject, agent, occurredAtMs: atMs, data: routerEventData(type, fields) };
  const record = recordFrom(draft, routerSource, nowMs);
  if (routeTable.match(eventOf(record)).length === 0) return 'untaken';
  const [appended] = await ingest.commit([record]);
  return appended?.duplicate === true ? 'duplicate' : 'stored';
}
