/** The configuration that the killed router runs: short limits, so that each of them acts within a few rounds. */
import { fileURLToPath } from 'node:url';
import type { SentEvent } from './ledger.js';

/** How often a delivery is tried: so seldom that some run out of attempts. */
export const attempts = 6;
/** Of an attempt. */
const timeoutMs = 500;
/** Six timeouts and half a minute: see docs/decisions, leases and the hand-off. */
export const longestLeaseMs = 6 * timeoutMs + 30_000;

/** What differs from one crash test to another. */
export interface Setting {
  /** The row `store:`, as YAML. */
  readonly store: string;
  /** Packages, or absolute paths. */
  readonly plugins: readonly string[];
  readonly secret: string;
  readonly receiver: string;
}

/** The file. JSON is YAML, so values are written as JSON. */
export function configuration({ store, plugins, secret, receiver }: Setting): string {
  const own = fileURLToPath(new URL('./plugin.js', import.meta.url));
  const queue = `timeout: ${timeoutMs}ms, concurrency: 16, retry: { attempts: ${attempts}, first: 20ms, max: 200ms }, breaker: false`;
  const destination = (name: string): string =>
    `use: crashtest.receiver, url: ${JSON.stringify(`${receiver}/${name}`)}, ${queue}`;
  return `version: 1
server: { host: 127.0.0.1, port: 0, grace: 1s }
log: { level: error }
store: ${store}
plugins: ${JSON.stringify([own, ...plugins])}
sources:
  sender: { use: crashtest.sender, secret: ${JSON.stringify(secret)} }
destinations:
  plain: { ${destination('plain')} }
  ordered: { ${destination('ordered')}, ordered: true }
routes:
  - { to: plain }
  - { on: ordered, to: ordered }
`;
}

/** Where the routes send an event. */
export function destinationsOf({ type }: SentEvent): readonly string[] {
  return type === 'ordered' ? ['plain', 'ordered'] : ['plain'];
}

/** Whether a destination gets the events of a subject one after another. */
export function isOrdered(destination: string): boolean {
  return destination === 'ordered';
}
