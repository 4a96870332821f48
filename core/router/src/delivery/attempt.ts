/** One attempt: transforms, the destination within its time, then the settlement. What goes wrong is an outcome, never a throw. */
import type {
  Attempt,
  ClaimedDelivery,
  Clock,
  Delivery,
  Destination,
  Event,
  Outcome,
  Settled,
  Settlement,
  Transform,
} from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import type { ComponentProbe } from '../resilience/hold.js';
import { eventOf, hopsOf } from '../routing/event-record.js';
import { type Cause, causedBy } from '../system/cause.js';
import type { Mask } from '../system/mask.js';
import { InvalidReturn, invalidReturn, isJson, isPlain } from '../system/returned.js';
import { excerptOf, located, locatedOf } from '../system/thrown.js';
import { OpenSpan } from '../system/tracing.js';
import { calledWithin, checkedOutcome, longestReason, maskedOutcome } from './outcome.js';
import type { QueuePolicy } from './policy.js';
import { type AttemptOutcome, settlementFor } from './retry.js';

/** A destination and how it may be used. */
export interface OpenDestination {
  readonly destination: Destination;
  readonly policy: QueuePolicy;
  /** Whether it emits events. */
  readonly emits?: boolean;
  /** Null or missing where it has none. */
  readonly probe?: ComponentProbe | null;
}

/** What attempts take from the configuration of the moment. */
export interface AttemptPlan {
  /** By name, with those of earlier configurations: a delivery that waits may name one. */
  readonly transforms: ReadonlyMap<string, Transform>;
  /** Names of all destinations that emit events. */
  readonly emitters: ReadonlySet<string>;
}

/** What attempts for one destination work with. */
export interface AttemptParts {
  readonly open: OpenDestination;
  readonly plan: { readonly value: AttemptPlan };
  readonly clock: Clock;
  /** Of reasons and responses, before anyone sees them. */
  readonly mask: Mask;
  /** Numbers from 0 to below 1, for the jitter. */
  readonly random: () => number;
}

/** What an attempt came to for one delivery, and its settlement. */
export interface AttemptResult {
  readonly delivery: ClaimedDelivery;
  readonly outcome: AttemptOutcome;
  /** False where a transform kept the event back, or failed: the destination was not called. */
  readonly called: boolean;
  readonly time: AttemptTime;
  readonly settled: Settled;
}

/** When an attempt began and ended, and how long it took. */
export interface AttemptTime {
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly endedAtMs: number;
}

type Transforms = AttemptPlan['transforms'];

/**
 * Makes one attempt for one delivery or a batch, and decides what happens next; one result for each, in order. Never
 * rejects: whatever a transform, a destination or the retry schedule throws ends in an outcome with a settlement.
 */
export async function runAttempt(
  parts: AttemptParts,
  claimed: readonly ClaimedDelivery[],
): Promise<readonly AttemptResult[]> {
  const { clock, mask, plan } = parts;
  const { transforms } = plan.value;
  const startedAtMs = clock.now();
  const startedAt = clock.elapsed();
  const spans = claimed.map(spanOf);
  const prepared = claimed.map((one) => applyTransforms(one, { transforms, mask }));
  const deliveries = prepared.filter((one) => 'event' in one);
  const call = () => callDestination(parts, deliveries, causeOf(parts, claimed));
  // The request of a batch belongs to none of its events alone.
  const [only] = spans.length === 1 ? spans : [];
  const outcomes = deliveries.length === 0 ? [] : await (only === undefined ? call() : only.run(call));
  const time = { startedAtMs, durationMs: clock.elapsed() - startedAt, endedAtMs: clock.now() };
  let calledBefore = 0;
  const results = claimed.map((one, index) => {
    const own = prepared[index];
    if (own !== undefined && !('event' in own)) return endOf(parts, one, own, false, time);
    calledBefore += 1;
    // There is an outcome for each delivery that has been prepared.
    return endOf(parts, one, outcomes[calledBefore - 1] as Outcome, true, time);
  });
  for (const [index, { outcome }] of results.entries())
    spans[index]?.end({ 'switchhook.outcome': outcome.kind }, 'reason' in outcome ? outcome.reason : null);
  return results;
}

function spanOf({ id, route, destination, attempt, event }: ClaimedDelivery): OpenSpan {
  const attributes = {
    'switchhook.destination': destination,
    'switchhook.route': route,
    'switchhook.delivery': id,
    'switchhook.attempt': attempt,
    'switchhook.event.type': event.type,
  };
  const parent = event.trace == null ? {} : { traceparent: event.trace };
  return new OpenSpan(`deliver ${destination}`, { kind: 'CLIENT', attributes, parent });
}

function endOf(
  { open: { policy }, random, mask }: AttemptParts,
  delivery: ClaimedDelivery,
  outcome: AttemptOutcome,
  called: boolean,
  time: AttemptTime,
): AttemptResult {
  const { id, lease, attempt: number } = delivery;
  const { startedAtMs, durationMs, endedAtMs } = time;
  const end = (unmasked: AttemptOutcome, settlement: Settlement): AttemptResult => {
    const ended = maskedOutcome(unmasked, mask);
    const attempt = { startedAtMs, durationMs, ...attemptRecord(ended) };
    return { delivery, outcome: ended, called, time, settled: { deliveryId: id, lease, settlement, attempt } };
  };
  try {
    return end(outcome, settlementFor(outcome, number, policy.retry, endedAtMs, random));
  } catch (error) {
    const before = 'reason' in outcome ? `${outcome.reason}; ` : '';
    const failed: Outcome = {
      kind: 'unavailable',
      reason: `${before}the retry schedule failed: ${errorMessage(error)}`,
    };
    return end(
      failed,
      settlementFor(failed, number, policy.retry, endedAtMs, () => 1),
    );
  }
}

/** What of an outcome is kept for the operator: no more than an excerpt, whatever a destination hands back. */
function attemptRecord(outcome: AttemptOutcome): Pick<Attempt, 'outcome' | 'reason' | 'response'> {
  const reason = 'reason' in outcome ? excerptOf(outcome.reason, longestReason) : null;
  const response = 'response' in outcome ? outcome.response : null;
  return { outcome: outcome.kind, reason, response: response ?? null };
}

/** A delivery as its destination sees it, or what came of it before it got there. */
export function applyTransforms(
  claimed: Omit<ClaimedDelivery, 'lease'>,
  { transforms, mask }: { readonly transforms: Transforms; readonly mask: Mask },
): Delivery | AttemptOutcome {
  const { id, route, destination, attempt } = claimed;
  try {
    const gathered = claimed.events?.flatMap((record) => {
      const event = transformed(eventOf(record), claimed.transforms, transforms);
      return event === null ? [] : [{ event, isMain: record.id === claimed.event.id }];
    });
    if (gathered === undefined) {
      const event = transformed(eventOf(claimed.event), claimed.transforms, transforms);
      return event === null ? { kind: 'skipped' } : { id, route, destination, attempt, event };
    }
    // A transform may keep back some of them.
    const main = gathered.find(({ isMain }) => isMain) ?? gathered.at(-1);
    if (main === undefined) return { kind: 'skipped' };
    return { id, route, destination, attempt, event: main.event, events: gathered.map(({ event }) => event) };
  } catch (error) {
    const reason = located(error, mask);
    return { kind: 'rejected', reason: error instanceof InvalidReturn ? reason : `a transform failed: ${reason}` };
  }
}

function transformed(event: Event, names: readonly string[], transforms: Transforms): Event | null {
  let current: Event | null = event;
  for (const name of names) {
    const transform = transforms.get(name);
    // Left out silently, it might have been the one that redacts.
    if (transform === undefined) throw new Error(`the transform ${name} is not configured any more`);
    current = current === null ? null : appliedTo(current, transform);
  }
  return current;
}

/** What a transform makes of an event. Throws `InvalidReturn` for what is neither an event nor null. */
export function appliedTo(event: Event, transform: Transform): Event | null {
  const returned: Event | null | undefined = transform.apply(event);
  if (returned === null || returned === event || isEvent(returned, event)) return returned;
  throw invalidReturn(transform, 'apply', returned, 'null, or an event with all its fields, with data in JSON');
}

function isEvent(value: Event | undefined, before: Event): value is Event {
  if (typeof value !== 'object') return false;
  const { id, key, source, type, subject, agent, occurredAt, receivedAt, data } = value;
  const texts = [id, key, source, type, occurredAt, receivedAt, subject ?? '', agent ?? ''];
  if (!texts.every((text) => typeof text === 'string')) return false;
  return data === before.data || (isPlain(data) && isJson(data));
}

/** Of a batch, and of gathered events, the event that took the most hops. Null where the destination emits nothing. */
function causeOf({ open, plan }: AttemptParts, claimed: readonly ClaimedDelivery[]): Cause | null {
  if (open.emits !== true) return null;
  const { emitters } = plan.value;
  const causes = claimed
    .flatMap(({ event, events = [event] }) => events)
    .map((event) => ({ eventId: event.id, hops: hopsOf(event, emitters) }));
  return causes.sort((a, b) => b.hops - a.hops)[0] ?? null;
}

/** One outcome for each delivery, in order. Never rejects. */
async function callDestination(
  { open: { destination, policy }, clock, mask }: AttemptParts,
  deliveries: readonly Delivery[],
  cause: Cause | null,
): Promise<readonly Outcome[]> {
  try {
    const isBatch = policy.batch !== null && destination.deliverMany !== undefined;
    const returned: unknown = await calledWithin(clock, policy.timeoutMs, (signal) => {
      const call = () => invoke(destination, isBatch, deliveries, signal);
      return cause === null ? call() : causedBy(cause, call);
    });
    const method = isBatch ? 'deliverMany' : 'deliver';
    if (!Array.isArray(returned))
      throw invalidReturn(destination, method, returned, 'a list with one outcome for each delivery, in order');
    return deliveries.map((_, index) => checkedOutcome(returned[index], method, destination));
  } catch (error) {
    const kind = error instanceof InvalidReturn ? 'rejected' : 'unavailable';
    const reason = locatedOf(destination, error, mask);
    return deliveries.map(() => ({ kind, reason }));
  }
}

async function invoke(
  destination: Destination,
  isBatch: boolean,
  deliveries: readonly Delivery[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  if (isBatch && destination.deliverMany !== undefined) return destination.deliverMany(deliveries, signal);
  return Promise.all(deliveries.map((delivery) => destination.deliver(delivery, signal)));
}
