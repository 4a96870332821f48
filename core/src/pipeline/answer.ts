/** Answers: what a ringing phone is told. Whoever is late or fails is left out; the reply goes out in time. */
import type { Resolver } from '../contract/component.js';
import type { JsonObject, JsonValue } from '../contract/json.js';
import type { Answer, Call } from '../contract/source.js';
import type { Expression, Template } from '../contract/template.js';
import type { Clock, Log } from '../contract/tools.js';
import { TimeUp, within } from './deadline.js';

/** A row of configuration: the reply to a call. */
export interface AnswerRow {
  readonly name: string;
  /** Names of the sources whose calls it answers. */
  readonly from: readonly string[];
  /** Over `call`; null = every call. */
  readonly where: Expression | null;
  /** When the reply leaves at the latest, whoever is still looking. */
  readonly withinMs: number;
  /** Names of resolvers. */
  readonly resolve: readonly string[];
  readonly variables: Readonly<Record<string, Template>>;
  /** For variables that nobody found. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly overrideAgent: Template | null;
}

/** A resolver, ready to look. */
export interface OpenResolver {
  readonly name: string;
  readonly resolver: Resolver;
  /** Its own limit; null = as long as the answer has. */
  readonly timeoutMs: number | null;
  /** Resolvers whose facts it needs first. */
  readonly after: readonly string[];
}

/** How a resolver fared. */
export interface Lookup {
  readonly resolver: string;
  readonly outcome: 'found' | 'not-found' | 'late' | 'failed';
  readonly ms: number;
  /** Why it is late or failed; null otherwise. */
  readonly reason: string | null;
}

/** An answer, and how it came about. */
export interface Answered {
  /** Name of the answer; null where none matched. */
  readonly name: string | null;
  readonly answer: Answer;
  readonly lookups: readonly Lookup[];
  /** Names of variables that were filled from the defaults. */
  readonly defaulted: readonly string[];
  readonly ms: number;
}

interface Parts {
  readonly rows: readonly AnswerRow[];
  readonly resolvers: ReadonlyMap<string, OpenResolver>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longer values are cut: a platform's limit is not known, a megabyte in a prompt helps nobody. */
const maxVariableLength = 10_000;

/** All answers. */
export class Answers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Answers a call by the first row that matches. Never rejects; takes at most `budgetMs`. */
  async answer(source: string, call: Call, budgetMs: number): Promise<Answered> {
    const startedAtMs = this.#parts.clock.elapsed();
    const row = this.#rowFor(source, call);
    if (row === null) return { name: null, answer: nothing, lookups: [], defaulted: [], ms: 0 };
    const { known, lookups } = await this.#lookUp(row, call, Math.min(row.withinMs, budgetMs));
    const filled = this.#fill(row, { call, known, ...known });
    return { name: row.name, ...filled, lookups, ms: this.#parts.clock.elapsed() - startedAtMs };
  }

  #rowFor(source: string, call: Call): AnswerRow | null {
    const matches = (row: AnswerRow): boolean => {
      if (!row.from.includes(source)) return false;
      try {
        return row.where === null || row.where.evaluate({ call }) === true;
      } catch (error) {
        this.#parts.log.warn('answer.where-failed', { answer: row.name, error });
        return false;
      }
    };
    return this.#parts.rows.find(matches) ?? null;
  }

  /** Asks all resolvers side by side and takes what is there when all are done or the time is up. */
  async #lookUp(row: AnswerRow, call: Call, budgetMs: number): Promise<{ known: JsonObject; lookups: Lookup[] }> {
    const { clock } = this.#parts;
    const endMs = clock.elapsed() + budgetMs;
    const known: Record<string, JsonObject> = {};
    const lookups = new Map<string, Lookup>();
    const looking = new Map<string, Promise<void>>();

    const look = (name: string): Promise<void> => {
      const resolver = this.#parts.resolvers.get(name);
      if (resolver === undefined) return Promise.resolve();
      const started = looking.get(name);
      if (started !== undefined) return started;
      const run = Promise.all(resolver.after.map(look)).then(async () => {
        const { facts, ...lookup } = await this.#lookUpOne(resolver, call, { ...known }, endMs);
        if (clock.elapsed() > endMs) return;
        lookups.set(name, lookup);
        if (facts !== null) known[name] = facts;
      });
      looking.set(name, run);
      return run;
    };

    const all = Promise.all(row.resolve.map(look));
    await within(clock, budgetMs, () => all).catch(() => {
      for (const name of looking.keys())
        if (!lookups.has(name))
          lookups.set(name, {
            resolver: name,
            outcome: 'late',
            ms: budgetMs,
            reason: `no result after ${budgetMs} ms`,
          });
    });
    return { known: { ...known }, lookups: [...lookups.values()] };
  }

  async #lookUpOne(
    { name, resolver, timeoutMs }: OpenResolver,
    call: Call,
    known: JsonObject,
    endMs: number,
  ): Promise<Lookup & { readonly facts: JsonObject | null }> {
    const { clock, log } = this.#parts;
    const startedAtMs = clock.elapsed();
    const leftMs = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, endMs - startedAtMs);
    const took = (): number => clock.elapsed() - startedAtMs;
    try {
      const facts = await within(clock, leftMs, (signal) => resolver.resolve(call, known, signal));
      const outcome = Object.keys(facts).length === 0 ? 'not-found' : 'found';
      return { resolver: name, outcome, ms: took(), reason: null, facts };
    } catch (error) {
      const outcome = error instanceof TimeUp ? 'late' : 'failed';
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('resolver.failed', { resolver: name, outcome, error });
      return { resolver: name, outcome, ms: took(), reason, facts: null };
    }
  }

  #fill(row: AnswerRow, scope: Readonly<Record<string, unknown>>): Pick<Answered, 'answer' | 'defaulted'> {
    const variables: Record<string, string> = {};
    const defaulted: string[] = [];
    for (const name of new Set([...Object.keys(row.variables), ...Object.keys(row.defaults)])) {
      const value = this.#variable(row, name, scope);
      const fallback = row.defaults[name];
      if (value !== null) variables[name] = value;
      else if (fallback !== undefined) {
        variables[name] = fallback;
        defaulted.push(name);
      }
    }
    return { answer: { variables, overrideAgent: this.#overrideAgent(row, scope) }, defaulted };
  }

  /** A variable's value as the platforms want it: a flat string. Null where there is none. */
  #variable(row: AnswerRow, name: string, scope: Readonly<Record<string, unknown>>): string | null {
    const value = rendered(row.variables[name], scope);
    if (value === null || value === '') return null;
    if (typeof value !== 'object') return String(value).slice(0, maxVariableLength);
    this.#parts.log.warn('answer.variable-refused', { answer: row.name, variable: name, reason: 'it is not flat' });
    return null;
  }

  #overrideAgent(row: AnswerRow, scope: Readonly<Record<string, unknown>>): string | null {
    const value = rendered(row.overrideAgent, scope);
    return typeof value === 'string' && value !== '' ? value : null;
  }
}

/** How an answer came about, as it is kept with the call's event: `event.data.answer`. */
export function recorded({ name, answer, lookups, defaulted, ms }: Answered): JsonObject {
  return {
    name,
    variables: answer.variables,
    override_agent: answer.overrideAgent,
    defaulted: [...defaulted],
    lookups: lookups.map((lookup) => ({ ...lookup, ms: Math.round(lookup.ms) })),
    ms: Math.round(ms),
  };
}

const nothing: Answer = { variables: {}, overrideAgent: null };

/** Null where there is nothing to render, or a part of it is not known: nobody found it. */
function rendered(template: Template | null | undefined, scope: Readonly<Record<string, unknown>>): JsonValue {
  try {
    return template?.render(scope) ?? null;
  } catch {
    // A fact that is missing is the ordinary case here, not an error.
    return null;
  }
}
