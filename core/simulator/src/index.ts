/** Plays the platform against a router: scenarios of calls, and a crash test that kills the router again and again. */
export { breakerTrial, failingMs, mostCalls, type TrialParts } from './crash/breaker-trial.js';
export { type CallerParts, Callers } from './crash/callers.js';
export { crashtest } from './crash/crash-test.js';
export { type Arrival, isKept, Ledger, nameOf, type SentEvent, type Trial } from './crash/ledger.js';
export type { Findings, Plan, Progress } from './crash/plan.js';
export { RateGauge, type RateGaugeLimits } from './crash/rate-gauge.js';
export { SeededRandom } from './crash/seeded-random.js';
export { offlineClient, offlineUrl, Platform, type SourceRow, withField } from './hook-client.js';
export { DryRunProcess } from './router-process.js';
export { type DryRun, dryRunOf } from './scenario/dry-run-config.js';
export {
  acknowledgedIn,
  type CallLookup,
  evaluateScenario,
  type Listing,
  type LookupCounts,
  type Quantiles,
  quantilesOf,
  type StepVerdict,
  type Verdict,
} from './scenario/evaluate.js';
export { readScenario, scenarioFrom, shippedFile, shippedScenarios } from './scenario/load.js';
export { type Pace, paced, pause } from './scenario/pacer.js';
export {
  type Exchange,
  IncompatibleScenarioError,
  runScenario,
  type ScenarioParts,
  type ScenarioRun,
} from './scenario/run.js';
export { type Scenario, scenarioSchema } from './scenario/scenario.js';
