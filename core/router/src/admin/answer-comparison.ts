/**
 * Compares how calls were answered with how a configuration would answer them. Resolvers are not called, and facts are not kept: what
 * needs them is unknown, unless the reason of a variable was recorded with the answer, that there was no record or no result.
 */
import { type EventRecord, type JsonObject, type PhoneNormalizer, refuse, type Source } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import type { AnswerRow, InboundCall } from '../calls/answer.js';
import { answerFor } from '../calls/matching-answer.js';
import { absenceOf, emptinessOf } from '../calls/missing-value.js';
import type { ResolvedFacts, ResolverFacts } from '../calls/resolve.js';
import { type ResolvedVariables, resolveVariables, type VariableOrigin } from '../calls/variables.js';
import { eventOf } from '../routing/event-record.js';
import type { Mask } from '../system/mask.js';
import { excerptOf } from '../system/thrown.js';
import { type Example, Examples, type Failures } from './comparison-counts.js';
import { receptionOf } from './dry-run.js';

/** An answer as it was recorded with its call. */
export interface PastAnswer {
  /** Of the answer; null where none matched. */
  readonly name: string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly overrideAgent: string | null;
  /** Reasons of its variables, where they have no value of their own. */
  readonly reasons: readonly string[];
  readonly lookups: ResolvedFacts['lookups'];
  /** True where no answer could be sent in time, whatever the configuration: it is not compared. */
  readonly late: boolean;
}

/** What answers a call in the configuration. */
export interface AnswerWorld {
  readonly answers: readonly AnswerRow[];
  /** By name. */
  readonly resolvers: ReadonlyMap<string, unknown>;
  readonly sources: ReadonlyMap<string, Source>;
  readonly normalizePhone: PhoneNormalizer;
  /** Of expressions, by their path in the file, e.g. `answers[0].where`. */
  readonly positions: ReadonlyMap<string, string>;
  readonly mask: Mask;
}

/** A call with a difference; long values are cut. */
export interface ValueExample extends Example {
  /** Null where there was none. */
  readonly before: string | null;
  /** Null where there would be none. */
  readonly after: string | null;
}

/** One variable of one answer. */
export interface VariableRow {
  /** Name of the answer that would be given; null where none would match. */
  readonly answer: string | null;
  /** Null = the agent that takes the call (`overrideAgent`). */
  readonly variable: string | null;
  /** Calls with another value. */
  readonly different: number;
  /** Calls whose value depends on facts that are not kept. */
  readonly unknown: number;
  /** The resolvers of these facts. */
  readonly resolvers: readonly string[];
  /** Up to three. */
  readonly examples: readonly ValueExample[];
}

/** What would be different for calls. */
export interface AnswerReport {
  /** Calls that were compared. */
  readonly compared: number;
  /** Of these: whose answer would be certainly different. */
  readonly different: number;
  /** Calls that could not be compared; the reason is with each example. */
  readonly notCompared: { readonly events: number; readonly examples: readonly Example[] };
  /** Calls that would get another answer, by the names of both; null = no answer. */
  readonly moved: readonly {
    readonly before: string | null;
    readonly after: string | null;
    readonly events: number;
    readonly examples: readonly Example[];
  }[];
  /** Variables with a difference, or of which it is not known. */
  readonly variables: readonly VariableRow[];
}

/** Longer values are cut in examples. */
const longestValue = 200;

interface Found {
  readonly answer: string | null;
  readonly variable: string | null;
  readonly examples: Examples;
  readonly values: { readonly before: string | null; readonly after: string | null }[];
  readonly resolvers: Set<string>;
  unknown: number;
}

/** One comparison of calls. */
export class AnswerComparison {
  readonly #world: AnswerWorld;
  readonly #failures: Failures;
  readonly #found = new Map<string, Found>();
  readonly #moved = new Map<string, { before: string | null; after: string | null; examples: Examples }>();
  readonly #notCompared = new Examples();
  #compared = 0;
  #different = 0;

  constructor(world: AnswerWorld, failures: Failures) {
    this.#world = world;
    this.#failures = failures;
  }

  get report(): AnswerReport {
    return {
      compared: this.#compared,
      different: this.#different,
      notCompared: this.#notCompared.counted,
      moved: [...this.#moved.values()].map(({ examples, ...names }) => ({ ...names, ...examples.counted })),
      variables: [...this.#found.values()]
        .map(({ answer, variable, examples, values, resolvers, unknown }): VariableRow => {
          const shown = examples.examples.map((example, index) => {
            return { ...example, before: null, after: null, ...values[index] };
          });
          return { answer, variable, different: examples.count, unknown, resolvers: [...resolvers], examples: shown };
        })
        .sort((a, b) => b.different - a.different || b.unknown - a.unknown),
    };
  }

  /** Compares one call. */
  async add(record: EventRecord, past: PastAnswer): Promise<void> {
    const { answers, sources, mask } = this.#world;
    try {
      if (past.late) throw new Error('it was not answered in time');
      if (!sources.has(record.source)) {
        this.#compared += 1;
        return this.#compare(record, past, null, null);
      }
      const { call } = await this.#callOf(record);
      const now = new Date(record.receivedAtMs);
      const row = answerFor(answers, { source: record.source, call, now }, (failing, error) => {
        const path = `answers[${answers.indexOf(failing)}].where`;
        this.#fail(record, 'answer-condition', failing, failing.where?.text ?? null, path, errorMessage(error));
      });
      this.#compared += 1;
      this.#compare(record, past, row, row === null ? null : this.#resolved(record, past, row, call, now));
    } catch (error) {
      this.#notCompared.add(record, () => mask(errorMessage(error)));
    }
  }

  /** The call as its source reads it from the body that is kept. Refuses what the source does not take for a call. */
  async #callOf(record: EventRecord): Promise<InboundCall> {
    const { sources, normalizePhone } = this.#world;
    const { answer: _, ...body } = eventOf(record).data as JsonObject & { readonly answer?: unknown };
    const { source: name, receivedAtMs: nowMs } = record;
    const reception = await receptionOf({ name, source: sources.get(name), body, nowMs, normalizePhone });
    if (reception.kind === 'call') return reception;
    throw refuse('MALFORMED', `source ${name} does not take its body for a call`);
  }

  #resolved(record: EventRecord, past: PastAnswer, row: AnswerRow, call: InboundCall['call'], now: Date) {
    const { answers, resolvers } = this.#world;
    const known = new Map<string, ResolverFacts>();
    const unknown = new Set<string>();
    for (const name of resolvers.keys()) {
      // How a look-up ended is no proof: earlier facts may have taken the place of those that it did not bring.
      if (past.reasons.includes(emptinessOf(name))) known.set(name, { facts: {}, origin: 'fresh' });
      else if (!past.reasons.includes(absenceOf(name, past.lookups))) unknown.add(name);
    }
    const scope = { call, now, known, lookups: past.lookups, resolvers: resolvers.keys() };
    const refused: (readonly [variable: string, reason: string])[] = [];
    const resolved = resolveVariables(row, scope, (variable, reason) => refused.push([variable, reason]));
    const needs = (origin: VariableOrigin | null | undefined) =>
      (origin?.resolvers ?? []).filter((name) => unknown.has(name));
    for (const [variable, reason] of refused) {
      const isAgent = variable === 'overrideAgent' && !Object.hasOwn(row.variables, variable);
      // What fails without facts might not fail with them.
      if (needs(isAgent ? resolved.agentOrigin : resolved.origins[variable]).length > 0) continue;
      const path = `answers[${answers.indexOf(row)}].${isAgent ? variable : `variables.${variable}`}`;
      this.#fail(record, 'variable', row, variable, path, reason);
    }
    return { ...resolved, needs };
  }

  #compare(
    record: EventRecord,
    past: PastAnswer,
    row: AnswerRow | null,
    resolved: (ResolvedVariables & { needs(origin: VariableOrigin | null | undefined): readonly string[] }) | null,
  ): void {
    const [earlier, now] = [past.variables, resolved?.answer.variables ?? {}];
    const name = row?.name ?? null;
    let isDifferent = (name === null) !== (past.name === null);
    const compare = (variable: string | null, before: string | null, after: string | null, origin?: VariableOrigin) => {
      const needed = resolved?.needs(origin) ?? [];
      if (needed.length > 0) this.#unknown(name, variable, needed);
      else if (before !== after) {
        isDifferent = true;
        this.#differ(record, name, variable, before, after);
      }
    };
    for (const variable of new Set([...Object.keys(earlier), ...Object.keys(resolved?.origins ?? {})]))
      compare(
        variable,
        own(earlier, variable),
        own(now, variable),
        own(resolved?.origins ?? {}, variable) ?? undefined,
      );
    const agent = resolved?.answer.overrideAgent ?? null;
    compare(null, past.overrideAgent, agent, resolved?.agentOrigin ?? undefined);
    if (isDifferent) this.#different += 1;
    if (name !== past.name) this.#move(record, past.name, name);
  }

  #differ(
    record: EventRecord,
    answer: string | null,
    variable: string | null,
    before: string | null,
    after: string | null,
  ): void {
    const { mask } = this.#world;
    const shown = (value: string | null) => (value === null ? null : excerptOf(mask(value), longestValue));
    const row = this.#row(answer, variable);
    row.examples.add(record, null);
    if (row.values.length < row.examples.examples.length)
      row.values.push({ before: shown(before), after: shown(after) });
  }

  #unknown(answer: string | null, variable: string | null, resolvers: readonly string[]): void {
    const row = this.#row(answer, variable);
    row.unknown += 1;
    for (const resolver of resolvers) row.resolvers.add(resolver);
  }

  #row(answer: string | null, variable: string | null): Found {
    const key = JSON.stringify([answer, variable]);
    const row = this.#found.get(key) ?? {
      ...{ answer, variable, unknown: 0, values: [] },
      ...{ examples: new Examples(), resolvers: new Set<string>() },
    };
    this.#found.set(key, row);
    return row;
  }

  #move(record: EventRecord, before: string | null, after: string | null): void {
    const key = JSON.stringify([before, after]);
    const moved = this.#moved.get(key) ?? { before, after, examples: new Examples() };
    this.#moved.set(key, moved);
    moved.examples.add(record, null);
  }

  #fail(
    record: EventRecord,
    kind: 'answer-condition' | 'variable',
    { name }: AnswerRow,
    text: string | null,
    path: string,
    reason: string,
  ): void {
    this.#failures.add({ kind, name, text, position: this.#world.positions.get(path) ?? null }, record, reason);
  }
}

function own<T>(values: Readonly<Record<string, T>>, name: string): T | null {
  return Object.hasOwn(values, name) ? (values[name] ?? null) : null;
}
