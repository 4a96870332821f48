/** Options that choose events and deliveries, the same in every command. */
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

export function withPeriod(command: Command): Command {
  return command
    .option('--since <time>', 'not older than 2h, or since 2026-01-01T08:00:00Z')
    .option('--until <time>', 'older than 2h, or before 2026-01-01T08:00:00Z');
}

export function withPart(command: Command): Command {
  return command
    .option('--limit <number>', 'at most so many, up to 1000', '50')
    .option('--cursor <cursor>', 'go on where the last page ended');
}

/** The options of these functions that were given. */
export function filterOf(options: EventFilter & DeliveryFilter & Period): Query {
  const { source, type, subject, agent, state, reason, destination, route, event, since, until } = options;
  return { source, type, subject, agent, state, reason, destination, route, event, since, until };
}
