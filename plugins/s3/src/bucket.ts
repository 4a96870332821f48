/** A bucket of S3, or of a service with the same API: signs requests (Signature Version 4) and sends them. */
import { createHash } from 'node:crypto';
import {
  type Clock,
  type FetchResponse,
  type HttpClient,
  isFetchError,
  isSuccess,
  type Outcome,
  OutcomeError,
  outcomeOf,
} from '@switchhook/sdk';
import { AwsV4Signer } from 'aws4fetch';

/** Where a bucket is, and with which key. */
export interface BucketSettings {
  readonly bucket: string;
  readonly region: string;
  /** Null = AWS. */
  readonly endpoint: string | null;
  /** Whether the bucket stands in the path of a URL, instead of in its host. */
  readonly pathStyle: boolean;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What is known of an object that is in the bucket. */
export interface StoredObject {
  readonly bytes: number;
  readonly contentType: string;
  /** The delivery that has stored it, which is noted with the object; null where none is. */
  readonly deliveryId: string | null;
  /** Of all its bytes, in hexadecimal; null where it is not known, since the bucket does not have it. */
  readonly sha256: string | null;
}

/** Bytes to be written, with their SHA-256 in hexadecimal, which is signed: the service refuses others. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** A multipart upload that is open. */
export interface OpenUpload {
  readonly key: string;
  readonly id: string;
}

const errorBytes = 65_536;
const longestReason = 500;
/** 4xx that pass: the upload was too slow for the service, its bytes changed on the way, or it was dropped by the bucket's own rules. */
const passing: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'NoSuchUpload',
]);
/** Metadata of an object. */
const deliveryHeader = 'x-amz-meta-switchhook-delivery';

/** Calls the API about one bucket. */
export class Bucket {
  readonly #settings: BucketSettings;
  readonly #http: HttpClient;
  readonly #clock: Clock;

  constructor(settings: BucketSettings, { http, clock }: { readonly http: HttpClient; readonly clock: Clock }) {
    this.#settings = settings;
    this.#http = http;
    this.#clock = clock;
  }

  /** The URL of an object, as it is requested. */
  urlOf(key: string): string {
    const { bucket, region, endpoint, pathStyle } = this.#settings;
    const base = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
    if (!pathStyle) base.hostname = `${bucket}.${base.hostname}`;
    const before = base.pathname.replace(/\/$/, '');
    return `${base.origin}${before}${pathStyle ? `/${bucket}` : ''}/${key.split('/').map(encoded).join('/')}`;
  }

  /** Writes an object, in one request: it is there as a whole, or what was there before is. Rejects with an `OutcomeError` where it is refused. */
  async put(key: string, content: Content, object: Noted, signal: AbortSignal): Promise<void> {
    await this.#request('PUT', this.urlOf(key), { what: `PUT ${key}`, content, headers: notedIn(object), signal });
  }

  /** Begins a multipart upload; returns its id. Rejects with an `OutcomeError` where it is refused, as the following do. */
  async begin(key: string, object: Noted, signal: AbortSignal): Promise<string> {
    const what = `POST ${key} to begin an upload`;
    const response = await this.#request('POST', `${this.urlOf(key)}?uploads=`, {
      ...{ what, headers: notedIn(object), signal },
    });
    return partIn(response, 'UploadId') ?? missing(what, 'UploadId');
  }

  /** Writes a part, of which there are up to 10,000; returns its tag. */
  async putPart(upload: OpenUpload & { readonly number: number }, content: Content, signal: AbortSignal) {
    const { key, number } = upload;
    const what = `PUT part ${number} of ${key}`;
    const url = this.#urlOfUpload(upload, `partNumber=${number}&`);
    const { headers } = await this.#request('PUT', url, { what, content, signal });
    return headers.etag ?? missing(what, 'ETag');
  }

  /** Makes an object of all parts, given their tags in order. It is there as a whole, or what was there before is. */
  async complete(upload: OpenUpload, tags: readonly string[], signal: AbortSignal): Promise<void> {
    const parts = tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
    );
    const bytes = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const content = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    const what = `POST ${upload.key} to complete the upload`;
    const response = await this.#request('POST', this.#urlOfUpload(upload), { what, content, signal });
    // S3 may begin with a 200, to keep the connection, before it knows: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html.
    if (!response.truncated && !response.text().includes('<Error>')) return;
    const reason = [what, ...(response.truncated ? ['the reply broke off'] : detailsIn(response))].join(': ');
    throw new OutcomeError({ kind: 'unavailable', reason: reason.slice(0, longestReason) });
  }

  /** Drops a multipart upload and its parts. One that is no longer there is no failure. */
  async abort(upload: OpenUpload, signal: AbortSignal): Promise<void> {
    const what = `DELETE the upload of ${upload.key}`;
    await this.#request('DELETE', this.#urlOfUpload(upload), { what, signal, allow: [404] });
  }

  /** An object that is there; null where it is not, or cannot be seen with this key. Rejects with an `OutcomeError` where that is not known. */
  async find(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    const request = { what: `HEAD ${key}`, signal, allow: [403, 404] };
    const { status, headers } = await this.#request('HEAD', this.urlOf(key), request);
    if (request.allow.includes(status)) return null;
    const { 'content-length': bytes = 0, 'content-type': contentType = unknownType } = headers;
    return { bytes: Number(bytes), contentType, deliveryId: headers[deliveryHeader] ?? null, sha256: null };
  }

  /** Lists nothing of the bucket. Throws why it cannot be used; returns what is not known. */
  async probe(signal: AbortSignal): Promise<string | null> {
    const url = `${this.urlOf('')}?list-type=2&max-keys=0`;
    const response = await this.#request('GET', url, { what: 'GET the bucket', signal, allow: [403] });
    if (isSuccess(response.status)) return null;
    if (codeIn(response) === 'AccessDenied')
      return 'reached; the key may not list the bucket, so nothing more was tried';
    throw new OutcomeError(this.#outcomeOf(response, 'GET the bucket'));
  }

  #urlOfUpload({ key, id }: OpenUpload, query = ''): string {
    return `${this.urlOf(key)}?${query}uploadId=${encoded(id)}`;
  }

  /** Rejects with an `OutcomeError` where the status is none of 2xx or `allow`, or there is none. */
  async #request(method: 'DELETE' | 'GET' | 'HEAD' | 'POST' | 'PUT', url: string, request: Request) {
    const { accessKeyId, secretAccessKey, region } = this.#settings;
    const { what, content, signal, allow = [] } = request;
    const datetime = new Date(this.#clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const given = { ...request.headers, ...(content !== undefined && { 'x-amz-content-sha256': content.sha256 }) };
    const signing = { method, url, headers: given, service: 's3', region, datetime };
    const { headers } = await new AwsV4Signer({ ...signing, accessKeyId, secretAccessKey }).sign();
    const response = await this.#http
      .fetch(url, {
        method,
        headers: Object.fromEntries(headers),
        ...(content !== undefined && { body: content.bytes }),
        signal,
        maxBytes: errorBytes,
      })
      .catch((error: unknown) => {
        if (!isFetchError(error)) throw error;
        throw new OutcomeError({ kind: 'unavailable', reason: `${what}: ${error.message}`.slice(0, longestReason) });
      });
    if (isSuccess(response.status) || allow.includes(response.status)) return response;
    throw new OutcomeError(this.#outcomeOf(response, what));
  }

  #outcomeOf(response: FetchResponse, what: string): Refused {
    // Of a status that is none of 2xx.
    const { response: _, ...outcome } = outcomeOf(response, this.#clock.now()) as Refused;
    const reason = [`${what}: ${outcome.reason}`, ...detailsIn(response)].join(': ').slice(0, longestReason);
    if (passing.has(codeIn(response) ?? '')) return { kind: 'unavailable', reason };
    // No part of the request is from the event, but for the name and bytes of an object, which can be any.
    return outcome.kind === 'rejected' ? { kind: 'unavailable', needsOperator: true, reason } : { ...outcome, reason };
  }
}

type Refused = Exclude<Outcome, { readonly kind: 'delivered' }>;

/** A request, and how reasons name it. */
interface Request {
  readonly what: string;
  readonly content?: Content;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Statuses that are no failure here, beside 2xx. */
  readonly allow?: readonly number[];
}

/** What is noted with an object. */
type Noted = Pick<StoredObject, 'contentType' | 'deliveryId'>;

function notedIn({ contentType, deliveryId }: Noted): Readonly<Record<string, string>> {
  return { 'content-type': contentType, [deliveryHeader]: deliveryId ?? '' };
}

/** What is known of a file without a type. */
export const unknownType = 'application/octet-stream';

function detailsIn(response: FetchResponse): readonly string[] {
  return [codeIn(response), partIn(response, 'Message')].filter((text) => text !== null);
}

function missing(what: string, name: string): never {
  const reason = `${what}: the reply has no ${name}; is the endpoint the API of S3?`;
  throw new OutcomeError({ kind: 'unavailable', needsOperator: true, reason });
}

function codeIn(response: FetchResponse): string | null {
  return partIn(response, 'Code');
}

/** The text of an element of an error, which is a short XML document. */
function partIn(response: FetchResponse, name: 'Code' | 'Message' | 'UploadId'): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(response.text())?.[1]?.replace(/\s+/g, ' ').trim() ?? null;
}

/** A text of XML: tags are in quotation marks. */
function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** As the signature has it: `encodeURIComponent` leaves some characters as they are. */
function encoded(segment: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(segment).replace(/[!'()*]/g, percent);
}
