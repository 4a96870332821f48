/** What the sources of calls of most platforms have in common: the call in a body, its event, the answer in a reply. */
import type { EventDraft } from '../contract/event.js';
import { eventKey } from '../contract/ids.js';
import type { JsonObject, JsonValue } from '../contract/json.js';
import type { Log } from '../contract/services.js';
import type { Answer, Call, RawRequest } from '../contract/source.js';
import { fitting } from '../http/json-body.js';
import { fingerprint } from '../http/signature.js';
import { longestAgent, textAt } from './event-fields.js';

/** Where the fields of a call are in a body: paths such as `call.from_number`; of several for the id, the first with a value. */
export interface CallPaths {
  readonly id: string | readonly string[];
  readonly from: string;
  readonly to: string;
  readonly agent: string;
}

/** The call of a body. Without numbers it is a call, too: of an unknown caller. */
export function callAt(data: JsonObject, { id, from, to, agent }: CallPaths): Call {
  return {
    id: [id].flat().reduce<string | null>((found, path) => found ?? textAt(data, path, 512), null),
    from: textAt(data, from, 256) ?? '',
    to: textAt(data, to, 256) ?? '',
    agent: textAt(data, agent, longestAgent),
    data,
  };
}

/**
 * The event of a call. `own` are the ids that make it the same event when the platform repeats its request, by default the id of the
 * call; without any, each request is an event of its own.
 */
export function callEvent(
  type: string,
  { id, from, agent, data }: Call,
  { body, receivedAtMs }: Pick<RawRequest, 'body' | 'receivedAtMs'>,
  own: readonly string[] | null = id === null ? null : [id],
): EventDraft {
  const key = fitting(eventKey(type, ...(own ?? [fingerprint(body), String(receivedAtMs)])), 512);
  return { key, type, subject: id, agent, party: fitting(from, 256) || null, occurredAtMs: null, data };
}

/** The variables in the body of a reply, as texts; none where the value is no object. For `answerIn`. */
export function variablesOf(value: JsonValue | undefined): Answer['variables'] {
  const given = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(given.map(([name, text]) => [name, String(text)]));
}

/**
 * For platforms whose reply has no field for another agent: returns what logs that the `override` of an answer has no effect, the first
 * time as a warning. `platform` is its name.
 */
export function overrideWarning(log: Log, platform: string): (answer: Answer) => void {
  let isWarned = false;
  return ({ overrideAgent: agent }) => {
    if (agent === null) return;
    const hint = `The reply to ${platform} has no field for another agent: the agent of the number takes the call.`;
    log[isWarned ? 'debug' : 'warn']('override.ignored', { agent, hint });
    isWarned = true;
  };
}
