/** A call that nobody makes: what it would be told, without a server, a store or a record of it. */
import type { Source } from '../contract/component.js';
import type { JsonObject } from '../contract/json.js';
import type { HttpReply } from '../contract/source.js';
import type { Clock, Log } from '../contract/tools.js';
import type { NumberReader } from '../phone-number.js';
import { refuse } from '../refusal.js';
import type { Answers } from './answer.js';
import { traceOf } from './answer-trace.js';
import { receptionOf } from './explain.js';
import { replyTo } from './reply.js';

/** Who is asked. */
export interface RehearsalParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly log: Log;
  readonly numbers: NumberReader;
}

/** What the platform would be sent, and how it came about: as it would stand in `event.data.answer`. */
export interface RehearsedCall {
  readonly reply: HttpReply;
  readonly trace: JsonObject;
}

/** Asks the resolvers as for a real call. Refuses as `MALFORMED` a body that its source does not take for a call. */
export async function rehearsedCall(name: string, body: JsonObject, parts: RehearsalParts): Promise<RehearsedCall> {
  const { sources, answers, clock, log, numbers } = parts;
  const source = sources.get(name);
  const startedAtMs = clock.elapsed();
  const ringing = await receptionOf({ name, source, body, nowMs: clock.now(), numbers });
  if (ringing.kind !== 'call') throw refuse('MALFORMED', `source ${name} does not take the body for a call`);
  const told = await answers.answer(name, ringing, startedAtMs);
  return { reply: replyTo(ringing, told, source, log), trace: traceOf(ringing.call, told) };
}
