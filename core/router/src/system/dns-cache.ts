/** Host names to addresses. Where the name server is slow or fails, those of before are used: no phone waits for it. */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import type { Clock } from '@switchhook/sdk';
import { LRUCache } from 'lru-cache';

/** Queries the system's resolver. */
export type AskSystem = (name: string, options: LookupAllOptions) => Promise<readonly LookupAddress[]>;

/** What old addresses are good for, as name servers have it that serve stale ones: https://www.rfc-editor.org/rfc/rfc8767#section-5 */
const staleMs = 86_400_000;
/** Shorter than the 1.8 s that are usual there, because a phone may ring meanwhile. */
const patienceMs = 400;
const mostNames = 2_000;
/** Longer than a system tries all its name servers. */
const longestQuestionMs = 60_000;

export class DnsCache {
  readonly #clock: Clock;
  readonly #ask: AskSystem;
  readonly #known: LRUCache<string, readonly LookupAddress[]>;
  /** One query per name: the system runs two at a time. */
  readonly #asked = new Map<string, Promise<readonly LookupAddress[]>>();

  constructor(clock: Clock, ask: AskSystem = askSystem) {
    this.#clock = clock;
    this.#ask = ask;
    // An entry that is set at 0 would never expire.
    const perf = { now: () => clock.elapsed() + 1 };
    this.#known = new LRUCache({ max: mostNames, ttl: staleMs, ttlResolution: 0, perf });
  }

  /** Rejects if the name does not exist, or no address is cached and the query fails. */
  async addressesOf(name: string, options: LookupAllOptions): Promise<readonly LookupAddress[]> {
    const asked = this.#askedFor(name, options);
    const known = this.#known.get(name);
    if (known === undefined) return asked;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(patienceMs, () => resolve(known));
      asked
        .then(resolve, (error: unknown) => (saysThereIsNone(error) ? reject(error) : resolve(known)))
        .finally(cancel);
    });
  }

  #askedFor(name: string, options: LookupAllOptions): Promise<readonly LookupAddress[]> {
    const asked = this.#asked.get(name);
    if (asked !== undefined) return asked;
    const asking = this.#answer(name, options).finally(() => {
      cancel();
      forget();
    });
    const forget = (): void => {
      if (this.#asked.get(name) === asking) this.#asked.delete(name);
    };
    // A question that is never answered must not be the last one.
    const cancel = this.#clock.after(longestQuestionMs, forget);
    this.#asked.set(name, asking);
    return asking;
  }

  async #answer(name: string, options: LookupAllOptions): Promise<readonly LookupAddress[]> {
    const addresses = await this.#ask(name, options);
    if (addresses.length > 0) this.#known.set(name, addresses);
    return addresses;
  }
}

/** That there is no such name is an answer, and not a failure to get one. */
function saysThereIsNone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOTFOUND';
}

function askSystem(name: string, options: LookupAllOptions): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(name, options, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
}
