/** What the page reads of the API's responses. A test compares it with the API's own schemas. */
import type { Json } from './json.js';
import type { Refusal } from './refused.js';
import type { RouterStatus } from './routers.js';
import type { AnswerExplanation, CallDryRun, SentAnswer } from './trial-replies.js';

export type DeliveryState = 'waiting' | 'running' | 'delivered' | 'dead' | 'skipped' | 'gathered';

export interface Hold {
  readonly kind: 'paused' | 'breaker-open' | 'asked-to-wait';
  readonly since: string;
  readonly until: string | null;
  readonly by: string | null;
  readonly reason: string | null;
}

export interface Failure {
  readonly at: string;
  readonly reason: string;
}

/** How bad it is, what is wrong, and what to do; `advice` is empty where there is nothing to do. */
export interface Trouble {
  readonly level: 'bad' | 'warn' | 'busy' | 'well';
  readonly what: string;
  readonly advice: string;
  /** `source`: its refused requests; `calls`: its calls that no answer matched. Absent: the router, its store, or all. */
  readonly about?:
    | { readonly kind: 'destination' | 'resolver' | 'source' | 'calls' | 'pull' | 'route'; readonly name: string }
    | undefined;
}

export type Level = Trouble['level'];

export interface Standing {
  readonly breaker: 'closed' | 'open' | 'half-open' | null;
  readonly holds: readonly Hold[];
  readonly lastFailure: Failure | null;
}

export interface DestinationStatus extends Standing {
  readonly destination: string;
  readonly configured: boolean;
  readonly use: string | null;
  readonly waiting: number | null;
  readonly running: number | null;
  readonly dead: number | null;
  readonly oldestSeconds: number | null;
  readonly rateLimit: { readonly count: number; readonly perMs: number } | null;
  readonly rateLimited: boolean;
  readonly trouble: Trouble;
}

export interface ResolverStatus extends Standing {
  readonly resolver: string;
  readonly use: string | null;
}

export interface PullStatus {
  readonly source: string;
  readonly use: string | null;
  readonly state: 'running' | 'standby' | 'waiting';
  readonly since: string;
  readonly lastFailure: Failure | null;
}

export interface SourceStatus {
  /** Empty: requests for which there is no source. */
  readonly source: string;
  readonly received: number;
  readonly refused: number;
  readonly lastRefusedAt: string | null;
  /** The most frequent reason of the last hour. */
  readonly refusal: (Refusal & { readonly requests: number }) | null;
  /** Since the router started. */
  readonly secrets: readonly (VerifiedBy & { readonly requests: number; readonly lastAt: string })[];
}

export interface Status {
  readonly version: string;
  readonly node: string;
  readonly now: string;
  readonly uptimeSeconds: number;
  /** What is worst, or that all is well. */
  readonly summary: Trouble;
  /** All that fails or waits, the worst first. */
  readonly troubles: readonly Trouble[];
  readonly store: {
    readonly use: string;
    readonly canCommit: boolean;
    readonly reason: string | null;
    readonly commitMs: number | null;
    readonly bytes: number | null;
    readonly freeBytes: number | null;
    readonly pruned: { readonly at: string; readonly removed: number; readonly bodies: number } | null;
  };
  readonly process: { readonly memoryBytes: number; readonly busyShare: number };
  /** The worst first. */
  readonly destinations: readonly DestinationStatus[];
  readonly resolvers: readonly ResolverStatus[];
  readonly sources: readonly SourceStatus[];
  readonly pulls: readonly PullStatus[];
  /** Those that share the store, the one that answers first; empty where it is not shared. */
  readonly routers: readonly RouterStatus[];
}

export interface Probe {
  readonly tried: 'delivery' | 'component' | 'nothing';
  readonly succeeded: boolean | null;
  readonly delivery: string | null;
  readonly reason: string | null;
  readonly ms: number;
  readonly paused: boolean;
}

export interface Route {
  readonly name: string;
  readonly from: readonly string[];
  readonly on: readonly string[];
  readonly where: string | null;
  readonly to: readonly string[];
  readonly transforms: readonly string[];
}

export interface RouterEvent {
  readonly id: string;
  readonly key: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly occurredAt: string;
  readonly receivedAt: string;
}

/** Which secret of a source a request had: the position from 1, 0 where it needs none. */
export interface VerifiedBy {
  readonly secret: number;
  readonly of: number;
}

export interface WholeEvent extends RouterEvent {
  /** Of the data; null after retention has removed them. */
  readonly bytes: number | null;
  readonly verifiedBy: VerifiedBy | null;
  /** Null after retention has removed it. */
  readonly data: { readonly [key: string]: Json } | null;
}

export interface Attempt {
  readonly number: number;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: 'delivered' | 'rejected' | 'unavailable' | 'skipped';
  readonly reason: string | null;
  readonly response: string | null;
}

export interface Delivery extends Pick<RouterEvent, 'type' | 'subject'> {
  readonly id: string;
  readonly event: string;
  readonly route: string;
  readonly destination: string;
  readonly transforms: readonly string[];
  readonly state: DeliveryState;
  readonly reason: 'rejected' | 'exhausted' | 'discarded' | null;
  /** Since it was made or replayed. */
  readonly attempts: number;
  /** Those before a replay included; null where the store does not know. */
  readonly attemptsInAll: number | null;
  readonly failure: string | null;
  readonly dueAt: string | null;
  readonly createdAt: string;
  readonly settledAt: string | null;
  readonly gathered: { readonly by: string; readonly events: number } | null;
}

/** Dead deliveries that failed alike. */
export interface DeadGroup {
  readonly destination: string;
  readonly reason: 'rejected' | 'exhausted' | 'discarded';
  readonly failure: string | null;
  readonly deliveries: number;
  readonly latest: string;
}

export interface DeadGroups {
  readonly groups: readonly DeadGroup[];
  readonly more: boolean;
}

export interface DeliveryDetails extends Delivery {
  /** What holds its destination back while it waits; null where nothing does. */
  readonly heldBack: string | null;
  readonly history: readonly Attempt[];
}

export interface EventDetails extends WholeEvent {
  /** Since the router started; null where it did not come again. */
  readonly repeated: { readonly times: number; readonly lastAt: string } | null;
  readonly deliveries: readonly DeliveryDetails[];
}

export interface ExplainedValue {
  readonly text: string;
  readonly value?: unknown;
  readonly failure: string | null;
}

export interface ExplainedPart extends ExplainedValue {
  readonly decides: boolean;
  readonly operands: readonly ExplainedValue[];
}

export interface RouteExplanation {
  readonly route: string;
  readonly matches: boolean;
  readonly reason: string | null;
  readonly where: string | null;
  readonly parts: readonly ExplainedPart[];
  readonly destinations: readonly {
    readonly destination: string;
    readonly preview: { readonly [key: string]: unknown } | null;
    readonly reason: string | null;
    readonly rejected: boolean;
    readonly heldBack: string | null;
  }[];
}

export interface Explanation {
  readonly event: WholeEvent;
  readonly kept: boolean;
  readonly deliveries: readonly DeliveryDetails[];
  readonly routes: readonly RouteExplanation[];
  /** Of a call: those of today, for the call as it came. */
  readonly answers: readonly AnswerExplanation[];
  readonly call: CallDryRun | null;
}

export type Step = 'fresh' | 'cached' | 'stale' | 'default' | 'none' | 'minimum' | 'unanswered';

export interface Origin {
  readonly step: 'fresh' | 'cached' | 'stale' | 'default' | 'none';
  readonly resolvers: readonly string[];
  readonly reason?: string | null | undefined;
}

export interface Lookup {
  readonly resolver: string;
  readonly outcome: 'found' | 'not-found' | 'cached' | 'late' | 'failed' | 'skipped' | 'busy';
  readonly start_ms: number;
  readonly ms: number;
  readonly reason: string | null;
}

export interface CallAnswer {
  readonly from: string;
  readonly to: string;
  readonly name: string | null;
  readonly step: Step;
  readonly variables: { readonly [name: string]: string };
  readonly override_agent: string | null;
  readonly override_agent_origin?: Origin | null | undefined;
  readonly origins: { readonly [name: string]: Origin };
  readonly lookups: readonly Lookup[];
  readonly requests: number;
  readonly ms: number;
  readonly within_ms?: number | null | undefined;
  readonly deadline_ms?: number | undefined;
  readonly sent?: SentAnswer | undefined;
}

export interface Call {
  readonly id: string;
  readonly source: string;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly receivedAt: string;
  readonly answer: CallAnswer;
}

export interface Session {
  readonly signedIn: boolean;
  readonly tokenNeeded: boolean;
  readonly until: string | null;
}

export type Change =
  | { readonly kind: 'event'; readonly event: RouterEvent }
  | { readonly kind: 'attempt'; readonly event: RouterEvent; readonly delivery: Delivery; readonly attempt: Attempt };

export interface ChangePage {
  readonly changes: readonly Change[];
  readonly hidden: number;
  readonly cursor: string;
}
