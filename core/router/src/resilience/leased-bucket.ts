/** A rate limit that holds for several routers together: each takes tokens of their common bucket in blocks. */
import { type Rate, type RateLimit, TokenBucket } from './token-bucket.js';

/** Where the blocks come from. */
export interface LeaseParts {
  /** Takes so many tokens, and returns in how many milliseconds they may be used. Rejects where the store does not answer. */
  lease(tokens: number): Promise<number>;
  /** How many routers share the rate, as far as is known; at least 1. */
  sharers(): number;
  /** Milliseconds, from a clock that never goes back. */
  elapsed(): number;
  /** Tokens have arrived, or could not be taken: `allowance` has changed. */
  onLease(): void;
}

/** A block is what comes in this time: ten leases a second, however many attempts there are. */
const blockMs = 100;
/** Tokens that are not used within this time expire: a router must not collect them for a burst. */
const validMs = 1_000;
/** Between two looks at a lease under way. */
const lookMs = 20;
/** Between two tries while the store does not answer. */
const pauseMs = 1_000;

/** Nothing is leased without demand. While the store does not answer, this router goes on with its part of the rate. Times are from the same clock. */
export class LeasedBucket implements RateLimit {
  readonly #rate: Rate;
  readonly #parts: LeaseParts;
  readonly #block: number;
  readonly #isFast: boolean;
  #tokens = 0;
  #fromMs = 0;
  #untilMs = 0;
  /** Taken by hand although there was no token: leased with the next block. */
  #beyond = 0;
  #isLeasing = false;
  /** While the store does not answer. */
  #alone: { readonly bucket: TokenBucket; readonly retryMs: number } | null = null;

  constructor(rate: Rate, parts: LeaseParts) {
    this.#rate = rate;
    this.#parts = parts;
    this.#block = Math.max(1, Math.ceil((rate.count * blockMs) / rate.perMs));
    // Of a slow rate, a token that may never be used would make the other routers wait.
    this.#isFast = (this.#block * rate.perMs) / rate.count <= 2 * blockMs;
  }

  /** Tokens that may be used now. */
  allowance(nowMs: number): number {
    if (this.#alone !== null) return this.#alone.bucket.allowance(nowMs);
    return nowMs >= this.#fromMs && nowMs < this.#untilMs ? this.#tokens : 0;
  }

  take(nowMs: number): void {
    if (this.#alone !== null) this.#alone.bucket.take(nowMs);
    else if (this.allowance(nowMs) === 0) this.#beyond += 1;
    else this.#tokens -= 1;
    if (this.#isFast && this.#tokens === 0) this.want(nowMs);
  }

  giveBack(nowMs: number): void {
    if (this.#alone !== null) this.#alone.bucket.giveBack(nowMs);
    else if (this.#beyond > 0) this.#beyond -= 1;
    else if (nowMs < this.#untilMs) this.#tokens = Math.min(this.#block, this.#tokens + 1);
  }

  /** When the next one may start; while a lease is under way, when to look again. */
  opensAtMs(nowMs: number): number {
    if (this.#alone !== null) return this.#alone.bucket.opensAtMs(nowMs);
    return this.#tokens > 0 && nowMs < this.#untilMs ? Math.max(nowMs, this.#fromMs) : nowMs + lookMs;
  }

  /** A block without demand is not there; one for which the others have to wait is there early. */
  isUsedUp(nowMs: number): boolean {
    return this.#alone?.bucket.isUsedUp(nowMs) ?? (this.#tokens > 0 && nowMs < this.#fromMs);
  }

  /** Leases a block, unless there is one. */
  want(nowMs: number): void {
    const hasTokens = this.#tokens > 0 && nowMs < this.#untilMs;
    const isToWait = this.#alone === null ? hasTokens : nowMs < this.#alone.retryMs;
    if (!isToWait && !this.#isLeasing) void this.#lease();
  }

  /** Never rejects. */
  async #lease(): Promise<void> {
    const { lease, sharers, elapsed, onLease } = this.#parts;
    const beyond = this.#beyond;
    this.#isLeasing = true;
    try {
      const inMs = await lease(this.#block + beyond);
      this.#alone = null;
      this.#beyond -= beyond;
      this.#tokens = this.#block;
      this.#fromMs = elapsed() + inMs;
      this.#untilMs = this.#fromMs + validMs;
    } catch {
      // That the store does not answer is in the log: see `Cluster`.
      const { count, perMs } = this.#rate;
      const nowMs = elapsed();
      const part = { count, perMs: perMs * sharers() };
      // Without tokens at first: the last block was used just now.
      this.#alone = { bucket: this.#alone?.bucket ?? new TokenBucket(part, nowMs, 0), retryMs: nowMs + pauseMs };
    }
    this.#isLeasing = false;
    onLease();
  }
}
