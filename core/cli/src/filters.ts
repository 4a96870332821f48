/** Options that choose events and deliveries, the same in every command. */
import { systemClock } from '@switchhook/core/internal';
import type { Command } from 'commander';
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

export function withEventFilter(command: Command): Command {
  return command
    .option('--source <name>', 'of this source')
    .option('--type <type>', 'of this type, e.g. conversation_ended')
    .option('--subject <id>', 'of this conversation or call')
    .option('--agent <id>', 'of this agent');
}

export function withDeliveryFilter(command: Command): Command {
  return command
    .option('--state <state>', 'waiting, running, delivered, dead or skipped')
    .option('--reason <reason>', 'rejected, exhausted or discarded')
    .option('--destination <name>', 'for this destination')
    .option('--route <name>', 'by this route')
    .option('--event <id>', 'of this event');
}

/** With a default where without `--since` there is no list but a period. */
export function withPeriod(command: Command, since?: string): Command {
  return command
    .option('--since <time>', 'not older than 2h, or since today, yesterday, 2026-01-01 or 2026-01-01T08:00', since)
    .option('--until <time>', 'older than 2h, or before today, yesterday, 2026-01-01 or 2026-01-01T08:00')
    .option('--utc', "read and show times in UTC instead of by this machine's clock");
}

export function withSettledPeriod(command: Command): Command {
  return command
    .option('--settled-since <time>', 'delivered, skipped or died not before this')
    .option('--settled-until <time>', 'delivered, skipped or died before this');
}

export function withDiedPeriod(command: Command): Command {
  return command
    .option('--died-since <time>', 'died at this time or later; with --state: was delivered or skipped then')
    .option('--died-until <time>', 'died before this time; with --state: was delivered or skipped then');
}

export function withPart(command: Command): Command {
  return command
    .option('--limit <number>', 'how many at most, up to 1000', '50')
    .option('--cursor <cursor>', 'continue where the last page ended');
}

/** The options of these functions that were given, with times as the API reads them. */
export function filterOf(options: EventFilter & DeliveryFilter & Period & SettledPeriod & DiedPeriod): Query {
  const { source, type, subject, agent, state, reason, destination, route, event, utc = false } = options;
  const instant = (text: string | undefined) => (text === undefined ? undefined : instantOf(text, utc));
  const { since, until, diedSince, diedUntil, settledSince = diedSince, settledUntil = diedUntil } = options;
  return {
    ...{ source, type, subject, agent, state, reason, destination, route, event },
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
