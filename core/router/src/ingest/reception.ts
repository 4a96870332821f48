/** Validates a reception, and normalizes its phone numbers. */
import type { Call, EventDraft, HttpReply, PhoneNormalizer, Reception, VerifiedBy } from '@switchhook/sdk';
import { isWithheld } from '@switchhook/sdk/internal';
import { allowedReply, canBeSent } from '../calls/reply.js';
import { type ReceivedDraft, verifiedText } from '../routing/event-record.js';
import { invalidReturn, isJson, isPlain } from '../system/returned.js';
import type { DraftMask } from './draft-mask.js';

/** Longer ones are no numbers, and would be kept for every call. */
const longestNumber = 256;

/**
 * A reception as the pipeline takes it: whole, and with its phone numbers read. From here on the same caller is always
 * written alike, and one who withholds the number has none; what was sent stays in `data`. Throws `InvalidReturn` where the
 * source has returned what is no reception. `mask`: of its source, for its events.
 */
export function readReception(
  reception: Reception,
  read: PhoneNormalizer,
  source: object = reception,
  mask: DraftMask = (draft) => draft,
): Reception {
  const invalid = (returned: unknown, allowed: string): Error => invalidReturn(source, 'receive', returned, allowed);
  const proof = reception?.kind === 'handshake' ? {} : proofOf(reception, invalid);
  const verified = verifiedText(proof.verifiedBy);
  const checked = (draft: EventDraft): ReceivedDraft => {
    const masked = mask(draftRead(draft, read, invalid));
    return verified === undefined ? masked : { ...masked, verified };
  };
  switch (reception?.kind) {
    case 'handshake':
      return readHandshake(reception.reply, source, 'receive');
    case 'events':
      if (Array.isArray(reception.events)) return { kind: 'events', events: reception.events.map(checked), ...proof };
      throw invalid(reception.events, 'a list of events');
    case 'call': {
      const { event, call, deadlineMs, retryMs } = reception;
      if (!(deadlineMs > 0 && Number.isFinite(deadlineMs)))
        throw invalid(deadlineMs, 'a call whose deadlineMs is a number above 0');
      if (!isCall(call)) throw invalid(call, 'a call with the texts id, from, to and agent, and the object data');
      if ('answer' in source && call.id === null)
        throw invalid(call, "a call with an id, as its component declares `answerBy: 'call'`");
      return {
        kind: 'call',
        event: checked(event),
        ...proof,
        call: callRead(call, read),
        deadlineMs,
        ...(retryMs !== undefined && { retryMs }),
        reply: (answer) => reception.reply(answer),
        fallback: () => reception.fallback(),
      };
    }
    default:
      throw invalid(reception, "{ kind: 'events' | 'call' | 'handshake', … }");
  }
}

/** What has verified a request, as its source says. */
function proofOf(
  reception: Exclude<Reception, { kind: 'handshake' }> | undefined,
  invalid: (returned: unknown, allowed: string) => Error,
): { readonly verifiedBy?: VerifiedBy | null } {
  const verifiedBy = reception?.verifiedBy;
  if (verifiedBy === undefined) return {};
  if (verifiedBy === null) return { verifiedBy };
  const { secret, of } = Object(verifiedBy) as Partial<VerifiedBy>;
  const isPosition = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) < 1_000_000;
  if (isPosition(secret) && isPosition(of) && secret >= 1 && secret <= of) return { verifiedBy: { secret, of } };
  throw invalid(verifiedBy, 'verifiedBy with the numbers secret (from 1) and of, or null');
}

/** The reply to a handshake. Throws `InvalidReturn` where it cannot be sent. */
export function readHandshake(
  reply: HttpReply,
  source: object,
  method = 'handshake',
): Extract<Reception, { kind: 'handshake' }> {
  if (canBeSent(reply)) return { kind: 'handshake', reply };
  throw invalidReturn(source, method, reply, `a handshake with ${allowedReply}`);
}

/** Drafts that a component emits. Throws `InvalidReturn`, with the name of `component`. */
export function readDrafts(
  drafts: readonly EventDraft[],
  read: PhoneNormalizer,
  component: object,
): readonly EventDraft[] {
  const invalid = (given: unknown, allowed: string): Error =>
    invalidReturn(component, 'emit', given, allowed, 'was given');
  if (!Array.isArray(drafts) || drafts.length > mostDrafts)
    throw invalid(drafts, `a list of at most ${mostDrafts} events`);
  return drafts.map((draft) => draftRead(draft, read, invalid));
}

/** The store commits them together. */
const mostDrafts = 1_000;

function draftRead(
  draft: EventDraft,
  read: PhoneNormalizer,
  invalid: (draft: unknown, allowed: string) => Error,
): EventDraft {
  if (!isObject(draft)) throw invalid(draft, allowedDraft);
  if (draftChecks.every(([, fits]) => fits(draft))) return withPartyRead(draft, read);
  const wrong = draftChecks.flatMap(([name, fits]) => (fits(draft) ? [] : [name]));
  throw invalid(draft, `${allowedDraft}; missing or wrong: ${wrong.join(', ')}`);
}

const allowedDraft =
  'an event with the texts key (1 to 512 characters), type (1 to 128), subject (to 512), agent (to 256) and party (or null), ' +
  'the number occurredAtMs (or null), the object data in JSON, and bytes as body (or none)';

const draftFields: Readonly<Record<keyof EventDraft, (draft: EventDraft) => boolean>> = {
  key: ({ key }) => isText(key, 512) && key !== '',
  type: ({ type }) => isText(type, 128) && type !== '',
  subject: ({ subject }) => isText(subject ?? '', 512),
  agent: ({ agent }) => isText(agent ?? '', 256),
  party: ({ party }) => typeof (party ?? '') === 'string',
  occurredAtMs: ({ occurredAtMs }) => typeof (occurredAtMs ?? 0) === 'number',
  // Bytes are kept as they are: a walk through large data that came with them would only take time.
  data: ({ data, body }) => isPlain(data) && (body !== undefined || isJson(data)),
  body: ({ body }) => body === undefined || body instanceof Uint8Array,
};
const draftChecks = Object.entries(draftFields);

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.length <= longest;
}

function isCall(call: Call): boolean {
  if (!isObject(call)) return false;
  const texts: readonly unknown[] = [call.id ?? '', call.from, call.to, call.agent ?? ''];
  return texts.every((text) => typeof text === 'string') && isPlain(call.data);
}

function withPartyRead(draft: EventDraft, read: PhoneNormalizer): EventDraft {
  const { party } = draft;
  if (party === undefined || party === null) return draft;
  const known = callerIn(party, read) || null;
  return known === party ? draft : { ...draft, party: known };
}

/** Resolvers share the call, and the event is made from it: it is frozen. */
function callRead({ id, from, to, agent, data }: Call, read: PhoneNormalizer): Call {
  return Object.freeze({
    id: id ?? null,
    from: callerIn(from, read),
    to: read(to.slice(0, longestNumber)),
    agent: agent ?? null,
    data: frozen(data),
  });
}

function callerIn(number: string, read: PhoneNormalizer): string {
  if (number.length > longestNumber || isWithheld(number)) return '';
  const known = read(number);
  // 266 696 687 is a spelling of 266696687.
  return isWithheld(known) ? '' : known;
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
