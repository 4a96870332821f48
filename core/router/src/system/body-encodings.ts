/** Undoes the encodings of a response's body (gzip, deflate, br), which many servers apply unasked. */
import { pipeline } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { FetchError } from '@switchhook/sdk';

/** How much of a response's body is read where the request does not say. */
export const defaultMaxBytes = 1_048_576;

/** More of them in one response are a mistake, or an attack. */
const mostEncodings = 3;

type Parts = AsyncIterable<Buffer>;

/** The encodings of a body, in the order in which they were applied. */
export function encodingsOf(headers: Readonly<Record<string, string | string[] | undefined>>): readonly string[] {
  return String(headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity');
}

/**
 * The body without its encodings. The limit of bytes holds for each of them, so that no small body becomes a large one. Throws a
 * `FetchError` where it is reached, after the bytes within it, and whatever a decoder throws; `encodingError` makes an error of that.
 * `isWhole` is false where the body is known to break off: what there is of it is decoded then.
 */
export function decoding(parts: Parts, encodings: readonly string[], maxBytes: number, isWhole = true): Parts {
  return encodings.reduceRight((before, encoding) => {
    const known = encodings.length > mostEncodings ? 'too many' : encoding;
    return limited(decode(before, known, isWhole), maxBytes);
  }, parts);
}

/** Why a body cannot be decoded. */
export function encodingError(failure: unknown, encodings: readonly string[]): FetchError {
  if (failure instanceof FetchError) return failure;
  const reason = failure instanceof Error ? failure.message : failure;
  return new FetchError('BODY_ENCODING', `the body cannot be read as ${encodings.join(', ').slice(0, 100)}: ${reason}`);
}

/** The body is longer than it may be. */
export function tooLarge(maxBytes: number): FetchError {
  return new FetchError('BODY_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

async function* limited(parts: Parts, maxBytes: number): Parts {
  let left = maxBytes;
  for await (const part of parts) {
    yield part.subarray(0, left);
    if (part.length > left) throw tooLarge(maxBytes);
    left -= part.length;
  }
}

async function* decode(parts: Parts, encoding: string, isWhole: boolean): Parts {
  const iterator = parts[Symbol.asyncIterator]();
  const { value: first, done } = await iterator.next();
  if (done === true) return;
  const decoder = decoderOf(encoding, first, isWhole);
  if (decoder === null) throw new Error('the encoding is not supported');
  const all = async function* (): Parts {
    yield first;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  // Its errors are those of the decoder, which is read here.
  yield* pipeline(all, decoder, () => {});
}

/** Null where the encoding is unknown. */
function decoderOf(encoding: string, [first = 0]: Uint8Array, isWhole: boolean) {
  const options = isWhole ? {} : { finishFlush: constants.Z_SYNC_FLUSH };
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(options);
    case 'deflate':
      // Some servers leave the header out, which always has an 8 in its lower half.
      return (first & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options);
    case 'br':
      return createBrotliDecompress(isWhole ? {} : { finishFlush: constants.BROTLI_OPERATION_FLUSH });
    default:
      return null;
  }
}
