/** The service `Emitter`: events of destinations, routed and committed like those of sources. */
import {
  Clock,
  type Emitter,
  type EventDraft,
  type NamedToken,
  type PhoneNormalizer,
  refuse,
  token,
} from '@switchhook/sdk';
import { Dispatcher } from '../delivery/dispatcher.js';
import { emittedField, recordFrom } from '../routing/event-record.js';
import { currentCause } from '../system/cause.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { nameComponent } from '../system/returned.js';
import { Ingest } from './ingest.js';
import { readDrafts } from './reception.js';

/** Makes the `Emitter` of a destination by the name of its row. */
export type EmitterOf = (destination: string) => Emitter;
export const EmitterOf: NamedToken<EmitterOf> = token('switchhook.EmitterOf');

/** What emitters take from the configuration. */
export interface EmitPlan {
  readonly normalizePhone: PhoneNormalizer;
}

export const EmitPlan = token<Current<EmitPlan>>('switchhook.EmitPlan');

/** More in a row are a loop: routes lead the events of a destination back to it. */
const mostHops = 8;

@injectable()
export class Emitters {
  constructor(
    @inject(EmitPlan) private readonly plan: Current<EmitPlan>,
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** See `Emitter`. */
  async emit(destination: string, drafts: readonly EventDraft[]): Promise<void> {
    const label = nameComponent({}, `destination ${destination}`);
    const read = readDrafts(drafts, this.plan.value.normalizePhone, label);
    const cause = currentCause();
    // It was erased during the attempt: what is made of it must not bring it back.
    if (cause !== null && this.dispatcher.erased.has(cause.eventId)) return;
    const hops = (cause?.hops ?? 0) + 1;
    if (hops > mostHops)
      throw refuse(
        'EMITTED_IN_A_LOOP',
        `destination ${destination} emits because of event ${cause?.eventId}, which is the last of ${mostHops} that were emitted because of each other`,
      );
    const nowMs = this.clock.now();
    const records = read.map(({ body: _, ...draft }) => {
      const data = { ...draft.data, [emittedField]: { eventId: cause?.eventId ?? null, hops } };
      return recordFrom({ ...draft, data }, destination, nowMs);
    });
    if (records.length > 0) await this.ingest.commit(records);
  }
}
