/** Options that choose events and deliveries, the same in every command. */
import { systemClock } from '@switchhook/core/client';
import type { Query } from './api-client.js';

/** Conditions on events. */
export interface EventFilter {
  readonly source?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly agent?: string;
}

/** Conditions on deliveries. */
export interface DeliveryFilter {
  readonly state?: string;
  readonly reason?: string;
  readonly destination?: string;
  readonly route?: string;
  readonly event?: string;
  /** Of the last attempt, as `dead --group` shows it. */
  readonly failure?: string;
}

/** From when to when. */
export interface Period {
  readonly since?: string;
  readonly until?: string;
  /** Times are read and shown in UTC instead of by this machine's clock. */
  readonly utc?: true;
}

/** From when to when something was delivered, skipped or died. */
export interface SettledPeriod {
  readonly settledSince?: string;
  readonly settledUntil?: string;
}

/** The same of what is dead. */
export interface DiedPeriod {
  readonly diedSince?: string;
  readonly diedUntil?: string;
}

/** Which part of a list. */
export interface Part {
  readonly limit: string;
  readonly cursor?: string;
}

/** The options of these functions that were given, with times as the API reads them. */
export function filterOf(options: EventFilter & DeliveryFilter & Period & SettledPeriod & DiedPeriod): Query {
  const { source, type, subject, agent, state, reason, destination, route, event, failure, utc = false } = options;
  const instant = (text: string | undefined) => (text === undefined ? undefined : instantOf(text, utc));
  const { since, until, diedSince, diedUntil, settledSince = diedSince, settledUntil = diedUntil } = options;
  return {
    ...{ source, type, subject, agent, state, reason, destination, route, event, failure },
    ...{ since: instant(since), until: instant(until) },
    ...{ settledSince: instant(settledSince), settledUntil: instant(settledUntil) },
  };
}

/** A time as the API reads it: `today` and `yesterday` begin at midnight, and a date has the offset of this machine, or of UTC. */
export function instantOf(text: string, utc: boolean, nowMs = systemClock.now()): string {
  const days = { today: 0, yesterday: 1 }[text];
  const date = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?$/.exec(text);
  if (days === undefined && date === null) return text;
  const time = text.includes('T') ? text : `${text}T00:00`;
  const at = days === undefined ? new Date(utc ? `${time}Z` : time) : new Date(nowMs);
  if (days !== undefined && utc) at.setUTCHours(-24 * days, 0, 0, 0);
  else if (days !== undefined) at.setHours(-24 * days, 0, 0, 0);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}
