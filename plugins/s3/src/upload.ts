/** One upload: bytes are put into the bucket while they arrive. At most two parts of them are in memory. */
import { createHash } from 'node:crypto';
import type { Clock, Log } from '@switchhook/sdk';
import type { Bucket, StoredObject } from './bucket.js';

/** S3 takes parts of 5 MiB to 5 GiB, and a shorter last one; R2 wants all others to be equally long. */
export const partBytes = 8_388_608;
/** What S3 takes at most: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html. */
const mostParts = 10_000;
/** The largest object that parts of this length make. */
export const largestObject = partBytes * mostParts;
/** For ending an upload whose attempt is over. */
const abortMs = 10_000;

/** What an upload is made of. */
export interface UploadParts {
  readonly bucket: Bucket;
  readonly key: string;
  readonly deliveryId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * An object that is being written. One that fits into a part is written by one request, when it is complete; a larger one by a multipart upload,
 * which begins with the second part. Either way the object is there as a whole after `finish`, or not at all.
 */
export class Upload {
  readonly #given: UploadParts;
  readonly #ended = new AbortController();
  /** Aborted with the attempt, and with the reason where a part cannot be written: nothing more needs to be read then. */
  readonly signal: AbortSignal;
  readonly #digest = createHash('sha256');
  #bytes = 0;
  #filling = new Part();
  /** The other part, which is being sent, or free. */
  #other: Part | null = null;
  #sending: Promise<void> | null = null;
  readonly #tags: string[] = [];
  /** Null while there is no multipart upload. */
  #id: string | null = null;

  constructor(given: UploadParts) {
    this.#given = given;
    this.signal = AbortSignal.any([given.signal, this.#ended.signal]);
  }

  /** Takes further bytes; resolves when more can be taken. Rejects where a part cannot be written. `contentType` is the same each time. */
  async write(bytes: Uint8Array, contentType: string): Promise<void> {
    this.#digest.update(bytes);
    this.#bytes += bytes.byteLength;
    for (let rest = bytes; rest.byteLength > 0; rest = this.#filling.take(rest))
      if (this.#filling.isFull) await this.#sendPart(contentType);
  }

  /** Completes the object: all bytes have been written. Rejects with an `OutcomeError` where the bucket refuses. */
  async finish(contentType: string): Promise<StoredObject> {
    const { bucket, key, deliveryId } = this.#given;
    const stored = { bytes: this.#bytes, contentType, deliveryId, sha256: this.#digest.digest('hex') };
    if (this.#id === null) {
      await bucket.put(key, this.#filling.content, stored, this.signal);
    } else {
      await this.#sendPart(contentType);
      await this.#sending;
      await bucket.complete({ key, id: this.#id }, this.#tags, this.signal);
      this.#id = null;
    }
    return stored;
  }

  /** Ends an upload that cannot be finished, so that no parts stay in the bucket, which would cost money. Never rejects. */
  async abort(reason: unknown): Promise<void> {
    const { bucket, key, clock, log } = this.#given;
    this.#ended.abort(reason);
    // A part that arrives later would stay.
    await Promise.allSettled([this.#sending]);
    if (this.#id === null) return;
    const upload = { key, id: this.#id };
    // The attempt's own signal may be aborted already.
    const controller = new AbortController();
    const cancel = clock.after(abortMs, () => controller.abort(new Error(`no response within ${abortMs} ms`)));
    try {
      await bucket.abort(upload, controller.signal);
    } catch (error) {
      log.warn('upload.left-open', { key, uploadId: upload.id, error });
    }
    cancel();
  }

  /** Sends the part that is full or the last one, once the one before has been written, whose memory is used again. */
  async #sendPart(contentType: string): Promise<void> {
    const { bucket, key, deliveryId } = this.#given;
    await this.#sending;
    this.#id ??= await bucket.begin(key, { contentType, deliveryId }, this.signal);
    const part = this.#filling;
    this.#filling = this.#other ?? new Part();
    this.#other = part;
    const place = { key, id: this.#id, number: this.#tags.length + 1 };
    this.#sending = bucket.putPart(place, part.content, this.signal).then((tag) => {
      this.#tags.push(tag);
      part.clear();
    });
    this.#sending.catch((error: unknown) => this.#ended.abort(error));
  }
}

/** Bytes that are hashed one piece at a time as they come: all at once, they would block calls for tens of milliseconds. */
class Part {
  readonly #buffer = Buffer.allocUnsafeSlow(partBytes);
  #length = 0;
  #digest = createHash('sha256');

  get isFull(): boolean {
    return this.#length === partBytes;
  }

  /** Takes what there is room for; returns the rest. */
  take(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, partBytes - this.#length);
    this.#buffer.set(taken, this.#length);
    this.#digest.update(taken);
    this.#length += taken.byteLength;
    return bytes.subarray(taken.byteLength);
  }

  /** The bytes so far, and their digest. */
  get content(): { readonly bytes: Uint8Array; readonly sha256: string } {
    return { bytes: this.#buffer.subarray(0, this.#length), sha256: this.#digest.copy().digest('hex') };
  }

  clear(): void {
    this.#length = 0;
    this.#digest = createHash('sha256');
  }
}
