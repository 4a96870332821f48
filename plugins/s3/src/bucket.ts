/** A bucket of S3, or of a service with the same API: signs requests (Signature Version 4) and sends them. */
import {
  type Clock,
  type FetchResponse,
  type HttpClient,
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
}

const errorBytes = 65_536;
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
  async put(key: string, body: Uint8Array, object: StoredObject, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': object.contentType, [deliveryHeader]: object.deliveryId ?? '' };
    const response = await this.#send('PUT', this.urlOf(key), signal, body, headers);
    const outcome = this.#outcomeOf(response, `PUT ${key}`);
    if (outcome.kind !== 'delivered') throw new OutcomeError(outcome);
  }

  /** An object that is there; null where it is not, or cannot be seen with this key. Rejects with an `OutcomeError` where that is not known. */
  async find(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    const response = await this.#send('HEAD', this.urlOf(key), signal);
    const { status, headers } = response;
    if (status === 404 || status === 403) return null;
    const outcome = this.#outcomeOf(response, `HEAD ${key}`);
    if (outcome.kind !== 'delivered') throw new OutcomeError(outcome);
    const { 'content-length': bytes = 0, 'content-type': contentType = unknownType } = headers;
    return { bytes: Number(bytes), contentType, deliveryId: headers[deliveryHeader] ?? null };
  }

  /** Lists nothing of the bucket. Throws why it cannot be used; returns what is not known. */
  async probe(signal: AbortSignal): Promise<string | null> {
    const response = await this.#send('GET', `${this.urlOf('')}?list-type=2&max-keys=0`, signal);
    const outcome = this.#outcomeOf(response, 'GET the bucket');
    if (outcome.kind === 'delivered') return null;
    if (codeIn(response) === 'AccessDenied')
      return 'reached; the key may not list the bucket, so nothing more was tried';
    throw new Error(outcome.reason);
  }

  async #send(
    method: 'GET' | 'HEAD' | 'PUT',
    url: string,
    signal: AbortSignal,
    body?: Uint8Array,
    given: Readonly<Record<string, string>> = {},
  ): Promise<FetchResponse> {
    const { accessKeyId, secretAccessKey, region } = this.#settings;
    const datetime = new Date(this.#clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const request = { method, url, headers: given, service: 's3', region, datetime };
    const { headers } = await new AwsV4Signer({ ...request, accessKeyId, secretAccessKey }).sign();
    return this.#http.fetch(url, {
      method,
      headers: Object.fromEntries(headers),
      ...(body !== undefined && { body }),
      signal,
      maxBytes: errorBytes,
    });
  }

  #outcomeOf(response: FetchResponse, what: string): Outcome {
    const { response: _, ...outcome } = outcomeOf(response, this.#clock.now());
    if (outcome.kind === 'delivered') return outcome;
    const code = codeIn(response);
    const details = [code, partIn(response, 'Message')].filter((text) => text !== null);
    const reason = [`${what}: ${outcome.reason}`, ...details].join(': ').slice(0, 500);
    // The upload was too slow for the service: a 400 that passes.
    if (code === 'RequestTimeout') return { kind: 'unavailable', reason };
    // No part of the request is from the event, but for the name and bytes of an object, which can be any.
    return outcome.kind === 'rejected' ? { kind: 'unavailable', needsOperator: true, reason } : { ...outcome, reason };
  }
}

/** What is known of a file without a type. */
export const unknownType = 'application/octet-stream';

function codeIn(response: FetchResponse): string | null {
  return partIn(response, 'Code');
}

/** The text of an element of an error, which is a short XML document. */
function partIn(response: FetchResponse, name: 'Code' | 'Message'): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(response.text())?.[1]?.replace(/\s+/g, ' ').trim() ?? null;
}

/** As the signature has it: `encodeURIComponent` leaves some characters as they are. */
function encoded(segment: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(segment).replace(/[!'()*]/g, percent);
}
