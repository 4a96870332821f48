/** A thread that looks for damaged pages while the store's own thread goes on; it sends what it finds, null where all is well. */
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.js';
import type { Failure } from './protocol.js';
import { connect } from './sql-connection.js';
import { quickCheck } from './sql-schema.js';

/** How long to wait for a lock of the store's own thread. */
const lockWaitMs = 1_000;

function damageOf(path: string): Failure | null {
  try {
    const db = connect(path, lockWaitMs);
    try {
      const found = String(db.pragma(quickCheck));
      return found === 'ok' ? null : failureOf(Object.assign(new Error(found), { code: 'SQLITE_CORRUPT' }));
    } finally {
      db.close();
    }
  } catch (error) {
    return failureOf(error);
  }
}

parentPort?.postMessage(damageOf(String(workerData)));
