/** Refused requests of sources: the last thousand, counts of all since the start, and whole ones where a source captures them. */
import {
  Clock,
  fitting,
  longestAgent,
  type RawRequest,
  type Refusal,
  type RefusalCode,
  type Source,
  token,
} from '@switchhook/sdk';
import { routerSource } from '../routing/router-events.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { newRefusedId } from '../system/ids.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { type Part, pageOf } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import { CapturedRequests, type CaptureFile, captureFile, longestCaptureMs } from './captured-requests.js';
import { refusalAdvice } from './refusal-advice.js';
import { fits, RefusalCounts, type RefusalFilter, type RefusalGroup } from './refusal-counts.js';
import { type SecretOwner, SecretOwners } from './secret-owners.js';

/** A request that is being refused. */
export interface Refusing {
  /** `''` = there is no such source. */
  readonly source: string;
  readonly refusal: Refusal;
  readonly remoteAddress: string;
  readonly method: string;
  /** Length of the body, as it was read or announced; null = not known. */
  readonly bytes: number | null;
  /** Null where it was refused before its body was read. */
  readonly request: RawRequest | null;
}

/** About the secret of a request that was not verified. */
export interface RefusedSecret {
  /** Whose was expected; null = the request names no agent, and each agent has its own. */
  readonly expected: SecretOwner | null;
  /** Whose fits; empty = none that is configured, or it was not tried. */
  readonly fits: readonly SecretOwner[];
}

/** A request that was refused. */
export interface RefusedRecord extends Pick<Refusing, 'source' | 'remoteAddress' | 'method' | 'bytes'> {
  /** Later ones sort later. */
  readonly id: string;
  readonly atMs: number;
  readonly code: RefusalCode;
  readonly reason: string;
  /** As the body names it, not verified; null where it is not known. */
  readonly agent: string | null;
  /** Null where it was refused for another reason. */
  readonly secret: RefusedSecret | null;
}

/** Which refused requests. All given conditions must hold. */
export interface RefusedQuery extends RefusalFilter, Part {}

/** With what to do about it. */
export type AdvisedGroup = RefusalGroup & { readonly advice: string };

type RefusedFor = Pick<RefusalGroup, 'agent' | 'code' | 'reason' | 'count' | 'secret'>;

/** The requests of one source since the start. */
export interface SourceTraffic {
  /** `''` = requests for which there is no source. */
  readonly source: string;
  /** Answered with success. */
  readonly received: number;
  readonly refused: number;
  readonly lastReceivedMs: number | null;
  readonly lastRefusedMs: number | null;
  /** Refused in the last hour, by the most frequent reason; null = none. */
  readonly recent: RefusedFor | null;
  /**
   * How many were refused in the last hour, and the most frequent reason, without what is over: the store failed or was behind, and an
   * event was accepted since. Senders repeat such requests. Null = none.
   */
  readonly lasting: { readonly refused: number; readonly most: RefusedFor } | null;
}

/** What is taken from the configuration. */
export interface RefusedPlan {
  readonly sources: ReadonlyMap<string, Source>;
  /** Names of the sources whose refused requests are kept whole. */
  readonly captures: ReadonlySet<string>;
}

export const RefusedPlan = token<Current<RefusedPlan>>('switchhook.RefusedPlan');

/** What is kept, whatever is sent. */
const most = { requests: 1_000, reason: 500, address: 64, owners: 5 };
const hourMs = 3_600_000;

interface Traffic {
  received: number;
  refused: number;
  lastReceivedMs: number | null;
  lastRefusedMs: number | null;
}

@injectable()
export class RefusedRequests {
  /** By source, the earliest first. */
  readonly #kept = new Map<string, RefusedRecord[]>();
  readonly #traffic = new Map<string, Traffic>();
  readonly #counts = new RefusalCounts();
  readonly #owners = new SecretOwners();
  readonly #captured = new CapturedRequests();
  #cancelPrune: (() => void) | null = null;
  #isClosed = false;
  #size = 0;

  constructor(
    @inject(RefusedPlan) private readonly plan: Current<RefusedPlan>,
    @inject(Clock) private readonly clock: Clock,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /** A request of this source was answered with success. */
  received(source: string): void {
    const traffic = this.#trafficOf(source);
    traffic.received += 1;
    traffic.lastReceivedMs = this.clock.now();
  }

  refused(refusing: Refusing): void {
    const { source, refusal, remoteAddress, method, bytes } = refusing;
    const { code, message } = refusal;
    const atMs = this.clock.now();
    const { agent, secretOf } = aboutOf(refusal);
    const record: RefusedRecord = {
      ...{ id: newRefusedId(), atMs, source, code, agent, method, bytes },
      // A long one may come from a plugin. It is masked before the cut, which would leave the half of a secret.
      reason: this.mask(message.slice(0, 4 * most.reason)).slice(0, most.reason),
      remoteAddress: remoteAddress.slice(0, most.address),
      secret: code === 'UNVERIFIED' ? this.#secret(refusing, agent, secretOf) : null,
    };
    const traffic = this.#trafficOf(source);
    traffic.refused += 1;
    traffic.lastRefusedMs = atMs;
    this.#keep(record);
    const { captures } = this.plan.value;
    this.#captured.prune(captures, atMs);
    if (refusing.request !== null && captures.has(source)) {
      this.#captured.add(source, { id: record.id, atMs, request: refusing.request });
      this.#pruneLater();
    }
    this.#counts.add(record);
  }

  /** Drops all that was kept whole. */
  close(): void {
    this.#isClosed = true;
    this.#cancelPrune?.();
    this.#captured.prune(new Set(), this.clock.now());
  }

  /** Also where no further request is refused, and none is read. */
  #pruneLater(): void {
    if (this.#isClosed) return;
    this.#cancelPrune ??= this.clock.after(longestCaptureMs / 24, () => {
      this.#cancelPrune = null;
      this.#captured.prune(this.plan.value.captures, this.clock.now());
      if (!this.#captured.isEmpty) this.#pruneLater();
    });
  }

  /** A request that was kept whole, as a file, without secrets; null where it is not kept. */
  capture(id: string): CaptureFile | null {
    const request = this.#wholeRequests().get(id);
    return request === undefined ? null : captureFile(request, this.mask);
  }

  /** The latest first. `cursor`: the next page begins after it; null at the end. */
  list({ limit, cursor, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY, ...wanted }: RefusedQuery) {
    const found = [...this.#kept.values()]
      .flat()
      .filter((record) => fits(record, wanted) && record.atMs >= sinceMs && record.atMs < untilMs);
    const whole = this.#wholeRequests();
    const page = pageOf(found, ({ id }) => id, { limit, cursor });
    return {
      ...page,
      items: page.items.map((record) => ({ ...record, captured: whole.has(record.id), advice: refusalAdvice(record) })),
    };
  }

  /** The largest first. */
  groups(filter: RefusalFilter): readonly AdvisedGroup[] {
    return this.#counts.groups(filter).map((group) => ({ ...group, advice: refusalAdvice(group) }));
  }

  /** All that are configured, in the order of the file, and last the requests for none. */
  traffic(): readonly SourceTraffic[] {
    const sinceMs = this.clock.now() - hourMs;
    const recent = this.groups({ sinceMs });
    const configured = [...this.plan.value.sources.keys()].filter((source) => source !== routerSource);
    return [...configured, ...(this.#traffic.has('') ? [''] : [])].map((source) => {
      const traffic = this.#trafficOf(source);
      const groups = recent.filter((group) => group.source === source);
      const lasting = groups.filter((group) => !isOver(group, traffic));
      const [most] = lasting;
      const refused = lasting.reduce((sum, { count }) => sum + count, 0);
      return {
        ...{ source, ...traffic, recent: groups[0] ?? null },
        lasting: most === undefined ? null : { refused, most },
      };
    });
  }

  /** Removes refused requests, whole ones with their records, that are about what was erased. Counts stay, without their reasons: they name an agent at most. */
  forget(erased: ErasedThings, isDryRun: boolean): Removed {
    const whole = this.#wholeRequests();
    const found = [...this.#kept.values()].flat().filter(({ id, agent, atMs, reason }) => {
      const request = whole.get(id);
      const text = (): string =>
        request === undefined ? reason : `${reason} ${request.url} ${new TextDecoder().decode(request.body)}`;
      return erased.isAbout({ text, subject: null, agent, party: null, receivedAtMs: atMs });
    });
    if (!isDryRun) {
      const ids = new Set(found.map(({ id }) => id));
      this.#captured.remove(ids);
      this.#counts.forgetReasons();
      for (const [source, kept] of this.#kept)
        this.#kept.set(
          source,
          kept.filter(({ id }) => !ids.has(id)),
        );
      this.#size -= ids.size;
    }
    return { refused: found.length };
  }

  #secret({ source, request }: Refusing, agent: string | null, secretOf: readonly string[] | null): RefusedSecret {
    const own = (secretOf ?? []).map((one) => ({ source, agent: one }));
    const nowMs = this.clock.elapsed();
    const isTried = request !== null && request.method !== 'GET' && own.length === 0;
    const others = isTried ? this.#owners.of(source, request, this.plan.value.sources, nowMs) : [];
    const isOfAgents = secretOf !== null;
    const expected = isOfAgents && agent === null ? null : { source, agent: isOfAgents ? agent : null };
    return { expected, fits: [...own, ...others] };
  }

  /** Where there is no room, the earliest of the source with the most leaves: requests of one source do not push out those of others. */
  #keep(record: RefusedRecord): void {
    const own = this.#kept.get(record.source) ?? [];
    this.#kept.set(record.source, own);
    own.push(record);
    this.#size += 1;
    if (this.#size <= most.requests) return;
    const [longest] = [...this.#kept.values()].sort((a, b) => b.length - a.length);
    longest?.shift();
    this.#size -= 1;
  }

  #wholeRequests(): ReadonlyMap<string, RawRequest> {
    this.#captured.prune(this.plan.value.captures, this.clock.now());
    return this.#captured.all();
  }

  #trafficOf(source: string): Traffic {
    const known = this.#traffic.get(source) ?? { received: 0, refused: 0, lastReceivedMs: null, lastRefusedMs: null };
    this.#traffic.set(source, known);
    return known;
  }
}

function isOver({ code, lastMs }: RefusalGroup, { lastReceivedMs }: Traffic): boolean {
  return (
    (code === 'STORE_UNAVAILABLE' || code === 'STORE_BEHIND') && lastReceivedMs !== null && lastReceivedMs > lastMs
  );
}

/** What a source has passed on. A plugin may pass anything. */
function aboutOf({ about }: Refusal): { readonly agent: string | null; readonly secretOf: readonly string[] | null } {
  const { agent, secretOf } = Object(about) as { readonly agent?: unknown; readonly secretOf?: unknown };
  const owners = Array.isArray(secretOf) ? secretOf.filter((one): one is string => typeof one === 'string') : null;
  return {
    agent: typeof agent === 'string' ? fitting(agent, longestAgent) : null,
    secretOf: owners?.slice(0, most.owners).map((one) => fitting(one, longestAgent)) ?? null,
  };
}
