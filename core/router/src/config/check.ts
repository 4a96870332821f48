/** From a document to a configuration, or to everything that is wrong with it. */

import { type Kind, type PhoneNormalizer, phoneNormalizer } from '@switchhook/sdk';
import { didYouMean, nearest, type Reader } from '@switchhook/sdk/internal';
import type { z } from 'zod';
import type { AnswerRow } from '../calls/answer.js';
import { compileExpression } from '../expressions/compile.js';
import type { BreakerPolicy } from '../resilience/breaker.js';
import { retentionPolicy } from '../routing/retention-policy.js';
import type { Route } from '../routing/routes.js';
import { checkAnswer, checkReach } from './answer-check.js';
import { type Catalog, type CheckedRow, isResolverName, Rows, rowsNamed } from './component-rows.js';
import type { ComponentRow, Config, DestinationRow, ResolverRow } from './config.js';
import type { ConfigDocument } from './diagnostics.js';
import { checkRetention, expectationsOf } from './followed-by.js';
import { PluginRows } from './plugin-rows.js';
import type { Path, Problem } from './problem.js';
import { checkTypes, checkWait, References, ResolverOrder } from './references.js';
import { routerRow } from './router-row.js';
import { type rowSchemas, type Section, sections } from './row-schemas.js';
import {
  alertsSchema,
  answerSchema,
  countrySchema,
  logSchema,
  routeSchema,
  serverSchema,
  versionSchema,
} from './schema.js';
import { serverConfig, warnWithoutToken } from './server.js';
import { shownConfig } from './shown-config.js';
import { isNothing, nodeAt } from './tree.js';
import { Checker } from './validate.js';
import { expressionPositions, writtenAnswers, writtenConditions, writtenRows } from './written.js';

/** A configuration, or all problems of it in the order of the file. */
export type CheckedConfig =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** Checks a document. Components come from the catalog, row by row. */
export async function checkConfig(document: ConfigDocument, catalog: Catalog): Promise<CheckedConfig> {
  const config = document.root === null ? null : await new ConfigCheck(document, catalog).config();
  const { problems } = document;
  return config === null || problems.length > 0
    ? { kind: 'problems', problems }
    : {
        kind: 'config',
        config: frozen({
          ...config,
          written: writtenRows(document.root, config),
          positions: expressionPositions(document),
          writtenAnswers: writtenAnswers(document.root),
          writtenConditions: writtenConditions(document.root),
        }),
      };
}

/** What an answer refers to. */
interface AnswerContext {
  readonly sources: readonly CheckedRow<'source'>[];
  readonly order: ResolverOrder;
  readonly numbers: PhoneNormalizer;
}

const settings = ['version', 'server', 'log', 'alerts', 'country', 'store', 'plugins'];
const topKeys = [...settings, ...Object.keys(sections), 'routes', 'answers'];

class ConfigCheck {
  readonly #document: ConfigDocument;
  readonly #catalog: Catalog;
  readonly #checker: Checker;
  readonly #references: References;
  /** Of routes and answers. */
  readonly #names = new Set<string>();

  constructor(document: ConfigDocument, catalog: Catalog) {
    this.#document = document;
    this.#catalog = catalog;
    this.#checker = new Checker(document, compileExpression);
    this.#references = new References(document);
  }

  /** Null where something is wrong. */
  async config(): Promise<Omit<Config, 'written' | 'positions' | 'writtenAnswers' | 'writtenConditions'> | null> {
    const { file, directory } = this.#document;
    if (!this.#topLevel()) return null;
    this.#checker.check(versionSchema, ['version']);
    const server = this.#checker.check(serverSchema, ['server'], {});
    if (server !== null) warnWithoutToken(this.#document, server);
    const log = this.#checker.check(logSchema, ['log'], {});
    const alerts = this.#checker.check(alertsSchema, ['alerts'], {});
    const country = this.#checker.check(countrySchema.optional(), ['country']);
    const plugins = new PluginRows(this.#checker, this.#catalog);
    await plugins.load();
    const rows = new Rows(this.#checker, this.#catalog);
    const store = await rows.row('store', ['store'], { use: 'sqlite' });
    const sources = await rows.section('sources');
    checkRetention(this.#document, sources, store?.common?.retention.events);
    const expectations = expectationsOf(this.#document, sources, store?.common?.retention.events);
    const destinations = await rows.section('destinations');
    const resolvers = await rows.section('resolvers');
    const transforms = await rows.section('transforms');
    plugins.reportBroken(rows.waiting);
    rows.reportFailed();
    const emitters = destinations.filter(({ component }) => component.emits !== undefined);
    this.#references.allowEmitters([...emitters.map(({ name }) => name), routerRow.name]);
    const routes = this.#list('routes').map((path, index) =>
      this.#route(path, index, [...sources, ...emitters, routerRow]),
    );
    const order = new ResolverOrder(this.#document, this.#references);
    const context = { sources, order, numbers: phoneNormalizer(country ?? null) };
    const answers = this.#list('answers').map((path, index) => this.#answer(path, index, context));
    checkReach(this.#document, answers);
    const all = [store, ...sources, ...destinations, ...resolvers, ...transforms];
    const pluginOptions = plugins.optionsOf(all);
    const loaded = plugins.loadedWith(all);
    const unlistedServices = await plugins.unlistedServices(all, loaded);
    this.#references.reportUnused('destinations', 'no route');
    this.#references.reportUnused('transforms', 'no route');
    this.#references.reportUnused('resolvers', 'no answer');
    if (
      server === null ||
      log === null ||
      alerts === null ||
      store === null ||
      store.common === null ||
      this.#document.problems.length > 0
    )
      return null;
    return {
      file,
      directory,
      server: serverConfig(server),
      log,
      ...{ alerts, expectations },
      country: country ?? null,
      plugins: plugins.names,
      ...{ pluginOptions, loaded, unlistedServices },
      store: componentRow(store),
      retention: retentionPolicy(
        store.common.retention,
        sources.map(({ name, common }) => ({ name, retention: common?.retention })),
      ),
      sources: sources.map((row) => {
        return { ...componentRow(row), capture: row.common?.capture ?? false, mask: row.common?.mask ?? null };
      }),
      transforms: transforms.map(componentRow),
      destinations: destinations.flatMap(destinationRow),
      resolvers: resolvers.flatMap((row) => resolverRow(row, order)),
      routes: routes.flatMap((row) => row ?? []),
      answers: answers.flatMap((row) => row ?? []),
      secrets: new Set(this.#checker.secrets),
      ...{ warnings: this.#document.warnings, files: this.#document.files, outdated: [], pending: [] },
      shown: shownConfig(this.#document, { rows: all.flatMap((row) => row ?? []), plugins: plugins.optionSchemas }),
    };
  }

  #topLevel(): boolean {
    const { root } = this.#document;
    if (root?.kind !== 'map') {
      this.#document.report('WRONG_TYPE', [], 'expected a map with version, sources, routes and so on');
      return false;
    }
    const has = (key: string) => root.entries.has(key);
    for (const key of root.entries.keys())
      if (!topKeys.includes(key) && !key.startsWith('x-'))
        this.#document.report('UNKNOWN_KEY', [key], `unknown key "${key}"${didYouMean(key, topKeys)}`, { at: 'key' });
    if (!has('sources')) this.#document.report('MISSING_KEY', ['sources'], 'at least one source is needed');
    if (!has('routes') && !has('answers'))
      this.#document.report('MISSING_KEY', ['routes'], 'without a route or an answer nothing happens');
    return true;
  }

  /** The paths of a list's items. */
  #list(key: 'routes' | 'answers'): readonly Path[] {
    const node = nodeAt(this.#document.root, [key]);
    if (node === null || isNothing(node)) return [];
    if (node.kind === 'list') return node.items.map((_, index) => [key, index]);
    this.#document.report('WRONG_TYPE', [key], 'expected a list');
    for (const section of ['destinations', 'transforms', 'resolvers'] as const) this.#references.uncertain(section);
    return [];
  }

  #route(path: Path, index: number, sources: readonly CheckedRow[]): Route | null {
    const row = this.#checker.check(routeSchema, path);
    this.#markUncertain(path, routeSchema, ['destinations', 'transforms']);
    this.#references.check('sources', [...path, 'from'], { emitters: true });
    this.#references.check('destinations', [...path, 'to']);
    this.#references.check('transforms', [...path, 'transform'], { twice: true });
    const name = this.#uniqueName(path, `route-${index + 1}`);
    if (row === null) return null;
    const { from = this.#references.names('sources'), on = ['*'], where = null, to, transform = [] } = row;
    checkTypes(this.#document, [...path, 'on'], rowsNamed(from, sources));
    const wait = row.wait === undefined ? null : { for: row.wait.for, withinMs: row.wait.within };
    if (wait !== null) checkWait(this.#document, path, on, rowsNamed(from, sources));
    return { name, from, on, where, to, transforms: transform, wait };
  }

  #answer(path: Path, index: number, { sources, order, numbers }: AnswerContext): AnswerRow | null {
    const resolve = this.#references.check('resolvers', [...path, 'resolve']).map((reference) => reference.name);
    const all = this.#references.names('resolvers');
    const written = order.withNeeded(resolve);
    const broken = written.filter((name) => !all.includes(name));
    // Who misspells a resolver may still use it by its name.
    const known = [...new Set([...written, ...broken.flatMap((name) => nearest(name, all) ?? [])])];
    for (const name of known) this.#references.use('resolvers', name);
    const schema = answerSchema(known.filter(isResolverName));
    const row = this.#checker.compiling(amongResolvers(broken, all)).check(schema, path);
    this.#markUncertain(path, schema, ['resolvers']);
    for (const { name, at } of this.#references.check('sources', [...path, 'from']))
      if (sources.find((source) => source.name === name)?.component.calls !== true)
        this.#reportNoCalls(name, at, sources);
    const name = this.#uniqueName(path, `answer-${index + 1}`);
    if (row === null) return null;
    const { from, where = null, within, variables, defaults, overrideAgent = null, cache = null, expects = [] } = row;
    const answer = { name, from, where, withinMs: within, resolve, variables, defaults, overrideAgent, cache };
    checkAnswer(this.#document, path, answer, { known, expects, numbers, sources: rowsNamed(from, sources) });
    return answer;
  }

  /** Answers are for sources of calls: other sources have no reply with variables. */
  #reportNoCalls(name: string, at: Path, sources: readonly CheckedRow<'source'>[]): void {
    if (!sources.some((source) => source.name === name)) return;
    const calling = sources.filter(({ component }) => component.calls === true).map((source) => source.name);
    const hint = calling.length > 0 ? `Sources of calls: ${calling.join(', ')}.` : undefined;
    this.#document.report('WRONG_KIND', at, `"${name}" is a source of events, an answer needs one of calls`, { hint });
  }

  /** A row with unknown keys may have meant one of them as a reference to another row. */
  #markUncertain(path: Path, { shape }: z.ZodObject, referred: readonly Section[]): void {
    const node = nodeAt(this.#document.root, path);
    if (node?.kind === 'map' && [...node.entries.keys()].every((key) => key in shape)) return;
    for (const section of referred) this.#references.uncertain(section);
  }

  #uniqueName(path: Path, otherwise: string): string {
    const at = [...path, 'name'];
    const node = nodeAt(this.#document.root, at);
    const name = node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : otherwise;
    const key = `${path[0]} ${name}`;
    if (this.#names.has(key)) this.#document.report('DUPLICATE_NAME', at, `"${name}" is the name of another row, too`);
    this.#names.add(key);
    return name;
  }
}

/** Compiles expressions of an answer. A condition is evaluated before any resolver runs, so it cannot use one. */
function amongResolvers(broken: readonly string[], unasked: readonly string[]): Reader['compile'] {
  return (text, variables, result) =>
    compileExpression(text, variables, result, variables.includes('known') ? { broken, unasked } : {});
}

function componentRow<K extends Kind>({ name, component, plugin, position, options }: CheckedRow<K>): ComponentRow<K> {
  return { name, component, plugin, position, options: options ?? {} };
}

function destinationRow(row: CheckedRow<'destination'>): readonly DestinationRow[] {
  if (row.common === null) return [];
  const { timeout, concurrency, retry, rateLimit = null, breaker, ordered, batch } = row.common;
  const queue = {
    timeoutMs: timeout,
    concurrency,
    retry: { attempts: retry.attempts, firstMs: retry.first, maxMs: retry.max },
    rateLimit,
    breaker: breakerConfig(breaker),
    ordered,
    batch: batch === undefined ? null : { max: batch.max, waitMs: batch.wait },
  };
  return [{ ...componentRow(row), queue }];
}

function resolverRow(row: CheckedRow<'resolver'>, order: ResolverOrder): readonly ResolverRow[] {
  if (row.common === null) return [];
  const { timeout = null, concurrency, breaker } = row.common;
  const after = order.after(row.name);
  return [{ ...componentRow(row), timeoutMs: timeout, after, concurrency, breaker: breakerConfig(breaker) }];
}

function breakerConfig(breaker: z.output<typeof rowSchemas.resolver>['breaker']): BreakerPolicy | null {
  if (breaker === false) return null;
  return { failures: breaker.failures, windowMs: breaker.window, cooldownMs: breaker.cooldown };
}

/** Freezes plain objects and lists. Components and other objects are left as they are. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const isPlain = Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (!isPlain) return value;
  Object.freeze(value);
  for (const [key, inner] of Object.entries(value)) if (key !== 'component' && key !== 'plugin') frozen(inner);
  return value;
}
