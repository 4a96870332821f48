/** Which routers are there, as one of them observes it, and which share each has of what all of them may do together. */
import { createHash } from 'node:crypto';
import type { SeenBeat } from '@switchhook/sdk';
import { type RouterReport, reportIn } from './report.js';

/** Between two heartbeats. */
export const beatMs = 400;
/** A router without a heartbeat for so long is gone: longer than a pause of its process, or a moment without the store. */
export const goneMs = 3_000;
/** One that is gone is still shown for so long: longer than the longest lease. */
const shownMs = 600_000;

/** Another router. Times are from a clock that never goes back. */
export interface Member {
  readonly id: string;
  readonly beat: number;
  /** When it sent its last heartbeat. */
  readonly seenMs: number;
  /** Since when this router has looked for a further one, without an interruption. */
  readonly watchedMs: number;
  readonly report: RouterReport;
  readonly isGone: boolean;
  /** Whether shares are reserved for it: it may only be cut off until it has been watched for as long as makes a router gone. */
  readonly isCounted: boolean;
}

/** What has changed. */
export interface Changed {
  readonly joined: readonly Member[];
  readonly gone: readonly Member[];
  readonly left: readonly Member[];
  /** To be removed from the store. */
  readonly over: readonly Member[];
}

/**
 * Shares and leases go by observation alone: no clock of another machine is compared with the own one. The ages that a store gives decide only
 * what is shown and logged of a router that is seen for the first time, or again.
 */
export class Members {
  readonly #self: string;
  readonly #members = new Map<string, Member>();
  /** Those that may not have noticed this router yet, with their last heartbeat before it. */
  readonly #unaware = new Map<string, number>();
  /** Those whose leases have been ended, with their last heartbeat. */
  readonly #ended = new Map<string, number>();
  #lastMs: number | null = null;

  constructor(self: string) {
    this.#self = self;
  }

  /** False before the first observation. */
  get areKnown(): boolean {
    return this.#lastMs !== null;
  }

  get others(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Takes note of the last heartbeats of all routers. */
  observe(beats: readonly SeenBeat[], nowMs: number): Changed {
    // After a while without the store, the others have to show anew that they are there, and to notice this router.
    const isBack = this.#lastMs === null || nowMs - this.#lastMs >= goneMs;
    this.#lastMs = nowMs;
    const changed = { joined: [] as Member[], gone: [] as Member[], left: [] as Member[], over: [] as Member[] };
    const found = new Map(beats.map((beat) => [beat.id, beat]));
    found.delete(this.#self);
    for (const id of new Set([...found.keys(), ...this.#members.keys()])) {
      const [before, now] = [this.#members.get(id), found.get(id)];
      const hasBeaten = now !== undefined && now.beat !== before?.beat;
      const report = now === undefined || !hasBeaten ? before?.report : reportIn(now.report);
      if (report === undefined) continue;
      const watchedMs = hasBeaten || isBack || before === undefined ? nowMs : before.watchedMs;
      const seenMs = hasBeaten || before === undefined ? nowMs - (now?.ageMs ?? 0) : before.seenMs;
      const isCounted = nowMs - watchedMs < goneMs;
      // One that was there may have been cut off together with this one: it has a while to show that it still is.
      const isGone = !isCounted || (before?.isGone !== false && nowMs - seenMs >= goneMs);
      const beat = now?.beat ?? before?.beat ?? 0;
      const member = { id, beat, seenMs, watchedMs, report, isGone, isCounted };
      if (report.left) {
        if (before !== undefined) changed.left.push(member);
        changed.over.push(member);
        this.#forget(id);
        continue;
      }
      if (before?.isGone !== false && !isGone) changed.joined.push(member);
      if (before?.isGone === false && isGone) changed.gone.push(member);
      if (nowMs - seenMs < shownMs || nowMs - watchedMs < report.leaseMs) this.#members.set(id, member);
      else {
        this.#forget(id);
        changed.over.push(member);
      }
    }
    this.#note(isBack);
    return changed;
  }

  /** Those that are listed: without those that have been gone for long and whose leases are still to be ended. */
  shown(nowMs: number): readonly Member[] {
    return this.others.filter(({ seenMs, isGone }) => !isGone || nowMs - seenMs < shownMs);
  }

  /** Routers whose leases are to be ended, each by what it has reported itself. They are not returned again unless they send a further heartbeat, or after `undo`. */
  lost(nowMs: number): readonly Member[] {
    const lost = this.others.filter(
      ({ id, beat, watchedMs, report }) => nowMs - watchedMs >= report.leaseMs && this.#ended.get(id) !== beat,
    );
    for (const { id, beat } of lost) this.#ended.set(id, beat);
    return lost;
  }

  /** Their leases could not be ended. */
  undo(lost: readonly Member[]): void {
    for (const { id } of lost) this.#ended.delete(id);
  }

  /** How many routers start attempts for a destination, this one included. */
  takersOf(destination: string): number {
    return this.#takers(destination).length + 1;
  }

  /**
   * How much of a whole is this router's: all shares together are the whole. None where there are more routers than parts, and
   * until the others have noticed this router. Less while others still have attempts under way beyond their shares.
   */
  shareOf(destination: string, whole: number): number {
    if (!this.areKnown) return 0;
    const takers = this.#takers(destination);
    if (takers.some(({ id }) => this.#unaware.has(id))) return 0;
    const ids = [this.#self, ...takers.map(({ id }) => id)];
    const places = new Map(ids.map((id) => [id, placeOf(destination, id)]));
    const ranked = ids.toSorted((a, b) => ((places.get(a) ?? '') < (places.get(b) ?? '') ? -1 : 1));
    const shareAt = (rank: number): number => (rank < 0 ? 0 : Math.ceil((whole - rank) / ids.length));
    const beyond = this.others
      .filter(({ isCounted }) => isCounted)
      .map(({ id, report }) => (report.destinations[destination]?.attempts ?? 0) - shareAt(ranked.indexOf(id)))
      .reduce((sum, excess) => sum + Math.max(0, excess), 0);
    return Math.max(0, shareAt(ranked.indexOf(this.#self)) - beyond);
  }

  /** The share while no heartbeats can be exchanged: that of one of the routers last known, and at least 1. The whole where no other is known. */
  ownShareOf(destination: string, whole: number): number {
    return Math.max(1, Math.floor(whole / this.takersOf(destination)));
  }

  #takers(destination: string): readonly Member[] {
    return this.others.filter(({ isCounted, report }) => isCounted && report.destinations[destination]?.takes === true);
  }

  #forget(id: string): void {
    this.#members.delete(id);
    this.#ended.delete(id);
  }

  /** A router has noticed this one when it sends its next heartbeat. */
  #note(isBack: boolean): void {
    if (isBack) for (const { id, beat } of this.others) this.#unaware.set(id, beat);
    for (const [id, beat] of this.#unaware) {
      const member = this.#members.get(id);
      if (member === undefined || !member.isCounted || member.beat > beat) this.#unaware.delete(id);
    }
  }
}

/** The order of routers differs from destination to destination, so that none of them gets the larger shares of all. */
function placeOf(destination: string, id: string): string {
  return createHash('sha256').update(`${destination} ${id}`).digest('hex');
}
