/** What the API returns of replays and discards of many. A test compares it with the API's own schemas. */

/** Conditions that a list of deliveries has, too. */
type Condition = 'destination' | 'route' | 'event' | 'since' | 'until';

/** Conditions that only a list of events has. */
type EventCondition = 'source' | 'type' | 'subject' | 'agent';

interface BulkProgress {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled' | 'stopped';
  readonly dryRun: boolean;
  readonly filter: { readonly [C in Condition | EventCondition]?: string | undefined } & {
    /** Null: no attempt came back. */
    readonly failure?: string | null | undefined;
  };
  readonly startedAt: string;
  readonly matched: number;
  readonly destinations: readonly string[];
  readonly reason: string | null;
}

export interface Replay extends BulkProgress {
  readonly replayed: number;
  /** How the replayed ones have ended since; `again`: those that were replayed once more; null where none was replayed, and of all but the latest. */
  readonly outcomes:
    | { readonly [End in 'delivered' | 'dead' | 'skipped' | 'again' | 'open' | 'unknown']: number }
    | null;
  /** What holds those that have not ended back: a sentence for each destination. */
  readonly heldBack: readonly string[];
  readonly skipped: { readonly running: number; readonly unconfigured: number; readonly withoutBody: number };
}

export interface Discard extends BulkProgress {
  readonly discarded: number;
  readonly skipped: { readonly running: number };
}

export type BulkChange = Replay | Discard;
