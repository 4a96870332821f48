import { Clock } from '@switchhook/core';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Asked, asked } from '../support/http-request.js';
import { type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-operator';
const yaml = (server = '', admin = `, admin: { token: ${token} }`) => `
version: 1
server: { host: 127.0.0.1, port: 0 ${admin} ${server} }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;
const json = { 'content-type': 'application/json' };
const ownPage = { ...json, 'sec-fetch-site': 'same-origin' };
const pause = { method: 'POST', body: '{"reason":"test"}' };

describe('signing in', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  async function setup(text = yaml()) {
    const clock = new FakeClock();
    const { url } = await place.router(text, {
      configure: (container) => container.register(Clock, { useValue: clock }),
    });
    const { host } = new URL(url);
    const ask = async (path: string, { headers = {}, ...rest }: Asked = {}) => {
      const reply = await asked(url, path, { headers: { host, ...headers }, ...rest });
      return { ...reply, json: JSON.parse(reply.body), cookie: String(reply.headers['set-cookie'] ?? '') };
    };
    const signIn = (given = token, headers: Readonly<Record<string, string>> = {}) =>
      ask('/api/session', {
        method: 'POST',
        headers: { ...ownPage, ...headers },
        body: JSON.stringify({ token: given }),
      });
    /** With the cookie of a new session. */
    const signedIn = async () => {
      const cookie = (await signIn()).cookie.split(';')[0] ?? '';
      return (path: string, { headers = {}, ...rest }: Asked = {}) =>
        ask(path, { headers: { cookie, ...headers }, ...rest });
    };
    return { clock, host, ask, signIn, signedIn };
  }

  it('takes the token once, and then a cookie that scripts and other sites cannot use', async () => {
    const { ask, signIn, signedIn, host } = await setup();
    expect((await ask('/api/session')).json).to.deep.equal({ signedIn: false, tokenNeeded: true, until: null });
    expect((await ask('/api/status')).status).to.equal(401);
    const { status, cookie, json } = await signIn();
    expect([status, json.signedIn, json.until]).to.deep.equal([200, true, '2026-01-01T12:00:00.000Z']);
    const attributes = cookie.split('; ').slice(1);
    // No path: the browser takes that of the request, without its last part.
    expect(attributes).to.have.members(['Max-Age=43200', 'HttpOnly', 'SameSite=Strict']);
    expect(cookie).to.not.include(token);
    expect(cookie.split('=')[0]).to.equal(`switchhook_session${host.split(':')[1]}`);
    const browser = await signedIn();
    expect((await browser('/api/status')).status).to.equal(200);
    expect((await browser('/api/session')).json.signedIn).to.equal(true);
    expect((await browser('/api/session')).headers).to.include({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it('is encrypted where the browser is', async () => {
    const { signIn, host } = await setup();
    expect((await signIn(token, { origin: `http://${host}` })).cookie).to.not.include('Secure');
    expect((await signIn(token, { origin: `https://${host}` })).cookie).to.include('; Secure');
  });

  it('ends with the sign-out, after twelve hours, and with the token', async () => {
    const { clock, signedIn, ask } = await setup();
    const [one, other] = [await signedIn(), await signedIn()];
    const out = await one('/api/session', { method: 'DELETE', headers: { 'sec-fetch-site': 'same-origin' } });
    expect([out.status, out.json.signedIn]).to.deep.equal([200, false]);
    expect(out.cookie).to.match(/^switchhook_session\d+=; Max-Age=0; /);
    expect((await one('/api/status')).status).to.equal(401);
    await clock.advance(12 * 3_600_000);
    expect((await other('/api/status')).status).to.equal(200);
    await clock.advance(1_000);
    expect((await other('/api/status')).status).to.equal(401);
    expect((await ask('/api/status', { headers: { authorization: `Bearer ${token}` } })).status).to.equal(200);
  });

  it('survives a restart, but neither a change nor another token', async () => {
    const first = await setup();
    const cookie = (await first.signIn()).cookie.split(';')[0]?.split('=')[1] ?? '';
    const statusWith = async (text: string, value: string) => {
      const { ask, host } = await setup(text);
      const headers = { cookie: `a=b; switchhook_session${host.split(':')[1]}=${value}` };
      return (await ask('/api/status', { headers })).status;
    };
    expect(await statusWith(yaml(), cookie)).to.equal(200);
    expect(await statusWith(yaml('', ', admin: { token: other }'), cookie)).to.equal(401);
    for (const changed of [cookie.replace('t~1', 't~2'), cookie.slice(0, -1), `0${cookie}`, '', 'x', 'a.t~1.v1~b'])
      expect(await statusWith(yaml(), changed), changed).to.equal(401);
  });

  it('keeps a session ended, however its cookie is written', async () => {
    const { ask, signIn, host } = await setup();
    const cookie = (await signIn()).cookie.split(';')[0] ?? '';
    const headers = { cookie: `${cookie}.v1~more`, 'sec-fetch-site': 'same-origin' };
    expect((await ask('/api/status', { headers })).status).to.equal(200);
    await ask('/api/session', { method: 'DELETE', headers });
    expect((await ask('/api/status', { headers: { cookie } })).status).to.equal(401);
    expect(host).to.match(/^127/);
  });

  it('refuses an address after ten wrong tokens for ten minutes, also with the right one', async () => {
    const { clock, signIn, ask } = await setup(yaml(', trustProxy: true'));
    const from = (address: string) => ({ 'x-forwarded-for': address });
    for (let tries = 0; tries < 10; tries += 1) {
      const wrong = await signIn(`wrong-${tries}`, from('192.0.2.1'));
      expect([wrong.status, wrong.json.code]).to.deep.equal([401, 'API_TOKEN_WRONG']);
    }
    await clock.advance(60_000);
    const limited = await signIn(token, from('192.0.2.1'));
    expect([limited.status, limited.json.code, limited.headers['retry-after']]).to.deep.equal([
      429,
      'SIGN_IN_LIMITED',
      '540',
    ]);
    expect((await signIn(token, from('192.0.2.2'))).status).to.equal(200);
    expect((await ask('/api/status', { headers: { authorization: `Bearer ${token}` } })).status).to.equal(200);
    await clock.advance(540_000);
    expect((await signIn(token, from('192.0.2.1'))).status).to.equal(200);
  });

  it('reads no more of a request without a token than a token needs', async () => {
    const { signIn } = await setup();
    const { status, json } = await signIn('x'.repeat(20_000));
    expect([status, json.code]).to.deep.equal([413, 'BODY_TOO_LARGE']);
  });

  it('counts the addresses of one IPv6 network as one', async () => {
    const { signIn } = await setup(yaml(', trustProxy: true'));
    for (let tries = 0; tries < 10; tries += 1)
      await signIn('wrong', { 'x-forwarded-for': `2001:db8:1:2:${tries}::1` });
    expect((await signIn(token, { 'x-forwarded-for': '2001:db8:1:2::f' })).status).to.equal(429);
    expect((await signIn(token, { 'x-forwarded-for': '2001:db8:1:3::f' })).status).to.equal(200);
    for (let tries = 0; tries < 10; tries += 1)
      await signIn('wrong', { 'x-forwarded-for': `2001:db8::${tries}:1:2:3` });
    expect((await signIn(token, { 'x-forwarded-for': '2001:db8::f:1:2:3' })).status).to.equal(429);
    expect((await signIn(token, { 'x-forwarded-for': '2001:db8:0:1::1' })).status).to.equal(200);
  });

  it('lets only pages of this address change something with the cookie, by JSON', async () => {
    const { signedIn, host, ask } = await setup();
    const browser = await signedIn();
    const path = '/api/destinations/console/pause';
    const codeWith = async (headers: Readonly<Record<string, string>>) => {
      const { status, json } = await browser(path, { ...pause, headers });
      return status === 200 ? 200 : json.code;
    };
    expect(await codeWith(ownPage)).to.equal(200);
    expect(await codeWith({ ...json, origin: `http://${host}` })).to.equal(200);
    // Of a proxy that names itself in Host.
    expect(await codeWith({ ...ownPage, origin: 'https://hooks.example.com' })).to.equal(200);
    for (const headers of [
      json,
      { ...json, 'sec-fetch-site': 'cross-site' },
      { ...json, 'sec-fetch-site': 'same-site', origin: `http://${host}` },
      { ...json, origin: 'http://127.0.0.1:1' },
      { ...json, origin: 'null' },
    ])
      expect(await codeWith(headers), JSON.stringify(headers)).to.equal('API_ORIGIN_WRONG');
    expect(await codeWith({ ...ownPage, 'content-type': 'text/plain' })).to.equal('UNSUPPORTED_MEDIA_TYPE');
    const withoutBody = { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } };
    expect((await browser('/api/destinations/console/resume', withoutBody)).status).to.equal(415);
    const bearer = { authorization: `Bearer ${token}` };
    const resumed = await ask('/api/destinations/console/resume', { method: 'POST', headers: bearer });
    expect(resumed.status).to.equal(200);
  });

  it('is not needed without a token, on this machine and by its name only', async () => {
    const { ask, signIn, host } = await setup(yaml('', ''));
    const open = { signedIn: true, tokenNeeded: false, until: null };
    expect((await ask('/api/session')).json).to.deep.equal(open);
    expect([(await signIn('any')).json, (await signIn('any')).cookie]).to.deep.equal([open, '']);
    const rebound = await ask('/api/session', { headers: { host: 'rebound.example.com' } });
    expect([rebound.status, rebound.json.code]).to.deep.equal([403, 'API_TOKEN_NEEDED']);
    const path = '/api/destinations/console/pause';
    const statusWith = async (headers: Readonly<Record<string, string>>) =>
      (await ask(path, { ...pause, headers })).status;
    expect(await statusWith(json), 'curl').to.equal(200);
    expect(await statusWith({ ...ownPage, origin: `http://${host}` })).to.equal(200);
    expect(await statusWith({ ...json, 'sec-fetch-site': 'cross-site' })).to.equal(403);
    expect(await statusWith({ ...json, 'sec-fetch-site': 'same-site' })).to.equal(403);
    expect(await statusWith({ ...json, origin: 'http://127.0.0.1:1' })).to.equal(403);
    expect(await statusWith({ 'content-type': 'text/plain' })).to.equal(415);
  });
});
