/** Commits: an event is acknowledged when it is on disk together with its deliveries, or it is refused. */
import { type Appended, Clock, type EventRecord, refuse, Store, type VerifiedBy } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import { Dispatcher, type Reservation } from '../delivery/dispatcher.js';
import type { Routes } from '../routing/routes.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { inject, injectable } from '../system/injection.js';
import { invalidReturn } from '../system/returned.js';
import { inSpan, outsideSpans } from '../system/tracing.js';
import { RecentDuplicates } from './duplicates.js';
import { SecretUses } from './secret-uses.js';
import { IngestTelemetry } from './telemetry.js';

/** Events that may wait for a commit at the same time; further ones are refused with `STORE_BEHIND`. */
const pendingLimit = 2_000;
/** Bytes of their bodies: at the largest bodies a few dozens. In memory they take about three times as much. */
const pendingBytesLimit = 64 * 1_048_576;
/** No sender is known to wait for longer. A commit that comes later is kept: the sender's next try finds a duplicate. */
const patienceMs = 10_000;

const allowedAppended = 'a list of { duplicate: boolean, eventId: string }, one for each event, in order';

@injectable()
export class Ingest {
  /** Events that came again since the start. */
  readonly duplicates = new RecentDuplicates();
  readonly secretUses = new SecretUses();
  #pending = 0;
  #pendingBytes = 0;

  constructor(
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(IngestTelemetry) private readonly telemetry: IngestTelemetry,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** Events that wait for their commit. */
  get pending(): number {
    return this.#pending;
  }

  /** A request of a source was verified, as far as the source says by what; null = by nothing, as it needs no secret. */
  noteVerified(source: string, by: VerifiedBy | null | undefined): void {
    if (by === undefined) return;
    this.telemetry.verified(source, by?.secret ?? 0);
    this.secretUses.note(source, by ?? { secret: 0, of: 0 }, this.clock.now());
  }

  /** Removes erased events from those that came again. */
  forget(erased: ErasedThings, isDryRun: boolean): Removed {
    return this.duplicates.forget(erased, isDryRun);
  }

  /** Rejects if the store cannot commit. */
  async canCommit(): Promise<void> {
    await this.commit([]);
  }

  /**
   * Resolves when the events are on disk with their deliveries. Refuses with `STORE_BEHIND` or `STORE_UNAVAILABLE` otherwise.
   * `routes`: those of the configuration with which the events came; those of the moment where it is left out.
   */
  async commit(events: readonly EventRecord[], routes?: Routes): Promise<readonly Appended[]> {
    const bytes = events.reduce((sum, { body }) => sum + body.byteLength, 0);
    const isMuch = this.#pendingBytes > 0 && this.#pendingBytes + bytes > pendingBytesLimit;
    if (isMuch || this.#pending + events.length > pendingLimit)
      throw refuse('STORE_BEHIND', `${this.#pending} events wait for their commit`);
    try {
      return await withTimeout(this.clock, patienceMs, this.#append(events, bytes, routes));
    } catch (error) {
      throw refuse('STORE_UNAVAILABLE', errorMessage(error), { cause: error });
    }
  }

  /** Reserves, appends, and ends each reservation once, also when the sender waits no longer. Telemetry comes last. */
  async #append(events: readonly EventRecord[], bytes: number, routes?: Routes): Promise<readonly Appended[]> {
    const reservations: Reservation[] = [];
    let appended: readonly Appended[] = [];
    let isCommitted = false;
    this.#pending += events.length;
    this.#pendingBytes += bytes;
    try {
      for (const event of events) reservations.push(this.dispatcher.reserve(event, routes));
      const append = () => this.store.append(reservations.map(({ entry }) => entry));
      const start = { attributes: { 'switchhook.events': events.length } };
      // Without events it only proves that the store can commit.
      const returned = await (events.length === 0 ? append() : inSpan('store events', start, append));
      // Events that the store does not confirm are not acknowledged.
      if (!isConfirmed(returned, events.length)) throw invalidReturn(this.store, 'append', returned, allowedAppended);
      appended = returned;
      isCommitted = true;
    } finally {
      this.#pending -= events.length;
      this.#pendingBytes -= bytes;
      // What goes on from here is done for all events.
      outsideSpans(() => {
        for (const [index, reservation] of reservations.entries())
          if (isCommitted) this.dispatcher.dispatch(reservation, appended[index]);
          else this.dispatcher.release(reservation);
      });
    }
    for (const [index, { entry }] of reservations.entries()) {
      const { event, deliveries } = entry;
      const { duplicate = false, eventId = event.id, erased = false } = appended[index] ?? {};
      if (duplicate && !erased) this.duplicates.note(event, eventId, this.clock.now());
      this.telemetry.received(event, eventId, duplicate, deliveries);
    }
    return appended;
  }
}

function isConfirmed(returned: unknown, count: number): boolean {
  if (!Array.isArray(returned) || returned.length !== count) return false;
  return returned.every((one) => typeof one?.duplicate === 'boolean' && typeof one.eventId === 'string');
}
