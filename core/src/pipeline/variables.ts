/** From what is known of a caller to what the agent is told: each variable by the first rung of the ladder that has a value. */
import type { JsonValue } from '../contract/json.js';
import type { Answer, Call } from '../contract/source.js';
import type { Template } from '../contract/template.js';
import { isExpressionError } from '../expression-error.js';
import { agentIdProblem } from '../ids.js';
import type { KnownFacts } from './lookups.js';

/** The rungs, best first: facts of this call, facts that spared a look-up, earlier ones where it failed, the default, nothing. */
const rungs = ['fresh', 'cached', 'stale', 'default', 'none'] as const;
export type Rung = (typeof rungs)[number];

/** Where a variable's value comes from. */
export interface VariableOrigin {
  readonly step: Rung;
  /** Whose facts it was made from. */
  readonly resolvers: readonly string[];
}

/** What variables are made from. */
export interface VariableRow {
  readonly variables: Readonly<Record<string, Template>>;
  /** For variables that nobody found. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly overrideAgent: Template | null;
}

/** What is known when they are made. */
export interface VariableScope {
  readonly call: Call;
  readonly now: Date;
  /** Names of all resolvers that were asked: those without facts know nothing, `{}`. */
  readonly resolvers: Iterable<string>;
  readonly known: ReadonlyMap<string, KnownFacts>;
}

/** An answer, and where it comes from. */
export interface Filled {
  readonly answer: Answer;
  readonly origins: Readonly<Record<string, VariableOrigin>>;
  /** The lowest rung of all. */
  readonly step: Rung;
}

/** Told of each variable that cannot go out as it is. */
export type Refuse = (variable: string, reason: string) => void;

/** Longer values are cut: a platform's limit is not known, more does not belong into a prompt. */
const longestValue = 10_000;
/** All variables together, as JSON. */
const largestAnswer = 65_536;

/** Fills an answer. Throws nothing; what cannot be had falls to the next rung. */
export function fill(row: VariableRow, scope: VariableScope, refuse: Refuse): Filled {
  const watched = new WatchedScope(scope);
  const variables: Record<string, string> = {};
  const origins: Record<string, VariableOrigin> = {};
  for (const name of new Set([...Object.keys(row.variables), ...Object.keys(row.defaults)])) {
    const own = rendered(row.variables[name], watched, (reason) => refuse(name, reason));
    // An empty text is better than a placeholder that is read out, but not better than a default.
    const fallback = row.defaults[name];
    const takesOwn = own.value !== null && (own.value !== '' || fallback === undefined);
    const value = takesOwn ? own.value : (fallback ?? null);
    if (value !== null) variables[name] = fitting(value);
    origins[name] = { step: takesOwn ? own.step : value === null ? 'none' : 'default', resolvers: own.resolvers };
  }
  shrink(variables, origins, row.defaults, refuse);
  const refuseAgent = (reason: string) => refuse('overrideAgent', reason);
  const agent = rendered(row.overrideAgent, watched, refuseAgent);
  const overrideAgent = agentId(agent.value, refuseAgent);
  const steps = Object.values(origins).map((origin) => origin.step);
  if (overrideAgent !== null) steps.push(agent.step);
  // Every request about the call gets this one: nobody who writes it in some format may change it for the next.
  const answer = Object.freeze({ variables: Object.freeze(variables), overrideAgent });
  return { answer, origins, step: lowest(steps) };
}

function lowest(steps: readonly Rung[]): Rung {
  return rungs[Math.max(0, ...steps.map((step) => rungs.indexOf(step)))] ?? 'none';
}

/** The value a template has by itself; null where a part of it is not known, or it is not flat. */
function rendered(template: Template | null | undefined, scope: WatchedScope, refuse: (reason: string) => void) {
  let value: JsonValue = null;
  try {
    value = scope.render(template);
    if (typeof value === 'object' && value !== null) refuse(Array.isArray(value) ? 'it is a list' : 'it is a map');
  } catch (error) {
    // A fact that is missing is the ordinary case here, not an error.
    if (!isExpressionError(error) || !error.missing) refuse(error instanceof Error ? error.message : 'it failed');
  }
  const isFlat = value !== null && typeof value !== 'object';
  return { value: isFlat ? String(value) : null, step: scope.step, resolvers: scope.used };
}

/** Not cut where it is too long: that would be another agent. */
function agentId(value: string | null, refuse: (reason: string) => void): string | null {
  const id = value?.trim() || null;
  const problem = id === null ? null : agentIdProblem(id);
  if (problem === null) return id;
  refuse(problem);
  return null;
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
    const [largest] = Object.entries(variables).sort(([, a], [, b]) => b.length - a.length);
    if (largest === undefined) return;
    const [name, value] = largest;
    const fallback = defaults[name];
    refuse(name, `all variables together are larger than ${largestAnswer} bytes`);
    delete variables[name];
    if (fallback !== undefined && fallback.length < value.length) variables[name] = fallback;
    origins[name] = { step: name in variables ? 'default' : 'none', resolvers: [] };
  }
}

/** What templates see: `call`, `now`, `known` and the resolvers by name. It notices which resolvers a template looks at. */
class WatchedScope {
  readonly #scope: Readonly<Record<string, unknown>>;
  readonly #known: VariableScope['known'];
  readonly #used = new Set<string>();

  constructor({ call, now, resolvers, known }: VariableScope) {
    this.#known = known;
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

  /** Of the last template: the lowest rung of the facts it looked at. Where somebody could not look, its own fallback spoke. */
  get step(): Rung {
    return lowest(this.used.map((name) => this.#known.get(name)?.origin ?? 'default'));
  }

  render(template: Template | null | undefined): JsonValue {
    this.#used.clear();
    return template?.render(this.#scope) ?? null;
  }
}
