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
  let instead: Behaviour | null = null;
  const refusal = (status: number, code: string, message: string): Response => ({
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  });

  const effectOf = (request: ReceivedRequest): Response => {
    const { method, path, headers } = request;
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
    const object = objects.get(decodeURIComponent(key ?? ''));
    if (method === 'PUT') {
      const metadata = Object.fromEntries(
        Object.entries(headers).filter(([header]) => header.startsWith('x-amz-meta-')),
      );
      const contentType = String(headers['content-type']);
      objects.set(decodeURIComponent(key ?? ''), { body: request.body, contentType, metadata });
      return { status: 200, headers: { etag: '"x"' } };
    }
    if (method === 'GET') return { status: 200, body: '<ListBucketResult/>' };
    if (object === undefined) return 404;
    return {
      status: 200,
      headers: { 'content-length': String(object.body.length), 'content-type': object.contentType, ...object.metadata },
    };
  };

  const far = await receiver((request, index) => instead?.(request, index) ?? effectOf(request));
  return {
    far,
    objects,
    refusal,
    effectOf,
    /** Answers in another way; null = as it should. */
    answers: (behaviour: Behaviour | null) => {
      instead = behaviour;
    },
  };
}
