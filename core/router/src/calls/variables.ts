/** Resolves the variables of an answer: each from the first step that has a value. */
import { type Answer, type Call, isExpressionError, type JsonValue, type Template } from '@switchhook/sdk';
import { agentIdProblem } from '@switchhook/sdk/internal';
import { reasonOf } from './missing-value.js';
import type { ResolvedFacts } from './resolve.js';

/** The steps, best first: facts of this call, cached facts, stale facts after a failure, the default, nothing. */
const variableSteps = ['fresh', 'cached', 'stale', 'default', 'none'] as const;
export type VariableStep = (typeof variableSteps)[number];

/** Where a variable's value comes from. */
export interface VariableOrigin {
  readonly step: VariableStep;
  /** Whose facts it was made from. */
  readonly resolvers: readonly string[];
  /** Why it is the default, or nothing, in one line; null where it is neither, or was never to be looked for. */
  readonly reason: string | null;
}

/** What variables are made from. */
export interface VariableRow {
  readonly variables: Readonly<Record<string, Template>>;
  /** For variables without a value. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly overrideAgent: Template | null;
}

/** What is known when they are made. */
export interface VariableScope extends ResolvedFacts {
  readonly call: Call;
  readonly now: Date;
  /** Names of all resolvers of the answer: those without facts are `{}`. */
  readonly resolvers: Iterable<string>;
}

/** An answer, and where it comes from. */
export interface ResolvedVariables {
  readonly answer: Answer;
  readonly origins: Readonly<Record<string, VariableOrigin>>;
  /** Of the other agent; null where the row names none. */
  readonly agentOrigin: VariableOrigin | null;
  /** The lowest step of all. */
  readonly step: VariableStep;
}

/** Called for each variable that cannot be sent as it is. */
export type Refuse = (variable: string, reason: string) => void;

/** Longer values are cut: a platform's limit is not known, more does not belong into a prompt. */
const longestValue = 10_000;
/** All variables together, as JSON. */
const largestAnswer = 65_536;

/** Resolves an answer. Never throws; a variable without a value takes the next step. */
export function resolveVariables(row: VariableRow, scope: VariableScope, refuse: Refuse): ResolvedVariables {
  const watched = new WatchedScope(scope);
  const variables: Record<string, string> = {};
  const origins: Record<string, VariableOrigin> = {};
  for (const name of new Set([...Object.keys(row.variables), ...Object.keys(row.defaults)])) {
    const own = rendered(ownOf(row.variables, name), watched, (reason) => refuse(name, reason));
    // An empty text is better than a placeholder that is read out, but not better than a default.
    const fallback = ownOf(row.defaults, name);
    const takesOwn = own.value !== null && (own.value !== '' || fallback === undefined);
    const value = takesOwn ? own.value : (fallback ?? null);
    if (value !== null) variables[name] = fitting(String(value));
    const step = takesOwn ? own.step : value === null ? 'none' : 'default';
    const reason = step === 'default' || step === 'none' ? own.reason : null;
    origins[name] = { step, resolvers: own.resolvers, reason };
  }
  shrink(variables, origins, row.defaults, refuse);
  const { agent: overrideAgent, origin: agentOrigin } = overriding(row.overrideAgent, watched, refuse);
  const steps = Object.values(origins).map((origin) => origin.step);
  if (overrideAgent !== null && agentOrigin !== null) steps.push(agentOrigin.step);
  // All requests about the call share it: a source must not change it while writing a reply.
  const answer = Object.freeze({ variables: Object.freeze(variables), overrideAgent });
  return { answer, origins, agentOrigin, step: lowest(steps) };
}

function lowest(steps: readonly VariableStep[]): VariableStep {
  return variableSteps[Math.max(0, ...steps.map((step) => variableSteps.indexOf(step)))] ?? 'none';
}

/** A variable can be called `constructor`. */
function ownOf<T>(row: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(row, name) ? row[name] : undefined;
}

/** What a template has by itself. */
interface VariableValue extends VariableOrigin {
  /** Null where a part of it is not known, or it is not flat. */
  readonly value: string | number | bigint | boolean | null;
}

const unwritten: VariableValue = { value: null, step: 'fresh', resolvers: [], reason: null };

function rendered(
  template: Template | null | undefined,
  scope: WatchedScope,
  refuse: (reason: string) => void,
): VariableValue {
  if (template === null || template === undefined) return unwritten;
  const nothing = (reason: string): VariableValue => {
    return { value: null, step: scope.step, resolvers: scope.used, reason };
  };
  const refused = (reason: string): VariableValue => {
    refuse(reason);
    return nothing(reason);
  };
  try {
    const value = scope.render(template);
    if (value === null) return nothing(scope.reason('it is null'));
    if (typeof value === 'object') return refused(Array.isArray(value) ? 'it is a list' : 'it is a map');
    const { step } = scope;
    const reason = value === '' || step === 'default' ? scope.reason('it is empty') : null;
    return { value, step, resolvers: scope.used, reason };
  } catch (error) {
    // A fact that is missing is the ordinary case here, not an error.
    if (isExpressionError(error) && error.missing) return nothing(scope.reason(error.message, error.place));
    return refused(error instanceof Error ? error.message : 'it failed');
  }
}

/** Another agent for the call. An invalid id is refused, not shortened: a shortened one could be another agent's. */
function overriding(template: Template | null, scope: WatchedScope, refuse: Refuse) {
  if (template === null) return { agent: null, origin: null };
  const refused = (reason: string) => refuse('overrideAgent', reason);
  const { value, ...origin } = rendered(template, scope, refused);
  const id = value === null ? '' : String(value).trim();
  const problem = value === null ? null : agentIdProblem(value);
  if (problem !== null) refused(problem);
  const isUsed = id !== '' && problem === null;
  return {
    agent: isUsed ? id : null,
    origin: isUsed ? origin : { ...origin, step: 'none' as const, reason: problem ?? origin.reason },
  };
}

/** Halves of characters and NUL are no text for many a reader of JSON. */
function fitting(value: string): string {
  const cut =
    value.length <= longestValue ? value : [...value.slice(0, 2 * longestValue)].slice(0, longestValue).join('');
  return cut.replace(/[\p{Cs}\0]/gu, '\uFFFD');
}

/** Where all together are too much, the largest goes first. */
function shrink(
  variables: Record<string, string>,
  origins: Record<string, VariableOrigin>,
  defaults: Readonly<Record<string, string>>,
  refuse: Refuse,
): void {
  while (Buffer.byteLength(JSON.stringify(variables)) > largestAnswer) {
    const [largest] = Object.entries(variables).sort(([, a], [, b]) => Buffer.byteLength(b) - Buffer.byteLength(a));
    if (largest === undefined) return;
    const [name, value] = largest;
    const fallback = ownOf(defaults, name);
    const reason = `all variables together are larger than ${largestAnswer} bytes`;
    refuse(name, reason);
    delete variables[name];
    const isShorter = fallback !== undefined && Buffer.byteLength(fallback) < Buffer.byteLength(value);
    if (isShorter) variables[name] = fallback;
    origins[name] = { step: isShorter ? 'default' : 'none', resolvers: [], reason };
  }
}

/** What templates see: `call`, `now`, `known` and the resolvers by name. It notices which resolvers a template looks at. */
class WatchedScope {
  readonly #scope: Readonly<Record<string, unknown>>;
  readonly #lookedUp: ResolvedFacts;
  readonly #used = new Set<string>();

  constructor({ call, now, resolvers, known, lookups }: VariableScope) {
    this.#lookedUp = { known, lookups };
    const watched: PropertyDescriptorMap = {};
    for (const name of resolvers)
      watched[name] = { enumerable: true, get: () => this.#used.add(name) && (known.get(name)?.facts ?? {}) };
    const byName = Object.defineProperties({}, watched);
    this.#scope = Object.defineProperties({ call, now, known: byName }, watched);
  }

  /** Of the last template: whose facts it looked at. */
  get used(): readonly string[] {
    return [...this.#used];
  }

  /** Of the last template: the lowest step of the facts it read. Without any, its own fallback was used. */
  get step(): VariableStep {
    return lowest(this.used.map((name) => this.#stepOf(name)));
  }

  render(template: Template): JsonValue {
    this.#used.clear();
    return template.render(this.#scope);
  }

  #stepOf(resolver: string): VariableStep {
    const known = this.#lookedUp.known.get(resolver);
    return known === undefined || Object.keys(known.facts).length === 0 ? 'default' : known.origin;
  }

  /** Of the last template: why it has no value. */
  reason(expressionError: string, place = ''): string {
    return reasonOf({ used: this.used, expressionError, place }, this.#lookedUp);
  }
}
