/** Who calls, as far as that can be known: their numbers as they are compared, and the keys under which they are remembered. */
import type { EventDraft } from '../contract/event.js';
import type { Call, Reception } from '../contract/source.js';
import { isWithheld, type NumberReader } from '../phone-number.js';

/**
 * A reception whose phone numbers are read: from here on the same caller is always written alike, and one who withholds
 * the number has none. What was sent stays in `data`.
 */
export function withNumbersRead(reception: Reception, read: NumberReader): Reception {
  switch (reception.kind) {
    case 'handshake':
      return reception;
    case 'events':
      return { kind: 'events', events: reception.events.map((draft) => withPartyRead(draft, read)) };
    case 'call': {
      const { call, event, deadlineMs, retryMs } = reception;
      return {
        kind: 'call',
        event: withPartyRead(event, read),
        call: { ...call, from: callerIn(call.from, read), to: read(call.to) },
        deadlineMs,
        ...(retryMs !== undefined && { retryMs }),
        reply: (answer) => reception.reply(answer),
        fallback: () => reception.fallback(),
      };
    }
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
  if (call.id !== null) return JSON.stringify([source, call.id]);
  return isKnownCaller(call) ? JSON.stringify([source, call.from, call.to, call.agent]) : null;
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

function callerIn(number: string, read: NumberReader): string {
  return isWithheld(number) ? '' : read(number);
}
