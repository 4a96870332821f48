/** Discards: many deliveries ended, because they are not to be made. */
import { Clock, type DeliveryRecord, Log, Store } from '@switchhook/sdk';
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

@injectable()
export class Discards extends BulkChanges<BulkRequest, DeliveryRecord> {
  /** A batch begins when those before it have used up their time. */
  protected readonly batch = ({ perSecond, startMs, seen }: BatchPlace) => {
    return { most: perSecond, fromMs: startMs + (1_000 * seen) / perSecond };
  };

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

  protected async apply(batch: readonly DeliveryRecord[]): Promise<Applied> {
    const changed = new Set(await this.store.discard(batch.map(({ id }) => id)));
    const ended = batch.filter(({ id }) => changed.has(id));
    for (const destination of new Set(ended.map((one) => one.destination))) {
      this.telemetry.discardedMany(destination, ended.filter((one) => one.destination === destination).length);
      // The next of their subjects may go now.
      this.dispatcher.expect(destination, this.time.now());
    }
    return { changed: changed.size, unconfigured: 0, withoutBody: 0 };
  }
}
