/** Makes the answer of a call: the row that matches, what its resolvers find, and the variables of it. */
import type { Answer, Call, Clock, Log } from '@switchhook/sdk';
import { noLog } from '../system/log.js';
import type { Mask } from '../system/mask.js';
import type { Pauses } from '../system/pauses.js';
import type { AnswerPlan, AnswerRow, AnswerTrace } from './answer.js';
import { callerKey } from './call-key.js';
import { FactsCache } from './facts-cache.js';
import { answerFor } from './matching-answer.js';
import { noFacts, type ResolvedFacts, type ResolveParts, resolveFacts } from './resolve.js';
import { type OpenResolver, ResolverBulkhead } from './resolver-bulkhead.js';
import type { SharedCalls } from './shared-calls.js';
import { resolveVariables } from './variables.js';

/** A call to be answered. Times are by the clock's `elapsed`. */
export interface AnswerRequest {
  readonly source: string;
  readonly call: Call;
  readonly startedAtMs: number;
  /** How long the platform waits after `startedAtMs`. */
  readonly deadlineMs: number;
  /** When the answer must be there. */
  readonly hardEndMs: number;
  readonly plan: AnswerPlan;
}

/** What an answer is made with. */
export interface MakerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly mask: Mask;
  readonly pauses: Pauses;
  readonly shared: SharedCalls;
}

type Made = Omit<AnswerTrace, 'eventId'>;
type Bulkheads = ReadonlyMap<string, ResolverBulkhead>;

/** Where look-ups are made, and what of them is kept. */
interface Way extends Omit<ResolveParts, 'clock'> {
  readonly log: Log;
}

export class AnswerMaker {
  readonly #parts: MakerParts;
  /** Of each resolver, also of an earlier configuration while a call needs it. */
  readonly #bulkheads = new WeakMap<OpenResolver, ResolverBulkhead>();
  /** By the resolvers of a configuration. */
  readonly #byName = new WeakMap<AnswerPlan['resolvers'], Bulkheads>();
  #count = 0;
  readonly factsCache = new FactsCache();

  constructor(parts: MakerParts) {
    this.#parts = parts;
  }

  /** Never rejects; resolves at `hardEndMs` at the latest. */
  make(request: AnswerRequest): Promise<Made> {
    const { log, shared } = this.#parts;
    const bulkheads = this.bulkheadsOf(request.plan);
    return this.#made(request, { bulkheads, factsCache: this.factsCache, sharedCalls: shared, log });
  }

  /**
   * The same for a call that does not ring: resolvers are asked as for a call, but nothing is kept, counted or logged of it, no circuit
   * breaker learns of it, and it takes no place of a real look-up. Its look-ups are in traces.
   */
  dryRun(request: AnswerRequest): Promise<Made> {
    const { shared } = this.#parts;
    const bulkheads = new Map([...this.bulkheadsOf(request.plan)].map(([name, { dryRuns }]) => [name, dryRuns]));
    const sharedCalls: Way['sharedCalls'] = {
      isOn: shared.isOn,
      loadFacts: (caller, asked, cache) => shared.loadFacts(caller, asked, cache, true),
      keepFacts: () => {},
    };
    return this.#made(request, { bulkheads, factsCache: this.factsCache.copyOnWrite(), sharedCalls, log: noLog });
  }

  /** By the names of the resolvers. */
  bulkheadsOf({ resolvers }: AnswerPlan): Bulkheads {
    const known = this.#byName.get(resolvers);
    if (known !== undefined) return known;
    const bulkheads = new Map([...resolvers].map(([name, open]) => [name, this.#bulkheadOf(name, open)]));
    this.#byName.set(resolvers, bulkheads);
    return bulkheads;
  }

  async #made(request: AnswerRequest, way: Way): Promise<Made> {
    const { log } = way;
    const { source, call, plan, deadlineMs } = request;
    const limits = { withinMs: null, deadlineMs };
    try {
      const now = new Date(this.#parts.clock.now());
      const row = answerFor(plan.answers, { source, call, now }, ({ name }, error) =>
        log.warn('answer.where-failed', { answer: name, error }),
      );
      if (row === null) return { ...unanswered, limits };
      const { known, lookups } = await this.#resolveFacts(row, request, way);
      const scope = { call, now, known, lookups, resolvers: plan.resolvers.keys() };
      const resolved = resolveVariables(row, scope, (variable, reason) =>
        log.warn('answer.variable-refused', { answer: row.name, variable, reason }),
      );
      const openBreakers = lookups
        .map(({ resolver }) => resolver)
        .filter((name) => this.bulkheadsOf(plan).get(name)?.isBreakerOpen);
      return { name: row.name, ...resolved, lookups, openBreakers, limits: { ...limits, withinMs: row.withinMs } };
    } catch (error) {
      log.error('answer.failed', { source, error });
      return { ...unanswered, step: 'minimum', limits };
    }
  }

  async #resolveFacts(row: AnswerRow, request: AnswerRequest, { log, ...way }: Way): Promise<ResolvedFacts> {
    const { call, startedAtMs, hardEndMs } = request;
    const endMs = Math.min(startedAtMs + row.withinMs, hardEndMs);
    const caller = callerKey(row.name, call);
    const cache = row.cache === null || caller === null ? null : { policy: row.cache, caller };
    try {
      const asked = { resolve: row.resolve, call, startedAtMs, endMs, cache };
      return await resolveFacts(asked, { ...way, clock: this.#parts.clock });
    } catch (error) {
      log.error('answer.failed', { answer: row.name, error });
      return noFacts;
    }
  }

  #bulkheadOf(name: string, open: OpenResolver): ResolverBulkhead {
    const known = this.#bulkheads.get(open);
    if (known !== undefined) return known;
    const { clock, log, mask, pauses } = this.#parts;
    this.#count += 1;
    const factsKey = `${name}#${this.#count}`;
    const pauseOf = () => pauses.of('resolver', name);
    const bulkhead = new ResolverBulkhead(open, { factsKey, clock, log, mask, pauseOf });
    this.#bulkheads.set(open, bulkhead);
    return bulkhead;
  }
}

const nothing: Answer = { variables: {}, overrideAgent: null };

/** Nothing is known of a call. */
export const unanswered: Omit<Made, 'limits'> = {
  name: null,
  step: 'unanswered',
  answer: nothing,
  origins: {},
  agentOrigin: null,
  lookups: [],
  openBreakers: [],
};
