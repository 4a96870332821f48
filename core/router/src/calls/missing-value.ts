/** Why an expression of an answer has no value, in one line: names of resolvers and of facts, never what they hold. */
import type { JsonObject, JsonValue } from '@switchhook/sdk';
import type { ResolvedFacts } from './resolve.js';
import { breakerOpenReason, type Lookup } from './resolver-bulkhead.js';

/** What the expression itself reports. */
export interface MissingValue {
  /** Whose facts it looked at. */
  readonly used: readonly string[];
  readonly expressionError: string;
  /** What is missing, as it is written, `customer.first_name`; empty where nothing is. */
  readonly place: string;
}

/** Longer lists of names are not useful. */
const mostNames = 10;
const longestList = 200;

/** Precedence: failed resolver, then empty result, then expression error. */
export function reasonOf({ used, expressionError, place }: MissingValue, { known, lookups }: ResolvedFacts): string {
  const path = pathOf(place);
  const [root = ''] = path;
  // The call itself lacks something, or what a macro goes through.
  if (root !== '' && !used.includes(root)) return expressionError;
  const suspects = root === '' ? used : [root];
  const away = suspects.find((name) => !known.has(name));
  if (away !== undefined) return absenceOf(away, lookups);
  const factsOf = (name: string): JsonObject => known.get(name)?.facts ?? {};
  const ignorant = suspects.find((name) => Object.keys(factsOf(name)).length === 0);
  if (ignorant !== undefined) return emptinessOf(ignorant);
  return absentIn(factsOf(root), path) ?? expressionError;
}

/** That a resolver has no facts, as the reason of a variable that needs them. */
export function emptinessOf(resolver: string): string {
  return `${resolver} returned no record`;
}

/** Why a resolver could not be relied on, as the reason of a variable that needs them. */
export function absenceOf(resolver: string, lookups: ResolvedFacts['lookups']): string {
  return `${resolver} ${fateOf(lookups.find((lookup) => lookup.resolver === resolver))}`;
}

function fateOf(lookup: Lookup | undefined): string {
  switch (lookup?.outcome) {
    case 'late':
    case 'busy':
      return `was ${lookup.outcome}`;
    case 'failed':
      return 'failed';
    case 'skipped':
      return lookup.reason === breakerOpenReason
        ? 'was skipped: circuit breaker open'
        : `was skipped: ${lookup.reason}`;
    default:
      return 'did not run';
  }
}

/** The names in `known.customer.address["street"]`, from the resolver on; none where there is more in it than names. */
function pathOf(place: string): readonly string[] {
  const path: string[] = [];
  const steps = /([A-Za-z_]\w*)|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\]|[\s.]+|(.)/g;
  for (const [, plain, double, single, other] of place.matchAll(steps)) {
    if (other !== undefined) return [];
    const name = plain ?? double ?? single;
    if (name !== undefined) path.push(name);
  }
  return path[0] === 'known' ? path.slice(1) : path;
}

/** Lists the names that exist, for a name that is misspelled. */
function absentIn(facts: JsonObject, path: readonly string[]): string | null {
  let owner: JsonValue | undefined = facts;
  for (const [index, name] of path.entries()) {
    if (index === 0) continue;
    if (!isMap(owner)) return null;
    if (!Object.hasOwn(owner, name)) {
      const names = Object.keys(owner);
      return `${path.slice(0, index).join('.')} has no ${name}${names.length === 0 ? '' : `; it has ${listed(names)}`}`;
    }
    owner = owner[name];
  }
  return null;
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listed(names: readonly string[]): string {
  const text = names
    .slice(0, mostNames)
    .join(', ')
    .replace(/[\s\p{C}]+/gu, ' ');
  if (text.length > longestList) return `${text.slice(0, longestList - 1).replace(/\p{Cs}$/u, '')}…`;
  return names.length > mostNames ? `${text}, …` : text;
}
