import { openNetwork } from '@switchhook/core/internal';
import { isFetchError, isPublicAddress } from '@switchhook/sdk';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';

async function setup(behaviour?: Parameters<typeof receiver>[0]) {
  const network = openNetwork();
  const server = await receiver(behaviour);
  const close = async () => {
    await network.close();
    await server.close();
  };
  return { fetch: network.fetch, server, close };
}
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: unknown) => (isFetchError(error) ? error.code : String(error)),
  );

describe('the network', () => {
  it('sends what it is told and reads the whole response', async () => {
    const { fetch, server, close } = await setup(() => ({ status: 201, headers: { 'x-a': 'b' }, body: '{"ok":true}' }));
    const response = await fetch(`${server.url}/p?q=1`, { method: 'PUT', headers: { 'x-c': 'd' }, body: 'hello' });
    expect([response.status, response.headers['x-a'], response.json()]).to.deep.equal([201, 'b', { ok: true }]);
    expect(server.requests[0]).to.include({ method: 'PUT', path: '/p?q=1' });
    expect(server.requests[0]?.text()).to.equal('hello');
    expect(server.requests[0]?.headers['x-c']).to.equal('d');
    await close();
  });

  it('does not follow a redirect', async () => {
    const { fetch, server, close } = await setup(() => ({ status: 302, headers: { location: '/elsewhere' } }));
    expect((await fetch(server.url)).status).to.equal(302);
    expect(server.requests).to.have.length(1);
    await close();
  });

  it('keeps no more of a body than it is told', async () => {
    const { fetch, server, close } = await setup(() => ({ status: 200, body: 'x'.repeat(100_000) }));
    const response = await fetch(server.url, { maxBytes: 1_000 });
    expect([response.body.byteLength, response.truncated]).to.deep.equal([1_000, true]);
    expect((await fetch(server.url)).truncated).to.equal(false);
    await close();
  });

  it('ends with the reason of its signal, before and while it waits', async () => {
    const { fetch, server, close } = await setup(() => 'hang');
    const reason = new Error('time is up');
    const controller = new AbortController();
    const hanging = fetch(server.url, { signal: controller.signal }).catch((error: unknown) => error);
    await server.received(1);
    controller.abort(reason);
    expect(await hanging).to.equal(reason);
    expect(await fetch(server.url, { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error)).to.equal(
      reason,
    );
    await close();
  });

  it('names the failure where there is no response', async () => {
    const { fetch, server, close } = await setup(() => 'reset');
    expect(await codeOf(fetch(server.url))).to.match(/^(ECONNRESET|UND_ERR_SOCKET)$/);
    await server.close();
    expect(await codeOf(fetch(server.url))).to.equal('ECONNREFUSED');
    expect(await codeOf(fetch('ftp://example.com/'))).to.equal('URL_INVALID');
    expect(await codeOf(fetch('nonsense'))).to.equal('URL_INVALID');
    await close();
  });

  it('does not go to private places when it must stay public, however they are written', async () => {
    const { fetch, server, close } = await setup();
    const port = new URL(server.url).port;
    const hosts = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '2130706433',
      '0x7f.1',
      '0.0.0.0',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '10.0.0.1',
    ];
    for (const host of hosts)
      expect(await codeOf(fetch(`http://${host}:${port}/`, { reach: 'public' })), host).to.equal('ADDRESS_FORBIDDEN');
    expect(server.requests).to.deep.equal([]);
    await close();
  });

  it('knows public addresses from others', () => {
    for (const address of ['8.8.8.8', '2606:4700::1111']) expect(isPublicAddress(address), address).to.equal(true);
    for (const address of [
      '192.168.1.1',
      '172.16.0.1',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
      'fe80::1',
      'fc00::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '::127.0.0.1',
      '::7f00:1',
      '::808:808',
      '4000::1',
      'x',
    ])
      expect(isPublicAddress(address), address).to.equal(false);
  });
});
