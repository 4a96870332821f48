/** Finds what an erasure is about: events that name a number, a conversation or an agent, and what has followed from them. */
import {
  type EventQuery,
  type EventRecord,
  type PhoneNormalizer,
  parseJson,
  phoneKeys,
  type Store,
  stringifyJson,
} from '@switchhook/sdk';
import { isWithheld, phoneNumbersIn } from '@switchhook/sdk/internal';
import { routerSource } from '../routing/router-events.js';
import type { Candidate, ErasedThings } from '../system/erasing.js';
import { pagesOf } from '../system/lists.js';

/** What to erase. All given conditions must hold. */
export interface ErasureFilter {
  /** A phone number or an address, as it was read. */
  readonly number?: string;
  readonly subject?: string;
  readonly agent?: string;
  /** Received at or after. */
  readonly sinceMs?: number;
  /** Received before. */
  readonly untilMs?: number;
}

/**
 * How an event was found. `party`: the number is that of its other person. `mentioned`: the number is in its body. `named`: its conversation
 * or agent was named. `conversation`: it has the conversation of one that was found by the number. `derived`: it was made because of one that was found.
 */
export type FoundBy = 'party' | 'mentioned' | 'named' | 'conversation' | 'derived';

/** An event that was found; its body may be missing. */
export interface FoundEvent {
  readonly event: EventRecord;
  readonly by: FoundBy;
}

/** Where to search. */
export interface SearchParts {
  readonly store: Pick<Store, 'events'>;
  readonly normalizePhone: PhoneNormalizer;
  /** Sources of events that destinations emit. */
  readonly emitters: ReadonlySet<string>;
}

/** Few, because a page holds bodies. */
const pageSize = 50;
const pageSizeWithoutBodies = 1_000;

/** What it has found so far is what is erased. */
export class ErasureSearch implements ErasedThings {
  readonly eventIds = new Set<string>();
  readonly subjects = new Set<string>();
  readonly numbers = new Set<string>();
  readonly agent: string | null;
  readonly #filter: ErasureFilter;
  readonly #parts: SearchParts;
  readonly #mentions: (text: string) => boolean;
  readonly #keyOf: PhoneNormalizer;
  #earliestMs = Number.POSITIVE_INFINITY;

  constructor(filter: ErasureFilter, parts: SearchParts) {
    const { number, subject, agent } = filter;
    this.#filter = filter;
    this.#parts = parts;
    const keyOf = phoneKeys(null);
    this.#keyOf = (text) => keyOf(parts.normalizePhone(text));
    this.#mentions = number === undefined ? () => false : mentionsOf(number, this.#keyOf);
    this.agent = number === undefined && subject === undefined ? (agent ?? null) : null;
    if (number !== undefined) this.numbers.add(number);
    if (subject !== undefined) this.subjects.add(subject);
  }

  /** Pages of what was not found before. `sinceMs`: only what was received at this time or later, and what follows from it. */
  async *pages(sinceMs = 0): AsyncGenerator<readonly FoundEvent[]> {
    const { number, subject, agent, untilMs } = this.#filter;
    const from = Math.max(sinceMs, this.#filter.sinceMs ?? 0);
    const query = {
      ...(subject !== undefined && { subject }),
      ...(agent !== undefined && { agent }),
      ...(from > 0 && { sinceMs: from }),
      ...(untilMs !== undefined && { untilMs }),
    };
    const isSearched = number !== undefined;
    yield* this.#found({ ...query, bodies: isSearched }, (event) => this.#howAbout(candidateOf(event)));
    if (isSearched && this.subjects.size > 0)
      yield* this.#found({ ...query, bodies: false }, ({ subject: own }) =>
        own !== null && this.subjects.has(own) ? 'conversation' : null,
      );
    yield* this.#derived();
  }

  isAbout(candidate: Candidate): boolean {
    return this.#howAbout(candidate) !== null;
  }

  #howAbout({ text, subject, agent, party, receivedAtMs }: Candidate): FoundBy | null {
    const wanted = this.#filter;
    if (receivedAtMs < (wanted.sinceMs ?? 0) || receivedAtMs >= (wanted.untilMs ?? Number.POSITIVE_INFINITY))
      return null;
    if (wanted.agent !== undefined && wanted.agent !== agent) return null;
    // What was refused has no subject yet: the id of the conversation is in its body.
    const isOfSubject = (id: string): boolean => (subject === null ? text().includes(id) : subject === id);
    if (wanted.subject !== undefined && !isOfSubject(wanted.subject)) return null;
    if (wanted.number === undefined) return 'named';
    if (party !== null && this.#isNumber(party, wanted.number)) return 'party';
    return this.#mentions(text()) ? 'mentioned' : null;
  }

  /** Events from before numbers were read hold them as they were sent. */
  #isNumber(party: string, number: string): boolean {
    return party === number || this.#keyOf(party) === this.#keyOf(number);
  }

  async *#found(
    query: Omit<EventQuery, 'limit' | 'cursor'>,
    howOf: (event: EventRecord) => FoundBy | null,
  ): AsyncGenerator<readonly FoundEvent[]> {
    const limit = query.bodies === false ? pageSizeWithoutBodies : pageSize;
    for await (const { items } of pagesOf(limit, (part) => this.#parts.store.events({ ...query, ...part }))) {
      const found = items.flatMap((event): readonly FoundEvent[] => {
        const by = this.eventIds.has(event.id) ? null : howOf(event);
        return by === null ? [] : [{ event, by }];
      });
      for (const one of found) this.#note(one);
      if (found.length > 0) yield found;
    }
  }

  /** The router's own events about those found, and what destinations have emitted because of them: of each other, in a row. */
  async *#derived(): AsyncGenerator<readonly FoundEvent[]> {
    for (let before = -1; this.eventIds.size > 0 && before < this.eventIds.size; ) {
      before = this.eventIds.size;
      for (const source of [routerSource, ...this.#parts.emitters])
        yield* this.#found({ source, sinceMs: this.#earliestMs }, ({ body }) =>
          idsIn(new TextDecoder().decode(body)).some((id) => this.eventIds.has(id)) ? 'derived' : null,
        );
    }
  }

  #note({ event: { id, source, subject, party, receivedAtMs }, by }: FoundEvent): void {
    this.eventIds.add(id);
    // The subject of the router's own events may be a destination.
    if (subject !== null && source !== routerSource) this.subjects.add(subject);
    // An event that only mentions the number may be of a call with another person, and a withheld number stands for many callers.
    const isOfParty = this.#filter.number === undefined || by === 'party';
    if (party !== null && isOfParty && !isWithheld(party)) this.numbers.add(party);
    this.#earliestMs = Math.min(this.#earliestMs, receivedAtMs);
  }
}

function candidateOf(event: EventRecord): Candidate {
  return { ...event, receivedAtMs: event.receivedAtMs, text: () => new TextDecoder().decode(event.body) };
}

const id = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function idsIn(text: string): readonly string[] {
  return text.match(id) ?? [];
}

/** Digits that all ways of writing a number end with. */
const tailDigits = 7;

/** Whether a body mentions a number, however it is written; an address has to be there as it is, and a short code would be anywhere. */
function mentionsOf(number: string, keyOf: PhoneNormalizer): (text: string) => boolean {
  if (number.includes('@')) return (text) => text.toLowerCase().includes(number.toLowerCase());
  if (!/^\+\d{8,15}$/.test(number)) return () => false;
  const key = keyOf(number);
  const digits = number.slice(1);
  const whole = new RegExp(`(?<!\\d)${digits}(?!\\d)`);
  return (text) => {
    // Nearly all bodies are passed over here.
    if (!text.replace(/\D/g, '').includes(digits.slice(-tailDigits))) return false;
    return whole.test(text) || phoneNumbersIn(unescaped(text)).some((found) => keyOf(found) === key);
  };
}

/** JSON in its usual form: `\u002b` is `+`, and `\/` is `/`. What is no JSON stays as it is. */
export function unescaped(text: string): string {
  if (!/\\[u/]/.test(text)) return text;
  try {
    return stringifyJson(parseJson(text));
  } catch {
    // A refused request may be no JSON.
    return text;
  }
}
