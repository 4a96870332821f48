/** One attempt: transforms, then the destination within its time. What goes wrong is an outcome, never a throw. */
import type {
  Attempt,
  ClaimedDelivery,
  Clock,
  Delivery,
  Destination,
  Event,
  Outcome,
  Transform,
} from '@switchhook/sdk';
import { messageOf, within } from '@switchhook/sdk/internal';
import { eventOf } from '../routing/event-record.js';
import type { LanePolicy } from './policy.js';
import type { Attempted } from './retry.js';

/** A destination and how it may be used. */
export interface OpenDestination {
  readonly destination: Destination;
  readonly policy: LanePolicy;
}

const reasonLimit = 1_024;
const responseBytes = 4_096;

type Transforms = ReadonlyMap<string, Transform>;

/** What an attempt came to. */
export interface AttemptResult {
  readonly outcome: Attempted;
  /** False where a transform kept the event back, or failed: the destination was not asked. */
  readonly asked: boolean;
}

/** For a delivery that the destination left out of its answer. */
export const unsaid: AttemptResult = {
  outcome: { kind: 'unavailable', reason: 'the destination said nothing about this delivery' },
  asked: true,
};

/** Makes one attempt for one delivery or a batch; one result for each, in order. Never rejects. */
export async function attempted(
  open: OpenDestination,
  claimed: readonly ClaimedDelivery[],
  transforms: Transforms,
  clock: Clock,
): Promise<readonly AttemptResult[]> {
  const prepared = claimed.map((one) => preparedFor(one, transforms));
  const deliveries = prepared.filter((one) => 'event' in one);
  const outcomes = deliveries.length === 0 ? [] : await called(open, deliveries, clock);
  const outcomeOf = new Map(deliveries.map((delivery, index) => [delivery, checked(outcomes[index])]));
  return prepared.map((one) => {
    if (!('event' in one)) return { outcome: one, asked: false };
    const outcome = outcomeOf.get(one);
    return outcome === undefined ? unsaid : { outcome, asked: true };
  });
}

/** What a plugin hands back is not always what the contract says: anything else is no outcome. */
function checked(outcome: Outcome | undefined): Attempted {
  if (outcome === undefined) return unsaid.outcome;
  if (outcome?.kind === 'delivered') return outcome;
  if (outcome?.kind === 'rejected' && typeof outcome.reason === 'string') return outcome;
  if (outcome?.kind === 'unavailable' && typeof outcome.reason === 'string') {
    const { retryAfterMs, ...rest } = outcome;
    return Number.isFinite(retryAfterMs) ? outcome : rest;
  }
  return { kind: 'unavailable', reason: 'the destination gave no outcome of the contract' };
}

/** What of an outcome is kept for the operator: no more than an excerpt, whatever a destination hands back. */
export function keptOf(outcome: Attempted): Pick<Attempt, 'outcome' | 'reason' | 'response'> {
  const reason = 'reason' in outcome ? outcome.reason.slice(0, reasonLimit) : null;
  const response = 'response' in outcome ? outcome.response : undefined;
  const excerpt = typeof response === 'string' ? excerptOf(response) : null;
  return { outcome: outcome.kind, reason, response: excerpt };
}

/** The first bytes, without a character that is cut in two. */
function excerptOf(response: string): string {
  if (response.length * 3 <= responseBytes) return response;
  return new TextDecoder().decode(new TextEncoder().encode(response).subarray(0, responseBytes)).replace(/\uFFFD$/, '');
}

/** A delivery as its destination sees it, or what came of it before it got there. */
export function preparedFor(claimed: Omit<ClaimedDelivery, 'lease'>, transforms: Transforms): Delivery | Attempted {
  const { id, route, destination, attempt } = claimed;
  try {
    const event = transformed(eventOf(claimed.event), claimed.transforms, transforms);
    return event === null ? { kind: 'skipped' } : { id, route, destination, attempt, event };
  } catch (error) {
    return { kind: 'rejected', reason: `a transform failed: ${messageOf(error)}` };
  }
}

function transformed(event: Event, names: readonly string[], transforms: Transforms): Event | null {
  let current: Event | null = event;
  for (const name of names) {
    const transform = transforms.get(name);
    // Left out silently, it might have been the one that redacts.
    if (transform === undefined) throw new Error(`the transform ${name} is not configured any more`);
    current = current === null ? null : transform.apply(current);
  }
  return current;
}

async function called(
  { destination, policy }: OpenDestination,
  deliveries: readonly Delivery[],
  clock: Clock,
): Promise<readonly Outcome[]> {
  try {
    return await within(clock, policy.timeoutMs, (signal) => callOf(destination, policy, deliveries, signal));
  } catch (error) {
    return deliveries.map(() => ({ kind: 'unavailable', reason: messageOf(error) }));
  }
}

async function callOf(
  destination: Destination,
  { batch }: LanePolicy,
  deliveries: readonly Delivery[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  if (batch !== null && destination.deliverMany !== undefined) return destination.deliverMany(deliveries, signal);
  return Promise.all(deliveries.map((delivery) => destination.deliver(delivery, signal)));
}
