/** A run of `switchhook dev`: a router that is reloaded after each save, and sent an event. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ComponentFailure, type Config, ConfigurationError, type Router } from '@switchhook/core';
import { callAnswer } from '@switchhook/core/api';
import { formatProblems, systemClock } from '@switchhook/core/client';
import { ConfigWatch, loadConfig, located, openNetwork } from '@switchhook/core/internal';
import { isRefusal, stringifyJson } from '@switchhook/sdk';
import { didYouMean, errorMessage } from '@switchhook/sdk/internal';
import { type DryRun, dryRunOf } from '@switchhook/simulator';
import { RouterClient } from '../api-client.js';
import { printAnswer } from '../format/call.js';
import { printLogLine, savedText } from '../format/dev.js';
import { changesIn } from '../format/reload.js';
import { notePlace } from '../format/source-line.js';
import { endPluginWatch, routerOf, watchPlugins } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { noteProblems } from '../print.js';
import { shownOnly, takenAnew } from './dev-components.js';
import { Follower } from './dev-follower.js';
import { listenFailure } from './listen-failure.js';
import { EditorSchema } from './schema.js';
import { type Sample, sent, signedRequest } from './send.js';
import { TypeCheck } from './type-check.js';

/** What a session is asked to do. */
export interface DevPlan {
  readonly config: string;
  readonly port: number;
  /** Destinations that are really delivered to. */
  readonly deliver: readonly string[] | 'all';
  /** What is sent after each save; null where nothing was chosen. Throws a `CommandFailure` where it is not there. */
  sample(config: Config): Promise<Sample | null>;
}

/** A save is noticed when a file is another one in two looks. */
const lookMs = 100;

/** The router, once a first configuration was right. */
interface Running {
  readonly router: Router;
  readonly url: string;
  readonly follower: Follower;
}

/** Runs once. */
export class DevSession {
  readonly #plan: DevPlan;
  readonly #output: Output;
  readonly #network = openNetwork();
  readonly #types: TypeCheck;
  readonly #schema: EditorSchema;
  readonly #watch = new ConfigWatch(systemClock, () => this.#saved(), lookMs);
  /** Counts the saves. */
  #round = 0;
  readonly #anew = takenAnew(() => this.#round);
  /** Lines of code that were shown since the last save. */
  #shown = new Set<string>();
  /** As it was read last. */
  #config: Config | null = null;
  #files: readonly string[];
  #followed: readonly string[] = [];
  #dryRun: DryRun | null = null;
  #running: Running | null = null;
  /** What the saves have started, one after the other; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #isEnding = false;
  #warned = '';

  constructor(plan: DevPlan, output: Output) {
    this.#plan = plan;
    this.#output = output;
    this.#files = [resolve(plan.config)];
    this.#types = new TypeCheck(output);
    this.#schema = new EditorSchema(output);
  }

  /** Runs until `stopped` resolves. Rejects where what was asked for is not there. */
  async run(stopped: Promise<void>): Promise<void> {
    const onStray = (error: unknown): void => this.#failed(`process.error-uncaught: ${located(error)}`);
    const strays = ['unhandledRejection', 'uncaughtException'] as const;
    for (const stray of strays) process.on(stray, onStray);
    try {
      await this.#reload();
      await stopped;
    } finally {
      await this.#close();
      for (const stray of strays) process.off(stray, onStray);
    }
  }

  async #close(): Promise<void> {
    this.#isEnding = true;
    this.#watch.close();
    await Promise.all([this.#types.close(), this.#last, this.#schema.close()]);
    await this.#running?.follower.close();
    await this.#running?.router.close();
    await this.#dryRun?.end();
    await this.#network.close();
  }

  #saved(): Promise<void> {
    this.#last = this.#last
      .then(() => (this.#isEnding ? undefined : this.#reload()))
      .catch((error: unknown) => this.#failed(errorMessage(error)));
    return this.#last;
  }

  async #reload(): Promise<void> {
    this.#round += 1;
    this.#shown = new Set();
    const startedAtMs = systemClock.now();
    const isRight = await this.#isReloaded();
    const added = this.#files.filter((file) => !this.#followed.includes(file));
    this.#followed = this.#files;
    await this.#watch.follow(this.#files);
    if (this.#isEnding) return this.#watch.close();
    // Saved after it was read, and before it was watched.
    if (added.some((file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= startedAtMs))
      void this.#saved();
    this.#types.start(dirname(resolve(this.#plan.config)), this.#files, this.#shown);
    if (!isRight) return;
    if (this.#config !== null) this.#schema.renew(this.#config);
    await this.#send();
  }

  /** False where the configuration or a plugin is wrong: what ran before runs on. */
  async #isReloaded(): Promise<boolean> {
    const startedAt = systemClock.elapsed();
    try {
      if (this.#running === null) await this.#begin();
      else {
        const report = await this.#running.router.reload();
        this.#warn(report.warnings);
        const text = savedText(changesIn(report), systemClock.elapsed() - startedAt);
        this.#output.line(['', styled(this.#output, 'green', text)]);
        for (const { setting, reason } of report.restart) this.#output.note(`after a restart: ${setting} (${reason})`);
      }
      return true;
    } catch (error) {
      const { code, message } = problemIn(error);
      this.#output.line();
      if (error instanceof ConfigurationError) {
        noteProblems(this.#output, error.problems);
        for (const problem of error.problems) notePlace(this.#output, problem.message, this.#shown);
      } else this.#failed(code === '' ? message : `${code}: ${message}`);
      const state = this.#running === null ? 'Nothing runs yet' : 'Not reloaded: the last valid version keeps running';
      this.#output.note(styled(this.#output, 'red', `${state}. Save a corrected file.`));
      return false;
    }
  }

  async #begin(): Promise<void> {
    watchPlugins();
    const config = await this.#load();
    this.#checkNames(config);
    const dryRun = this.#dryRun ?? (await dryRunOf(config));
    this.#dryRun = dryRun;
    const router = routerOf(this.#changed(config, dryRun), {
      load: async () => this.#changed(await this.#load(), dryRun),
      logTo: { write: (line) => printLogLine(this.#output, line) },
      lingerMs: 0,
    });
    await endPluginWatch();
    await router.open();
    const url = await router.listen().catch(async (error: unknown) => {
      await router.close();
      throw await listenFailure(error, this.#plan.config);
    });
    const isReal = (name: string) => this.#isReal(name);
    const follower = new Follower({ router, api: new RouterClient(this.#network, url, null), isReal }, this.#output);
    await follower.open();
    this.#running = { router, url, follower };
    this.#warn(config.warnings);
    this.#output.line(`${styled(this.#output, 'green', 'running')} ${config.file} at ${url}`);
    this.#output.line(this.#deliveryText());
    this.#output.line('The store is temporary. Resolvers make real look-ups. Ctrl-C ends.');
    if ((await this.#plan.sample(config)) === null)
      this.#output.line(`Send an event: switchhook send <sample> --url ${url}`);
  }

  #deliveryText(): string {
    const { deliver } = this.#plan;
    if (deliver === 'all') return styled(this.#output, 'yellow', 'Deliveries are really made.');
    const shown = 'each destination shows what it would get. --deliver makes them';
    if (deliver.length === 0) return `Deliveries are not made: ${shown}.`;
    return styled(this.#output, 'yellow', `Deliveries to ${deliver.join(', ')} are really made, others are not.`);
  }

  #checkNames({ destinations }: Config): void {
    const names = destinations.map(({ name }) => name);
    for (const name of this.#plan.deliver === 'all' ? [] : this.#plan.deliver)
      if (!names.includes(name))
        throw new CommandFailure(exitCodes.usage, `there is no destination "${name}"${didYouMean(name, names)}`);
  }

  async #load(): Promise<Config> {
    try {
      this.#config = await loadConfig(this.#plan.config);
      this.#files = this.#config.files;
      return this.#config;
    } catch (error) {
      if (error instanceof ConfigurationError && error.files.length > 0) this.#files = error.files;
      throw error;
    }
  }

  /** The configuration without effects outside, but for those that are wanted. */
  #changed(config: Config, dryRun: DryRun): Config {
    const dry = dryRun.of(config);
    return {
      ...dry,
      // Facts of a resolver as it was before the save are not used.
      answers: dry.answers.map((row) => ({ ...row, cache: null })),
      server: { ...dry.server, port: this.#plan.port },
      log: { level: 'info' },
      sources: config.sources.map((row) => ({ ...row, component: this.#anew(row.component) })),
      destinations: config.destinations.map((row) =>
        this.#isReal(row.name) ? row : { ...row, component: shownOnly(row.component) },
      ),
    };
  }

  #isReal(destination: string): boolean {
    return this.#plan.deliver === 'all' || this.#plan.deliver.includes(destination);
  }

  /** Sends what was chosen, or else what was received last. */
  async #send(): Promise<void> {
    const [running, config] = [this.#running, this.#config];
    if (running === null || config === null) return;
    const sample = (await this.#plan.sample(config)) ?? running.follower.received;
    if (sample === null) return;
    const { source, body } = sample;
    if (config.sources.some(({ name, component }) => name === source && component.calls === true))
      return this.#ring(running.router, sample);
    const { status, reply } = await sent(signedRequest(running.router, source, body, running.url));
    if (status >= 300) this.#failed(`${source} has answered ${status} ${stringifyJson(reply)}`);
  }

  /** As `switchhook call --offline`: nothing is recorded, so that each save gets an answer of its own. */
  async #ring(router: Router, { source, body }: Sample): Promise<void> {
    try {
      const { reply, trace } = await router.ring(source, body);
      this.#output.line(['', `${styled(this.#output, 'bold', 'call')}  from ${source}, answered with ${reply.status}`]);
      const answer = callAnswer.parse(trace);
      printAnswer(this.#output, answer);
      for (const { reason } of answer.lookups) if (reason !== null) notePlace(this.#output, reason);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#failed(`${error.code}: ${error.message}`);
    }
  }

  /** Of warnings that stay, once. */
  #warn(warnings: Parameters<typeof noteProblems>[1]): void {
    const text = formatProblems(warnings);
    if (text !== this.#warned && warnings.length > 0) noteProblems(this.#output, warnings, 'warning');
    this.#warned = text;
  }

  #failed(message: string): void {
    this.#output.note(styled(this.#output, 'red', message));
    notePlace(this.#output, message, this.#shown);
  }
}

/** What is wrong with the configuration or a plugin; throws what is wrong with the command. */
function problemIn(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ConfigurationError) return { code: '', message: error.message };
  if (error instanceof ComponentFailure) return { code: error.code, message: error.message };
  if (error instanceof CommandFailure && error.exitCode === exitCodes.configuration)
    return { code: '', message: error.message };
  throw error;
}
