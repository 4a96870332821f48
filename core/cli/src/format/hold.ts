/** Why a destination or a resolver does not work at present, as text for people. */
import type { DestinationStatus, Hold, ResolverStatus, Status } from '@switchhook/core/api';
import { relative } from './event.js';

/** A destination or a resolver, by its name. */
export interface Row extends Pick<DestinationStatus | ResolverStatus, 'breaker' | 'holds' | 'lastFailure'> {
  readonly kind: 'destination' | 'resolver';
  readonly name: string;
}

/** All rows of a status that are configured. */
export function rowsOf({ destinations, resolvers }: Status): readonly Row[] {
  return [
    ...destinations
      .filter(({ configured }) => configured)
      .map((row): Row => ({ ...row, kind: 'destination', name: row.destination })),
    ...resolvers.map((row): Row => ({ ...row, kind: 'resolver', name: row.resolver })),
  ];
}

/** `paused by jo@host since 2026-…: migration`, `circuit breaker open since 2026-…, next probe in 20s`. */
export function holdText({ kind, since, until, by, reason }: Hold, now: string): string {
  switch (kind) {
    case 'paused':
      return `paused by ${by} since ${since}: ${reason}`;
    case 'breaker-open':
      return `circuit breaker open since ${since}, ${probeText(until, now)}`;
    case 'asked-to-wait':
      return `the other side has asked to wait until ${until}`;
  }
}

function probeText(until: string | null, now: string): string {
  if (until === null) return 'a probe is under way';
  return until <= now ? 'whatever comes next is the probe' : `next probe at ${until}`;
}

/** Why a row does not work, and its last failure where it does not. */
export function standingText({ holds, lastFailure }: Row, now: string): string | null {
  if (holds.length === 0) return null;
  const failure = lastFailure === null ? [] : [`last failure ${relative(lastFailure.at)}: ${lastFailure.reason}`];
  return [...holds.map((hold) => holdText(hold, now)), ...failure].join('; ');
}
