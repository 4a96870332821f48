/** The endpoints by which an operator controls destinations and resolvers, and the rows of the status that they return. */
import type { Kind } from '@switchhook/sdk';
import { worstFirst } from '../admin/destination-trouble.js';
import type { Status } from '../admin/status.js';
import {
  destinationStatusJson,
  pullStatusJson,
  resolverStatusJson,
  routerStatusJson,
  sourceStatusJson,
} from '../api/mapping.js';
import * as question from '../api/requests.js';
import { destinationStatus, probe, resolverStatus } from '../api/status-responses.js';
import { noSuchRow } from '../system/lists.js';
import { type Answering, type Endpoint, endpoint, type RouterInfo } from './endpoint.js';

const { nothing } = question;

type Controlled = 'destination' | 'resolver';

/** What an operator does to a destination or a resolver. */
export function controlEndpoints(kind: Controlled): readonly Endpoint[] {
  const row = kind === 'destination' ? destinationStatus : resolverStatus;
  const [what, none] = [`/api/${kind}s/{id}`, { query: nothing, body: nothing }];
  const refusals = ['NO_SUCH_ROW'] as const;
  const [waits, attempt] =
    kind === 'destination'
      ? ['its events are accepted and wait', 'the next delivery that waits, or else what it can reach']
      : ['calls are answered without it', 'what it can reach'];
  const standing = async (name: string, { status, info }: Answering) => {
    const { destinations, resolvers } = rowsOf(await status.read(), info);
    const found =
      kind === 'destination'
        ? destinations.find((one) => one.destination === name)
        : resolvers.find((one) => one.resolver === name);
    if (found === undefined) throw noSuchRow(kind, name, []);
    return found;
  };
  return [
    endpoint({
      method: 'POST',
      path: `${what}/pause`,
      summary: `Pause a ${kind}, also over restarts: ${waits}.`,
      ...{ query: nothing, body: question.pauseBody, reply: row, refusals: [...refusals, 'PAUSE_NOT_KEPT'] },
      answer: async ({ id: name, body: { reason, by }, from }, answering) => {
        await answering.controls.pause({ kind, name, reason, by: by ?? `the API, from ${from}` });
        return standing(name, answering);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${what}/resume`,
      summary: `Resume a ${kind} that is paused.`,
      ...{ ...none, reply: row, refusals: [...refusals, 'PAUSE_NOT_KEPT'] },
      answer: async ({ id: name }, answering) => {
        await answering.controls.resume({ kind, name });
        return standing(name, answering);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${what}/probe`,
      summary: `One attempt now, through a pause, an open circuit breaker and a wait: ${attempt}.`,
      ...{ ...none, reply: probe, refusals },
      answer: ({ id: name }, { controls }) => controls.probe({ kind, name }),
    }),
    endpoint({
      method: 'POST',
      path: `${what}/reset`,
      summary: `Close the circuit breaker of a ${kind}${kind === 'destination' ? ', and end the wait that the other side has asked for' : ''}.`,
      ...{ ...none, reply: row, refusals },
      answer: async ({ id: name }, answering) => {
        answering.controls.reset({ kind, name });
        return standing(name, answering);
      },
    }),
  ];
}

/** The rows of the status. */
export function rowsOf({ destinations, resolvers, sources, pulls, routers, nowMs }: Status, info: RouterInfo) {
  return {
    destinations: worstFirst(destinations, nowMs).map((row) =>
      destinationStatusJson(row, useOf(info, 'destination', row.destination), nowMs),
    ),
    resolvers: resolvers.map((row) => resolverStatusJson(row, useOf(info, 'resolver', row.resolver))),
    sources: sources.map((row) => sourceStatusJson(row, useOf(info, 'source', row.source))),
    pulls: pulls.map((row) => pullStatusJson(row, useOf(info, 'source', row.source))),
    routers: routers.map(routerStatusJson),
  };
}

/** The type of a component; null where it is not configured. */
export function useOf({ components }: RouterInfo, kind: Kind, name: string): string | null {
  return components.find((component) => component.kind === kind && component.name === name)?.use ?? null;
}
