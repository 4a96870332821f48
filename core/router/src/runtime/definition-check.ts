/** Checks what a plugin exports before any of it is used: finds every mistake, and names the component, its file and its line. */
import type { Component, Kind, Plugin, PluginOptions } from '@switchhook/sdk';
import { didYouMean, expectedText } from '@switchhook/sdk/internal';
import { namePattern, rowSchemas } from '../config/row-schemas.js';
import { described, shortPath } from '../system/returned.js';
import { serviceProblems } from './plugin-providers.js';

/** Whether a field may have a value, and what is allowed. */
type Rule = readonly [holds: (value: unknown) => boolean, allowed: string];
type Rules = Readonly<Record<string, Rule>>;
type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
/** A name made by `token`, or a class: an arrow function or a method has no prototype. */
const isToken = (value: unknown): boolean =>
  typeof value === 'symbol' || (typeof value === 'function' && isObject(value.prototype));
const isType = (value: unknown): value is string =>
  typeof value === 'string' && value.split('.').length <= 2 && value.split('.').every((word) => namePattern.test(word));

/** Made by `provideOptions`. */
const isOptions = (value: unknown): value is PluginOptions =>
  isObject(value) && isToken(value.token) && 'schema' in value;

const optional = ([holds, allowed]: Rule): Rule => [(value) => value === undefined || holds(value), allowed];
const anything: Rule = [() => true, ''];
const flag = optional([(value) => typeof value === 'boolean', 'true or false']);
const method = optional([isFunction, 'a function']);
const texts = optional([(value) => isList(value) && value.every(isText), 'a list of texts']);
const map = optional([(value) => isObject(value) && !isList(value), 'an object']);
const create: Rule = [isFunction, 'a function'];

const pluginRules: Rules = {
  name: [isText, 'the name of the package'],
  api: anything,
  components: [isList, 'a list of what defineSource, defineDestination, … return'],
  services: optional([isList, 'a list of what provide returns']),
  options: optional([isOptions, 'what provideOptions returns: a token and a schema']),
  definedAt: anything,
};
const serviceRules: Rules = {
  token: [isToken, 'a token or a class'],
  inject: map,
  key: method,
  create,
  definedAt: anything,
};
const componentRules: Rules = {
  kind: [(value) => isKind(value), Object.keys(rowSchemas).join(', ')],
  type: [isType, '`word` or `word.what`, with letters, digits, - and _, such as crm.note'],
  description: [isText, 'a sentence'],
  options: anything,
  inject: map,
  create,
  assumptions: method,
  definedAt: anything,
};
const rulesOfKinds: Readonly<Partial<Record<Kind, Rules>>> = {
  destination: { batches: flag, emits: texts, limits: map },
  source: {
    calls: flag,
    types: texts,
    accepts: texts,
    samples: map,
    answerBy: optional([(value) => value === 'response' || value === 'call', "'response' or 'call'"]),
    deadlineMs: optional([(value) => typeof value === 'number' && value > 0, 'a number of milliseconds']),
    callBody: method,
    answerIn: method,
  },
};

/** All mistakes in the definitions of a plugin, one line each; empty where there is none. */
export function definitionProblems(plugin: Fields): readonly string[] {
  const components = isList(plugin.components) ? plugin.components : [];
  const services = isList(plugin.services) ? plugin.services : [];
  const usable = services
    .filter(isObject)
    .filter(({ token, inject }) => isToken(token) && tokenProblems(inject).length === 0);
  const own = isOptions(plugin.options) ? plugin.options : undefined;
  const home = placeOf(plugin);
  const ofPlugin = (problem: string): string => (home === '' ? problem : `the plugin${home}: ${problem}`);
  return [
    ...fieldProblems(plugin, pluginRules).map(ofPlugin),
    ...components.flatMap((component, index) =>
      componentProblems(component).map((problem) => `${labelOf(component, index, home)}: ${problem}`),
    ),
    ...repeated(components.filter(isObject)),
    ...services.flatMap((service, index) =>
      serviceDefinitionProblems(service).map((problem) => `services[${index}]${placeOf(service) || home}: ${problem}`),
    ),
    // What `serviceProblems` reads of a service has been checked.
    ...serviceProblems(usable as unknown as NonNullable<Plugin['services']>, own),
    ...(own === undefined
      ? []
      : optionProblems(null, own.schema).map((problem) => `its own options${home}: ${problem}`)),
  ];
}

/** What two plugins both bring: a row that uses it could mean either. */
export function conflictsOf(one: Plugin, other: Plugin, otherFrom: string): readonly string[] {
  return one.components.flatMap((component, index) => {
    const same = other.components.find(({ kind, type }) => kind === component.kind && type === component.type);
    if (same === undefined) return [];
    return [`${labelOf(component, index)}: ${otherFrom} brings this type, too${placeOf(same)}; which one is meant?`];
  });
}

function componentProblems(component: unknown): readonly string[] {
  if (!isObject(component))
    return [`it is ${described(component)}; allowed is what defineSource, defineDestination, … return`];
  const kind = isKind(component.kind) ? component.kind : null;
  return [
    ...fieldProblems(component, { ...componentRules, ...(kind && rulesOfKinds[kind]) }, kind ?? 'component'),
    ...tokenProblems(component.inject),
    ...optionProblems(kind, component.options),
    ...limitProblems(kind, component.limits),
  ];
}

function serviceDefinitionProblems(service: unknown): readonly string[] {
  if (!isObject(service)) return [`it is ${described(service)}; allowed is what provide returns`];
  return [...fieldProblems(service, serviceRules, 'service'), ...tokenProblems(service.inject)];
}

function fieldProblems(given: Fields, rules: Rules, owner = 'plugin'): readonly string[] {
  const known = Object.keys(rules);
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  const wrong = Object.entries(rules).filter(([key, [holds]]) => !holds(given[key]));
  return [
    ...unknown.map((key) => `a ${owner} has no field ${key}${didYouMean(key, known)}`),
    ...wrong.map(([key, [, allowed]]) =>
      given[key] === undefined
        ? `${key} is missing: ${allowed}`
        : `${key} is ${described(given[key])}; allowed is ${allowed}`,
    ),
  ];
}

function tokenProblems(inject: unknown): readonly string[] {
  return Object.entries(isObject(inject) ? inject : {})
    .filter(([, token]) => !isToken(token))
    .map(
      ([name, token]) => `inject.${name} is ${described(token)}; allowed is a token, such as HttpClient, or a class`,
    );
}

/** Looked at by its definition, not its class: a plugin may have its own copy of zod. */
function optionProblems(kind: Kind | null, options: unknown): readonly string[] {
  const allowed = 'allowed is z.strictObject({ … }), with z of @switchhook/sdk';
  const def = defOf(options);
  if (def === null) return [`options is ${described(options)}; ${allowed}`];
  if (def.type !== 'object') return [`options is a schema of ${def.type}; ${allowed}`];
  if (defOf(def.catchall)?.type !== 'never')
    return [`options is no strict object, so misspelled keys would be ignored; ${allowed}`];
  const reserved = Object.keys(kind === null ? {} : rowSchemas[kind].shape);
  return Object.entries(Object(def.shape)).flatMap(([name, schema]) => {
    const description = descriptionOf(schema);
    return [
      ...(reserved.includes(name)
        ? [`option ${name}: every row of a ${kind} has this key already; rename the option`]
        : []),
      ...(isText(description) ? [] : [`option ${name} has no description: add .meta({ description: '…' })`]),
    ];
  });
}

/** Its own, or that of what `optional`, `default` or a transformation wraps. As in the JSON schema, which takes long to make. */
function descriptionOf(schema: unknown): unknown {
  const def = defOf(schema);
  if (def === null) return undefined;
  return Object(schema).description ?? descriptionOf(def.innerType ?? def.in);
}

/** The limits are checked as if they stood in a row. */
function limitProblems(kind: Kind | null, limits: unknown): readonly string[] {
  if (kind !== 'destination' || !isObject(limits)) return [];
  const row = rowSchemas.destination.pick({ rateLimit: true, concurrency: true, timeout: true }).safeParse(limits);
  const issues = row.error?.issues ?? [];
  return issues.map((issue) => `${['limits', ...issue.path].join('.')}: ${expectedText(issue) ?? issue.message}`);
}

function defOf(schema: unknown): Fields | null {
  const { def } = Object(Object(schema)._zod);
  return isObject(def) ? def : null;
}

function repeated(components: readonly Fields[]): readonly string[] {
  return components.flatMap((component, index) => {
    const first = components
      .slice(0, index)
      .find(({ kind, type }) => kind === component.kind && type === component.type);
    if (first === undefined || !isType(component.type)) return [];
    return [
      `${labelOf(component, index)}: the plugin has another ${String(component.kind)} of this type${placeOf(first)}`,
    ];
  });
}

/** `destination crm.note (my-plugins/crm.ts:31)`; with the place of its plugin where it has none. */
function labelOf(component: unknown, index: number, home = ''): string {
  const { kind, type } = Object(component);
  return `${isText(kind) && isText(type) ? `${kind} ${type}` : `components[${index}]`}${placeOf(component) || home}`;
}

function placeOf(component: unknown): string {
  const { definedAt }: Pick<Component, 'definedAt'> = Object(component);
  return isText(definedAt) ? ` (${shortPath(definedAt)})` : '';
}

function isKind(value: unknown): value is Kind {
  return typeof value === 'string' && Object.hasOwn(rowSchemas, value);
}
