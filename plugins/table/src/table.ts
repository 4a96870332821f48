/**
 * A table in memory, made to be handed from thread to thread: a hash index over rows written as JSON, all in plain
 * bytes, which the garbage collector need not walk through.
 */
import type { JsonObject, JsonValue } from '@switchhook/core/plugin';
import { FileProblem } from './file-problem.js';

/** A table as its bytes, whose buffers can be transferred. */
export interface TableParts {
  /** Lists of column names, each for all rows that have these columns. */
  readonly shapes: readonly (readonly string[])[];
  /** Rows, one after the other: 4 bytes of length, then a `WrittenRow` as JSON. */
  readonly chunks: readonly Uint8Array[];
  /** Where a row is, plus 1; 0 = free. Its slot follows from the hash of its key. */
  readonly slots: Uint32Array;
  /** The hash beside each slot. */
  readonly hashes: Uint32Array;
}

/** Of one size, so that a position tells its chunk. Positions of 32 bits reach 4 GB. */
const chunkBytes = 2 ** 24;
const lengthBytes = 4;

/** `same` is the column whose value is the key itself, which is left out: a sixth of what most tables take. -1 = none is. */
type WrittenRow = readonly [key: string, shape: number, same: number, ...values: JsonValue[]];

/** Finds rows by key. */
export class Table {
  readonly #parts: TableParts;

  constructor(parts: TableParts) {
    this.#parts = parts;
  }

  /** The row with this key, `{}` where there is none. */
  find(key: string): JsonObject {
    const { slots, shapes } = this.#parts;
    const position = slots[slotOf(this.#parts, key, hashOf(key))] ?? 0;
    if (position === 0) return {};
    const [written, shape, same, ...others] = rowAt(this.#parts.chunks, position - 1);
    const values = same < 0 ? others : others.toSpliced(same, 0, written);
    return Object.fromEntries((shapes[shape] ?? []).map((column, index) => [column, values[index] ?? null]));
  }
}

/** Makes a table, row by row. */
export class TableBuilder {
  readonly #shapes: (readonly string[])[] = [];
  readonly #shapeIds = new Map<string, number>();
  readonly #chunks: Buffer[] = [];
  #slots = new Uint32Array(1_024);
  #hashes = new Uint32Array(1_024);
  #rows = 0;
  /** Bytes used of the last chunk. */
  #used = chunkBytes;

  /** How many keys there are. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds a row. False = there was one with this key already: the later one counts. */
  add(key: string, values: JsonObject): boolean {
    if (this.#rows * 2 >= this.#slots.length) this.#grow();
    const hash = hashOf(key);
    const position = this.#write(JSON.stringify(this.#written(key, values)));
    const slot = slotOf(this.#parts(), key, hash);
    const isNew = this.#slots[slot] === 0;
    this.#slots[slot] = position + 1;
    this.#hashes[slot] = hash;
    if (isNew) this.#rows += 1;
    return isNew;
  }

  /** The table. Nothing may be added any more. */
  finish(): TableParts {
    const chunks = this.#chunks.map((chunk, index) =>
      index === this.#chunks.length - 1 ? new Uint8Array(chunk.subarray(0, this.#used)) : chunk,
    );
    return { ...this.#parts(), chunks };
  }

  #parts(): TableParts {
    return { shapes: this.#shapes, chunks: this.#chunks, slots: this.#slots, hashes: this.#hashes };
  }

  #written(key: string, values: JsonObject): WrittenRow {
    const all = Object.values(values);
    const same = all.indexOf(key);
    return [key, this.#shapeOf(values), same, ...all.filter((_, index) => index !== same)];
  }

  #shapeOf(values: JsonObject): number {
    const columns = Object.keys(values);
    const name = columns.join('\0');
    const known = this.#shapeIds.get(name);
    if (known !== undefined) return known;
    this.#shapeIds.set(name, this.#shapes.length);
    return this.#shapes.push(columns) - 1;
  }

  #write(json: string): number {
    const length = Buffer.byteLength(json);
    const total = lengthBytes + length;
    if (total > chunkBytes) throw new FileProblem('a row is larger than 16 MB');
    if (this.#used + total > chunkBytes) {
      this.#chunks.push(Buffer.allocUnsafeSlow(chunkBytes));
      this.#used = 0;
    }
    const chunk = this.#chunks.at(-1) ?? Buffer.alloc(0);
    const offset = this.#used;
    chunk.writeUInt32LE(length, offset);
    chunk.write(json, offset + lengthBytes);
    this.#used += total;
    return (this.#chunks.length - 1) * chunkBytes + offset;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const hashes = new Uint32Array(slots.length);
    const mask = slots.length - 1;
    this.#slots.forEach((position, old) => {
      if (position === 0) return;
      const hash = this.#hashes[old] ?? 0;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = position;
      hashes[slot] = hash;
    });
    this.#slots = slots;
    this.#hashes = hashes;
  }
}

/** The slot that holds the key, or the free one where it belongs. */
function slotOf({ slots, hashes, chunks }: TableParts, key: string, hash: number): number {
  const mask = slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const position = slots[slot] ?? 0;
    if (position === 0 || (hashes[slot] === hash && rowAt(chunks, position - 1)[0] === key)) return slot;
  }
}

function rowAt(chunks: readonly Uint8Array[], position: number): WrittenRow {
  const chunk = chunks[Math.floor(position / chunkBytes)] ?? new Uint8Array();
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const start = (position % chunkBytes) + lengthBytes;
  return JSON.parse(bytes.toString('utf8', start, start + bytes.readUInt32LE(start - lengthBytes))) as WrittenRow;
}

/** FNV-1a, its bits mixed once more because neighbouring numbers share most of their digits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
