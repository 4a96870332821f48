/** Gives the sample of a source other ids, so that it is another event: the source itself shows which of its texts identify it. */
import { isRefusal, type JsonObject, type JsonValue, parseJson, stringifyJson } from '@switchhook/sdk';
import { random } from '../system/random.js';

/** An event that a source makes of a body. */
export interface DraftedEvent {
  readonly key: string;
  readonly subject: string | null;
  readonly type: string;
  readonly agent: string | null;
  readonly source: string;
}

/** The events that a source would make of a body; rejects with a refusal where it does not take it. */
export type Draft = (body: JsonObject) => Promise<readonly DraftedEvent[]>;

/** Letters and digits at the end of an id that become others; one with fewer gets so many more, or two copies could have the same. */
const changedLength = 8;
/** Of a call: another number would be another caller. */
const phoneNumber = /^\+?\d{5,15}$/;
/** A time in a key would be none with other digits. */
const date = /^\d{4}-\d\d-\d\d/;
/** `id`, `call_id`, `callId`, `CallSid`, and not `paid`. */
const idField = /^(?:id|sid|uuid)$|[_-](?:id|sid|uuid)$|[a-z\d](?:Id|ID|Sid|SID|Uuid|UUID)$/;
/** Ids that are named at most. */
const mostKept = 10;

/** An id of a body, and what is in its place. */
export interface ReplacedId {
  readonly old: string;
  readonly new: string;
}

/** An id of a body that stays, by the path of its field: `call.id`. */
export interface KeptId {
  readonly field: string;
  readonly value: string;
}

/** A body with other ids. */
export interface FreshBody {
  readonly body: JsonObject;
  /** In the order in which they are in the body. */
  readonly replaced: readonly ReplacedId[];
  /** The first ten that its source does not go by, and may mean something that exists, such as a customer. */
  readonly kept: readonly KeptId[];
  /** What it is about. */
  readonly subject: string | null;
}

/** The body with other ids; null where its source would not take it, or takes it for the same event. */
export async function withNewIds(draft: Draft, body: JsonObject): Promise<FreshBody | null> {
  const before = await firstEvent(draft, body);
  if (before === null) return null;
  const { key, subject, type, agent, source } = before;
  const ids = [...new Set(textsIn(body))].filter(
    (text) =>
      text.length >= 3 &&
      (text === subject || key.includes(text)) &&
      ![agent, source].includes(text) &&
      // A key may begin with the type, and a field be a part of that: `ended`.
      !type.includes(text) &&
      !phoneNumber.test(text) &&
      !date.test(text),
  );
  const instead = new Map(ids.map((id) => [id, otherId(id)]));
  for (const { value } of idsIn(body)) {
    const same = ids.find((id) => tailOf(id).length >= changedLength && tailOf(id) === tailOf(value));
    const fresh = same === undefined || instead.has(value) || value === agent ? undefined : instead.get(same);
    // `call-AuUK7d2Qx` beside `conv_AuUK7d2Qx`: of the same call.
    if (fresh !== undefined)
      instead.set(value, value.slice(0, -tailOf(value).length) + fresh.slice(-tailOf(value).length));
  }
  const changed = replaced(body, instead);
  const after = await firstEvent(draft, changed);
  if (after === null || after.key === key) return null;
  const pairs = [...instead].map(([old, fresh]) => ({ old, new: fresh }));
  const kept = idsIn(body).filter(({ value }) => !instead.has(value) && value !== agent && !phoneNumber.test(value));
  return { body: changed, replaced: pairs, kept: kept.slice(0, mostKept), subject: after.subject };
}

/** The text of a body with these ids replaced, and nothing else; where an id is written in another way, e.g. with escapes, the body is written anew. */
export function textWithIds(text: string, { body, replaced: ids }: FreshBody): string {
  const changed = ids.reduce((current, { old, new: fresh }) => {
    // Not the name of a field.
    const written = new RegExp(`${JSON.stringify(old).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\s*:)`, 'g');
    return current.replace(written, () => JSON.stringify(fresh));
  }, text);
  const expected = stringifyJson(body);
  return stringifyJson(parseJson(changed)) === expected ? changed : expected;
}

async function firstEvent(draft: Draft, body: JsonObject): Promise<DraftedEvent | null> {
  try {
    return (await draft(body))[0] ?? null;
  } catch (error) {
    // The reply of the router shows what is wrong with it.
    if (isRefusal(error)) return null;
    throw error;
  }
}

/** What is in a field whose name ends like that of an id. */
function idsIn(value: JsonValue, path: readonly string[] = []): readonly KeptId[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, field]) => idsIn(field, [...path, name]));
  const isId = ['string', 'number', 'bigint'].includes(typeof value) && value !== '';
  return isId && idField.test(path.at(-1) ?? '') ? [{ field: path.join('.'), value: String(value) }] : [];
}

function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function replaced<T extends JsonValue>(value: T, instead: ReadonlyMap<string, string>): T {
  const inner = (one: JsonValue): JsonValue => {
    if (typeof one === 'string') return instead.get(one) ?? one;
    if (Array.isArray(one)) return one.map(inner);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([name, field]) => [name, inner(field)]));
  };
  // Of the same form.
  return inner(value) as T;
}

/** Of the same form: digits stay digits, and letters become some that are also hexadecimal digits. A short one gets longer. */
function otherId(id: string): string {
  const tail = tailOf(id);
  if (tail.length < changedLength) return id + formOf((tail.at(-1) ?? '0').repeat(changedLength));
  const start = Math.max(1, id.length - changedLength);
  return id.slice(0, start) + formOf(id.slice(start));
}

/** The letters and digits at its end. */
function tailOf(id: string): string {
  return /[a-z\d]*$/i.exec(id)?.[0] ?? '';
}

function formOf(text: string): string {
  const pick = (from: string) => from.charAt(Math.floor(random() * from.length));
  return [...text]
    .map((each) => {
      if (/\d/.test(each)) return pick('0123456789');
      return /[a-z]/.test(each) ? pick('abcdef') : /[A-Z]/.test(each) ? pick('ABCDEF') : each;
    })
    .join('');
}
