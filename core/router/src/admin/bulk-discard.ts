/** Discards: many deliveries ended, because they are not to be made. */
import { Clock, type DeliveryRecord, Log, Store } from '@switchhook/sdk';
import pMap from 'p-map';
import { Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import { inject, injectable } from '../system/injection.js';
import { Mask } from '../system/mask.js';
import {
  type Applied,
  type BatchPlace,
  BulkChanges,
  type BulkRequest,
  deliveriesOf,
  type Pages,
} from './bulk-changes.js';

/** Found so shortly ago, a delivery is discarded as it is. */
const freshMs = 1_000;
const atOnce = 8;

@injectable()
export class Discards extends BulkChanges<BulkRequest, DeliveryRecord> {
  protected readonly isPaced = true;

  constructor(
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(DeliveryTelemetry) private readonly telemetry: DeliveryTelemetry,
    @inject(Clock) private readonly time: Clock,
    @inject(Log) log: Log,
    @inject(Mask) mask: Mask,
  ) {
    const kind = {
      ...({ noun: 'discard', busy: 'DISCARD_RUNNING' } as const),
      started: (fields: object) => log.info('discard.started', { ...fields }),
      failed: (fields: object) => log.error('discard.failed', { ...fields }),
      ended: (fields: object) => log.info('discard.ended', { ...fields }),
    };
    super(kind, time, mask);
  }

  protected pages({ filter }: BulkRequest): Pages<DeliveryRecord> {
    return deliveriesOf(this.store, filter);
  }

  protected async apply(batch: readonly DeliveryRecord[], { ageMs }: BatchPlace): Promise<Applied> {
    const still = ageMs < freshMs ? batch : await this.#unchanged(batch);
    const changed = new Set(await this.store.discard(still.map(({ id }) => id)));
    const ended = still.filter(({ id }) => changed.has(id));
    for (const destination of new Set(ended.map((one) => one.destination))) {
      this.telemetry.discardedMany(destination, ended.filter((one) => one.destination === destination).length);
      // The next of their subjects may go now.
      this.dispatcher.expect(destination, this.time.now());
    }
    return { changed: changed.size, unconfigured: 0, withoutBody: 0 };
  }

  /** Those that are still in the state in which they were found: others may have been replayed since. */
  async #unchanged(batch: readonly DeliveryRecord[]): Promise<readonly DeliveryRecord[]> {
    const isUnchanged = async ({ id, state }: DeliveryRecord) => (await this.store.delivery(id))?.state === state;
    const unchanged = await pMap(batch, isUnchanged, { concurrency: atOnce });
    return batch.filter((_, index) => unchanged[index]);
  }
}
