/**
 * A table in memory, made to be handed from thread to thread: a hash index over rows written as JSON, all in plain
 * bytes, which the garbage collector need not walk through.
 */
import type { JsonObject, JsonValue } from '@switchhook/sdk';
import { parseJson, stringifyJson } from '@switchhook/sdk/thread';
import { FileProblem } from './file-problem.js';

/** A table as its bytes, whose buffers can be transferred. */
export interface TableParts {
  /** Lists of column names, each for all rows that have these columns. */
  readonly shapes: readonly (readonly string[])[];
  /** Rows, one after the other: the hash of the key, the length of the rest (4 bytes each), and a `WrittenRow` as JSON. */
  readonly chunks: readonly Uint8Array[];
  /** Where a row is, plus 1; 0 = free. Its slot follows from the hash of its key. */
  readonly slots: Uint32Array;
}

/** All of one size, so that a position gives its chunk. Positions of 32 bits reach 4 GB. */
const chunkBytes = 2 ** 24;
const headBytes = 8;

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
    const [written, shape, same, ...others] = rowAt(placeOf(this.#parts.chunks, position));
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
    const position = this.#write(hash, stringifyJson(this.#written(key, values)));
    const slot = slotOf(this.#parts(), key, hash);
    const isNew = this.#slots[slot] === 0;
    this.#slots[slot] = position;
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
    return { shapes: this.#shapes, chunks: this.#chunks, slots: this.#slots };
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

  /** Where it is, plus 1. */
  #write(hash: number, json: string): number {
    const length = Buffer.byteLength(json);
    const total = headBytes + length;
    if (total > chunkBytes) throw new FileProblem('a row is larger than 16 MB');
    if (this.#used + total > chunkBytes) {
      this.#chunks.push(Buffer.allocUnsafeSlow(chunkBytes));
      this.#used = 0;
    }
    const chunk = this.#chunks.at(-1) ?? Buffer.alloc(0);
    const offset = this.#used;
    chunk.writeUInt32LE(hash, offset);
    chunk.writeUInt32LE(length, offset + 4);
    chunk.write(json, offset + headBytes);
    this.#used += total;
    return (this.#chunks.length - 1) * chunkBytes + offset + 1;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (const position of this.#slots) {
      if (position === 0) continue;
      let slot = hashAt(placeOf(this.#chunks, position)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = position;
    }
    this.#slots = slots;
  }
}

/** The slot that holds the key, or the free one where it belongs. */
function slotOf({ slots, chunks }: TableParts, key: string, hash: number): number {
  const mask = slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const position = slots[slot] ?? 0;
    if (position === 0) return slot;
    const place = placeOf(chunks, position);
    if (hashAt(place) === hash && rowAt(place)[0] === key) return slot;
  }
}

/** A row in its chunk. */
interface RowPlace {
  readonly bytes: Buffer;
  readonly offset: number;
}

function placeOf(chunks: readonly Uint8Array[], position: number): RowPlace {
  const chunk = chunks[Math.floor((position - 1) / chunkBytes)] ?? new Uint8Array();
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return { bytes, offset: (position - 1) % chunkBytes };
}

function hashAt({ bytes, offset }: RowPlace): number {
  return bytes.readUInt32LE(offset);
}

function rowAt({ bytes, offset }: RowPlace): WrittenRow {
  const start = offset + headBytes;
  return parseJson(bytes.toString('utf8', start, start + bytes.readUInt32LE(offset + 4))) as unknown as WrittenRow;
}

/** FNV-1a, its bits mixed once more because neighbouring numbers share most of their digits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
