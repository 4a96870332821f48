import { mkdir } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PageFiles } from '@switchhook/core';
import { expect } from 'chai';
import { type Asked, asked } from '../support/http-request.js';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = (server = '') => `
version: 1
server: { host: 127.0.0.1, port: 0 ${server} }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;
const html = '<!doctype html><html><head lang="en"><title>Switchhook</title></head><body></body></html>';
const script = `console.log("${'page '.repeat(100)}");`;

describe('the pages of the dashboard', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
    await mkdir(join(place.directory, 'pages/assets'), { recursive: true });
    await place.write('secret.txt', 'outside of the folder');
    await place.write('pages/index.html', html);
    await place.write('pages/assets/page-8a7f.js', script);
    await place.write('pages/icon.svg', '<svg/>');
  });
  afterEach(() => place.close());

  async function setup(server = '', folder = join(place.directory, 'pages')) {
    const router = await place.router(yaml(server), {
      configure: (container) => container.register(PageFiles, { useValue: folder }),
    });
    return {
      ...router,
      ask: (path: string, given?: Asked) => asked(router.url, path, given),
    };
  }

  it('are served at / with headers that forbid scripts and frames of others', async () => {
    const page = await (await setup()).ask('/');
    expect([page.status, page.headers['content-type']]).to.deep.equal([200, 'text/html; charset=utf-8']);
    expect(page.body).to.equal(html.replace('<head lang="en">', '<head lang="en"><base href="./">'));
    const policy = String(page.headers['content-security-policy']).split('; ');
    expect(policy).to.include.members(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]);
    expect(policy.join()).to.not.match(/unsafe|\*/);
    expect(page.headers).to.include({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-cache',
    });
  });

  it('keep their files in the cache of a browser, compressed, and the page itself up to date', async () => {
    const { ask } = await setup();
    const plain = await ask('/assets/page-8a7f.js');
    expect(plain.body).to.equal(script);
    expect(plain.headers).to.include({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
    const zipped = await ask('/assets/page-8a7f.js', { headers: { 'accept-encoding': 'br, gzip' } });
    expect(zipped.headers['content-encoding']).to.equal('gzip');
    expect(Number(zipped.headers['content-length'])).to.be.lessThan(script.length);
    const { headers } = await ask('/');
    const again = await ask('/', { headers: { 'if-none-match': String(headers.etag) } });
    expect([again.status, again.body]).to.deep.equal([304, '']);
    const head = await ask('/icon.svg', { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body]).to.deep.equal([200, '6', '']);
  });

  it('do not change while the router runs, when their package is replaced', async () => {
    const { ask } = await setup();
    await place.write('pages/index.html', 'newer');
    await place.write('pages/assets/page-8a7f.js', 'newer');
    expect((await ask('/')).body).to.include('<title>Switchhook</title>');
    expect((await ask('/assets/page-8a7f.js')).body).to.equal(script);
  });

  it('are all that is served: other paths are unknown, and other methods refused', async () => {
    const { ask } = await setup();
    const paths = [
      '/page',
      '/assets',
      '/assets/',
      '/../secret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/%2e%2e/secret.txt',
    ];
    for (const path of paths)
      expect([(await ask(path)).status, (await ask(path)).body], path).to.deep.equal([404, '{"error":"NOT_FOUND"}']);
    const posted = await ask('/', { method: 'POST' });
    expect([posted.status, posted.headers.allow]).to.deep.equal([405, 'GET, HEAD']);
  });

  it('have the base that a trusted proxy has removed from the path, and only if it is a path', async () => {
    const baseFor = async (server: string, prefix: string) => {
      const page = await (await setup(server)).ask('/', { headers: { 'x-forwarded-prefix': prefix } });
      return /<base href="(.*?)">/.exec(page.body)?.[1];
    };
    expect(await baseFor(', trustProxy: true', '/tools/switchhook')).to.equal('/tools/switchhook/');
    expect(await baseFor(', trustProxy: true', '/tools/')).to.equal('/tools/');
    for (const prefix of ['//elsewhere.example', 'https://elsewhere.example', '/"><script>', 'tools'])
      expect(await baseFor(', trustProxy: true', prefix), prefix).to.equal('./');
    expect(await baseFor('', '/tools')).to.equal('./');
  });

  it('are not served where server.dashboard is false, or where the folder cannot be read, which the log reports', async () => {
    const off = await setup(', dashboard: false');
    expect((await off.ask('/')).status).to.equal(404);
    expect(off.lines.join()).to.not.include('dashboard.unread');
    const none = await setup('', join(place.directory, 'none'));
    expect((await none.ask('/')).status).to.equal(404);
    expect(none.lines.join()).to.include('dashboard.unread').and.include('ENOENT');
  });

  it('work under the path of a proxy that removes it, with the session and the live view', async () => {
    await place.write(
      'pages/index.html',
      html.replace('</head>', '<script src="./assets/page-8a7f.js"></script></head>'),
    );
    const { url } = await setup(', admin: { token: token-of-the-operator }');
    const path = '/tools/switchhook';
    const proxy = createServer((incoming, outgoing) => {
      const { method, headers, url: asked = '' } = incoming;
      const passed = request(url + asked.replace(path, ''), { method, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      incoming.pipe(passed);
      outgoing.on('close', () => passed.destroy());
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    const page = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${path}/`;
    const text = await (await fetch(page)).text();
    const base = new URL(/<base href="(.*?)">/.exec(text)?.[1] ?? '', page);
    const file = await fetch(new URL(/src="(.*?)"/.exec(text)?.[1] ?? '', base));
    expect(await file.text()).to.equal(script);
    const signedIn = await fetch(new URL('api/session', base), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: '{"token":"token-of-the-operator"}',
    });
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const live = new AbortController();
    const stream = await fetch(new URL('api/live', base), { headers: { cookie }, signal: live.signal });
    expect([stream.status, stream.headers.get('content-type')]).to.deep.equal([
      ...[200, 'text/event-stream; charset=utf-8'],
    ]);
    live.abort();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('are found by switchhook open, which explains where there are none', async () => {
    const { url } = await setup();
    const open = (of: string) => place.command(['open', '--config', place.path('switchhook.yaml'), '--url', of]);
    expect(await open(url)).to.deep.equal({ code: 0, stdout: `${url}/\n`, stderr: '' });
    const none = await open((await setup(', dashboard: false')).url);
    expect([none.code, none.stdout]).to.deep.equal([1, '']);
    expect(none.stderr).to.include('serves no dashboard: install @switchhook/dashboard');
  });
});
