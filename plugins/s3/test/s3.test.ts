import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { JsonObject } from '@switchhook/sdk';
import {
  aDelivery,
  anEvent,
  type Behaviour,
  createComponent,
  cutOffResponse,
  destinationSuite,
} from '@switchhook/testkit';
import { expect } from 'chai';
import { component, delivery, linkToken, recording, setup, wav } from './fixture.js';
import { bucket, expectedSignature, keys } from './imitation.js';

const open = (): AbortSignal => new AbortController().signal;

destinationSuite('s3.archive', async () => {
  const fixture = await setup();
  const url = `${fixture.files.url}/\${{ event.id }}.wav?${linkToken}`;
  const destination = createComponent(
    'destination',
    component,
    { bucket, ...keys, endpoint: fixture.far.url, allowPrivate: true, url, key: '${{ delivery.id }}' },
    fixture.services,
  );
  return {
    destination,
    secrets: [keys.secretAccessKey, linkToken],
    emitted: fixture.services.emitted,
    arrived: () => [...fixture.objects.keys()],
    behave: (how) => {
      fixture.answers(null);
      fixture.files.answer(() => wav);
      if (how === 'refusing') fixture.files.answer(() => 410);
      else if (how === 'down') fixture.answers(() => 503);
      else if (how === 'hanging') fixture.files.answer(() => 'hang');
      else if (how === 'cut-off')
        fixture.answers((request) => {
          fixture.effectOf(request);
          return cutOffResponse;
        });
    },
    close: fixture.close,
  };
}, ['erase']);

describe('s3.archive', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}) => {
    const fixture = await setup(options);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it('stores the file under its name and with its type, and emits an event about it', async () => {
    const { destination, objects, link, services, far } = await start();
    expect(await destination.deliver(delivery(link), open())).to.deep.equal({
      kind: 'delivered',
      response: `${recording.length} bytes`,
    });
    expect([...objects.keys()]).to.deep.equal(['calls/call_1.wav']);
    expect(objects.get('calls/call_1.wav')).to.deep.include({ body: Buffer.from(recording), contentType: 'audio/wav' });
    const [event] = services.emitted;
    expect(event).to.deep.include({
      type: 'recording.stored',
      subject: 'call_1',
      agent: 'agent_sales',
      occurredAtMs: services.clock.now(),
      data: {
        bucket,
        key: 'calls/call_1.wav',
        url: `${far.url}/${bucket}/calls/call_1.wav`,
        bytes: recording.length,
        sha256: createHash('sha256').update(recording).digest('hex'),
        contentType: 'audio/wav',
        event: { id: 'call_1', type: 'call_ended', source: 'agents' },
      },
    });
  });

  for (const subject of ['a b+c', 'ä/ö', "it's(1)!*~", '100%', 'a//b'.replace('//', '/x/')])
    it(`signs the name ${subject} as S3 reads it`, async () => {
      const { destination, objects, link } = await start();
      expect(await destination.deliver(delivery(link, subject), open())).to.include({ kind: 'delivered' });
      expect([...objects.keys()]).to.deep.equal([`calls/${subject}.wav`]);
    });

  it('is verified by an imitation that computes the signature of AWS’ example', () => {
    const headers = {
      host: 'examplebucket.s3.amazonaws.com',
      range: 'bytes=0-9',
      'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'x-amz-date': '20130524T000000Z',
    };
    const names = Object.keys(headers);
    expect(expectedSignature({ method: 'GET', path: '/test.txt', headers }, names, 'us-east-1')).to.equal(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('takes the configured type and type of event', async () => {
    const { destination, objects, services, files } = await start({
      contentType: 'application/json',
      event: 'transcript.stored',
    });
    await destination.deliver(delivery(`${files.url}/t`), open());
    expect(objects.get('calls/call_1.wav')?.contentType).to.equal('application/json');
    expect(services.emitted.map(({ type }) => type)).to.deep.equal(['transcript.stored']);
  });

  it('stores a file without a type as bytes', async () => {
    const { destination, objects, files, link } = await start();
    files.answer(() => ({ status: 200, body: 'x' }));
    await destination.deliver(delivery(link), open());
    expect(objects.get('calls/call_1.wav')?.contentType).to.equal('application/octet-stream');
  });

  it('stores a file of 3 MB as a whole, and none that is larger than maxBytes', async () => {
    const { destination, objects, files, link } = await start({ maxBytes: '3mb' });
    files.answer(() => ({ status: 200, body: 'x'.repeat(3 * 1_024 * 1_024) }));
    expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'delivered' });
    expect(objects.get('calls/call_1.wav')?.body.length).to.equal(3 * 1_024 * 1_024);
    files.answer(() => ({ status: 200, body: 'x'.repeat(3 * 1_024 * 1_024 + 1) }));
    expect(await destination.deliver(delivery(link, 'call_2'), open())).to.deep.equal({
      kind: 'rejected',
      reason: `GET ${new URL(link).host}: the file is larger than 3145728 bytes, the limit of maxBytes; it was not stored`,
    });
    expect(objects.size).to.equal(1);
  });

  for (const status of [403, 404, 410])
    it(`rejects a URL that answers ${status}, with a sentence`, async () => {
      const { destination, files, link, objects, services } = await start();
      files.answer(() => ({ status, body: 'Request has expired' }));
      expect(await destination.deliver(delivery(link), open())).to.deep.equal({
        kind: 'rejected',
        reason: `GET ${new URL(link).host}: the URL has expired, or there is no such file; it was not stored`,
      });
      expect([objects.size, services.emitted]).to.deep.equal([0, []]);
    });

  for (const [what, behaviour, outcome] of [
    ['breaks off', () => cutOffResponse, { kind: 'unavailable', reason: 'the file did not arrive completely' }],
    ['is cut', () => 'reset', { kind: 'unavailable' }],
    [
      'is redirected',
      () => ({ status: 302, headers: { location: 'https://cdn.example.com/x?token=secret' } }),
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: 'HTTP 302 Found: a redirect to cdn.example.com, not followed',
      },
    ],
    ['is a 500', () => 500, { kind: 'unavailable', reason: 'HTTP 500 Internal Server Error' }],
  ] as readonly [string, Behaviour, { readonly kind: string; readonly reason?: string }][])
    it(`stores nothing where the download ${what}`, async () => {
      const { destination, files, link, objects, services } = await start();
      files.answer(behaviour);
      const { reason = '', ...kind } = outcome;
      const found = await destination.deliver(delivery(link), open());
      expect(found).to.include(kind);
      expect('reason' in found && found.reason).to.include(reason);
      expect([objects.size, services.emitted]).to.deep.equal([0, []]);
    });

  it('ends a download that does not go on when its time is up', async () => {
    const { destination, files, link } = await start();
    files.answer(() => ({ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf', leaveOpen: true }));
    const controller = new AbortController();
    const attempt = destination.deliver(delivery(link), controller.signal).then(({ kind }) => kind, String);
    await files.received(1);
    controller.abort(new Error('time is up'));
    expect(await attempt).to.equal('Error: time is up');
  });

  it('repeats an upload that broke in the middle', async () => {
    const { services, objects, far, link } = await start();
    const broken = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.resetAndDestroy());
    });
    broken.listen(0, '127.0.0.1');
    await once(broken, 'listening');
    const at = (endpoint: string) =>
      createComponent(
        'destination',
        component,
        { bucket, ...keys, endpoint, allowPrivate: true, url: '${{ event.data.call.recording_url }}', key: 'x' },
        services,
      );
    const port = (broken.address() as AddressInfo).port;
    expect(await at(`http://127.0.0.1:${port}`).deliver(delivery(link), open())).to.include({ kind: 'unavailable' });
    broken.close();
    expect([objects.size, services.emitted]).to.deep.equal([0, []]);
    expect(await at(far.url).deliver(delivery(link), open())).to.include({ kind: 'delivered' });
    expect([...objects.keys()]).to.deep.equal(['x']);
  });

  it('finds an object whose reply was lost, although its URL has expired meanwhile', async () => {
    const { destination, files, link, services, answers, effectOf } = await start();
    answers((request) => {
      effectOf(request);
      return 'reset';
    });
    expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'unavailable' });
    expect(services.emitted).to.deep.equal([]);
    answers(null);
    files.answer(() => 403);
    expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'delivered' });
    expect(services.emitted[0]?.data).to.deep.include({
      bytes: recording.length,
      contentType: 'audio/wav',
      sha256: null,
    });
    const other = await destination.deliver(delivery(link, 'call_1', 'another-event'), open());
    expect(other).to.include({ kind: 'rejected' });
  });

  it('looks for the object again where the service does not answer and the URL has expired', async () => {
    const { destination, files, link, answers } = await start();
    files.answer(() => 410);
    answers(() => 503);
    expect(await destination.deliver(delivery(link), open())).to.deep.equal({
      kind: 'unavailable',
      reason: 'HEAD calls/call_1.wav: HTTP 503 Service Unavailable',
    });
    for (const status of [403, 404]) {
      answers(() => status);
      expect(await destination.deliver(delivery(link), open())).to.include({ kind: 'rejected' });
    }
  });

  it('stores a file again whose upload was refused, and emits events with one key for a delivery', async () => {
    const { destination, link, services, answers, refusal } = await start();
    answers(() => refusal(503, 'SlowDown', 'Please reduce your request rate.'));
    expect(await destination.deliver(delivery(link), open())).to.deep.equal({
      kind: 'unavailable',
      reason: 'PUT calls/call_1.wav: HTTP 503 Service Unavailable: SlowDown: Please reduce your request rate.',
    });
    answers(null);
    await destination.deliver(delivery(link), open());
    await destination.deliver(delivery(link), open());
    await destination.deliver(delivery(link, 'call_2'), open());
    const [first, repeated, other] = services.emitted.map(({ key }) => key);
    expect(repeated).to.equal(first);
    expect(other).to.not.equal(first);
  });

  for (const [what, options, reason] of [
    [
      'a wrong secret',
      { secretAccessKey: 'another-secret' },
      'PUT calls/call_1.wav: HTTP 403 Forbidden: SignatureDoesNotMatch: The request signature',
    ],
    [
      'another region',
      { region: 'eu-central-1' },
      "HTTP 400 Bad Request: AuthorizationHeaderMalformed: The authorization header is malformed; expecting 'us-east-1'",
    ],
    [
      'another bucket',
      { bucket: 'another-bucket' },
      'HTTP 404 Not Found: NoSuchBucket: The specified bucket does not exist',
    ],
  ] as const)
    it(`waits for an operator because of ${what}, and its probe shows it`, async () => {
      const { destination, link } = await start(options);
      const outcome = await destination.deliver(delivery(link), open());
      expect(outcome).to.include({ kind: 'unavailable', needsOperator: true });
      expect('reason' in outcome && outcome.reason).to.include(reason);
      const probed = await destination.probe?.(open()).then(String, String);
      expect(probed).to.include(reason.replace(/^PUT \S+ /, ''));
    });

  it('probes by listing nothing, and reports a key that may not list', async () => {
    const { destination, answers, refusal, far } = await start();
    expect(await destination.probe?.(open())).to.equal(null);
    expect(far.requests[0]?.path).to.equal(`/${bucket}/?list-type=2&max-keys=0`);
    answers(() => refusal(403, 'AccessDenied', 'Access Denied'));
    expect(await destination.probe?.(open())).to.include('may not list the bucket');
  });

  it('repeats an upload that was too slow for the service', async () => {
    const { destination, link, answers, refusal } = await start();
    answers(() => refusal(400, 'RequestTimeout', 'Your socket connection was not read from or written to.'));
    expect(await destination.deliver(delivery(link), open())).to.not.have.property('needsOperator');
  });

  it('refuses private addresses unless they are allowed', async () => {
    const { destination, link, files } = await start({ allowPrivate: false });
    const outcome = await destination.deliver(delivery(link), open());
    expect(outcome).to.deep.include({
      kind: 'rejected',
      reason: '127.0.0.1 is not a public address; allowPrivate: true allows it',
    });
    expect(files.requests).to.deep.equal([]);
  });

  for (const [what, url, subject, reason] of [
    ['no URL', '', 'call_1', 'url: the event has no http or https URL there'],
    ['a file URL', 'file:///etc/passwd', 'call_1', 'url: the event has no http or https URL there'],
    [
      'a name that leaves its folder',
      'https://example.com/a',
      '../../other/x',
      'key: it is empty or has an empty part',
    ],
    ['a name with a line break', 'https://example.com/a', 'a\nb', 'key: it is empty or has an empty part'],
    ['a name that is too long', 'https://example.com/a', 'ä'.repeat(512), 'key: it is longer than 1024 bytes'],
  ] as const)
    it(`rejects ${what}, before any request`, async () => {
      const { destination, far, files } = await start();
      const outcome = await destination.deliver(delivery(url, subject), open());
      expect(outcome).to.include({ kind: 'rejected' });
      expect('reason' in outcome && outcome.reason).to.include(reason);
      expect([...far.requests, ...files.requests]).to.deep.equal([]);
    });

  it('rejects an event without the field', async () => {
    const { destination } = await start();
    const without = aDelivery({ event: anEvent({ data: { call: {} } }) });
    expect(await destination.deliver(without, open())).to.include({ kind: 'rejected' });
  });

  it('shows what it would store, on AWS with the bucket in the host', async () => {
    const { services } = await start();
    const row = {
      bucket,
      ...keys,
      region: 'eu-central-1',
      url: 'https://example.com/r/${{ event.data.call.call_id }}',
      key: 'calls/${{ event.subject }}.wav',
    };
    const preview = (more: JsonObject) =>
      createComponent('destination', component, { ...row, ...more }, services).preview?.(delivery('', 'a/b c'));
    expect(preview({})).to.deep.equal({
      url: 'https://example.com/r/a%2Fb%20c',
      bucket,
      key: 'calls/a/b c.wav',
      object: `https://${bucket}.s3.eu-central-1.amazonaws.com/calls/a/b%20c.wav`,
    });
    expect(preview({ pathStyle: true })).to.include({
      object: `https://s3.eu-central-1.amazonaws.com/${bucket}/calls/a/b%20c.wav`,
    });
    expect(preview({ endpoint: 'https://account.r2.cloudflarestorage.com/', region: 'auto' })).to.include({
      object: `https://account.r2.cloudflarestorage.com/${bucket}/calls/a/b%20c.wav`,
    });
  });

  it('refuses a URL without an expression, and a name that no bucket has', async () => {
    expect(String(await start({ url: 'https://example.com/x' }).catch(String))).to.include(
      'every event would store the same file',
    );
    expect(String(await start({ bucket: 'Calls' }).catch(String))).to.include('small letters');
  });
});
