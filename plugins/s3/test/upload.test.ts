import { createHash } from 'node:crypto';
import { fetchResponse } from '@switchhook/core/internal';
import type { FetchInit, JsonObject } from '@switchhook/sdk';
import { type ReceivedRequest, type Response, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { delivery, setup } from './fixture.js';

const mb = 1_048_576;
const partBytes = 8 * mb;
const key = 'calls/call_1.wav';
const open = (): AbortSignal => new AbortController().signal;
/** A file in which no two parts are alike. */
const fileOf = (bytes: number): string => {
  let text = '';
  for (let line = 0; text.length < bytes; line += 1) text += `${line}`.padEnd(1_024, '-');
  return text.slice(0, bytes);
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const query = ({ path }: ReceivedRequest): URLSearchParams => new URL(path, 'http://s3').searchParams;
const isPart = (request: ReceivedRequest, number: number): boolean =>
  query(request).get('partNumber') === String(number);
const isBegin = (request: ReceivedRequest): boolean => request.method === 'POST' && query(request).has('uploads');
const isComplete = (request: ReceivedRequest): boolean => request.method === 'POST' && !isBegin(request);

describe('an upload of s3.archive', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (bytes: number, options: JsonObject = {}) => {
    const fixture = await setup(options);
    closing.push(fixture.close);
    const file = fileOf(bytes);
    const whole = { status: 200, headers: { 'content-type': 'audio/wav' }, body: file };
    fixture.files.answer(() => whole);
    /** Answers a request of the bucket in another way. */
    const instead = (which: (request: ReceivedRequest) => boolean, response: (request: ReceivedRequest) => Response) =>
      fixture.answers((request) => (which(request) ? response(request) : fixture.effectOf(request)));
    return { ...fixture, file, whole, instead };
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it('writes a large file in parts, of which one object is made', async () => {
    const { destination, far, link, file, objects, uploads, services } = await start(2 * partBytes + 3 * mb);
    expect(await destination.deliver(delivery(link), open())).to.deep.equal({
      kind: 'delivered',
      response: `${file.length} bytes`,
    });
    expect(far.requests.map(({ method, body }) => [method, method === 'PUT' ? body.length : 0])).to.deep.equal([
      ['POST', 0],
      ['PUT', partBytes],
      ['PUT', partBytes],
      ['PUT', 3 * mb],
      ['POST', 0],
    ]);
    expect(
      far.requests.filter(({ method }) => method === 'PUT').map((request) => request.headers['x-amz-content-sha256']),
    ).to.deep.equal([0, 1, 2].map((part) => sha256(file.slice(part * partBytes, (part + 1) * partBytes))));
    const object = objects.get(key);
    expect(object?.body.toString() === file).to.equal(true);
    expect(object).to.deep.include({
      contentType: 'audio/wav',
      metadata: { 'x-amz-meta-switchhook-delivery': 'call_1.0' },
    });
    expect(uploads.size).to.equal(0);
    expect(services.emitted.map(({ data }) => data)).to.have.length(1);
    expect(services.emitted[0]?.data).to.deep.include({ bytes: file.length, sha256: sha256(file) });
  });

  for (const [bytes, requests] of [
    [0, ['PUT']],
    [partBytes, ['PUT']],
    [partBytes + 1, ['POST', 'PUT', 'PUT', 'POST']],
  ] as const)
    it(`writes a file of ${bytes} bytes by ${requests.join(', ')}`, async () => {
      const { destination, far, link, file, objects } = await start(bytes);
      expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'delivered' });
      expect(far.requests.map(({ method }) => method)).to.deep.equal(requests);
      expect(objects.get(key)?.body.toString() === file).to.equal(true);
    });

  describe('in memory', () => {
    /** A destination whose file comes one MB at a time, and whose parts are written when `written` resolves. */
    const counted = async (megabytes: number, written: () => Promise<void>) => {
      const seen = { taken: 0, stored: 0, most: 0, buffers: new Set<ArrayBufferLike>() };
      const empty = new Uint8Array();
      const fetch = async (url: string, { method, body, sink }: FetchInit = {}) => {
        if (method === undefined) {
          for (let count = 0; count < megabytes; count += 1) {
            await sink?.(Buffer.alloc(mb, count), { status: 200, headers: {} });
            seen.taken += mb;
            seen.most = Math.max(seen.most, seen.taken - seen.stored);
          }
          return fetchResponse(200, {}, empty);
        }
        if (method === 'POST' && url.endsWith('?uploads='))
          return fetchResponse(200, {}, Buffer.from('<UploadId>1</UploadId>'));
        if (method === 'PUT' && body instanceof Uint8Array) {
          seen.buffers.add(body.buffer);
          await written();
          seen.stored += body.byteLength;
        }
        return fetchResponse(200, { etag: '"x"' }, empty);
      };
      const fixture = await setup({}, { http: { fetch } });
      closing.push(fixture.close);
      return { ...fixture, seen };
    };

    it('takes two parts at most, whose memory is used again and again', async () => {
      const { destination, link, seen } = await counted(100, settled);
      expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'delivered' });
      expect([seen.taken, seen.stored]).to.deep.equal([100 * mb, 100 * mb]);
      expect(seen.most).to.equal(2 * partBytes);
      expect([...seen.buffers].map(({ byteLength }) => byteLength)).to.deep.equal([partBytes, partBytes]);
    });

    it('takes nothing more while the bucket takes nothing', async () => {
      let release = (): void => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { destination, link, seen } = await counted(100, () => gate);
      const outcome = destination.deliver(delivery(link), open());
      while (seen.taken < 2 * partBytes) await settled();
      for (let turn = 0; turn < 50; turn += 1) await settled();
      expect(seen.taken).to.equal(2 * partBytes);
      release();
      expect(await outcome).to.include({ kind: 'delivered' });
    });
  });

  describe('that fails', () => {
    const large = 2 * partBytes + 3 * mb;
    const slowDown = { code: 'SlowDown', message: 'Please reduce your request rate.' };

    for (const [what, status, { code, message }, which, outcome, reason] of [
      [
        'its beginning is forbidden',
        403,
        { code: 'AccessDenied', message: 'Access Denied' },
        isBegin,
        { needsOperator: true },
        `POST ${key} to begin an upload: HTTP 403 Forbidden: AccessDenied: Access Denied`,
      ],
      [
        'there is no such bucket',
        404,
        { code: 'NoSuchBucket', message: 'no' },
        isBegin,
        { needsOperator: true },
        `POST ${key} to begin an upload: HTTP 404 Not Found: NoSuchBucket: no`,
      ],
      [
        'a part comes too fast',
        503,
        slowDown,
        (request: ReceivedRequest) => isPart(request, 2),
        {},
        `PUT part 2 of ${key}: HTTP 503 Service Unavailable: SlowDown: Please reduce your request rate.`,
      ],
      [
        'the last part comes too fast',
        503,
        slowDown,
        (request: ReceivedRequest) => isPart(request, 3),
        {},
        `PUT part 3 of ${key}: HTTP 503`,
      ],
      [
        'a part has changed on the way',
        400,
        { code: 'XAmzContentSHA256Mismatch', message: 'no' },
        (request: ReceivedRequest) => isPart(request, 1),
        {},
        `PUT part 1 of ${key}: HTTP 400`,
      ],
      [
        'it was dropped meanwhile',
        404,
        { code: 'NoSuchUpload', message: 'no' },
        (request: ReceivedRequest) => isPart(request, 2),
        {},
        `PUT part 2 of ${key}: HTTP 404`,
      ],
      [
        'it is not completed',
        500,
        { code: 'InternalError', message: 'no' },
        isComplete,
        {},
        `POST ${key} to complete the upload: HTTP 500`,
      ],
      [
        'it is not completed after a 200',
        200,
        { code: 'InternalError', message: 'We encountered an internal error.' },
        isComplete,
        {},
        `POST ${key} to complete the upload: InternalError: We encountered an internal error.`,
      ],
    ] as const)
      it(`leaves nothing behind where ${what}, and is repeated as a whole`, async () => {
        const { destination, link, file, objects, uploads, services, instead, refusal, answers } = await start(large);
        instead(which, () => refusal(status, code, message));
        const found = await destination.deliver(delivery(link), open());
        expect(found).to.include({ kind: 'unavailable', ...outcome });
        if (!('needsOperator' in outcome)) expect(found).to.not.have.property('needsOperator');
        expect('reason' in found && found.reason).to.include(reason);
        expect([objects.size, uploads.size, services.emitted.length]).to.deep.equal([0, 0, 0]);
        answers(null);
        expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'delivered' });
        expect([[...objects.keys()], uploads.size, services.emitted.length]).to.deep.equal([[key], 0, 1]);
        expect(objects.get(key)?.body.toString() === file).to.equal(true);
      });

    it('leaves nothing behind where the connection of a part is lost', async () => {
      const { destination, link, objects, uploads, instead } = await start(large);
      instead(
        (request) => isPart(request, 2),
        () => 'reset',
      );
      const found = await destination.deliver(delivery(link), open());
      expect(found).to.include({ kind: 'unavailable' });
      expect('reason' in found && found.reason).to.include(`PUT part 2 of ${key}: 127.0.0.1`);
      expect([objects.size, uploads.size]).to.deep.equal([0, 0]);
    });

    for (const [what, options, answer, outcome] of [
      [
        'breaks off',
        {},
        (file: string): Response => ({
          raw: `HTTP/1.1 200 OK\r\ncontent-length: ${large}\r\n\r\n${file.slice(0, large - mb)}`,
        }),
        'unavailable',
      ],
      [
        'turns out to be larger than maxBytes',
        { maxBytes: '18mb' },
        (file: string): Response => ({
          raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${large.toString(16)}\r\n${file}\r\n0\r\n\r\n`,
          leaveOpen: true,
        }),
        'rejected',
      ],
    ] as const)
      it(`leaves nothing behind where the file ${what}`, async () => {
        const { destination, link, far, file, files, objects, uploads, services } = await start(large, options);
        files.answer(() => answer(file));
        expect(await destination.deliver(delivery(link), open())).to.include({ kind: outcome });
        expect(far.requests.filter(isBegin)).to.have.length(1);
        expect([objects.size, uploads.size, services.emitted.length]).to.deep.equal([0, 0, 0]);
      });

    it('begins nothing for a file that is announced to be larger than maxBytes', async () => {
      const { destination, link, far, files, whole } = await start(large, { maxBytes: '18mb' });
      const headers = { ...whole.headers, 'content-length': String(large) };
      files.answer(() => ({ ...whole, headers }));
      const found = await destination.deliver(delivery(link), open());
      expect('reason' in found && found.reason).to.include(
        'larger than 18874368 bytes, the limit of maxBytes; it was not stored',
      );
      expect(far.requests).to.deep.equal([]);
    });

    for (const [what, which] of [
      ['a part is under way', (request: ReceivedRequest) => isPart(request, 1)],
      ['it is being completed', isComplete],
    ] as const)
      it(`is dropped where its time is up while ${what}`, async () => {
        const { destination, link, uploads, objects, instead } = await start(large);
        const controller = new AbortController();
        instead(which, () => {
          controller.abort(new Error('time is up'));
          return 'hang';
        });
        const ended = await destination.deliver(delivery(link), controller.signal).then(({ kind }) => kind, String);
        expect(ended).to.equal('Error: time is up');
        expect([objects.size, uploads.size]).to.deep.equal([0, 0]);
      });

    it('reports an upload that cannot be dropped, and why the attempt failed', async () => {
      const { destination, link, services, instead, refusal, uploads } = await start(large);
      instead(
        (request) => request.method === 'DELETE' || isPart(request, 2),
        () => refusal(503, 'SlowDown', 'no'),
      );
      const found = await destination.deliver(delivery(link), open());
      expect('reason' in found && found.reason).to.include('PUT part 2');
      const [line] = services.log.of('upload.left-open');
      expect(line?.fields).to.include({ key, uploadId: [...uploads.keys()][0] });
      expect(String(line?.fields.error)).to.include(`DELETE the upload of ${key}: HTTP 503`);
    });

    it('waits no longer than 10 s for an upload to be dropped', async () => {
      const { destination, link, services, instead, refusal, far } = await start(large);
      instead(
        (request) => request.method === 'DELETE' || isPart(request, 2),
        (request) => (request.method === 'DELETE' ? 'hang' : refusal(503, 'SlowDown', 'no')),
      );
      const outcome = destination.deliver(delivery(link), open());
      while (!far.requests.some(({ method }) => method === 'DELETE')) await settled();
      await services.clock.advance(10_000);
      expect(await outcome).to.include({ kind: 'unavailable' });
      expect(String(services.log.of('upload.left-open')[0]?.fields.error)).to.include('no response within 10000 ms');
      expect(services.clock.pending).to.equal(0);
    });
  });

  it('is found where the reply to its completion was lost, although its URL has expired meanwhile', async () => {
    const { destination, link, files, file, objects, uploads, services, instead, effectOf, answers } = await start(
      partBytes + mb,
    );
    instead(isComplete, (request) => {
      effectOf(request);
      return 'reset';
    });
    expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'unavailable' });
    answers(null);
    files.answer(() => 403);
    expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'delivered' });
    expect(services.emitted.map(({ data }) => data)[0]).to.deep.include({ bytes: file.length, sha256: null });
    expect([objects.size, uploads.size, services.emitted.length]).to.deep.equal([1, 0, 1]);
  });

  it('needs an operator where the endpoint is no S3', async () => {
    const { destination, link, instead } = await start(partBytes + mb);
    instead(isBegin, () => ({ status: 200, body: '<html>' }));
    expect(await destination.deliver(delivery(link), open())).to.include({
      kind: 'unavailable',
      needsOperator: true,
      reason: `POST ${key} to begin an upload: the reply has no UploadId; is the endpoint the API of S3?`,
    });
  });

  it('takes files of up to 78 GB, which is what S3 makes of 10,000 parts', async () => {
    await start(0, { maxBytes: '78gb' });
    expect(String(await setup({ maxBytes: '79gb' }).catch(String))).to.include('expected at most 78gb');
  });
});
