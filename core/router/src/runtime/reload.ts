/** Reloads the configuration: reads it anew, and switches to it in one step; where it is wrong, nothing changes. */
import { Clock, isRefusal, Log, Metrics, refuse } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import type { ReloadReport } from '../api/reload-responses.js';
import type { ReloadRequest } from '../api/requests.js';
import type { Config } from '../config/config.js';
import type { Problem } from '../config/problem.js';
import { ConfigurationError } from '../config/problem.js';
import { Dispatcher } from '../delivery/dispatcher.js';
import { Pullers } from '../ingest/pulling.js';
import { Monitor } from '../monitor/monitor.js';
import type { Secrets } from '../system/mask.js';
import { Observations } from '../system/observations.js';
import type { Swappable } from '../system/swappable.js';
import { ComponentFailure } from './component-factory.js';
import type { ComponentLifecycle } from './component-lifecycle.js';
import { expectRows } from './composition.js';
import type { Container } from './container.js';
import {
  type Changes,
  changedSettings,
  changedTimes,
  changesBetween,
  restartNeeded,
  untilRestart,
} from './difference.js';
import { createGeneration, type Generation } from './generation.js';

import { supersededModules } from './local-modules.js';
import type { OpenComponents } from './open-components.js';

/** What a reload works with. */
export interface ReloadParts {
  readonly current: Swappable<Generation>;
  readonly container: Container;
  readonly engine: Container;
  readonly components: OpenComponents;
  readonly secrets: Secrets;
  load(): Promise<Config>;
  /** Throws where the router is not open, or not any more. */
  checkOpen(): void;
}

/** A local plugin may wait for something while it is imported: other reloads do not wait for it endlessly. */
const longestLoadMs = 60_000;
/** For the components of the new configuration; calls are answered by the earlier one meanwhile. */
const patienceMs = 5_000;
/** More versions of local modules in memory than this are worth a restart. */
const manyModules = 20;
/** Lines of problems in one line of the log. */
const loggedProblems = 20;

const outcomes = ['reloaded', 'rejected'] as const;

export class Reloader {
  readonly #parts: ReloadParts;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  /** The last one; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  /** Transforms that were removed: what waits for a destination may name one. */
  readonly #left = new Map<string, ComponentLifecycle>();
  #files: readonly string[] = [];

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#clock = parts.engine.get(Clock);
    this.#log = parts.engine.get(Log);
    this.#metrics = parts.engine.get(Metrics);
    for (const outcome of outcomes) this.#count(outcome, 0);
  }

  /** All files of the configuration that was read last, also where it was refused. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** One after the other. Throws a `ConfigurationError` or a `ComponentFailure`, and then nothing has changed. */
  reload(request: ReloadRequest): Promise<ReloadReport> {
    const reloading = this.#last.then(() => this.#reload(request));
    // Its caller gets the error.
    this.#last = reloading.catch(() => null);
    return reloading;
  }

  async #reload(request: ReloadRequest): Promise<ReloadReport> {
    const { current, container, engine, components, secrets, load, checkOpen } = this.#parts;
    const startedAt = this.#clock.elapsed();
    checkOpen();
    const earlier = current.value;
    let added: readonly ComponentLifecycle[] = [];
    try {
      const loaded = await withTimeout(this.#clock, longestLoadMs, load());
      this.#files = loaded.files;
      const config = untilRestart(earlier.config, loaded);
      secrets.add(config.secrets);
      const next = createGeneration(config, { container, engine, earlier });
      const changes = changesBetween(earlier.config, config);
      const report = this.#report(request, changes, loaded);
      if (request.dryRun) return report;
      // What is opened from now on is closed with the router.
      checkOpen();
      added = notIn(earlier, next);
      await components.open(added, patienceMs);
      checkOpen();
      const changedMs = changedTimes(earlier.changedMs, changes, report.settings, this.#clock.now());
      this.#switch({ ...next, changedMs }, request);
      this.#reloaded(report, this.#clock.elapsed() - startedAt);
      return { ...report, generation: current.value.number };
    } catch (error) {
      if (error instanceof ConfigurationError) this.#files = error.files;
      await components.close(added);
      // The router is closing, which is no fault of the configuration.
      if (!request.dryRun && !isRefusal(error)) this.#rejected(error);
      throw error;
    }
  }

  /** From here on, nothing waits until the new configuration is at work. */
  #switch(next: Generation, { removed }: ReloadRequest): void {
    const { current, engine, components } = this.#parts;
    const dispatcher = engine.get(Dispatcher);
    const earlier = current.value;
    const unused = current.swap({ ...next, sinceMs: this.#clock.now() });
    expectRows(engine, next.config);
    const ends = new Map<string, Promise<void>>();
    for (const [name, open] of next.destinations)
      if (earlier.destinations.get(name) !== open)
        ends.set(
          `destinations.${name}`,
          Promise.all([unused, dispatcher.replace(name, open)]).then(() => {}),
        );
    for (const name of earlier.destinations.keys())
      if (!next.destinations.has(name))
        ends.set(`destinations.${name}`, removed === 'keep' ? dispatcher.stop(name) : this.#drained(name, unused));
    const pulled = engine.get(Pullers).follow();
    engine.get(Monitor).follow();
    for (const [key, lifecycle] of earlier.lifecycles) {
      if (next.lifecycles.get(key) === lifecycle) continue;
      if (key.startsWith('transforms.') && !next.lifecycles.has(key)) this.#left.set(key, lifecycle);
      else void Promise.all([unused, ends.get(key), pulled]).then(() => components.close([lifecycle]));
    }
    for (const [key, lifecycle] of this.#left) {
      if (!next.lifecycles.has(key)) continue;
      this.#left.delete(key);
      void unused.then(() => components.close([lifecycle]));
    }
  }

  async #drained(destination: string, unused: Promise<void>): Promise<void> {
    await unused;
    const isDrained = await this.#parts.engine.get(Dispatcher).drain(destination);
    if (isDrained) this.#log.info('destination.drained', { destination });
  }

  #report({ dryRun, removed }: ReloadRequest, changes: Changes, loaded: Config): ReloadReport {
    const { number, config } = this.#parts.current.value;
    return {
      ...{ file: loaded.file, dryRun, generation: number, ...changes },
      settings: changedSettings(config, untilRestart(config, loaded)),
      draining: removed === 'drain' ? changes.destinations.removed : [],
      restart: restartNeeded(config, loaded),
      warnings: loaded.warnings,
    };
  }

  #reloaded({ warnings, restart, settings, ...report }: ReloadReport, ms: number): void {
    const { sources, transforms, destinations, resolvers, routes, answers } = report;
    const all = [sources, transforms, destinations, resolvers, routes, answers];
    const countOf = (key: keyof typeof sources) => all.reduce((sum, rows) => sum + rows[key].length, 0);
    const counts = { added: countOf('added'), changed: countOf('changed'), removed: countOf('removed') };
    logWarnings(this.#log, warnings);
    const generation = this.#parts.current.value.number;
    const { added, changed, removed } = counts;
    this.#parts.engine.get(Observations).watcher?.({ kind: 'reloaded', generation, added, changed, removed });
    this.#log.info('config.reloaded', {
      generation,
      ...{ ...counts, unchanged: countOf('unchanged'), settings, ms: Math.round(ms) },
      restart: restart.map(({ setting }) => setting),
    });
    this.#count('reloaded');
    const modules = supersededModules();
    if (modules > manyModules) this.#log.warn('config.modules-kept', { modules });
  }

  #rejected(error: unknown): void {
    this.#count('rejected');
    if (error instanceof ConfigurationError) {
      const lines = error.problems.map(lineOf);
      const rest = lines.length > loggedProblems ? [`${lines.length - loggedProblems} more: switchhook check`] : [];
      this.#log.error('config.rejected', { problems: [...lines.slice(0, loggedProblems), ...rest] });
    } else if (error instanceof ComponentFailure)
      this.#log.error('config.rejected', { problems: [`${error.code}: ${error.message}`] });
    else this.#log.error('config.rejected', { error });
  }

  #count(outcome: (typeof outcomes)[number], by = 1): void {
    this.#metrics.count('config_reloads_total', 'Reloads of the configuration by outcome', { outcome }, by);
  }
}

/** What is probably not meant, each in a line. */
export function logWarnings(log: Log, warnings: ReloadReport['warnings']): void {
  for (const { code, path, message } of warnings) log.warn('config.warned', { code, path, message });
}

function notIn(earlier: Generation, next: Generation): readonly ComponentLifecycle[] {
  return [...next.lifecycles].filter(([key, one]) => earlier.lifecycles.get(key) !== one).map(([, one]) => one);
}

/** As `check` prints it, without the excerpt. */
function lineOf({ file, line, column, code, path, message }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place} ${code} ${path === '' ? '' : `${path}: `}${message}`;
}

/** A reload for the API: what is wrong is refused as `CONFIG_REJECTED`, with the problems. */
export async function refusedReload(file: string, reload: () => Promise<ReloadReport>): Promise<ReloadReport> {
  try {
    return await reload();
  } catch (error) {
    if (error instanceof ComponentFailure)
      throw refuse('CONFIG_REJECTED', `${error.code}: ${error.message}`, { cause: error });
    if (!(error instanceof ConfigurationError)) throw error;
    const { problems } = error;
    const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`;
    throw Object.assign(refuse('CONFIG_REJECTED', `${count} in ${file}`, { cause: error }), { problems });
  }
}
