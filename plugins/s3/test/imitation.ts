/** A local imitation of S3 that verifies signatures (Signature Version 4), and a server of files. */
import { createHash, createHmac } from 'node:crypto';
import { type Behaviour, type ReceivedRequest, type Response, receiver } from '@switchhook/testkit';

export const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
export const bucket = 'calls-archive';

export interface FarObject {
  readonly body: Buffer;
  readonly contentType: string;
  /** Headers that begin with `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A multipart upload that was begun and neither completed nor aborted. */
interface OpenUpload {
  readonly key: string;
  readonly contentType: string;
  readonly metadata: FarObject['metadata'];
  readonly parts: Map<number, Buffer>;
}

/** The least length of a part, but for the last one. */
const leastPart = 5 * 1_048_576;

const md5 = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;

/** The signature that S3 expects, by https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. */
export function expectedSignature(
  { method, path, headers }: Pick<ReceivedRequest, 'method' | 'path' | 'headers'>,
  signedHeaders: readonly string[],
  region: string,
): string {
  const [pathname = '', search = ''] = path.split('?');
  const query = search.split('&').toSorted().join('&');
  const canonical = [
    method,
    pathname,
    query,
    ...signedHeaders.map((name) => `${name}:${headers[name]?.trim()}`),
    '',
    signedHeaders.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
  const date = headers['x-amz-date'] ?? '';
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const signingKey = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`);
  return hmac(signingKey, ['AWS4-HMAC-SHA256', date, scope, hash].join('\n')).toString('hex');
}

export async function s3(now: () => number, region = 'us-east-1') {
  const objects = new Map<string, FarObject>();
  const uploads = new Map<string, OpenUpload>();
  let instead: Behaviour | null = null;
  const refusal = (status: number, code: string, message: string): Response => ({
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  });

  const effectOf = (request: ReceivedRequest): Response => {
    const { path, headers } = request;
    const [, credential, signed = '', signature] =
      /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(headers.authorization ?? '') ??
      [];
    const date = headers['x-amz-date'] ?? '';
    if (credential !== `${keys.accessKeyId}/${date.slice(0, 8)}/${region}/s3/aws4_request`)
      return refusal(
        400,
        'AuthorizationHeaderMalformed',
        `The authorization header is malformed; expecting '${region}'`,
      );
    if (expectedSignature(request, signed.split(';'), region) !== signature)
      return refusal(
        403,
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided.',
      );
    const sent = date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
    if (Math.abs(Date.parse(sent) - now()) > 900_000)
      return refusal(
        403,
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
      );
    const [, name, key] = /^\/([^/?]+)\/([^?]*)/.exec(path) ?? [];
    if (name !== bucket) return refusal(404, 'NoSuchBucket', 'The specified bucket does not exist');
    const claimed = String(headers['x-amz-content-sha256']);
    if (claimed !== 'UNSIGNED-PAYLOAD' && createHash('sha256').update(request.body).digest('hex') !== claimed)
      return refusal(400, 'XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match.");
    return handle(request, decodeURIComponent(key ?? ''));
  };

  /** Of a request whose signature and body are in order. */
  const handle = (request: ReceivedRequest, key: string): Response => {
    const { method, path, headers, body } = request;
    const query = new URL(path, 'http://s3').searchParams;
    const noted = {
      contentType: String(headers['content-type']),
      metadata: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))),
    };
    if (query.has('uploads')) {
      if (method === 'GET') return listing();
      const id = `id/${uploads.size + 1}+${key}==`;
      uploads.set(id, { key, ...noted, parts: new Map() });
      return {
        status: 200,
        body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      };
    }
    if (query.has('uploadId'))
      return ofUpload(request, key, String(query.get('uploadId')), Number(query.get('partNumber')));
    if (method === 'PUT') {
      objects.set(key, { body, ...noted });
      return { status: 200, headers: { etag: md5(body) } };
    }
    if (method === 'GET') return { status: 200, body: '<ListBucketResult/>' };
    const object = objects.get(key);
    if (object === undefined) return 404;
    return {
      status: 200,
      headers: { 'content-length': String(object.body.length), 'content-type': object.contentType, ...object.metadata },
    };
  };

  const listing = (): Response => {
    const rows = [...uploads].map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    return { status: 200, body: `<ListMultipartUploadsResult>${rows.join('')}</ListMultipartUploadsResult>` };
  };

  const ofUpload = ({ method, body }: ReceivedRequest, key: string, id: string, number: number): Response => {
    const upload = uploads.get(id);
    if (upload?.key !== key) return refusal(404, 'NoSuchUpload', 'The specified multipart upload does not exist.');
    if (method === 'PUT') {
      if (!(number >= 1 && number <= 10_000)) return refusal(400, 'InvalidArgument', 'Part number must be 1 to 10000');
      upload.parts.set(number, body);
      return { status: 200, headers: { etag: md5(body) } };
    }
    if (method === 'DELETE') {
      uploads.delete(id);
      return 204;
    }
    const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)];
    const parts = named.map(([, at, tag]) => {
      const part = upload.parts.get(Number(at));
      return part !== undefined && md5(part) === tag?.replaceAll('&#34;', '"') ? part : null;
    });
    const isOrdered = named.every(([, at], index) => index === 0 || Number(at) > Number(named[index - 1]?.[1]));
    if (!isOrdered) return refusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
    const whole = parts.filter((part) => part !== null);
    if (whole.length === 0 || whole.length < parts.length)
      return refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.');
    if (whole.slice(0, -1).some(({ length }) => length < leastPart))
      return refusal(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    uploads.delete(id);
    const { contentType, metadata } = upload;
    objects.set(key, { body: Buffer.concat(whole), contentType, metadata });
    return { status: 200, body: '<CompleteMultipartUploadResult/>' };
  };

  const far = await receiver((request, index) => instead?.(request, index) ?? effectOf(request));
  return {
    far,
    objects,
    /** By their ids. */
    uploads,
    refusal,
    effectOf,
    /** Answers in another way; null = as it should. */
    answers: (behaviour: Behaviour | null) => {
      instead = behaviour;
    },
  };
}
