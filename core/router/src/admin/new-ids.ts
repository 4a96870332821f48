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

/** Letters and digits at the end of an id that become others. */
const changedLength = 8;
/** Of a call: another number would be another caller. */
const phoneNumber = /^\+?\d{5,15}$/;

/** An id of a body, and what is in its place. */
export interface ReplacedId {
  readonly old: string;
  readonly new: string;
}

/** A body with other ids. */
export interface FreshBody {
  readonly body: JsonObject;
  /** In the order in which they are in the body. */
  readonly replaced: readonly ReplacedId[];
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
      !phoneNumber.test(text),
  );
  const instead = new Map(ids.map((id) => [id, otherId(id)]));
  const changed = replaced(body, instead);
  const after = await firstEvent(draft, changed);
  if (after === null || after.key === key) return null;
  return { body: changed, replaced: [...instead].map(([old, fresh]) => ({ old, new: fresh })), subject: after.subject };
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

/** Of the same form: digits stay digits, and letters become some that are also hexadecimal digits. */
function otherId(id: string): string {
  const start = Math.max(1, id.length - changedLength);
  const pick = (from: string) => from.charAt(Math.floor(random() * from.length));
  const changed = [...id.slice(start)].map((each) => {
    if (/\d/.test(each)) return pick('0123456789');
    return /[a-z]/.test(each) ? pick('abcdef') : /[A-Z]/.test(each) ? pick('ABCDEF') : each;
  });
  return id.slice(0, start) + changed.join('');
}
