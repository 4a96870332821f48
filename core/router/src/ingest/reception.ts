/** Validates a reception, and normalizes its phone numbers. */
import type { Call, EventDraft, PhoneNormalizer, Reception } from '@switchhook/sdk';
import { isWithheld } from '@switchhook/sdk/internal';

/** Longer ones are no numbers, and would be kept for every call. */
const longestNumber = 256;

/**
 * A reception as the pipeline takes it: whole, and with its phone numbers read. From here on the same caller is always
 * written alike, and one who withholds the number has none; what was sent stays in `data`. Throws where a source in plain
 * JavaScript has made what is no reception.
 */
export function readReception(reception: Reception, read: PhoneNormalizer): Reception {
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

function withPartyRead(draft: EventDraft, read: PhoneNormalizer): EventDraft {
  const { party } = draft;
  if (party === undefined || party === null) return draft;
  const known = callerIn(party, read) || null;
  return known === party ? draft : { ...draft, party: known };
}

/** Resolvers share the call, and the event is made from it: it is frozen. */
function callRead({ id, from, to, agent, data }: Call, read: PhoneNormalizer): Call {
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

function callerIn(number: string, read: PhoneNormalizer): string {
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
