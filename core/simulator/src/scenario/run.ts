/** Plays a scenario: every step at its time, at its pace, whatever the others do. */
import { setMaxListeners } from 'node:events';
import type { Answer, Clock, JsonObject } from '@switchhook/sdk';
import { isObject, type Platform, type Reply, type SourceRow, withField } from '../hook-client.js';
import { Callers } from './callers.js';
import { paced, pause } from './pacer.js';
import type { Scenario, Step } from './scenario.js';

/** How a scenario is played. */
export interface ScenarioParts {
  readonly platform: Platform;
  readonly clock: Clock;
  /** Aborted: nothing more is sent. */
  readonly stop: AbortSignal;
  /** What makes the events of this run others than those of the runs before. */
  readonly run: string;
  /** In place of what the scenario rings. */
  readonly instead: { readonly to?: string | undefined; readonly agent?: string | undefined };
  readonly onProgress: (done: number) => void;
  /** A caller's answer was that of a call before this run: another number rings in its place. Without it, every number rings as it is. */
  readonly onOtherCaller?: (from: string, instead: string) => void;
}

/** A request of a scenario and what came of it. */
export interface Exchange {
  /** Index of the step. */
  readonly step: number;
  /** Since the start of the scenario. */
  readonly sentAtMs: number;
  /** True where it was about a call. */
  readonly calls: boolean;
  readonly reply: Reply;
  /** The answer to a call; null without one. */
  readonly answer: Answer | null;
  /** Variables that the step expects; null = any. */
  readonly wanted: Readonly<Record<string, string>> | null;
}

/** What came of a whole scenario. */
export interface ScenarioRun {
  /** A description of each step's request. */
  readonly requests: readonly string[];
  readonly exchanges: readonly Exchange[];
  readonly ms: number;
}

/** The scenario needs something that the configuration does not have. */
export class IncompatibleScenarioError extends Error {
  override readonly name = 'UnfitScenario';
}

/** What the texts of a step see. */
type StepScope = { readonly n: number; readonly run: string; readonly now: Date };

/** Plays it. Throws an `UnfitScenario`, before anything is sent, where the configuration cannot play it. */
export async function runScenario({ steps }: Scenario, parts: ScenarioParts): Promise<ScenarioRun> {
  const { platform, clock, stop, run, instead, onProgress } = parts;
  const callers = new Callers(parts.onOtherCaller);
  const actors = steps.map((step, index) => new StepRunner(step, index, { platform, instead, callers }));
  const scopeOf = (n: number): StepScope => ({ n, run, now: new Date(clock.now()) });
  const requests = actors.map((actor) => actor.described(scopeOf(1)));
  const exchanges: Exchange[] = [];
  const startedAtMs = clock.elapsed();
  // Each request that waits for its time listens.
  setMaxListeners(0, stop);
  const act = async (actor: StepRunner): Promise<void> => {
    await pause(actor.step.at, clock, stop);
    const send = async (n: number): Promise<void> => {
      const sentAtMs = clock.elapsed() - startedAtMs;
      exchanges.push({ ...(await actor.send(scopeOf(n))), sentAtMs });
      onProgress(exchanges.length);
    };
    await paced(actor.step, send, { clock, stop });
  };
  await Promise.all(actors.map(act));
  return { requests, exchanges, ms: clock.elapsed() - startedAtMs };
}

/** Makes the requests of one step. */
class StepRunner {
  readonly #platform: Platform;
  readonly #instead: ScenarioParts['instead'];
  readonly #callers: Callers;
  readonly #source: SourceRow;

  constructor(
    readonly step: Step,
    readonly index: number,
    { platform, instead, callers }: Pick<ScenarioParts, 'platform' | 'instead'> & { readonly callers: Callers },
  ) {
    this.#platform = platform;
    this.#instead = instead;
    this.#callers = callers;
    this.#source = this.#chosen(platform.sources);
  }

  /** A description of its request. Throws an `IncompatibleScenarioError` if it cannot be made. */
  described(scope: StepScope): string {
    const { ring, send, repeat, expect } = this.step;
    const { name, component } = this.#source;
    if (component.answerBy === 'call' && (expect.variables ?? expect.anyVariables) !== undefined)
      this.#unfit(`source ${name} sends its answers by requests of its own: its replies have no variables to expect`);
    this.#signed(scope);
    const sample = send?.render(scope);
    const what =
      ring === undefined ? `send ${typeof sample === 'string' ? sample : 'a body'}` : this.#inboundCall(scope);
    return `${what} to ${this.#source.name}${repeat === 1 ? '' : ` × ${repeat}`}`;
  }

  async send(scope: StepScope): Promise<Omit<Exchange, 'sentAtMs'>> {
    const reply = await this.#replyTo(scope);
    const calls = this.#source.component.calls === true;
    const answer = reply.kind === 'reply' && calls ? this.#platform.answerIn(this.#source, reply.body) : null;
    const wanted = Object.entries(this.step.expect.variables ?? {}).map(([name, text]) => [name, text.render(scope)]);
    return {
      step: this.index,
      calls,
      reply,
      answer,
      wanted: this.step.expect.variables === undefined ? null : Object.fromEntries(wanted),
    };
  }

  /** Rings with another number where the router gives the answer of a call before this run, which shows nothing of how it answers now. */
  async #replyTo(scope: StepScope): Promise<Reply> {
    if (this.step.ring === undefined) return this.#platform.post(this.#signed(scope));
    for (;;) {
      const call = this.#call(scope);
      const count = this.#callers.rung(call);
      const reply = await this.#platform.post(this.#signed(scope));
      const isEarlier = reply.kind === 'reply' && reply.requests > count();
      if (!isEarlier || !this.#callers.replace(call.from)) return reply;
    }
  }

  #signed(scope: StepScope) {
    const signed = this.#platform.signed(this.#source, this.#body(scope));
    return signed ?? this.#unfit(`source ${this.#source.name} cannot sign a request itself`);
  }

  #body(scope: StepScope): JsonObject {
    const { send, set } = this.step;
    if (send === undefined) {
      const body = this.#platform.callBody(this.#source, this.#call(scope));
      return body ?? this.#unfit(`source ${this.#source.name} cannot write a request about a call: send a body`);
    }
    const given = send.render(scope);
    const body = typeof given === 'string' ? this.#source.component.samples?.[given] : given;
    if (!isObject(body))
      return this.#unfit(`there is no sample ${JSON.stringify(given)}; ${samplesOf([this.#source])}`);
    const changed = Object.entries(set);
    return changed.reduce((current, [path, value]) => withField(current, path, value.render(scope)), body);
  }

  #inboundCall(scope: StepScope): string {
    const { from, to } = this.#call(scope);
    return `ring ${to} from ${from || 'a withheld number'}`;
  }

  #call(scope: StepScope) {
    const { from, to, agent } = this.step.ring ?? {};
    return {
      from: this.#callers.numberOf(from?.render(scope) ?? ''),
      to: this.#instead.to ?? to?.render(scope) ?? '',
      agent: this.#instead.agent ?? agent?.render(scope) ?? null,
    };
  }

  #chosen(sources: readonly SourceRow[]): SourceRow {
    const { as = this.step.ring === undefined ? undefined : 'call', send } = this.step;
    const named = sources.find(({ name }) => name === as);
    if (named !== undefined) return named;
    const kinds: Readonly<Record<string, (source: SourceRow) => boolean>> = {
      call: isCall,
      events: (source) => !isCall(source),
    };
    const sample = send?.render({ n: 1, run: '', now: new Date(0) });
    const fits =
      as === undefined ? ({ component }: SourceRow) => component.samples?.[String(sample)] !== undefined : kinds[as];
    const found = fits === undefined ? undefined : sources.find(fits);
    if (found !== undefined) return found;
    const missing =
      as === undefined
        ? `no source with a sample ${JSON.stringify(sample)}; ${samplesOf(sources)}`
        : `no source for "${as}"; it has: ${sources.map(({ name }) => name).join(', ')}`;
    const eventless = send !== undefined && sources.every(isCall) ? `. ${needsEvents}` : '';
    return this.#unfit(`the configuration has ${missing}${eventless}`);
  }

  #unfit(reason: string): never {
    throw new IncompatibleScenarioError(`step ${this.index + 1}: ${reason}`);
  }
}

const needsEvents =
  'Events need a source that takes them, such as sigmamind.events; the scenario phones-only does without';

function isCall({ component }: SourceRow): boolean {
  return component.calls === true;
}

function samplesOf(sources: readonly SourceRow[]): string {
  return sources
    .map(({ name, component: { samples = {} } }) => `${name} has ${Object.keys(samples).join(', ') || 'no samples'}`)
    .join('; ');
}
