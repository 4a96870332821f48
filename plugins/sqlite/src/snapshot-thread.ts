/** A thread that reads a snapshot while the store's own thread goes on, in this process or another one. */
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.js';
import type { SnapshotReply, SnapshotRequest, SnapshotStart } from './snapshot.js';
import { SnapshotReads } from './snapshot-reads.js';

const port = parentPort;
if (port === null) throw new Error('snapshot-thread.js must run in a worker thread');

function replyTo(answer: () => unknown): void {
  try {
    port?.postMessage({ result: answer() } satisfies SnapshotReply);
  } catch (error) {
    port?.postMessage({ failure: failureOf(error) } satisfies SnapshotReply);
  }
}

let reads: SnapshotReads | null = null;
replyTo(() => {
  // snapshot.ts passes `SnapshotStart`.
  const { path, nowMs } = workerData as SnapshotStart;
  reads = new SnapshotReads(path, nowMs);
  return reads.content;
});
port.on('message', (request: SnapshotRequest) => {
  if (request.kind !== 'close') return replyTo(() => reads?.[request.kind](request.after, request.limit));
  reads?.close();
  port.close();
});
