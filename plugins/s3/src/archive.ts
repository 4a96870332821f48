/** `s3.archive`: copies the file of a URL into a bucket before the URL expires, then reports it as an event. */
import {
  Clock,
  type Delivery,
  type Destination,
  defineDestination,
  deliveryScope,
  Emitter,
  type EventDraft,
  type FetchError,
  type FetchInit,
  type FetchResponse,
  fingerprint,
  HttpClient,
  isFetchError,
  Log,
  OutcomeError,
  outcomeOf,
  outcomeOfFailure,
  problem,
  type ResponseHead,
  rejected,
  scopes,
  secret,
  size,
  text,
  z,
} from '@switchhook/sdk';
import { Bucket, type StoredObject, unknownType } from './bucket.js';
import { largestObject, Upload } from './upload.js';

const options = z
  .strictObject({
    url: text(
      'URL of the file, a link that needs no further authorization. Values of `${{ }}` are percent-encoded, unless the URL starts with one.',
      scopes.destination,
      fitIntoUrl,
    ),
    key: text('Name of the object in the bucket, with `${{ }}`. The same name is the same object: it is overwritten.'),
    contentType: text('Media type of the object. Default: the one with which the file is sent.').optional(),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected a name of 3 to 63 small letters, digits, dots and hyphens')
      .meta({ description: 'Name of the bucket.' }),
    region: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .default('us-east-1')
      .meta({ description: 'Region of the bucket. Of Cloudflare R2: `auto`.' }),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({ description: 'URL of another service with the API of S3. Default: AWS, in the region.' }),
    pathStyle: z.boolean().optional().meta({
      description: 'Whether the bucket is in the path of a URL, not in its host. Default: true with `endpoint`.',
    }),
    accessKeyId: z.string().min(1).meta({ description: 'Id of the access key.' }),
    secretAccessKey: secret('Secret of the access key.'),
    maxBytes: size('Largest file, at most 78gb. A larger one is rejected.').prefault('1gb'),
    event: z
      .string()
      .min(1)
      .max(128)
      .default('recording.stored')
      .meta({ description: 'Type of the event that is emitted when the file is stored.' }),
    allowPrivate: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether a URL with `${{ }}` in it may reach private, loopback and link-local addresses.' }),
  })
  .superRefine(({ url, maxBytes }, ctx) => {
    if (maxBytes > largestObject)
      ctx.addIssue({ ...problem('expected at most 78gb: 10,000 parts of 8 MB are an object'), path: ['maxBytes'] });
    if (url.constant)
      ctx.addIssue({ ...problem('expected a URL with ${{ }}: every event would store the same file'), path: ['url'] });
  });

type Options = z.output<typeof options>;

/** Of a name in the API, in UTF-8. */
const longestKey = 1_024;
/** What servers send for a link that has expired: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html for 403. */
const gone: ReadonlySet<number> = new Set([403, 404, 410]);

export const archive = defineDestination({
  type: 's3.archive',
  description:
    'Copies a recording or transcript into an S3 bucket before its URL expires, and emits an event about it.',
  options,
  emits: ['recording.stored'],
  // At most two parts of each file are in memory: 64 MB. 1 GB takes 15 minutes at 10 Mbit/s.
  limits: { concurrency: 4, timeout: '15m' },
  inject: { http: HttpClient, clock: Clock, log: Log, emitter: Emitter },
  create: (own, services): Destination => {
    const endpoint = own.endpoint ?? null;
    const bucket = new Bucket({ ...own, endpoint, pathStyle: own.pathStyle ?? endpoint !== null }, services);
    return {
      deliver: async (delivery, signal) => {
        try {
          const plan = planOf(own, delivery);
          const stored = await store(plan, delivery.id, { bucket, services, own, signal });
          await services.emitter.emit([draftOf(plan, stored, delivery, { bucket, own, clock: services.clock })]);
          return { kind: 'delivered', response: `${stored.bytes} bytes` };
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: (delivery) => {
        const { url, key, contentType } = planOf(own, delivery);
        return {
          url,
          bucket: own.bucket,
          key,
          object: bucket.urlOf(key),
          ...(contentType !== null && { contentType }),
        };
      },
      probe: (signal) => bucket.probe(signal),
    };
  },
});

/** What an event asks for. */
interface Plan {
  readonly url: string;
  readonly key: string;
  readonly contentType: string | null;
}

/** Throws an `OutcomeError` where a part of it cannot be used. */
function planOf(own: Options, delivery: Delivery): Plan {
  const scope = deliveryScope(delivery);
  const url = own.url.render(scope).trim();
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw rejected('url: the event has no http or https URL there');
  const key = own.key.render(scope).trim();
  const segments = key.split('/');
  // A URL with such a segment would be that of another object, or another bucket.
  if (
    segments.some((segment) => segment === '' || segment === '.' || segment === '..') ||
    /\p{Cc}|\p{Surrogate}/u.test(key)
  )
    throw rejected('key: it is empty or has an empty part, a part that is . or .., or a control character');
  if (Buffer.byteLength(key) > longestKey) throw rejected(`key: it is longer than ${longestKey} bytes`);
  const contentType = own.contentType?.render(scope).trim() ?? '';
  if (!/^[\x20-\x7e]*$/.test(contentType)) throw rejected('contentType: it is no media type');
  return { url, key, contentType: contentType === '' ? null : contentType };
}

interface Parts {
  readonly bucket: Bucket;
  readonly services: { readonly http: HttpClient; readonly clock: Clock; readonly log: Log };
  readonly own: Options;
  readonly signal: AbortSignal;
}

/** Stores the file. Where its URL has expired since an earlier attempt of the delivery has stored it, that object counts. */
async function store(plan: Plan, deliveryId: string, parts: Parts): Promise<StoredObject> {
  const { bucket, services, signal } = parts;
  const { clock, log } = services;
  const upload = new Upload({ bucket, key: plan.key, deliveryId, clock, log, signal });
  const typeIn = (head: ResponseHead): string =>
    plan.contentType ?? mediaType(head.headers['content-type']) ?? unknownType;
  try {
    const file = await download(plan.url, parts, {
      signal: upload.signal,
      sink: (bytes, head) => upload.write(bytes, typeIn(head)),
    });
    if (file !== null) return await upload.finish(typeIn(file));
    const known = await bucket.find(plan.key, signal);
    if (known?.deliveryId === deliveryId) return known;
    throw rejected(`GET ${hostOf(plan.url)}: the URL has expired, or there is no such file; it was not stored`);
  } catch (error) {
    await upload.abort(error);
    throw error;
  }
}

/** The event about it, with the same key in each attempt. */
function draftOf(
  plan: Plan,
  { bytes, contentType, deliveryId, sha256 }: StoredObject,
  { event }: Delivery,
  { bucket, own, clock }: { readonly bucket: Bucket; readonly own: Options; readonly clock: Clock },
): EventDraft {
  const { id, type, source, subject, agent } = event;
  const place = { bucket: own.bucket, key: plan.key, url: bucket.urlOf(plan.key) };
  return {
    key: `${own.event}:${fingerprint(JSON.stringify([deliveryId, own.bucket, plan.key]))}`,
    type: own.event,
    subject,
    agent,
    occurredAtMs: clock.now(),
    data: { ...place, bytes, sha256, contentType, event: { id, type, source } },
  };
}

/** Gives the file to the sink. Null where the URL has expired. */
async function download(
  url: string,
  { own: { maxBytes, allowPrivate }, services: { http, clock } }: Parts,
  init: Pick<FetchInit, 'signal' | 'sink'>,
): Promise<FetchResponse | null> {
  const host = hostOf(url);
  const response = await http
    .fetch(url, { ...init, maxBytes, reach: allowPrivate ? 'any' : 'public' })
    .catch((error: unknown) => {
      throw isFetchError(error) ? failedDownload(error, host, maxBytes) : error;
    });
  if (gone.has(response.status)) return null;
  const { response: _, ...outcome } = outcomeOf(response, clock.now());
  if (outcome.kind !== 'delivered') throw new OutcomeError({ ...outcome, reason: `GET ${host}: ${outcome.reason}` });
  return response;
}

function failedDownload({ code, message }: FetchError, host: string, maxBytes: number): Error {
  if (code === 'ADDRESS_FORBIDDEN') return rejected(`${message}; allowPrivate: true allows it`);
  if (code === 'BODY_TOO_LARGE')
    return rejected(`GET ${host}: the file is larger than ${maxBytes} bytes, the limit of maxBytes; it was not stored`);
  return new OutcomeError({
    kind: 'unavailable',
    reason: `GET ${host}: the file did not arrive completely: ${message}`,
  });
}

/** A link from the event is taken as it is; a part of one cannot change the rest. */
function fitIntoUrl(value: string, before: string): string {
  return before === '' ? value : encodeURIComponent(Buffer.from(value).toString());
}

function mediaType(header: string | undefined): string | null {
  const type = header?.trim() ?? '';
  return /^[\w!#$&^.+-]+\/[\x21-\x7e]/.test(type) && /^[\x20-\x7e]*$/.test(type) ? type : null;
}

function hostOf(url: string): string {
  return new URL(url).host;
}
