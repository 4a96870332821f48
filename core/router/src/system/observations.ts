/** What telemetry has measured, for the part of the router that watches the router itself. */
import type { EventRecord } from '@switchhook/sdk';
import { injectable } from './injection.js';

/** One measurement. */
export type Observation =
  | {
      /** An attempt has ended. `dead`: why its delivery ended without success; null where it did not. */
      readonly kind: 'attempted';
      readonly destination: string;
      readonly deliveryId: string;
      readonly event: Pick<EventRecord, 'id' | 'source'>;
      readonly outcome: 'delivered' | 'rejected' | 'unavailable' | 'skipped';
      readonly failure: string | null;
      readonly dead: string | null;
    }
  /** Deliveries became dead because their last attempt never came back. */
  | { readonly kind: 'exhausted'; readonly destination: string; readonly deliveryIds: readonly string[] }
  /** A call got its reply after so long, also one that was answered before. */
  | { readonly kind: 'replied'; readonly source: string; readonly ms: number }
  /** A call was answered for the first time, or its answer could not be sent: how, and what of it has failed. */
  | {
      readonly kind: 'answered';
      readonly source: string;
      readonly answer: string | null;
      readonly step: string;
      readonly failure: string | null;
    }
  /** A request was refused. The reason, without secrets, is made when it is needed: requests without a secret can be many. */
  | {
      readonly kind: 'refused';
      readonly source: string;
      readonly code: string;
      readonly reason: () => string;
      readonly remoteAddress: string;
    }
  | {
      readonly kind: 'reloaded';
      readonly generation: number;
      readonly added: number;
      readonly changed: number;
      readonly removed: number;
    };

@injectable()
export class Observations {
  /** Must not throw. Null where no route takes events of the router: then nothing is measured for them. */
  watcher: ((observation: Observation) => void) | null = null;
}
