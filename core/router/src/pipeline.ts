/** The product, from top to bottom: a request is received, an event is routed, committed and delivered, a call is answered. */
import {
  type Appended,
  type ClaimedDelivery,
  type Clock,
  type Entry,
  type EventDraft,
  type EventRecord,
  type HttpReply,
  isRefusal,
  type Log,
  type NewDelivery,
  type NumberReader,
  type RawRequest,
  type Reception,
  refuse,
  type Source,
  type Store,
  type Transform,
} from '@switchhook/sdk';
import { inTime } from '@switchhook/sdk/internal';
import type { Answers, Ringing, Told } from './calls/answer.js';
import { leastOf, replyTo, traceOf } from './calls/reply.js';
import { attempted, keptOf, type OpenDestination, unsaid } from './delivery/attempt.js';
import { type AttemptEnd, Lane, type LaneLoad } from './delivery/queue.js';
import { settlementFor } from './delivery/retry.js';
import { CallRecorder } from './ingest/call-recorder.js';
import { type Repeat, Repeats } from './ingest/duplicates.js';
import { Commits } from './ingest/ingest.js';
import { readReception } from './ingest/reception.js';
import type { Observer } from './ingest/telemetry.js';
import { SharedPlaces } from './resilience/capacity.js';
import { eventOf, recordOf } from './routing/event-record.js';
import type { Routes } from './routing/routes.js';

/** What the pipeline is made of; the maps are by name. */
export interface PipelineParts {
  readonly sources: ReadonlyMap<string, Source>;
  readonly routes: Routes;
  readonly transforms: ReadonlyMap<string, Transform>;
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  readonly answers: Answers;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Observer;
  readonly numbers: NumberReader;
  /** Numbers from 0 to below 1, for the jitter. */
  readonly chance: () => number;
}

/** Deliveries in memory in all, beyond what the lanes run. */
const heldInAll = 2_000;
/** Verifying takes microseconds; a source that asks somebody else first gets no more of a ring, or of a sender's patience. */
const verifyMs = { call: 2_000, events: 10_000 };

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #places = new SharedPlaces(heldInAll);
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #recorder: CallRecorder;
  readonly #commits: Commits;
  readonly #repeats = new Repeats();

  constructor(parts: PipelineParts) {
    const { clock, log, observer } = parts;
    this.#parts = parts;
    this.#recorder = new CallRecorder({
      commit: (record) => this.#commit([record]),
      clock,
      log,
      onUnrecorded: (record, reason) => observer.unrecorded(record, reason),
    });
    this.#lanes = new Map([...parts.destinations].map(([name, open]) => [name, this.#laneOf(name, open)]));
    this.#commits = new Commits({ store: parts.store, clock, observer, repeats: this.#repeats, lanes: this.#lanes });
  }

  /** The store is open: takes up what it has left from before, and what waits for it. Requests may have come already. */
  open(): void {
    this.#recorder.open();
    for (const lane of this.#lanes.values()) lane.open();
  }

  /** Starts no further attempt; resolves when the running ones are settled, and calls are recorded. */
  async close(): Promise<void> {
    await Promise.all([this.#recorder.close(), ...[...this.#lanes.values()].map((lane) => lane.close())]);
  }

  /** After `close`, where it took too long: leaves what is not settled to the next start. */
  abandon(): void {
    for (const lane of this.#lanes.values()) lane.abandon();
  }

  /** The store has something for a destination, due at this time. */
  expect(destination: string, dueMs: number): void {
    this.#lanes.get(destination)?.expect(dueMs);
  }

  /** What each lane is doing, by destination. */
  get loads(): ReadonlyMap<string, LaneLoad> {
    return new Map([...this.#lanes].map(([destination, lane]) => [destination, lane.load]));
  }

  /** Events that wait for their commit. */
  get committing(): number {
    return this.#commits.pending;
  }

  /** Events that came again since the start, the latest first. */
  get repeats(): readonly Repeat[] {
    return this.#repeats.list();
  }

  /** Rejects where the store cannot commit. */
  async canCommit(): Promise<void> {
    await this.#commit([]);
  }

  /** A request for a source, begun at `startedAtMs` by the clock's `elapsed`: verified, then committed or answered. A refusal is thrown. */
  async receive(source: string, request: RawRequest, startedAtMs: number): Promise<HttpReply> {
    const reception = await this.#verified(source, request);
    switch (reception.kind) {
      case 'handshake':
        return reception.reply;
      case 'events':
        return this.#accept(source, request, reception.events);
      case 'call':
        return this.#answer(source, request, reception, startedAtMs);
    }
  }

  async #verified(name: string, request: RawRequest): Promise<Reception> {
    const source = this.#parts.sources.get(name);
    if (source === undefined) throw refuse('NOT_FOUND', 'no such source');
    const { clock, log, observer, numbers } = this.#parts;
    try {
      const reception = source.receive(request);
      if ('kind' in reception) return readReception(reception, numbers);
      const waitMs = source.fallback === undefined ? verifyMs.events : verifyMs.call;
      return readReception(await inTime(clock, waitMs, reception), numbers);
    } catch (error) {
      if (isRefusal(error)) throw error;
      log.error('source.failed', { source: name, error });
      const least = leastOf(source, log);
      if (least === null) throw refuse('SOURCE_FAILED', 'the source threw');
      observer.unread(name);
      return { kind: 'handshake', reply: least };
    }
  }

  /** Acknowledges events once they are committed together with their deliveries. */
  async #accept(source: string, request: RawRequest, drafts: readonly EventDraft[]): Promise<HttpReply> {
    const appended = await this.#commit(drafts.map((draft) => recordOf(draft, source, request.receivedAtMs)));
    const [first] = appended;
    if (first === undefined) return { status: 200, body: {} };
    const duplicate = appended.every((one) => one.duplicate);
    return { status: 200, body: { id: first.eventId, ...(duplicate && { duplicate }) } };
  }

  /** Routes events and commits them together with their deliveries. */
  #commit(records: readonly EventRecord[]): Promise<readonly Appended[]> {
    return this.#commits.commit(records.map((record) => this.#routed(record)));
  }

  /** The event with all its deliveries: routing is pure and in memory, so it comes before the commit. */
  #routed(event: EventRecord): Entry {
    const nowMs = this.#parts.clock.now();
    const deliveries: NewDelivery[] = [];
    for (const { name, to, transforms } of this.#parts.routes.match(eventOf(event)))
      for (const destination of to) {
        const lane = this.#lanes.get(destination);
        if (lane !== undefined) deliveries.push(lane.admit(name, transforms, nowMs));
      }
    return { event, deliveries };
  }

  #laneOf(destination: string, open: OpenDestination): Lane {
    const { store, clock, log, observer } = this.#parts;
    const attempt = (claimed: readonly ClaimedDelivery[]) => this.#deliver(open, claimed);
    const onExhausted = (ids: readonly string[]) => observer.exhausted(destination, ids);
    const sharedPlaces = this.#places;
    return new Lane({ destination, policy: open.policy, store, clock, log, sharedPlaces, attempt, onExhausted });
  }

  /** Makes one attempt, for one delivery or a batch, and decides what happens next. Never rejects. */
  async #deliver(open: OpenDestination, claimed: readonly ClaimedDelivery[]): Promise<readonly AttemptEnd[]> {
    const { clock, chance, observer, transforms } = this.#parts;
    const startedAtMs = clock.now();
    const startedAt = clock.elapsed();
    const results = await attempted(open, claimed, transforms, clock);
    const durationMs = clock.elapsed() - startedAt;
    const endedAtMs = clock.now();
    return claimed.map((one, index) => {
      const { outcome, asked } = results[index] ?? unsaid;
      const settlement = settlementFor(outcome, one.attempt, open.policy.retry, endedAtMs, chance);
      observer.attempted(one, outcome, settlement, { endedAtMs, durationMs });
      const attempt = { startedAtMs, durationMs, ...keptOf(outcome) };
      return { outcome, asked, settled: { deliveryId: one.id, lease: one.lease, settlement, attempt } };
    });
  }

  /** Answers a ringing phone. Whatever happens, the platform gets its reply in time; the event is recorded beside it. */
  async #answer(name: string, request: RawRequest, ringing: Ringing, startedAtMs: number): Promise<HttpReply> {
    const { answers, log, observer, sources } = this.#parts;
    const told = await answers.answer(name, ringing, startedAtMs);
    const reply = replyTo(ringing, told, sources.get(name), log);
    try {
      observer.answered(name, ringing.call, told);
      if (!told.again) this.#recorder.record(this.#callRecord(name, request, ringing, told));
    } catch (error) {
      log.error('call.unrecorded', { source: name, error });
    }
    return reply;
  }

  #callRecord(source: string, request: RawRequest, { event, call }: Ringing, told: Told): EventRecord {
    const { body: _, ...draft } = event;
    const data = { ...draft.data, answer: traceOf(call, told) };
    return recordOf({ ...draft, data }, source, request.receivedAtMs, told.answered.eventId);
  }
}
