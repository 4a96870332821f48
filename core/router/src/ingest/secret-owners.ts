/** Whose secret a refused request has: sources that would accept it, asked after the refusal, and rarely. */
import type { RawRequest, Reception, Source } from '@switchhook/sdk';
import { TokenBucket } from '../resilience/token-bucket.js';

/** Who has a secret of the configuration. */
export interface SecretOwner {
  readonly source: string;
  /** Null = the secret is that of the whole source. */
  readonly agent: string | null;
}

/** Requests that are tried, of one source and of all: anyone can cause them, and each costs as much as one that every source refuses. */
const tries = { count: 2, perMs: 1_000 };
const triesOfAll = { count: 4, perMs: 1_000 };
/** Larger bodies are not tried: an HMAC of one takes up to 1 ms, for each secret of each source. */
const mostBytes = 65_536;
/** Sources that are asked about one request. */
const mostSources = 32;

export class SecretOwners {
  /** By source, and of all. */
  readonly #buckets = new Map<string, TokenBucket>();
  #all: TokenBucket | null = null;
  /** Sources that ask another service. */
  readonly #asking = new WeakSet<Source>();

  /** The other sources that accept a request which `refusedBy` has refused as unverified; none where it is not tried. */
  of(
    refusedBy: string,
    request: RawRequest,
    sources: ReadonlyMap<string, Source>,
    nowMs: number,
  ): readonly SecretOwner[] {
    const bucket = this.#buckets.get(refusedBy) ?? new TokenBucket(tries, nowMs);
    this.#buckets.set(refusedBy, bucket);
    this.#all ??= new TokenBucket(triesOfAll, nowMs);
    const both = [bucket, this.#all];
    if (request.body.length > mostBytes || both.some((one) => one.allowance(nowMs) < 1)) return [];
    for (const one of both) one.take(nowMs);
    return [...sources]
      .filter(([name, one]) => name !== refusedBy && !this.#asking.has(one))
      .slice(0, mostSources)
      .flatMap(([source, one]) => (this.#isVerifiedBy(one, request) ? [{ source, agent: null }] : []));
  }

  /** Whether a source accepts the request for what proves its sender: what it also accepts without that has no secret. */
  #isVerifiedBy(source: Source, request: RawRequest): boolean {
    return this.#isAccepted(source, request) && !this.#isAccepted(source, withoutProof(request));
  }

  #isAccepted(source: Source, request: RawRequest): boolean {
    try {
      const received: Reception | Promise<Reception> | undefined = source.receive(request);
      if (!(received instanceof Promise)) return received?.kind === 'events' || received?.kind === 'call';
      // It asks another service, which no unverified request may cause again and again: its answer is not waited for.
      received.catch(() => undefined);
      this.#asking.add(source);
      return false;
    } catch {
      // A refusal, or a fault of a source that the request was not sent to.
      return false;
    }
  }
}

function withoutProof(request: RawRequest): RawRequest {
  const type = request.headers['content-type'];
  const headers = type === undefined ? {} : { 'content-type': type };
  return { ...request, headers, rest: '', query: {}, url: request.url.replace(/\?.*$/s, '') };
}
