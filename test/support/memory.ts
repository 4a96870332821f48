/** How much memory is in use. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { settled } from '@switchhook/testkit';

/** Bytes in use when everything that can be given back has been. */
export async function memoryBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // What one collection finds, the next ones give back: buffers have finalizers.
  for (let round = 0; round < 4; round += 1) {
    collect();
    await settled();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
