/** Ids: the one place where they are made. */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const randomBytesPerId = 16;

/** Reading random bytes from the system costs more than the rest of an id, so bytes for 256 ids are read at once. */
const pool = new Uint8Array(256 * randomBytesPerId);

let used = pool.length;

/** A new event id: a UUIDv7, so that ids made later sort later and a store's index grows at its end. */
export function newEventId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += randomBytesPerId;
  return v7({ random: pool.subarray(used - randomBytesPerId, used) });
}

/** A new id of a replay, or of another change of many deliveries. */
export function newBulkChangeId(): string {
  return v7();
}

/** A new id of an erasure: ids made later sort later. */
export function newErasureId(): string {
  return v7();
}

/** A salt for the hashes of one erasure: 128 random bits in hex. */
export function newSalt(): string {
  return Buffer.from(randomFillSync(new Uint8Array(16))).toString('hex');
}

/** A new id of a refused request: ids made later sort later, also within a millisecond. */
export function newRefusedId(): string {
  return v7();
}

/** A new id of a router, for one run of it. */
export function newRouterId(): string {
  return v7();
}

/** A new id of a browser's session. */
export function newSessionId(): string {
  return v7();
}

/** A new version of a value that a plugin keeps: no two are the same. */
export function newVersion(): string {
  return v7();
}
