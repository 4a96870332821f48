/** Whose secret a refused request has: sources that would accept it, asked after the refusal, and rarely. */
import type { RawRequest, Reception, Source } from '@switchhook/sdk';
import { TokenBucket } from '../resilience/token-bucket.js';

/** Who has a secret of the configuration. */
export interface SecretOwner {
  readonly source: string;
  /** Null = the secret is that of the whole source. */
  readonly agent: string | null;
}

/** Requests of one source that are tried with the others: anyone can cause them, and each costs as much as several refused ones. */
const tries = { count: 2, perMs: 1_000 };
/** Larger bodies are not tried: an HMAC of one takes up to 1 ms, for each secret of each source. */
const mostBytes = 65_536;
/** Sources that are asked about one request. */
const mostSources = 32;

export class SecretOwners {
  /** By source. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** The other sources that accept a request which `refusedBy` has refused as unverified; none where it is not tried. */
  of(
    refusedBy: string,
    request: RawRequest,
    sources: ReadonlyMap<string, Source>,
    nowMs: number,
  ): readonly SecretOwner[] {
    const bucket = this.#buckets.get(refusedBy) ?? new TokenBucket(tries, nowMs);
    this.#buckets.set(refusedBy, bucket);
    if (request.body.length > mostBytes || bucket.allowance(nowMs) < 1) return [];
    bucket.take(nowMs);
    return [...sources]
      .filter(([name]) => name !== refusedBy)
      .slice(0, mostSources)
      .flatMap(([source, one]) => (isVerifiedBy(one, request) ? [{ source, agent: null }] : []));
  }
}

/** Whether a source accepts the request for what proves its sender: what it also accepts without that has no secret. */
function isVerifiedBy(source: Source, request: RawRequest): boolean {
  return isAccepted(source, request) && !isAccepted(source, withoutProof(request));
}

function isAccepted(source: Source, request: RawRequest): boolean {
  try {
    const received: Reception | Promise<Reception> | undefined = source.receive(request);
    if (!(received instanceof Promise)) return received?.kind === 'events' || received?.kind === 'call';
    // It asks another service, which no unverified request may cause again and again: its answer is not waited for.
    received.catch(() => undefined);
    return false;
  } catch {
    // A refusal, or a fault of a source that the request was not sent to.
    return false;
  }
}

function withoutProof(request: RawRequest): RawRequest {
  const type = request.headers['content-type'];
  const headers = type === undefined ? {} : { 'content-type': type };
  return { ...request, headers, rest: '', query: {}, url: request.url.replace(/\?.*$/s, '') };
}
