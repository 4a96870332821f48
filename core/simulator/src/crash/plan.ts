/** What a crash test is to do, and what it reports. */
import type { Clock } from '@switchhook/sdk';
import type { Verdict } from './ledger.js';

/** What to do. */
export interface Plan {
  /** Script of the command line, which starts the routers. */
  readonly command: string;
  readonly kills: number;
  /** How often one is suspended for longer than a lease, and resumed. At most as often as one is killed. */
  readonly freezes: number;
  /** How many run at once. More than one need a store that they can share. */
  readonly routers: number;
  /** How often all are replaced, one after another, without being killed. At most as often as one is killed. */
  readonly deploys: number;
  /** Events. */
  readonly perSecond: number;
  readonly seed: number;
  /** Empty: everything that is written is written here. */
  readonly directory: string;
  /** The row `store:` of the configuration, as YAML; given the URL of the database where there is one. */
  readonly store: (url: string) => string;
  /** URL of the database of the store; null where it has none, or breaks no connections to it. */
  readonly database: string | null;
  /** How often the connections to the database break. At most as often as a router is killed. */
  readonly outages: number;
  /** How often one destination fails until its circuit breaker opens, and recovers. At most as often as a router is killed. */
  readonly breakers: number;
  /** Command for a shell that restarts the server of the database, and ends when it can be reached again; null where there is none. */
  readonly restartCommand: string | null;
  /** Whether the store is outside of the directory: then it must be empty, and is emptied again where nothing was lost. */
  readonly storeIsElsewhere: boolean;
  /** Plugins to load beside the ones that are found: packages, or absolute paths. */
  readonly plugins: readonly string[];
}

/** What was done so far. */
export interface Progress {
  readonly phase: 'killing' | 'freezing' | 'replacing' | 'disconnected' | 'failing' | 'draining';
  readonly kills: number;
  /** Kills before the router was ready. */
  readonly early: number;
  readonly freezes: number;
  readonly deploys: number;
  readonly outages: number;
  /** Events. */
  readonly acknowledged: number;
  /** While draining: deliveries that are still to be made. */
  readonly open: number;
}

/** What came of it. */
export type Findings = Verdict & Pick<Progress, 'kills' | 'early' | 'freezes' | 'deploys' | 'outages'>;

/** What it works with. */
export interface CrashtestParts {
  readonly clock: Clock;
  readonly onProgress: (progress: Progress) => void;
  /** Aborted: no further kill; what was acknowledged until then is counted. */
  readonly stop: AbortSignal;
  /** Aborted: the router is killed at once, and nothing is counted. */
  readonly abandon: AbortSignal;
}
