/** What the page reads of the history. The test of the other replies compares it with the API's own schema. */

type Numbers = readonly number[];

export type Percentiles = { readonly [Share in 'p50' | 'p95' | 'p99']: number | null };

export interface DestinationHistory {
  readonly destination: string;
  readonly delivered: Numbers;
  readonly failed: Numbers;
  readonly dead: Numbers;
  readonly attemptMs: Percentiles;
}

/** Each list has a number for each of `times`. */
export interface History {
  readonly until: string;
  readonly stepSeconds: number;
  readonly times: readonly string[];
  readonly total: {
    readonly [What in 'received' | 'duplicates' | 'refused' | 'delivered' | 'failed' | 'dead' | 'calls']: number;
  };
  readonly events: { readonly [What in 'received' | 'duplicates' | 'refused']: Numbers };
  readonly sources: readonly {
    readonly source: string;
    readonly received: Numbers;
    readonly refused: Numbers;
    /** Calls that no answer matched. */
    readonly unanswered: Numbers;
  }[];
  readonly destinations: readonly DestinationHistory[];
  readonly routes: readonly { readonly route: string; readonly events: Numbers; readonly failures: Numbers }[];
  readonly answers: readonly { readonly answer: string; readonly calls: Numbers }[];
  readonly resolvers: readonly { readonly resolver: string; readonly lookups: Numbers; readonly failed: Numbers }[];
  readonly calls: {
    readonly answered: Numbers;
    readonly steps: { readonly [step: string]: number };
    readonly ringMs: Percentiles;
  } & { readonly [Share in 'ringP50Ms' | 'ringP95Ms' | 'ringP99Ms']: readonly (number | null)[] };
}
