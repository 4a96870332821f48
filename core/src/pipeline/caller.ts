/** Who calls, as far as that can be known: their numbers as they are compared, and the keys under which they are remembered. */
import type { EventDraft } from '../contract/event.js';
import type { Call, Reception } from '../contract/source.js';
import { isWithheld, type NumberReader } from '../phone-number.js';

/** Longer ones are no numbers, and would be kept for every call. */
const longestNumber = 256;

/**
 * A reception as the pipeline takes it: whole, and with its phone numbers read. From here on the same caller is always
 * written alike, and one who withholds the number has none; what was sent stays in `data`. Throws where a source in plain
 * JavaScript has made what is no reception.
 */
export function readReception(reception: Reception, read: NumberReader): Reception {
  switch (reception.kind) {
    case 'handshake':
      if (typeof reception.reply?.status !== 'number') throw new TypeError('a handshake needs a reply with a status');
      return reception;
    case 'events':
      return { kind: 'events', events: reception.events.map((draft) => withPartyRead(draft, read)) };
    case 'call': {
      const { event, deadlineMs, retryMs } = reception;
      if (!(deadlineMs > 0 && Number.isFinite(deadlineMs))) throw new TypeError('a call needs its deadline');
      return {
        kind: 'call',
        event: withPartyRead(event, read),
        call: callRead(reception.call, read),
        deadlineMs,
        ...(retryMs !== undefined && { retryMs }),
        reply: (answer) => reception.reply(answer),
        fallback: () => reception.fallback(),
      };
    }
    default:
      throw new TypeError('a reception has events, a call or a handshake');
  }
}

/** Whether the call says who calls. Two callers who withhold their numbers look the same. */
export function isKnownCaller({ from }: Pick<Call, 'from'>): boolean {
  return from !== '';
}

/**
 * The same for every request about one call, as far as can be told. Null where two requests may be about different calls:
 * no call id, and a caller who is not known.
 */
export function callKey(source: string, call: Call): string | null {
  if (call.id === null && !isKnownCaller(call)) return null;
  // With an id, too: one that is not the call's own, but an account's, must not tell a caller what another one was told.
  return JSON.stringify([source, call.id, call.from, call.to, call.agent]);
}

/** The same for every call to which an answer would tell the same of the same caller; null where it is not known who calls. */
export function callerKey(answer: string, call: Call): string | null {
  return isKnownCaller(call) ? JSON.stringify([answer, call.from, call.to, call.agent]) : null;
}

function withPartyRead(draft: EventDraft, read: NumberReader): EventDraft {
  const { party } = draft;
  if (party === undefined || party === null) return draft;
  const known = callerIn(party, read) || null;
  return known === party ? draft : { ...draft, party: known };
}

/** Resolvers share the call, and the event is made from it: nobody changes it for the others. */
function callRead({ id, from, to, agent, data }: Call, read: NumberReader): Call {
  const texts = [id ?? '', from, to, agent ?? ''];
  if (!texts.every((text) => typeof text === 'string') || !isObject(data))
    throw new TypeError('a call has texts, and an object of data');
  return Object.freeze({
    id,
    from: callerIn(from, read),
    to: read(to.slice(0, longestNumber)),
    agent,
    data: frozen(data),
  });
}

function callerIn(number: string, read: NumberReader): string {
  return number.length > longestNumber || isWithheld(number) ? '' : read(number);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** With everything in it. */
function frozen<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) if (isObject(inner)) frozen(inner);
  return value;
}
