/** A router's call side in a world of its own: resolvers that are functions, a memory store, a fake clock. */

import {
  type AnswerRow,
  compileExpression,
  eventHeader,
  eventOf,
  type InboundCall,
  type OpenResolver,
  Pipeline,
  requestNumberHeader,
} from '@switchhook/core/internal';
import {
  type Call,
  type EventRecord,
  type HttpReply,
  type JsonObject,
  type JsonValue,
  type Resolver,
  type Source,
  type Store,
  template,
} from '@switchhook/sdk';
import { reading } from '@switchhook/sdk/internal';
import { aCall, aRequest, FakeClock, FakeLog, FakeMetrics } from '@switchhook/testkit';
import { memoryStore } from '../../plugins/memory/src/store.js';
import { anEngine } from './engine.js';

export type Resolve = (call: Call, known: JsonObject, signal: AbortSignal, leftMs: number) => unknown;

/** An answer as it is written in a file. */
export interface WrittenAnswer extends Partial<Omit<AnswerRow, 'where' | 'variables' | 'overrideAgent' | 'resolve'>> {
  readonly where?: string;
  readonly resolve?: readonly string[];
  readonly variables?: JsonObject;
  readonly overrideAgent?: JsonValue;
}

export interface CallWorld {
  /** Default: one answer that asks all resolvers. */
  readonly answers?: readonly WrittenAnswer[];
  readonly resolvers?: Readonly<Record<string, Resolve | (Partial<OpenResolver> & { readonly look: Resolve })>>;
  /** What the source does otherwise than receiving each call as it is. */
  readonly source?: Partial<Source>;
  /** What the reception has otherwise. */
  readonly inboundCall?: Partial<InboundCall>;
  readonly clock?: FakeClock;
  /** Wraps the store, to make it fail. */
  readonly store?: (store: Store) => Store;
}

/** How a call went. */
export interface RingResult {
  /** Without its headers. */
  readonly reply: HttpReply;
  /** Id of the event that the reply names. */
  readonly event: string | null;
  /** Which request about the call it was, where the reply says so. */
  readonly requests: string | null;
  /** By the world's clock. */
  readonly ms: number;
}

export function aSwitchboard(fixture: CallWorld = {}) {
  const clock = fixture.clock ?? new FakeClock();
  const log = new FakeLog();
  const metrics = new FakeMetrics();
  const resolvers = new Map(Object.entries(fixture.resolvers ?? {}).map(([name, row]) => [name, opened(name, row)]));
  const rows = (fixture.answers ?? [{}]).map((row, index) => answerRow(row, index, [...resolvers.keys()]));
  const plain = memoryStore(clock);
  const source: Source = {
    receive: ({ body, receivedAtMs }) => {
      const call: Call = JSON.parse(Buffer.from(body).toString());
      const key = `inbound_call:${call.id ?? `${receivedAtMs}:${Math.random()}`}`;
      const event = { key, type: 'inbound_call', subject: call.id, agent: call.agent, occurredAtMs: null };
      return {
        kind: 'call',
        event: { ...event, data: { from_number: call.from } },
        call,
        deadlineMs: 10_000,
        retryMs: 40_000,
        reply: ({ variables, overrideAgent }) => ({ status: 200, body: { variables, agent: overrideAgent } }),
        fallback: () => ({ status: 200, body: { variables: {}, least: true } }),
        ...fixture.inboundCall,
      };
    },
    ...fixture.source,
  };
  const store = fixture.store?.(plain) ?? plain;
  const plan = { sources: new Map([['calls', source]]), answers: rows, resolvers };
  const engine = anEngine({ clock, log, metrics, store, plan });
  const pipeline = engine.get(Pipeline);
  const ring = async (
    given: Partial<Call> = {},
    { ageMs = 0 }: { readonly ageMs?: number } = {},
  ): Promise<RingResult> => {
    const startedAtMs = clock.elapsed();
    const { headers = {}, ...reply } = await pipeline.receive(
      'calls',
      aRequest({ body: JSON.stringify(aCall(given)), receivedAtMs: clock.now() }),
      clock.elapsed() - ageMs,
    );
    const ms = clock.elapsed() - startedAtMs;
    return { reply, event: headers[eventHeader] ?? null, requests: headers[requestNumberHeader] ?? null, ms };
  };
  /** Rings, and lets time pass until there is a reply. */
  const rungOut = async (given: Partial<Call> = {}): Promise<RingResult> => {
    const inboundCall = ring(given);
    await clock.advance(10_000);
    return inboundCall;
  };
  const calls = async (): Promise<readonly EventRecord[]> => (await plain.events({ limit: 1_000 })).items;
  /** What is recorded of the answer to the newest call. */
  const trace = async (): Promise<JsonObject> => {
    const [newest] = await calls();
    return newest === undefined ? {} : (eventOf(newest).data.answer as JsonObject);
  };
  return { pipeline, engine, current: engine.current, clock, log, metrics, store: plain, ring, rungOut, calls, trace };
}

/** The variables of a reply. */
export function variablesOf({ reply }: RingResult): unknown {
  return reply.body?.variables;
}

/** Takes so long, then goes on. */
export function after(clock: FakeClock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

function opened(name: string, row: Resolve | (Partial<OpenResolver> & { readonly look: Resolve })): OpenResolver {
  const { look, ...given } = typeof row === 'function' ? { look: row } : row;
  // A plugin in plain JavaScript can return anything.
  const resolver = { resolve: look } as Resolver;
  return { name, resolver, timeoutMs: null, after: [], concurrency: 64, breaker: null, ...given };
}

function answerRow(row: WrittenAnswer, index: number, resolvers: readonly string[]): AnswerRow {
  const names = ['call', 'now', 'known', ...resolvers];
  const { where, variables = {}, overrideAgent, ...rest } = row;
  const compiled = (value: JsonValue) =>
    reading({ compile: compileExpression, secret: () => {} }, () => template('', names).parse(value));
  return {
    name: `answer-${index + 1}`,
    from: ['calls'],
    where: where === undefined ? null : compileExpression(where, ['call', 'now']),
    withinMs: 3_000,
    resolve: resolvers,
    variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, compiled(value)])),
    defaults: {},
    overrideAgent: overrideAgent === undefined ? null : compiled(overrideAgent),
    cache: null,
    ...rest,
  };
}
