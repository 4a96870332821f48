/** The configuration that the killed router runs: short limits, so that each of them acts within a few rounds. */
import { fileURLToPath } from 'node:url';
import type { SentEvent } from './ledger.js';

/** How often a delivery is tried: so seldom that some run out of attempts. */
export const attempts = 6;
/** Of an attempt. */
export const timeoutMs = 500;
/** Of the circuit breaker of the fragile destination: longer than the longest pause between two attempts, so that probes that fail do not make it longer. */
export const cooldownMs = 2_000;
/** Six timeouts and half a minute: see docs/decisions, leases and the hand-off. */
export const longestLeaseMs = 6 * timeoutMs + 30_000;

/** What differs from one crash test to another. */
export interface Setting {
  /** Events, of all types. */
  readonly perSecond: number;
  /** The row `store:`, as YAML. */
  readonly store: string;
  /** Packages, or absolute paths. */
  readonly plugins: readonly string[];
  readonly secret: string;
  readonly receiver: string;
}

/** The file. JSON is YAML, so values are written as JSON. */
export function configuration({ perSecond, store, plugins, secret, receiver }: Setting): string {
  const own = fileURLToPath(new URL('./plugin.js', import.meta.url));
  const queue = `timeout: ${timeoutMs}ms, concurrency: 16, retry: { attempts: ${attempts}, first: 20ms, max: 200ms }`;
  const destination = (name: string, breaker = 'false'): string =>
    `use: crashtest.receiver, url: ${JSON.stringify(`${receiver}/${name}`)}, ${queue}, breaker: ${breaker}`;
  return `version: 1
server: { host: 127.0.0.1, port: 0, grace: 1s }
log: { level: error }
store: ${store}
plugins: ${JSON.stringify([own, ...plugins])}
sources:
  sender: { use: crashtest.sender, secret: ${JSON.stringify(secret)} }
  phone: { use: crashtest.phone, secret: ${JSON.stringify(secret)} }
resolvers:
  customer: { use: crashtest.lookup, breaker: false }
answers:
  - { name: call, from: phone, within: 2s, resolve: [customer], variables: { found: "\${{ customer.found }}" }, defaults: { found: "" } }
destinations:
  plain: { ${destination('plain')} }
  ordered: { ${destination('ordered')}, ordered: true }
  limited: { ${destination('limited')}, rateLimit: ${limitOf(perSecond)}/s }
  ${fragile}: { ${destination(fragile, `{ failures: 5, cooldown: ${cooldownMs}ms }`)} }
routes:
  - { from: sender, to: plain }
  - { from: sender, on: plain, to: ${fragile} }
  - { from: sender, on: ordered, to: ordered }
  - { from: sender, on: limited, to: limited }
`;
}

/** The destination with a circuit breaker: it fails at each call now and then, for a while. */
export const fragile = 'fragile';

/** Where the routes send an event. */
export function destinationsOf({ type }: SentEvent): readonly string[] {
  return ['plain', type === 'plain' ? fragile : type];
}

/** Attempts per second that the limited destination gets: about as many as its events need, so that what has waited reaches the limit. */
export function limitOf(perSecond: number): number {
  return Math.max(1, Math.round(perSecond / 2));
}

/** Whether a destination has that limit. */
export function isLimited(destination: string): boolean {
  return destination === 'limited';
}

/** Whether a destination gets the events of a subject one after another. */
export function isOrdered(destination: string): boolean {
  return destination === 'ordered';
}
