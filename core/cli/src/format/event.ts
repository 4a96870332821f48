/** What happened to an event, as text for people. */
import type { Delivery, DeliveryDetails, Event, eventDetails } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { durationText, stringifyJson, type z } from '@switchhook/sdk';
import { type Output, styled } from '../output.js';
import { printTable, quantity } from '../print.js';
import { type Column, timeCut } from '../table.js';

const colours = {
  waiting: 'yellow',
  running: 'cyan',
  delivered: 'green',
  dead: 'red',
  skipped: 'dim',
  gathered: 'dim',
} as const satisfies Record<Delivery['state'], string>;

/** `2h 3m ago`, `in 5s`. */
export function relative(time: string): string {
  const ms = systemClock.now() - Date.parse(time);
  return ms < 0 ? `in ${durationText(-ms)}` : `${durationText(ms)} ago`;
}

/** `09:31:05 (2h ago)`, with the day where it is another one; by this machine's clock, or in UTC. */
export function clockTime(time: string, utc = false): string {
  const at = zoned(time, utc);
  const today = zoned(new Date(systemClock.now()).toISOString(), utc).slice(0, 10);
  const shown = at.startsWith(today) ? at.slice(11) : at.slice(0, 16);
  return `${shown}${utc ? 'Z' : ''} (${relative(time)})`;
}

/** `2026-01-01 08:00:00` by this machine's clock, or in UTC. */
export function zoned(time: string, utc: boolean): string {
  const date = new Date(time);
  const offsetMs = utc ? 0 : date.getTimezoneOffset() * 60_000;
  return new Date(date.getTime() - offsetMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** A state in its colour. */
export function coloured(output: Output, state: Delivery['state'], text: string): string {
  return styled(output, colours[state], text);
}

/** What an event is, in two lines. */
export function printEvent(output: Output, event: Event, isReceived = true): void {
  const { type, subject, agent, source, receivedAt, id } = event;
  const about = [subject, agent === null ? null : `agent ${agent}`].filter((part) => part !== null);
  output.line([styled(output, 'bold', type), ...about].join('  '));
  if (!isReceived) output.line(`event ${id}, an example: ${source} has not received it`);
  else output.line(`event ${id}, received by ${source} ${relative(receivedAt)} (${receivedAt})`);
}

/** Which secret has verified an event. */
export function proofText(by: z.output<typeof eventDetails>['verifiedBy']): string {
  if (by === null) return 'not known which secret has verified it';
  return by.secret === 0
    ? 'verified by no secret: its source needs none'
    : `verified by secret ${by.secret} of ${by.of}`;
}

/** `3`, or after a replay `3 (1 since the replay)`: all attempts, as they are numbered. */
function attemptsText({ attempts, attemptsInAll }: Pick<Delivery, 'attempts' | 'attemptsInAll'>): string {
  const all = attemptsInAll ?? attempts;
  return all > attempts ? `${all} (${attempts} since the replay)` : String(all);
}

/** How a delivery stands, in a few words. */
export function standing(delivery: Delivery): string {
  const { state, reason, attempts, dueAt, settledAt, gathered } = delivery;
  const tried = attemptsText(delivery).replace(/^\d+/, (all) => quantity(Number(all), 'attempt'));
  switch (state) {
    case 'waiting':
      if (gathered !== null && attempts === 0 && dueAt !== null && !isPast(dueAt))
        return `waits for further events until ${clockTime(dueAt)}, has ${gathered.events}`;
      return `waiting after ${tried}, ${isPast(dueAt) ? 'due since' : 'next attempt'} ${dueAt === null ? '' : relative(dueAt)}`;
    case 'running':
      return `running, attempt ${attemptsText(delivery)}`;
    case 'dead':
      return `dead, ${reason} after ${tried}${settledAt === null ? '' : `, ${relative(settledAt)}`}`;
    case 'gathered':
      return gathered === null ? state : `gathered: delivery ${gathered.by} takes it along`;
    case 'delivered':
    case 'skipped':
      return `${state}${settledAt === null ? '' : ` ${relative(settledAt)}`}, ${tried}`;
  }
}

/** A delivery and its attempts. */
export function printDelivery(output: Output, delivery: DeliveryDetails, indent = '  '): void {
  const { destination, state, route, id, attempts, attemptsInAll, history, gathered } = delivery;
  output.line(`${indent}${styled(output, 'bold', destination)}  ${coloured(output, state, standing(delivery))}`);
  output.line(styled(output, 'dim', `${indent}  delivery ${id}, route ${route}`));
  if (delivery.heldBack !== null) output.line(styled(output, 'yellow', `${indent}  it waits: ${delivery.heldBack}`));
  if (gathered !== null && gathered.by === id && gathered.events > 1 && state !== 'waiting')
    output.line(`${indent}  with ${gathered.events} events`);
  const lost = (attemptsInAll ?? attempts) - history.length - (state === 'running' ? 1 : 0);
  if (lost > 0)
    output.line(`${indent}  ${lost} of its attempts never came back: the router ended, or stood still, while they ran`);
  for (const { number, startedAt, durationMs, outcome, reason, response } of history) {
    const facts = [`${number}.`, relative(startedAt), outcome, reason, `took ${Math.round(durationMs)} ms`];
    output.line(`${indent}  ${facts.filter((fact) => fact !== null).join('  ')}`);
    if (response !== null && outcome !== 'delivered')
      output.line(styled(output, 'dim', `${indent}     ${oneLine(response)}`));
  }
}

/** A JSON value over several lines; long texts in it are cut. */
export function printIndented(output: Output, value: unknown, indent: string): void {
  const cut = (_key: string, inner: unknown) =>
    typeof inner === 'string' && inner.length > 300 ? `${inner.slice(0, 300)}… (${inner.length} characters)` : inner;
  output.line(
    stringifyJson(value, cut, 2)
      .split('\n')
      .map((line) => indent + line),
  );
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function isPast(time: string | null): boolean {
  return time !== null && Date.parse(time) <= systemClock.now();
}

const deliveryColumns: readonly Column[] = [
  { heading: 'made', cut: timeCut },
  { heading: 'state' },
  { heading: 'destination', cut: 10 },
  { heading: 'type', cut: 12, drop: 4 },
  { heading: 'subject', cut: 12, drop: 5 },
  { heading: 'route', cut: 8, drop: 1 },
  { heading: 'attempts', drop: 2 },
  { heading: 'due', drop: 3 },
  { heading: 'failure', cut: 11 },
  { heading: 'id', below: true },
];

export function printDeliveries(output: Output, deliveries: readonly Delivery[], utc = false): void {
  const rows = deliveries.map((one) => [
    clockTime(one.createdAt, utc),
    coloured(output, one.state, one.reason ?? one.state),
    one.destination,
    one.type,
    one.subject ?? '-',
    one.route,
    attemptsText(one),
    one.state === 'waiting' && one.dueAt !== null ? relative(one.dueAt) : '-',
    one.failure ?? '-',
    one.id,
  ]);
  printTable(output, deliveryColumns, rows);
}

const deadColumns: readonly Column[] = [
  { heading: 'died', cut: timeCut },
  { heading: 'made', cut: timeCut, drop: 2 },
  { heading: 'destination', cut: 10 },
  { heading: 'type', cut: 12, drop: 4 },
  { heading: 'subject', cut: 12, drop: 5 },
  { heading: 'reason', drop: 3 },
  { heading: 'attempts', drop: 1 },
  { heading: 'failure', cut: 16 },
  { heading: 'id', below: true },
];

/** Dead deliveries: when each was made and when it died. */
export function printDead(output: Output, deliveries: readonly Delivery[], utc = false): void {
  const rows = deliveries.map((one) => [
    one.settledAt === null ? '-' : clockTime(one.settledAt, utc),
    clockTime(one.createdAt, utc),
    one.destination,
    one.type,
    one.subject ?? '-',
    coloured(output, one.state, one.reason ?? one.state),
    attemptsText(one),
    one.failure ?? '-',
    one.id,
  ]);
  printTable(output, deadColumns, rows);
}
