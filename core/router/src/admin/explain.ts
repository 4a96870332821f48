/** Explains routing: evaluates every route for an event, with a preview by each destination. Nothing is sent. */
import {
  type Call,
  type ClaimedDelivery,
  type DeliveryRecord,
  deliveryId,
  type Event,
  type EventRecord,
  type ExplainedPart,
  type ExplainedValue,
  type JsonObject,
  outcomeOfFailure,
  parseJson,
  stringifyJson,
  type Transform,
} from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import type { AnswerRow } from '../calls/answer.js';
import { applyTransforms, type OpenDestination } from '../delivery/attempt.js';
import { eventOf } from '../routing/event-record.js';
import { concerns, gatheringOf, type Route, verdictOf, type Wait } from '../routing/routes.js';
import { type Mask, maskedJson } from '../system/mask.js';
import { invalidReturn } from '../system/returned.js';
import { located } from '../system/thrown.js';

/** What explanations are made from. */
export interface ExplainParts {
  /** In the order of the file. */
  readonly routes: readonly Route[];
  readonly transforms: ReadonlyMap<string, Transform>;
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  readonly mask: Mask;
}

/** The result of one route for an event. */
export interface RouteExplanation {
  readonly route: string;
  readonly matches: boolean;
  /** Why it does not match, in one line; null where it does. */
  readonly reason: string | null;
  /** As written in the file; null where there is none. */
  readonly where: string | null;
  /** Null where it does not wait. */
  readonly wait: Wait | null;
  /** The parts of `where`; empty if it is not evaluated. */
  readonly parts: readonly ExplainedPart[];
  /** Empty where the route does not match. */
  readonly destinations: readonly DestinationExplanation[];
}

/** What a destination would get. */
export interface DestinationExplanation {
  readonly destination: string;
  /** What would be sent, without secrets; null if nothing would be sent, or the destination has no preview. */
  readonly preview: JsonObject | null;
  /** Why there is no preview; null where there is one. */
  readonly reason: string | null;
  /** Whether a delivery would be rejected for this reason, without a call of the destination's other side. */
  readonly rejected: boolean;
}

/** By the id of a delivery, the events that it has gathered so far. */
export type GatheredEvents = ReadonlyMap<string, Pick<ClaimedDelivery, 'event' | 'events'>>;

/** Evaluates every route. `deliveries` are those the event already has: a preview uses their ids, and others those that would follow. */
export function explainRoutes(
  record: EventRecord,
  deliveries: readonly DeliveryRecord[],
  parts: ExplainParts,
  gathered: GatheredEvents = new Map(),
): readonly RouteExplanation[] {
  const event = eventOf(record);
  let next = deliveries.length;
  return parts.routes.map((route) => {
    const verdict = verdictFor(route, event);
    const previewFor = (destination: string): DestinationExplanation => {
      const made = deliveries.find((one) => one.route === route.name && one.destination === destination);
      const id = made?.id ?? deliveryId(record.id, next++);
      const alone = { event: record, ...(gatheringOf(route, event).gather && { events: [record] }) };
      const delivery = { id, attempt: (made?.attempts ?? 0) + 1, destination, ...(gathered.get(id) ?? alone) };
      return previewOf(delivery, route, parts);
    };
    return {
      route: route.name,
      where: route.where?.text ?? null,
      wait: route.wait ?? null,
      ...verdict,
      destinations: verdict.matches ? route.to.map(previewFor) : [],
    };
  });
}

/** Whether a route takes an event, and why not. */
export function verdictFor(route: Route, event: Event): Pick<RouteExplanation, 'matches' | 'reason' | 'parts'> {
  if (!route.from.includes(event.source))
    return { matches: false, reason: `it takes events from ${route.from.join(', ')}, not ${event.source}`, parts: [] };
  if (!concerns(route, event))
    return { matches: false, reason: `it takes events on ${route.on.join(', ')}, not ${event.type}`, parts: [] };
  const verdict = verdictOf(route, event);
  const parts = route.where?.explain?.({ event }) ?? [];
  switch (verdict.kind) {
    case 'matched':
      return { matches: true, reason: null, parts };
    case 'unmatched':
      return { matches: false, reason: blamed(parts) || 'where is false', parts };
    case 'failed':
      return { matches: false, reason: blamed(parts) || verdict.reason, parts };
  }
}

/** The result of one answer for a call. */
export interface AnswerExplanation extends Pick<RouteExplanation, 'matches' | 'reason' | 'where' | 'parts'> {
  readonly answer: string;
}

/** Evaluates every answer for a call, in the order of the file: the first that matches answers it. */
export function explainAnswers(
  rows: readonly AnswerRow[],
  { source, call, now }: { readonly source: string; readonly call: Call; readonly now: Date },
): readonly AnswerExplanation[] {
  return rows.map(({ name: answer, from, where }) => {
    const row = { answer, where: where?.text ?? null };
    if (!from.includes(source))
      return { ...row, matches: false, reason: `it answers calls of ${from.join(', ')}, not ${source}`, parts: [] };
    const parts = where?.explain?.({ call, now }) ?? [];
    try {
      const matches = where === null || where.evaluate({ call, now }) === true;
      return { ...row, matches, reason: matches ? null : blamed(parts) || 'where is false', parts };
    } catch (error) {
      return { ...row, matches: false, reason: blamed(parts) || errorMessage(error), parts };
    }
  });
}

/**
 * The same of a call that is kept, as it came: with its numbers, and at the time of its receipt. None where the event is no call, or its answer
 * is not kept.
 */
export function explainKeptCall(rows: readonly AnswerRow[], record: EventRecord): readonly AnswerExplanation[] {
  const { source, subject: id, agent, data: whole } = eventOf(record);
  const { answer, ...data } = whole;
  if (typeof answer !== 'object' || answer === null || !('from' in answer)) return [];
  const call = { id, from: String(answer.from), to: String(answer.to), agent, data };
  return explainAnswers(rows, { source, call, now: new Date(record.receivedAtMs) });
}

/** `event.data.duration > 30 is false (event.data.duration is 12)` for each part that decided. */
function blamed(parts: readonly ExplainedPart[]): string {
  return parts
    .filter(({ decides }) => decides)
    .map((part) => {
      const operands = part.failure === null ? part.operands.map(said) : [];
      return operands.length === 0 ? said(part) : `${said(part)} (${operands.join(', ')})`;
    })
    .join('; ');
}

function said({ text, value, failure }: ExplainedValue): string {
  return failure === null ? `${text} is ${stringifyJson(value)}` : `${text} has no value: ${failure}`;
}

function previewOf(
  delivery: Pick<ClaimedDelivery, 'id' | 'attempt' | 'destination' | 'event' | 'events'>,
  { name: route, transforms }: Route,
  parts: ExplainParts,
): DestinationExplanation {
  const { destination } = delivery;
  const without = (reason: string, rejected = false): DestinationExplanation => {
    return { destination, preview: null, reason: parts.mask(reason), rejected };
  };
  const prepared = applyTransforms({ ...delivery, route, transforms }, parts);
  if (!('event' in prepared))
    return 'reason' in prepared
      ? without(prepared.reason ?? '', prepared.kind === 'rejected')
      : without('a transform keeps it back');
  try {
    const instance = parts.destinations.get(destination)?.destination;
    if (instance?.preview === undefined) return without('the component shows no preview');
    const preview: unknown = instance.preview(prepared);
    if (typeof preview !== 'object' || preview === null || Array.isArray(preview))
      return without(invalidReturn(instance, 'preview', preview, 'a JSON object').message);
    return {
      destination,
      preview: maskedJson(parseJson(stringifyJson(preview)) as JsonObject, parts.mask),
      reason: null,
      rejected: false,
    };
  } catch (error) {
    const rejection = rejectionOf(error);
    return rejection === null ? without(located(error, parts.mask)) : without(rejection, true);
  }
}

/** Why an attempt that threw this would be rejected: a template, or what it makes. Null: it is no outcome, but a fault of the preview. */
function rejectionOf(error: unknown): string | null {
  try {
    const outcome = outcomeOfFailure(error);
    return outcome.kind === 'rejected' ? outcome.reason : null;
  } catch {
    // It is thrown on where it is no outcome.
    return null;
  }
}
