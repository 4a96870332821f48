/** Which row of the configuration the main thread loads or makes: in memory that the watchdog's thread reads, since a blocked thread cannot reply. */

const mostBytes = 1_000;

/** The number of bytes, then the text. */
export const workMemory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT + mostBytes);

/** From now on, what blocks the process is of this row, e.g. `plugins[0] ./crm.ts (switchhook.yaml:4:5)`, until the function that it returns is called. */
export function beginWork(row: string): () => void {
  const before = workIn(workMemory);
  write(row);
  return () => write(before);
}

/** The row; empty where there is none. */
export function workIn(memory: SharedArrayBuffer): string {
  const [length = 0] = new Int32Array(memory, 0, 1);
  return Buffer.from(memory, Int32Array.BYTES_PER_ELEMENT, length).toString('utf8');
}

function write(row: string): void {
  const bytes = Buffer.from(workMemory, Int32Array.BYTES_PER_ELEMENT, mostBytes);
  new Int32Array(workMemory, 0, 1).set([bytes.write(row)]);
}
