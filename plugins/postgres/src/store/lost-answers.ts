/** Commits whose answer was lost with the connection: what they took for this router is returned, instead of waiting for its lease to end. */
import type { ClaimRequest, Clock } from '@switchhook/sdk';
import { failureOf } from '../failure.js';
import { type Database, mayBeCommitted } from './database.js';
import type { leaseStatements } from './sql-leases.js';

/** A claim that may have taken deliveries. */
type LostClaim = Pick<ClaimRequest, 'destination' | 'leaseUntilMs'> & { readonly number: number };

/** After a long outage the leases end before the rest is returned. */
const mostEvents = 10_000;

export class LostAnswers {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof leaseStatements>;
  readonly #clock: Clock;
  readonly #handOver: number;
  #claims: LostClaim[] = [];
  #events: string[] = [];
  #returning: Promise<void> | null = null;

  /** `handOver`: number of the claim of what is handed over in memory. */
  constructor(database: Database, sql: ReturnType<typeof leaseStatements>, clock: Clock, handOver: number) {
    this.#database = database;
    this.#sql = sql;
    this.#clock = clock;
    this.#handOver = handOver;
  }

  /** A claim has failed; `isTaken`: after it had taken deliveries. */
  noteClaim(claim: LostClaim, error: unknown, isTaken: boolean): void {
    if (isTaken || mayBeCommitted(failureOf(error))) this.#claims.push(claim);
  }

  /** Events could not be appended, so that none of their deliveries was handed over. */
  noteEvents(ids: readonly string[], error: unknown): void {
    if (mayBeCommitted(failureOf(error)) && this.#events.length < mostEvents) this.#events.push(...ids);
  }

  /** Returns what was taken. Rejects while the database cannot be reached. */
  async returnAll(): Promise<void> {
    if (this.#claims.length + this.#events.length === 0) return;
    this.#returning ??= this.#returnAll().finally(() => {
      this.#returning = null;
    });
    await this.#returning;
  }

  async #returnAll(): Promise<void> {
    const nowMs = this.#clock.now();
    for (let [claim] = this.#claims; claim !== undefined; [claim] = this.#claims) {
      await this.#database.run(this.#sql.returnClaim, [claim.destination, claim.leaseUntilMs, claim.number, nowMs]);
      this.#claims.shift();
    }
    const events = this.#events;
    if (events.length === 0) return;
    await this.#database.run(this.#sql.returnAppended, [events, nowMs, this.#handOver]);
    this.#events = this.#events.slice(events.length);
  }
}
