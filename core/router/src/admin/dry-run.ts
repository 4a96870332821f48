/** A dry run of a call: its answer, without a server, a store or a record. */
import {
  type Clock,
  type EventRecord,
  type HttpReply,
  isRefusal,
  type JsonObject,
  type Log,
  type PhoneNormalizer,
  type Reception,
  refuse,
  type Source,
  stringifyJson,
} from '@switchhook/sdk';
import type { Answers } from '../calls/answer.js';
import { replyTo, traceOf } from '../calls/reply.js';
import type { DraftMask } from '../ingest/draft-mask.js';
import { readReception } from '../ingest/reception.js';
import { recordOf } from '../routing/event-record.js';

/** What a dry run works with. */
export interface DryRunParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly log: Log;
  readonly normalizePhone: PhoneNormalizer;
}

/** What the platform would be sent, and how it came about: as it would stand in `event.data.answer`. */
export interface CallDryRun {
  readonly reply: HttpReply;
  readonly trace: JsonObject;
}

/** Runs the resolvers as for a real call. Refuses as `MALFORMED` a body that its source does not accept as a call. */
export async function dryRunCall(name: string, body: JsonObject, parts: DryRunParts): Promise<CallDryRun> {
  const { sources, answers, clock, log, normalizePhone } = parts;
  const source = sources.get(name);
  const startedAtMs = clock.elapsed();
  const inboundCall = await receptionOf({ name, source, body, nowMs: clock.now(), normalizePhone });
  if (inboundCall.kind !== 'call') throw refuse('MALFORMED', `source ${name} does not take the body for a call`);
  const callAnswer = await answers.answer(name, inboundCall, startedAtMs);
  return { reply: replyTo(inboundCall, callAnswer, source, log), trace: traceOf(inboundCall.call, callAnswer) };
}

/** A body as if a source received it now. */
export interface DryRun {
  /** Of the source. */
  readonly name: string;
  /** Undefined = there is none of the name. */
  readonly source: Source | undefined;
  readonly body: JsonObject;
  readonly nowMs: number;
  readonly normalizePhone: PhoneNormalizer;
  /** Of the source. */
  readonly mask?: DraftMask | undefined;
}

/** The events that a source would make of a body, with ids that no event has. Refuses as `MALFORMED` what the source does not take. */
export async function draftedEvents(dryRun: DryRun): Promise<readonly EventRecord[]> {
  const { name, nowMs } = dryRun;
  const reception = await receptionOf(dryRun);
  switch (reception.kind) {
    case 'handshake':
      return [];
    case 'events':
      return reception.events.map((draft, index) => recordOf(draft, name, nowMs, exampleId(index)));
    case 'call':
      return [recordOf(reception.event, name, nowMs, exampleId(0))];
  }
}

function exampleId(index: number): string {
  return `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`;
}

/** What a source makes of a body that it has signed itself. Refuses as `MALFORMED` what the source does not take. */
export async function receptionOf({ name, source, body, nowMs, normalizePhone, mask }: DryRun): Promise<Reception> {
  if (source === undefined) throw refuse('MALFORMED', `there is no source ${name}`);
  const bytes = new TextEncoder().encode(stringifyJson(body));
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
  return readReception(reception, normalizePhone, source, mask);
}

async function received(name: string, source: Source, request: Parameters<Source['receive']>[0]) {
  try {
    return await source.receive(request);
  } catch (error) {
    if (isRefusal(error)) {
      throw refuse('MALFORMED', `source ${name} refuses the body: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
