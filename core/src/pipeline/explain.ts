/** Why an event goes where it goes: every route is asked, and each destination says what it would send. Nothing is sent. */

import type { Source, Transform } from '../contract/component.js';
import type { Event } from '../contract/event.js';
import type { JsonObject } from '../contract/json.js';
import type { Reception } from '../contract/source.js';
import type { DeliveryRecord, EventRecord } from '../contract/store.js';
import type { ExplainedPart, ExplainedValue } from '../contract/template.js';
import { deliveryId } from '../ids.js';
import { messageOf } from '../message-of.js';
import type { NumberReader } from '../phone-number.js';
import { isRefusal, refuse } from '../refusal.js';
import { type OpenDestination, preparedFor } from './attempt.js';
import { readReception } from './caller.js';
import { eventOf, recordOf } from './events.js';
import { concerns, type Route, verdictOf } from './routes.js';

/** What explanations are made from. */
export interface ExplainParts {
  /** In the order of the file. */
  readonly routes: readonly Route[];
  readonly transforms: ReadonlyMap<string, Transform>;
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  /** Replaces the secrets of the configuration. */
  readonly mask: (text: string) => string;
}

/** What a route says of an event. */
export interface RouteExplanation {
  readonly route: string;
  readonly matches: boolean;
  /** Why it does not match, in one line; null where it does. */
  readonly reason: string | null;
  /** As written in the file; null where there is none. */
  readonly where: string | null;
  /** What `where` is put together from; empty where it is not asked. */
  readonly parts: readonly ExplainedPart[];
  /** Empty where the route does not match. */
  readonly destinations: readonly DestinationExplanation[];
}

/** What a destination would get. */
export interface DestinationExplanation {
  readonly destination: string;
  /** What would be sent, without secrets; null where nothing would be, or the destination cannot say. */
  readonly preview: JsonObject | null;
  /** Why there is no preview; null where there is one. */
  readonly reason: string | null;
}

/** Asks every route. `deliveries` are those the event has already: a preview goes under their ids. */
export function explainRoutes(
  record: EventRecord,
  deliveries: readonly DeliveryRecord[],
  parts: ExplainParts,
): readonly RouteExplanation[] {
  const event = eventOf(record);
  return parts.routes.map((route) => {
    const verdict = verdictFor(route, event);
    const previewFor = (destination: string): DestinationExplanation => {
      const made = deliveries.find((one) => one.route === route.name && one.destination === destination);
      const id = made?.id ?? deliveryId(record.id, deliveries.length);
      return previewOf({ id, attempt: (made?.attempts ?? 0) + 1, destination }, route, record, parts);
    };
    return {
      route: route.name,
      where: route.where?.text ?? null,
      ...verdict,
      destinations: verdict.matches ? route.to.map(previewFor) : [],
    };
  });
}

/** A body as if a source received it now. */
export interface Rehearsal {
  /** Of the source. */
  readonly name: string;
  /** Undefined = there is none of the name. */
  readonly source: Source | undefined;
  readonly body: JsonObject;
  readonly nowMs: number;
  readonly numbers: NumberReader;
}

/** The events that a source would make of a body. Refuses as `MALFORMED` what the source does not take. */
export async function draftedEvents(rehearsal: Rehearsal): Promise<readonly EventRecord[]> {
  const { name, nowMs } = rehearsal;
  const reception = await receptionOf(rehearsal);
  switch (reception.kind) {
    case 'handshake':
      return [];
    case 'events':
      return reception.events.map((draft) => recordOf(draft, name, nowMs));
    case 'call':
      return [recordOf(reception.event, name, nowMs)];
  }
}

/** What a source makes of a body that it has signed itself. Refuses as `MALFORMED` what the source does not take. */
export async function receptionOf({ name, source, body, nowMs, numbers }: Rehearsal): Promise<Reception> {
  if (source === undefined) throw refuse('MALFORMED', `there is no source ${name}`);
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const signed = source.sign?.(bytes, nowMs);
  if (signed === undefined) throw refuse('MALFORMED', `source ${name} cannot sign a body itself`);
  const reception = await received(name, source, {
    method: 'POST',
    rest: decodeURIComponent(signed.rest.replace(/^\//, '')),
    query: {},
    headers: { 'content-type': 'application/json', ...signed.headers },
    body: bytes,
    remoteAddress: '127.0.0.1',
    url: `/hooks/${name}${signed.rest}`,
    receivedAtMs: nowMs,
  });
  return readReception(reception, numbers);
}

async function received(name: string, source: Source, request: Parameters<Source['receive']>[0]) {
  try {
    return await source.receive(request);
  } catch (error) {
    if (isRefusal(error)) throw refuse('MALFORMED', `source ${name} refuses the body: ${error.message}`);
    throw error;
  }
}

function verdictFor(route: Route, event: Event): Pick<RouteExplanation, 'matches' | 'reason' | 'parts'> {
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
  return failure === null ? `${text} is ${JSON.stringify(value)}` : `${text} has no value: ${failure}`;
}

function previewOf(
  delivery: { readonly id: string; readonly attempt: number; readonly destination: string },
  { name: route, transforms }: Route,
  event: EventRecord,
  parts: ExplainParts,
): DestinationExplanation {
  const { destination } = delivery;
  const without = (reason: string): DestinationExplanation => ({ destination, preview: null, reason });
  const prepared = preparedFor({ ...delivery, route, transforms, event }, parts.transforms);
  if (!('event' in prepared))
    return without('reason' in prepared ? (prepared.reason ?? '') : 'a transform keeps it back');
  try {
    const preview = parts.destinations.get(destination)?.destination.preview?.(prepared);
    if (preview === undefined) return without('the component shows no preview');
    return { destination, preview: JSON.parse(parts.mask(JSON.stringify(preview))) as JsonObject, reason: null };
  } catch (error) {
    return without(parts.mask(messageOf(error)));
  }
}
