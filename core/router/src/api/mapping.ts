/** Maps results of operations to API schemas: times as ISO 8601, bodies parsed. */

import type { Attempt, Change, DeliveryRecord, EventRecord, HttpReply } from '@switchhook/sdk';
import type { z } from 'zod';
import type { ChangePage } from '../admin/change-feed.js';
import type { DeadGroups } from '../admin/dead-groups.js';
import { heldBackText, isRateLimited, troubleOf } from '../admin/destination-trouble.js';
import type { FoundEvents } from '../admin/event-search.js';
import type { DeliveryDetails, EventDetails, Explanation, Operations } from '../admin/operations.js';
import type { DestinationStatus, ResolverStatus, Standings, Status } from '../admin/status.js';
import type { Sent, TriedExplanation } from '../admin/trials.js';
import type { IncompleteConversation } from '../monitor/incomplete.js';
import { eventOf, hasBody, verifiedIn } from '../routing/event-record.js';
import type { RetentionPolicy, Windows } from '../routing/retention-policy.js';
import type { Route, Wait } from '../routing/routes.js';
import { type call, callAnswer } from './call-responses.js';
import type { eventList } from './event-list.js';
import type * as refused from './refused-responses.js';
import type * as reply from './responses.js';
import { iso, isoOrNull } from './responses.js';
import type * as about from './route-responses.js';
import type * as standing from './status-responses.js';
import type * as trial from './trial-responses.js';

export function eventJson(record: EventRecord): z.input<typeof reply.event> {
  const { id, key, source, type, subject, agent, occurredAtMs, receivedAtMs } = record;
  return { id, key, source, type, subject, agent, occurredAt: iso(occurredAtMs), receivedAt: iso(receivedAtMs) };
}

export function foundEventsJson({ items, cursor, examinedSinceMs, ...search }: FoundEvents): z.input<typeof eventList> {
  return { events: items.map(eventJson), cursor, search: { ...search, examinedSince: isoOrNull(examinedSinceMs) } };
}

export function eventDetailsJson(
  { event, deliveries }: EventDetails,
  standings: Standings,
  again: { readonly times: number; readonly lastAtMs: number } | null,
): z.input<typeof reply.eventDetails> {
  return {
    ...wholeEventJson(event),
    repeated: again === null ? null : { times: again.times, lastAt: iso(again.lastAtMs) },
    deliveries: deliveries.map((one) => deliveryDetailsJson(one, standings)),
  };
}

export function deliveryJson(delivery: DeliveryRecord): z.output<typeof reply.delivery> {
  const { id, eventId: event, type, subject, route, destination, transforms } = delivery;
  const { state, reason, attempts, attemptsInAll = null, failure, gathered } = delivery;
  return {
    ...{ id, event, type, subject, route, destination, transforms, state, reason, attempts, attemptsInAll, failure },
    dueAt: isoOrNull(delivery.dueMs),
    createdAt: iso(delivery.createdAtMs),
    settledAt: isoOrNull(delivery.settledAtMs),
    gathered: gathered == null ? null : { by: gathered.by, events: gathered.events },
  };
}

export function storeJson(
  { storeFailure, commitMs, storeSize }: Status,
  pruned: { readonly atMs: number; readonly removed: number; readonly bodies: number } | null,
  { parts, keysMs, ...windows }: RetentionPolicy,
): Omit<z.input<typeof standing.status>['store'], 'use'> {
  return {
    canCommit: storeFailure === null,
    reason: storeFailure,
    commitMs,
    bytes: storeSize?.bytes ?? null,
    freeBytes: storeSize?.freeBytes ?? null,
    pruned: pruned === null ? null : { at: iso(pruned.atMs), removed: pruned.removed, bodies: pruned.bodies },
    retention: {
      ...windowsJson(windows),
      keysSeconds: keysMs === 0 ? null : keysMs / 1_000,
      parts: parts.map(({ scope, ...own }) => ({ ...scope, ...windowsJson(own) })),
    },
  };
}

function windowsJson({ eventsMs, bodiesMs }: Windows) {
  return { eventsSeconds: eventsMs / 1_000, bodiesSeconds: bodiesMs / 1_000 };
}

export function changePageJson({ changes, ...page }: ChangePage): z.input<typeof reply.changePage> {
  return { ...page, changes: changes.map(changeJson) };
}

function changeJson(change: Change): z.input<typeof reply.changePage>['changes'][number] {
  const event = eventJson(change.event);
  if (change.kind === 'event') return { kind: 'event', event };
  const { delivery, attempt } = change;
  return { kind: 'attempt', event, delivery: deliveryJson(delivery), attempt: attemptJson(attempt) };
}

/** `standings`: null where no router runs. */
export function deliveryDetailsJson(
  { delivery, attempts }: DeliveryDetails,
  standings: Standings | null,
): z.output<typeof reply.deliveryDetails> {
  const { destination, state, dueMs } = delivery;
  const held = heldBackJson(destination, state === 'waiting' ? standings : null, dueMs);
  return { ...deliveryJson(delivery), history: attempts.map(attemptJson), ...held };
}

/** What holds a destination back. `standings`: null where no router runs. `dueMs`: null where it would be due now. */
export function heldBackJson(destination: string, standings: Standings | null, dueMs: number | null) {
  if (standings === null) return { holds: [], heldBack: null };
  const { nowMs } = standings;
  const standing = standings.of(destination);
  return { holds: standing.holds.map(holdJson), heldBack: heldBackText(standing, dueMs ?? nowMs, nowMs) };
}

export function deadGroupsJson({ groups, more }: DeadGroups): z.input<typeof reply.deadGroupList> {
  const rows = groups.map(({ count: deliveries, firstMs, lastMs, ...group }) => {
    return { ...group, deliveries, firstAt: iso(firstMs), lastAt: iso(lastMs) };
  });
  return { groups: rows, more };
}

export function refusedJson(
  record: ReturnType<Operations['refused']>['items'][number],
): z.input<typeof refused.refusedRequest> {
  const { atMs, ...rest } = record;
  return { ...rest, at: iso(atMs) };
}

export function refusalGroupJson(
  group: ReturnType<Operations['refusedGroups']>[number],
): z.input<typeof refused.refusalGroup> {
  const { count: requests, firstMs, lastMs, minutes, ...rest } = group;
  return {
    ...{ ...rest, requests, firstAt: iso(firstMs), lastAt: iso(lastMs) },
    minutes: minutes.map(([startMs, inMinute]) => ({ at: iso(startMs), requests: inMinute })),
  };
}

export function incompleteJson(
  found: IncompleteConversation,
): z.input<typeof reply.incompleteList>['conversations'][0] {
  const { subject: conversation, eventId: event, receivedAtMs, dueMs, ...rest } = found;
  return { ...rest, conversation, event, receivedAt: iso(receivedAtMs), dueAt: iso(dueMs) };
}

/** Nothing where the event is of a time when answers were kept otherwise. */
export function callJson(record: EventRecord): readonly z.input<typeof call>[] {
  const { id, source, subject, agent, receivedAtMs } = record;
  const { success, data: answer } = callAnswer.safeParse(eventOf(record).data.answer);
  const receivedAt = iso(receivedAtMs);
  return success ? [{ id, source, subject, agent, receivedAt, ringMs: ringMsOf(answer), answer }] : [];
}

/** As the history counts it, for the request that the call was answered with. */
function ringMsOf({ ms, sent }: z.output<typeof callAnswer>): number | null {
  if (sent === undefined) return ms;
  return sent.outcome === 'late' ? null : sent.ms;
}

/** Also for `switchhook explain` with a router that is not running: then `standings` is null. */
export function explanationJson(
  explanation: Explanation | TriedExplanation,
  standings: Standings | null,
): z.output<typeof about.explanation> {
  const { event, kept, deliveries, routes, answers } = explanation;
  const call = 'call' in explanation ? explanation.call : null;
  return {
    event: wholeEventJson(event),
    kept,
    deliveries: deliveries.map((one) => deliveryDetailsJson(one, standings)),
    routes: routes.map(({ wait, destinations, ...route }) => ({
      ...{ ...route, wait: waitJson(wait) },
      destinations: destinations.map((one) => ({ ...one, ...heldBackJson(one.destination, standings, null) })),
    })),
    answers,
    call: call && {
      ...{ answer: callAnswer.parse(call.trace), answers: call.answers },
      ...{ reply: replyJson(call.reply), sentLater: call.isSentLater, numbers: call.numbers },
    },
  };
}

export function sentJson({
  reply,
  event,
  isDuplicate: duplicate,
  reason,
  replaced,
  kept,
}: Sent): z.input<typeof trial.sent> {
  return { reply: replyJson(reply), event, duplicate, reason, replaced, kept };
}

function replyJson({ status, body, text }: HttpReply): z.input<typeof trial.httpReply> {
  return { status, body: body ?? null, text: text ?? null };
}

export function routeJson({ name, from, on, where, to, transforms, wait = null }: Route) {
  return { name, from, on, where: where?.text ?? null, to, transforms, wait: waitJson(wait) };
}

function waitJson(wait: Wait | null) {
  return wait === null ? null : { for: wait.for, withinSeconds: wait.withinMs / 1_000 };
}

export function destinationStatusJson(
  status: DestinationStatus,
  use: string | null,
  nowMs: number,
): z.input<typeof standing.destinationStatus> {
  const { destination, policy, load, backlog } = status;
  const oldestMs = backlog?.oldestOpenMs ?? null;
  return {
    destination,
    configured: policy !== null,
    draining: status.draining,
    use,
    waiting: backlog?.waiting ?? null,
    running: backlog?.running ?? null,
    dead: backlog?.dead ?? null,
    oldestSeconds: oldestMs === null ? null : Math.max(0, nowMs - oldestMs) / 1_000,
    held: load?.held ?? 0,
    breaker: policy?.breaker ? (load?.breaker ?? null) : null,
    ...standingJson(status),
    concurrency: policy?.concurrency ?? null,
    rateLimit: policy?.rateLimit ?? null,
    rateLimited: isRateLimited(status),
    ordered: policy?.ordered ?? false,
    trouble: troubleOf(status, nowMs),
  };
}

export function resolverStatusJson(
  status: ResolverStatus,
  use: string | null,
): z.input<typeof standing.resolverStatus> {
  return { resolver: status.resolver, use, breaker: status.load.breaker, ...standingJson(status) };
}

export function sourceStatusJson(
  { source, recent, lastRefusedMs, secrets, calls, ...counts }: Status['sources'][number],
  use: string | null,
): z.input<typeof refused.sourceStatus> {
  return {
    ...{ source, use, received: counts.received, refused: counts.refused },
    lastRefusedAt: isoOrNull(lastRefusedMs),
    calls: { answered: calls.answered, unanswered: calls.unanswered },
    refusal: recent === null ? null : refusalJson(recent),
    secrets: secrets.map(({ lastMs, ...use }) => ({ ...use, lastAt: iso(lastMs) })),
  };
}

function refusalJson({ agent, code, reason, count, secret }: NonNullable<Status['sources'][number]['recent']>) {
  return { agent, code, reason, secret, requests: count };
}

export function pullStatusJson(
  { source, state, sinceMs, lastFailure }: Status['pulls'][number],
  use: string | null,
): z.input<typeof standing.pullStatus> {
  const failure = lastFailure === null ? null : { at: iso(lastFailure.atMs), reason: lastFailure.reason };
  return { source, use, state, since: iso(sinceMs), lastFailure: failure };
}

export function routerStatusJson({
  sinceMs,
  isSelf: self,
  goneSinceMs,
  ...rest
}: Status['routers'][number]): z.input<typeof standing.routerStatus> {
  return { ...rest, self, since: iso(sinceMs), goneSince: isoOrNull(goneSinceMs) };
}

function standingJson({ holds, load }: Pick<DestinationStatus | ResolverStatus, 'holds' | 'load'>) {
  const failure = load?.lastFailure ?? null;
  return {
    holds: holds.map(holdJson),
    lastFailure: failure === null ? null : { at: iso(failure.atMs), reason: failure.reason },
  };
}

function holdJson({ sinceMs, untilMs, ...rest }: DestinationStatus['holds'][number]) {
  return { ...rest, since: iso(sinceMs), until: isoOrNull(untilMs) };
}

function wholeEventJson(record: EventRecord) {
  const [data, bytes] = hasBody(record) ? [eventOf(record).data, record.body.byteLength] : [null, null];
  return { ...eventJson(record), bytes, verifiedBy: verifiedIn(record), data };
}

function attemptJson({ startedAtMs, ...rest }: Attempt) {
  return { ...rest, startedAt: iso(startedAtMs) };
}
