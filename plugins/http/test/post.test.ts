import type { JsonObject, Outcome } from '@switchhook/sdk';
import { aDelivery, anEvent, type Behaviour, cutOffResponse, destinationSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { signed } from '../src/signing.js';
import { patience, postWorld } from './world.js';

destinationSuite('http.post', async () => {
  const secret = 'only-for-tests';
  const { destination, far, close } = await postWorld((url) => ({
    url,
    headers: { Authorization: `Bearer ${secret}` },
  }));
  const accepted: string[] = [];
  const well: Behaviour = ({ headers }) => {
    accepted.push(headers['webhook-id'] ?? '');
    return 200;
  };
  far.answer(well);
  return {
    destination,
    secrets: [secret],
    arrived: () => accepted,
    behave: (how) => {
      const cutOff: Behaviour = async (request, index) => {
        await well(request, index);
        return cutOffResponse;
      };
      const hanging: Behaviour = () => 'hang';
      far.answer({ well, refusing: () => 422, down: () => 503, hanging, 'cut-off': cutOff }[how]);
    },
    close,
  };
}, ['erase', 'emits']);

describe('http.post', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const setup = async (options?: (url: string) => JsonObject, behaviour?: Behaviour) => {
    const fixture = await postWorld(options, behaviour);
    closing.push(fixture.close);
    return fixture;
  };
  const withData = (data: JsonObject) => aDelivery({ event: anEvent({ data }) });
  const outcomeWith = async (options: (url: string) => JsonObject, data: JsonObject = {}): Promise<Outcome> => {
    const { destination } = await setup(options);
    return destination.deliver(withData(data), patience());
  };

  it('sends all events of a route that waits, each without its key, in the body of the last', async () => {
    const { destination, far } = await setup();
    const events = ['conversation_ended', 'conversation_analysed'].map((type) => anEvent({ type }));
    const [, event = anEvent()] = events;
    await destination.deliver(aDelivery({ event, events }), patience());
    const [request] = await far.received(1);
    const sent = events.map(({ key: _, ...rest }) => rest);
    expect(request?.json()).to.deep.equal({ ...sent[1], events: sent });
  });

  describe('a preview', () => {
    it('is what would be sent, and sends nothing', async () => {
      const { destination, far } = await setup((url) => ({
        url,
        body: { who: '${{ event.subject }}' },
        method: 'PUT',
      }));
      const delivery = aDelivery();
      const preview = destination.preview?.(delivery);
      expect(far.requests).to.deep.equal([]);
      await destination.deliver(delivery, patience());
      const [request] = far.requests;
      expect(preview).to.deep.include({ method: request?.method, url: `${far.url}/`, body: request?.json() });
      const shown = preview?.headers as Record<string, string>;
      expect(request?.headers).to.include(shown);
      expect(shown).to.include({ 'idempotency-key': delivery.id, 'content-type': 'application/json' });
    });

    it('hides the user of the URL and the signature, and leaves the rest to the router', async () => {
      const { destination } = await setup((url) => ({
        url: `${url.replace('://', '://mallory:pass-word@')}/x?api_key=in-url`,
        headers: { 'x-api-key': 'in-header' },
        sign: 'signing-secret',
      }));
      const text = JSON.stringify(destination.preview?.(aDelivery()));
      const basic = Buffer.from('mallory:pass-word').toString('base64');
      for (const credential of ['mallory', 'pass-word', basic, 'v1,']) expect(text).not.to.include(credential);
      expect(text).to.include('api_key=in-url').and.include('"x-api-key":"in-header"');
    });

    it('throws what keeps it from being sent', async () => {
      const { destination } = await setup((url) => ({ url, body: { name: '${{ event.data.name }}' } }));
      expect(() => destination.preview?.(aDelivery())).to.throw('event.data.name is missing');
    });
  });

  describe('what is sent', () => {
    it('is the event as JSON, with the delivery id as idempotency key', async () => {
      const { destination, far } = await setup((url) => ({ url: `${url}/hooks/calls?team=1` }));
      const delivery = aDelivery();
      await destination.deliver(delivery, patience());
      const [request] = far.requests;
      const { key: _, ...event } = delivery.event;
      expect(request?.method).to.equal('POST');
      expect(request?.path).to.equal('/hooks/calls?team=1');
      expect(request?.json()).to.deep.equal(event);
      expect(request?.headers).to.include({
        'content-type': 'application/json',
        'idempotency-key': delivery.id,
        'webhook-id': delivery.id,
      });
      expect(request?.headers['user-agent']).to.match(/^Switchhook\/\d+\.\d+\.\d+/);
      expect(request?.headers).not.to.have.any.keys('webhook-signature', 'webhook-timestamp');
    });

    it('is whatever the templates make of the event, with the types of the values', async () => {
      const { destination, far } = await setup((url) => ({
        url: `${url}/`,
        method: 'PUT',
        headers: { 'X-Agent': 'agent=${{ event.agent }}', 'Content-Type': 'application/vnd.calls+json' },
        body: { seconds: '${{ event.data.duration }}', note: 'after ${{ event.data.duration }} s', fixed: [1, null] },
      }));
      await destination.deliver(aDelivery(), patience());
      const [request] = far.requests;
      expect(request?.method).to.equal('PUT');
      expect(request?.headers).to.include({
        'x-agent': 'agent=agent_sales',
        'content-type': 'application/vnd.calls+json',
      });
      expect(request?.json()).to.deep.equal({ seconds: 73, note: 'after 73 s', fixed: [1, null] });
    });

    it('is plain text where the body is a text', async () => {
      const { destination, far } = await setup((url) => ({ url, body: 'ended: ${{ event.subject }}' }));
      await destination.deliver(aDelivery(), patience());
      expect(far.requests[0]?.text()).to.equal('ended: conv_1');
      expect(far.requests[0]?.headers['content-type']).to.equal('text/plain; charset=utf-8');
    });

    for (const method of ['GET', 'DELETE'])
      it(`has no body for ${method} unless there is one in the options`, async () => {
        const { destination, far } = await setup((url) => ({ url, method }));
        expect((await destination.deliver(aDelivery(), patience())).kind).to.equal('delivered');
        expect(far.requests[0]?.method).to.equal(method);
        expect(far.requests[0]?.text()).to.equal('');
        expect(far.requests[0]?.headers).not.to.have.property('content-type');
      });

    it('carries the name and password of the URL as basic authentication', async () => {
      const { destination, far } = await setup((url) => ({ url: url.replace('//', '//crm:p%40ss@') }));
      await destination.deliver(aDelivery(), patience());
      expect(far.requests[0]?.headers.authorization).to.equal(`Basic ${Buffer.from('crm:p@ss').toString('base64')}`);
    });

    it('carries text beyond ASCII in a header as UTF-8', async () => {
      const { destination, far } = await setup((url) => ({ url, headers: { 'x-name': '${{ event.data.name }}' } }));
      await destination.deliver(withData({ name: 'Zoë 李' }), patience());
      expect(Buffer.from(far.requests[0]?.headers['x-name'] ?? '', 'latin1').toString('utf8')).to.equal('Zoë 李');
    });
  });

  describe('the signature', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

    it('is the one of the Standard Webhooks test vector', () => {
      const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
      expect(signed(secret, id, '{"test": 2432232314}', 1_614_265_330_000)).to.deep.equal({
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      });
    });

    const verifiers = {
      [secret]: new Webhook(secret),
      'a plain secret, ünïcode too': new Webhook(Buffer.from('a plain secret, ünïcode too'), { format: 'raw' }),
    };
    for (const [sign, verifier] of Object.entries(verifiers))
      it(`is accepted by the standardwebhooks package with the secret "${sign.slice(0, 7)}…"`, async () => {
        const { destination, far, services } = await setup((url) => ({ url, sign }));
        services.clock.jumpTo(Date.now());
        await destination.deliver(withData({ name: 'Zoë 李' }), patience());
        const [request] = far.requests;
        if (request === undefined) throw new Error('nothing arrived');
        expect(verifier.verify(request.text(), { ...request.headers })).to.deep.equal(request.json());
        expect(() => verifier.verify(`${request.text()} `, { ...request.headers })).to.throw();
      });

    it('is made anew for each attempt, with the same id', async () => {
      const { destination, far, services } = await setup((url) => ({ url, sign: secret }));
      await destination.deliver(aDelivery(), patience());
      await services.clock.advance(3_600_000);
      await destination.deliver(aDelivery({ attempt: 2 }), patience());
      const [first, second] = far.requests.map(({ headers }) => headers);
      expect(second?.['webhook-id']).to.equal(first?.['webhook-id']);
      expect(Number(second?.['webhook-timestamp'])).to.equal(Number(first?.['webhook-timestamp']) + 3_600);
      expect(second?.['webhook-signature']).not.to.equal(first?.['webhook-signature']);
    });
  });

  describe('the outcome', () => {
    it('keeps the start of the response, however long it is', async () => {
      const { destination } = await setup(undefined, () => ({ status: 500, body: 'é'.repeat(5_000_000) }));
      const outcome = await destination.deliver(aDelivery(), patience());
      expect(outcome).to.include({ kind: 'unavailable', reason: 'HTTP 500 Internal Server Error' });
      expect(outcome.response).to.equal('é'.repeat(2_048));
    });

    it('honours Retry-After in seconds and as a date', async () => {
      const headers = (value: string) => ({ status: 429, headers: { 'retry-after': value } });
      const { destination, far } = await setup();
      far.answer(() => headers('120'));
      expect(await destination.deliver(aDelivery(), patience())).to.include({
        kind: 'unavailable',
        retryAfterMs: 120_000,
      });
      far.answer(() => headers('Thu, 01 Jan 2026 00:05:00 GMT'));
      expect(await destination.deliver(aDelivery(), patience())).to.include({
        kind: 'unavailable',
        retryAfterMs: 300_000,
      });
    });

    it('of a redirect needs an operator, names the new host and nothing else of it, and does not follow', async () => {
      const elsewhere = await setup();
      const location = `${elsewhere.far.url}/?token=secret`;
      const { destination, far } = await setup(undefined, () => ({ status: 307, headers: { location } }));
      const outcome = await destination.deliver(aDelivery(), patience());
      expect(outcome).to.deep.equal({
        kind: 'unavailable',
        reason: `HTTP 307 Temporary Redirect: a redirect to ${new URL(location).host}, not followed`,
        needsOperator: true,
      });
      expect(far.requests).to.have.length(1);
      expect(elsewhere.far.requests).to.have.length(0);
    });

    it('is unavailable where nobody listens or the connection is cut', async () => {
      const gone = await setup();
      await gone.far.close();
      expect((await gone.destination.deliver(aDelivery(), patience())).kind).to.equal('unavailable');
      const cut = await setup(undefined, () => 'reset');
      expect((await cut.destination.deliver(aDelivery(), patience())).kind).to.equal('unavailable');
    });

    it('is what the status says, with the start of the response, where its body breaks off or its headers are invalid', async () => {
      const { destination, far } = await setup(undefined, () => cutOffResponse);
      expect(await destination.deliver(aDelivery(), patience())).to.deep.equal({
        kind: 'delivered',
        response: '{"half":',
      });
      const raw = (status: string) => `HTTP/1.1 ${status}\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok`;
      far.answer(() => ({ raw: raw('200 OK') }));
      expect(await destination.deliver(aDelivery(), patience())).to.deep.equal({ kind: 'delivered' });
      far.answer(() => ({ raw: raw('422 No') }));
      expect(await destination.deliver(aDelivery(), patience())).to.include({ kind: 'rejected' });
    });

    it('names the host but nothing else of the URL', async () => {
      const gone = await setup((url) => ({
        url: `${url.replace('//', '//user:hunter2@')}/path-token?key=query-token`,
      }));
      await gone.far.close();
      const said = JSON.stringify(await gone.destination.deliver(aDelivery(), patience()));
      expect(said).to.contain(new URL(gone.far.url).host);
      for (const token of ['hunter2', 'path-token', 'query-token']) expect(said).not.to.contain(token);
    });

    it('is rejected, with the reason, where a template cannot be filled in', async () => {
      for (const options of [
        { url: 'https://crm.example.com/${{ event.data.nothing }}' },
        { url: 'https://crm.example.com/', body: { name: '${{ event.data.nothing }}' } },
        { url: 'https://crm.example.com/', headers: { 'x-name': '${{ event.data.nothing }}' } },
      ]) {
        const outcome = await outcomeWith(() => options);
        expect(outcome.kind).to.equal('rejected');
        expect(outcome).to.have.property('reason').that.contains('event.data.nothing');
      }
    });
  });

  describe('hostile data', () => {
    it('cannot start another header', async () => {
      const { destination, far } = await setup((url) => ({
        url,
        headers: { 'x-name': 'Dear ${{ event.data.name }}!' },
      }));
      for (const name of ['a\r\nx-admin: yes', 'a\nb', 'a\rb', 'a\0b', 'a\u007fb']) {
        const outcome = await destination.deliver(withData({ name }), patience());
        expect(outcome.kind).to.equal('rejected');
        expect(outcome)
          .to.have.property('reason')
          .that.matches(/^header x-name: [^\r\n]*$/);
      }
      expect(far.requests).to.have.length(0);
    });

    it('fills its place in the URL and nothing beyond', async () => {
      const { destination, far } = await setup((url) => ({
        url: `${url}/calls/\${{ event.data.id }}/notes?from=\${{ event.data.from }}`,
        allowPrivate: true,
      }));
      await destination.deliver(withData({ id: 'a/b?c#d\\e', from: '+49 171&admin=1\ud800' }), patience());
      expect(far.requests[0]?.path).to.equal('/calls/a%2Fb%3Fc%23d%5Ce/notes?from=%2B49%20171%26admin%3D1%EF%BF%BD');
    });

    it('cannot climb up the path', async () => {
      const { destination, far } = await setup((url) => ({
        url: `${url}/a/.\${{ event.data.id }}/b`,
        allowPrivate: true,
      }));
      expect((await destination.deliver(withData({ id: '.' }), patience())).kind).to.equal('rejected');
      expect((await destination.deliver(withData({ id: '' }), patience())).kind).to.equal('rejected');
      expect((await destination.deliver(withData({ id: 'well' }), patience())).kind).to.equal('delivered');
      expect(far.requests.map(({ path }) => path)).to.deep.equal(['/a/.well/b']);
    });

    it('cannot climb up the path of a receiver that decodes slashes', async () => {
      for (const id of ['../admin', '..\\admin', 'x/../../admin', '..', '.', 'a/..', './'])
        expect(
          (
            await outcomeWith((url) => ({ url: `${url}/calls/\${{ event.data.id }}/notes`, allowPrivate: true }), {
              id,
            })
          ).kind,
          id,
        ).to.equal('rejected');
      for (const id of ['a/b', 'a..b', '...', '..a', 'a.'])
        expect(
          (
            await outcomeWith((url) => ({ url: `${url}/calls/\${{ event.data.id }}/notes`, allowPrivate: true }), {
              id,
            })
          ).kind,
          id,
        ).to.equal('delivered');
    });

    it('that is no valid name or password of the URL is rejected', async () => {
      expect(await outcomeWith(() => ({ url: '${{ event.data.url }}' }), { url: 'http://a:%zz@host/' })).to.deep.equal({
        kind: 'rejected',
        reason: 'what the template gives is not an http or https URL',
      });
    });

    it('cannot leave the host name it is part of', async () => {
      for (const region of [
        'evil.test/',
        'evil.test#',
        'evil.test?',
        'a@evil.test/',
        'evil.test:80/',
        'evil.test\\',
        ' ',
      ])
        expect(
          await outcomeWith(() => ({ url: 'http://${{ event.data.region }}.crm.example.com/' }), { region }),
          region,
        ).to.deep.equal({ kind: 'rejected', reason: 'what the template gives is not an http or https URL' });
    });

    it('that is no http URL is rejected', async () => {
      for (const to of ['', 'crm', '//crm', 'ftp://crm.example.com/', 'file:///etc/passwd', 'http://', 'http://a b/'])
        expect((await outcomeWith(() => ({ url: '${{ event.data.to }}' }), { to })).kind, to).to.equal('rejected');
    });

    const inside = (port: string) => [
      `http://127.0.0.1:${port}/`,
      `http://[::1]:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://2130706433:${port}/`,
      `http://0x7f.1:${port}/`,
      `http://0177.0.0.1:${port}/`,
      `http://0.0.0.0:${port}/`,
      `http://localhost:${port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://[fe80::1]/',
      'http://[fd00::1]/',
      'http://10.0.0.1/',
      'http://172.16.0.1/',
      'http://192.168.0.1/',
      'http://100.64.0.1/',
    ];

    it('cannot make a request reach a private address', async () => {
      const { destination, far } = await setup(() => ({ url: '${{ event.data.to }}' }));
      for (const to of inside(new URL(far.url).port)) {
        const outcome = await destination.deliver(withData({ to }), patience());
        expect(outcome.kind, to).to.equal('rejected');
        expect(outcome, to)
          .to.have.property('reason')
          .that.matches(/is not a public address; allowPrivate: true/);
      }
      expect(far.requests).to.have.length(0);
    });

    it('may reach a private address where the options allow it', async () => {
      const { destination, far } = await setup(() => ({ url: '${{ event.data.to }}', allowPrivate: true }));
      const outcome = await destination.deliver(withData({ to: `${far.url}/callback?a=b` }), patience());
      expect(outcome.kind).to.equal('delivered');
      expect(far.requests[0]?.path).to.equal('/callback?a=b');
    });
  });

  describe('the options', () => {
    const refused = async (options: JsonObject): Promise<string> => {
      try {
        await setup((url) => ({ url, ...options }));
      } catch (error) {
        return String(error);
      }
      return 'accepted';
    };

    it('refuse a URL that is none', async () => {
      for (const url of ['', 'crm.example.com', 'ftp://crm.example.com'])
        expect(await refused({ url })).to.contain('expected an http or https URL');
    });

    it('refuse headers that are none, or not the operator’s to set', async () => {
      expect(await refused({ headers: { 'x name': 'a' } })).to.contain('not a name of a header');
      for (const name of ['Content-Length', 'transfer-encoding', 'Webhook-Signature'])
        expect(await refused({ headers: { [name]: '1' } })).to.contain('set by the router');
    });

    it('refuse a secret that says it is base64 and is not, without repeating it', async () => {
      const said = await refused({ sign: 'whsec_not base64' });
      expect(said).to.contain('whsec_ followed by base64').and.not.to.contain('not base64"');
    });
  });

  it('probes by reaching the host, without posting', async () => {
    const { destination, far } = await setup(
      (url) => ({ url: `${url}/hooks/calls` }),
      () => 404,
    );
    await destination.probe?.(patience());
    expect(far.requests.map(({ method, path }) => `${method} ${path}`)).to.deep.equal(['HEAD /']);
    await far.close();
    expect(
      await destination.probe?.(patience()).then(
        () => 'reached',
        () => 'threw',
      ),
    ).to.equal('threw');
  });
});
