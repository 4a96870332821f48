/** Answers and facts that the routers of a store share. A store that is slow or away delays look-ups by 100 ms and a reply by 250 ms at most, and only once in a while. */
import {
  Clock,
  type Coordination,
  type JsonObject,
  Log,
  parseJson,
  type SharedText,
  Store,
  stringifyJson,
} from '@switchhook/sdk';
import { backoffMs, withTimeout } from '@switchhook/sdk/internal';
import { inject, injectable } from '../system/injection.js';
import type { AnswerTrace } from './answer.js';
import type { FactsCache, KeptFacts } from './facts-cache.js';
import type { ResolverBulkhead } from './resolver-bulkhead.js';

/** An answer without the id of the event that its call became. */
export type SharedAnswer = Omit<AnswerTrace, 'eventId'>;

/** The answer of another router, or the own one. */
type AnswerOr<T> = { readonly found: SharedAnswer } | { readonly made: T };

/** Answers and facts are asked for one after the other: after so long for each, the call goes on without them. */
const patienceMs = 50;
/** Until then the reply, where it is made sooner, waits for the answer of another router: on a busy machine 50 ms are often too short. */
const replyPatienceMs = 250;
/** After failures in a row, calls are answered from the memory of each router for so long at most; after one, for 250 ms. */
const longestPauseMs = 5_000;
/** A write delays no call. */
const writeMs = 2_000;
/** What a store allows. */
const most = { keyBytes: 2_000, characters: 65_536 };
const keysAtOnce = 1_000;
const writtenAtOnce = 100;
const prefixes = { answer: 'answer ', facts: 'facts ' };

@injectable()
export class SharedCalls {
  /** Until then nothing is read or written. */
  readonly #pausedUntilMs = { read: 0, write: 0 };
  /** In a row; those that end while it is paused for an earlier one are not counted. */
  readonly #failures = { read: 0, write: 0 };
  #hasFailed = false;
  /** What is kept with the next write, which begins when the one that is under way has ended: with many calls, few writes. */
  #unwritten: SharedText[] = [];
  #isWriting = false;

  constructor(
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {}

  /** Whether there is something to be shared with. */
  get isOn(): boolean {
    return this.store.coordination !== undefined;
  }

  /**
   * What another router has answered to this call; where none has, or the store does not answer in time, what `make` makes. It begins
   * when the store has not answered for 50 ms, and gives way to an answer that comes before its own, or within 250 ms and `withinMs`.
   */
  async answerOr<T>(key: string, withinMs: number, make: () => Promise<T>): Promise<AnswerOr<T>> {
    const name = prefixes.answer + key;
    const reading = this.#texts([name], Math.min(replyPatienceMs, withinMs)).then((texts) => answerIn(texts.get(name)));
    const soon = await withTimeout(this.clock, patienceMs, reading).catch(() => 'late' as const);
    if (soon !== null && soon !== 'late') return { found: soon };
    const made = await make();
    const found = soon === 'late' ? await reading : null;
    return found === null ? { made } : { found };
  }

  /** Shares an answer, after it was made. */
  keepAnswer(key: string, { eventId: _, ...answer }: AnswerTrace, forMs: number): void {
    this.#keep(prefixes.answer + key, stringifyJson(answer), forMs);
  }

  /**
   * Puts what other routers have found about a caller into the memory of this one, where it has nothing; waits 50 ms for it at most. Never
   * rejects. `isTried`: for a call that does not ring; a failure is then not noted, so that calls are not affected.
   */
  async loadFacts(
    caller: string,
    bulkheads: readonly ResolverBulkhead[],
    cache: FactsCache,
    isTried = false,
  ): Promise<void> {
    const isMissing = ({ factsKey, digest }: ResolverBulkhead): boolean =>
      digest !== null && !cache.has(caller, factsKey);
    const asked = bulkheads.filter(isMissing);
    const keys = asked.map((bulkhead) => factsKeyOf(caller, bulkhead));
    const loading = this.#texts(keys, replyPatienceMs, isTried).then((texts) => {
      const aheadMs = this.clock.now() - this.clock.elapsed();
      for (const bulkhead of asked.filter(isMissing)) {
        const found = factsIn(texts.get(factsKeyOf(caller, bulkhead)));
        if (found === null) continue;
        const { facts, size, known, atMs } = found;
        cache.keep(caller, bulkhead.factsKey, { facts: frozen(facts), size }, known, atMs - aheadMs);
      }
    });
    // What comes later is for the next call.
    await withTimeout(this.clock, patienceMs, loading).catch(() => 'late');
  }

  /** Shares what was found about a caller. */
  keepFacts(caller: string, bulkhead: ResolverBulkhead, kept: Omit<KeptFacts, 'atMs'>, forMs: number): void {
    if (bulkhead.digest === null) return;
    this.#keep(factsKeyOf(caller, bulkhead), stringifyJson({ ...kept, atMs: this.clock.now() }), forMs);
  }

  /** Removes shared answers and facts by their keys. Rejects where the store fails. */
  async forget(
    fits: Readonly<Record<'answer' | 'facts', (key: string) => boolean>>,
    isDryRun: boolean,
  ): Promise<Readonly<Record<'answer' | 'facts', number>>> {
    const { coordination } = this.store;
    const removed = { answer: 0, facts: 0 };
    if (coordination === undefined) return removed;
    const fitting = (key: string): keyof typeof removed | null => {
      const [kind, own] = key.startsWith(prefixes.answer)
        ? (['answer', key.slice(prefixes.answer.length)] as const)
        : (['facts', callerOf(key)] as const);
      return fits[kind](own) ? kind : null;
    };
    if (!isDryRun) this.#unwritten = this.#unwritten.filter(({ key }) => fitting(key) === null);
    for (let after: string | null = null; ; ) {
      const keys: readonly string[] = await coordination.textKeys(after, keysAtOnce);
      const found = keys.filter((key) => {
        const kind = fitting(key);
        if (kind !== null) removed[kind] += 1;
        return kind !== null;
      });
      if (!isDryRun && found.length > 0) await coordination.dropTexts(found);
      if (keys.length < keysAtOnce) return removed;
      after = keys.at(-1) ?? null;
    }
  }

  /** Empty where the store has not answered within `ms`. Never rejects. */
  async #texts(keys: readonly string[], ms: number, isTried = false): Promise<ReadonlyMap<string, string>> {
    const { clock, store } = this;
    const { coordination } = store;
    const fitting = keys.filter(isShort);
    if (coordination === undefined || fitting.length === 0 || clock.elapsed() < this.#pausedUntilMs.read)
      return new Map();
    try {
      const texts = await withTimeout(clock, ms, async () => coordination.texts(fitting));
      this.#succeeded();
      return texts;
    } catch (error) {
      if (!isTried) this.#failed('read', error);
      return new Map();
    }
  }

  #keep(key: string, text: string | undefined, forMs: number): void {
    const { clock, store } = this;
    const { coordination } = store;
    if (coordination === undefined || text === undefined || clock.elapsed() < this.#pausedUntilMs.write) return;
    if (!isShort(key) || text.length > most.characters) return;
    this.#unwritten.push({ key, text, untilMs: clock.now() + forMs });
    if (!this.#isWriting) void this.#write(coordination);
  }

  /** Never rejects. What a write that failed had, and what waited for it, is not kept. */
  async #write(coordination: Coordination): Promise<void> {
    this.#isWriting = true;
    while (this.#unwritten.length > 0) {
      const texts = this.#unwritten.splice(0, writtenAtOnce);
      try {
        await withTimeout(this.clock, writeMs, async () => coordination.keepTexts(texts));
        this.#failures.write = 0;
      } catch (error) {
        this.#unwritten = [];
        this.#failed('write', error);
      }
    }
    this.#isWriting = false;
  }

  #succeeded(): void {
    this.#failures.read = 0;
    if (this.#hasFailed) this.log.info('calls.shared');
    this.#hasFailed = false;
  }

  #failed(what: 'read' | 'write', error: unknown): void {
    const nowMs = this.clock.elapsed();
    if (nowMs >= this.#pausedUntilMs[what]) {
      this.#failures[what] += 1;
      this.#pausedUntilMs[what] = nowMs + Math.min(longestPauseMs, backoffMs(this.#failures[what]));
    }
    if (!this.#hasFailed) this.log.warn('calls.unshared', { error });
    this.#hasFailed = true;
  }
}

function isShort(key: string): boolean {
  return Buffer.byteLength(key) <= most.keyBytes && !key.includes('\0');
}

function factsKeyOf(caller: string, { digest }: ResolverBulkhead): string {
  return `${prefixes.facts}${digest} ${caller}`;
}

function callerOf(key: string): string {
  return key.slice(key.indexOf(' ', prefixes.facts.length) + 1);
}

/** Null where another version wrote something else. */
function answerIn(text: string | undefined): SharedAnswer | null {
  const read = objectIn(text);
  const { answer, lookups, openBreakers, origins } = read;
  const isAnswer =
    typeof Object(answer).variables === 'object' && Array.isArray(lookups) && Array.isArray(openBreakers);
  // What `keepAnswer` wrote: the rest is for logs and the record of the call.
  return isAnswer && typeof origins === 'object' ? (read as unknown as SharedAnswer) : null;
}

function factsIn(text: string | undefined): KeptFacts | null {
  const { facts, size, known, atMs } = objectIn(text);
  if (typeof facts !== 'object' || typeof known !== 'object' || typeof size !== 'number' || typeof atMs !== 'number')
    return null;
  // What `keepFacts` wrote.
  return { facts: facts as JsonObject, size, known: known as KeptFacts['known'], atMs };
}

function objectIn(text: string | undefined): JsonObject {
  try {
    return Object(text === undefined ? {} : parseJson(text));
  } catch {
    return {};
  }
}

/** As the facts of a resolver are. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
