import http from '@switchhook/plugin-http';
import { type Call, FetchError, type FetchInit, type JsonObject } from '@switchhook/sdk';
import {
  aCall,
  type Behaviour,
  createComponent,
  cutOffResponse,
  fakeServices,
  type Response,
  resolverSuite,
} from '@switchhook/testkit';
import { expect } from 'chai';
import { lookupWorld, patience } from './world.js';

const known = aCall();
const customers: Behaviour = ({ path }) =>
  path === `/customers?phone=${encodeURIComponent(known.from)}`
    ? { status: 200, body: JSON.stringify({ first_name: 'Ada', tier: 'gold' }) }
    : 404;
const byPhone = (url: string): JsonObject => ({
  url: `${url}/customers?phone=\${{ call.from }}`,
  allowPrivate: true,
});

resolverSuite('http.lookup', async () => {
  const { resolver, far, close } = await lookupWorld(byPhone, customers);
  return {
    resolver,
    known,
    hang: () => far.answer(() => 'hang'),
    cutOff: () => far.answer(() => cutOffResponse),
    down: () => far.close(),
    close,
  };
});

describe('http.lookup', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const setup = async (options: (url: string) => JsonObject = byPhone, behaviour?: Behaviour) => {
    const fixture = await lookupWorld(options, behaviour);
    closing.push(fixture.close);
    return fixture;
  };
  /** What a look-up comes to with this reply: the facts, or the message of what was thrown. */
  const found = async (reply: Response, options: JsonObject = {}, call: Call = known) => {
    const { resolver } = await setup(
      (url) => ({ url, ...options }),
      () => reply,
    );
    return resolver.resolve(call, {}, patience(), 3_000).catch((error: Error) => error.message);
  };
  const json = (value: unknown, status = 200): Response => ({ status, body: JSON.stringify(value) });

  describe('the request', () => {
    it('carries + and & of a value in the query as they are', async () => {
      const { resolver, far } = await setup(byPhone, () => 204);
      await resolver.resolve(aCall({ from: '+49171&all=1' }), {}, patience(), 3_000);
      expect(far.requests[0]?.path).to.equal('/customers?phone=%2B49171%26all%3D1');
      expect(new URL(far.requests[0]?.path ?? '', far.url).searchParams.get('phone')).to.equal('+49171&all=1');
    });

    it('is a GET that asks for JSON and has no body', async () => {
      const { resolver, far } = await setup(
        (url) => ({ url }),
        () => 204,
      );
      await resolver.resolve(known, {}, patience(), 3_000);
      expect(far.requests[0]).to.include({ method: 'GET' });
      expect(far.requests[0]?.text()).to.equal('');
      expect(far.requests[0]?.headers).to.include({ accept: 'application/json' });
      expect(far.requests[0]?.headers['user-agent']).to.match(/^Switchhook\//);
    });

    it('is made of the call and of what earlier resolvers found', async () => {
      const { resolver, far } = await setup((url) => ({
        url,
        method: 'POST',
        headers: { authorization: 'Bearer abc', 'x-line': '${{ call.to }}' },
        body: { phone: '${{ call.from }}', customer: '${{ known.customer.id }}' },
      }));
      far.answer(() => 204);
      await resolver.resolve(known, { customer: { id: 7 } }, patience(), 3_000);
      expect(far.requests[0]?.headers).to.include({ authorization: 'Bearer abc', 'x-line': known.to });
      expect(far.requests[0]?.json()).to.deep.equal({ phone: known.from, customer: 7 });
    });

    it('cannot reach a private address that the call chose', async () => {
      const { resolver, far } = await setup(() => ({ url: '${{ call.data.callback }}' }));
      const port = new URL(far.url).port;
      for (const callback of [
        far.url,
        `http://localhost:${port}/`,
        `http://[::1]:${port}/`,
        'http://169.254.169.254/',
      ]) {
        const said = await resolver.resolve(aCall({ data: { callback } }), {}, patience(), 3_000).catch(String);
        expect(said, callback).to.contain('is not a public address; allowPrivate: true allows it');
      }
      expect(far.requests).to.have.length(0);
    });

    it('cannot be split by what the caller sent', async () => {
      const { resolver, far } = await setup((url) => ({ url, headers: { 'x-from': '${{ call.from }}' } }));
      const said = await resolver.resolve(aCall({ from: '1\r\nx-admin: yes' }), {}, patience(), 3_000).catch(String);
      expect(said).to.contain('header x-from');
      expect(far.requests).to.have.length(0);
    });

    it('ends at once when the time is up', async () => {
      const { resolver, far } = await setup(undefined, () => 'hang');
      const controller = new AbortController();
      const look = resolver.resolve(known, {}, controller.signal, 3_000).catch((error: Error) => error.message);
      await far.received(1);
      controller.abort(new Error('time is up'));
      expect(await look).to.equal('time is up');
    });
  });

  describe('the reply', () => {
    it('is what was found', async () => {
      expect(await found(json({ tier: 'gold', nested: { list: [1] } }))).to.deep.equal({
        tier: 'gold',
        nested: { list: [1] },
      });
    });

    it('404, 204 and null mean that nobody is known', async () => {
      expect(await found(404)).to.deep.equal({});
      expect(await found(204)).to.deep.equal({});
      expect(await found(json(null))).to.deep.equal({});
      expect(await found(json({ customer: null }), { pick: 'reply.customer' })).to.deep.equal({});
    });

    it('can be picked from, with the status and the call at hand', async () => {
      const reply = json({ results: [{ name: 'Ada' }, { name: 'Bob' }] });
      expect(await found(reply, { pick: 'reply.results[0]' })).to.deep.equal({ name: 'Ada' });
      expect(await found(reply, { pick: '{"n": size(reply.results), "s": status, "to": call.to}' })).to.deep.equal({
        n: 2,
        s: 200,
        to: known.to,
      });
    });

    it('that is no object says what it was', async () => {
      expect(await found(json([1]))).to.equal('expected the reply to be an object, found a list');
      expect(await found(json('Ada'))).to.equal('expected the reply to be an object, found a string');
      expect(await found(json({ n: 1 }), { pick: 'reply.n' })).to.equal(
        'expected what pick takes to be an object, found a number',
      );
    });

    it('without what pick asks for throws, naming it', async () => {
      expect(await found(json({}), { pick: 'reply.customer' })).to.contain('reply.customer');
    });

    it('that is not JSON throws, without quoting it', async () => {
      expect(await found({ status: 200, body: '<html>Ada Lovelace' })).to.equal('the reply is not JSON');
      expect(await found({ status: 200, body: '' })).to.equal('the reply is not JSON');
    });

    it('beyond 256 KB throws', async () => {
      expect(await found(json({ fits: 'x'.repeat(262_144 - 11) }))).to.be.an('object');
      expect(await found(json({ fits: 'x'.repeat(262_144 - 10) }))).to.equal('the body is larger than 262144 bytes');
      expect(await found({ status: 200, body: 'x'.repeat(5_000_000) })).to.equal(
        'the body is larger than 262144 bytes',
      );
    });

    it('with any other status throws, and a redirect is not followed', async () => {
      for (const status of [400, 401, 403, 410, 429, 500, 503]) expect(await found(status)).to.match(/^HTTP \d{3} /);
      expect(await found({ status: 302, headers: { location: 'http://127.0.0.1:1/' } })).to.contain('not followed');
    });

    it('that breaks off throws', async () => {
      expect(await found(cutOffResponse)).to.match(/^127\.0\.0\.1:\d+: /);
      // Complete as JSON, although not all of it came.
      expect(await found({ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"n":1}' })).to.match(
        /^127\.0\.0\.1:\d+: /,
      );
      expect(await found('reset')).to.be.a('string');
    });
  });

  it('probes by reaching the host, where the call does not decide which', async () => {
    const fixed = await setup(
      (url) => ({ url: `${url}/customers` }),
      () => 500,
    );
    await fixed.resolver.probe?.(patience());
    expect(fixed.far.requests.map(({ method }) => method)).to.deep.equal(['HEAD']);
    const asked = await setup();
    expect(await asked.resolver.probe?.(patience())).to.equal(null);
    expect(asked.far.requests.map(({ method, path }) => `${method} ${path}`)).to.deep.equal(['HEAD /']);
    await asked.far.close();
    expect(await asked.resolver.probe?.(patience()).catch((error: Error) => error.message)).to.include('ECONNREFUSED');
    for (const url of [
      '${{ call.data.crm }}/customers',
      'https://${{ call.data.crm }}.example.com/',
      'https://crm.example.com:${{ call.data.port }}/',
      'https://crm.example.com${{ call.data.path }}',
    ]) {
      const open = await setup(() => ({ url }));
      expect(await open.resolver.probe?.(patience()), url).to.equal('not tried: data chooses the host');
    }
  });

  it('is told by its probe that a name leads to a private address, as each look-up would be', async () => {
    const services = {
      ...fakeServices(),
      http: {
        fetch: async (_url: string, { reach }: FetchInit = {}) => {
          if (reach === 'public') throw new FetchError('ADDRESS_FORBIDDEN', 'crm.example.com is not a public address');
          throw new Error('went anywhere');
        },
      },
    };
    const component = http.components.find(({ type }) => type === 'http.lookup');
    const probed = (options: JsonObject) =>
      createComponent('resolver', component, { url: 'https://crm.example.com/${{ call.from }}', ...options }, services)
        .probe?.(patience())
        .catch((error: Error) => error.message);
    expect(await probed({})).to.equal('crm.example.com is not a public address; allowPrivate: true allows it');
    expect(await probed({ allowPrivate: true })).to.equal('went anywhere');
    await services.close();
  });

  it('sends its trace to a host that the configuration names, and to no host that data choose', async () => {
    const traced: (boolean | undefined)[] = [];
    const services = {
      ...fakeServices(),
      http: {
        fetch: async (_url: string, init: FetchInit = {}) => {
          traced.push(init.traced);
          throw new Error('nothing is sent');
        },
      },
    };
    const component = http.components.find(({ type }) => type === 'http.lookup');
    const call = { ...known, data: { crm: 'https://crm.example.com' } };
    for (const options of [
      { url: 'https://crm.example.com/customers' },
      { url: 'https://crm.example.com/customers?phone=${{ call.from }}' },
      { url: '${{ call.data.crm }}/customers' },
      { url: '${{ call.data.crm }}/customers', allowPrivate: true },
    ])
      await createComponent('resolver', component, options, services)
        .resolve(call, {}, patience(), 1_000)
        .catch(() => {} /* The services refuse all requests. */);
    expect(traced).to.deep.equal([true, true, false, false]);
    await services.close();
  });

  it('refuses a URL made of data whose host is private or no host at all, when it is read', async () => {
    const said = (options: JsonObject) =>
      setup(() => options).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    for (const host of [
      '127.0.0.1:8099',
      '10.1.2.3',
      '[::1]',
      '2130706433',
      'LOCALHOST',
      'crm.localhost',
      'u:p@localhost',
    ])
      for (const end of ['/', '?', '#', '\\']) {
        const url = `http://${host}${end}\${{ call.from }}`;
        expect(await said({ url }), url).to.contain('is not a public address; allowPrivate: true allows it');
        expect(await said({ url, allowPrivate: true }), url).to.equal('accepted');
      }
    for (const url of [
      'http://127.0.0.1/',
      'http://crm/${{ call.from }}',
      'https://8.8.8.8/${{ call.from }}',
      'http://127.0.0.1.${{ call.data.zone }}/',
      'http://localhost${{ call.data.zone }}/',
      '${{ call.data.url }}',
    ])
      expect(await said({ url }), url).to.equal('accepted');
    for (const url of ['ftp://crm.example.com/${{ call.from }}', 'http://a b/${{ call.from }}'])
      expect(await said({ url }), url).to.contain('expected an http or https URL');
  });
});
