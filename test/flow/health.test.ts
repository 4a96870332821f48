/** `switchhook health`, as a container or a supervisor runs it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

const yaml = (path: string) => `
version: 1
server: { host: 127.0.0.1, port: 0, admin: { token: token-of-an-operator } }
store: { use: sqlite, path: ${path} }
sources:
  calls: { use: sigmamind.call, token: token-of-the-tests }
answers:
  - { from: calls, variables: { name: there } }
`;

describe('switchhook health', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  it('is well without the token of the router, with or without a configuration', async () => {
    const file = await place.write('switchhook.yaml', yaml('./switchhook.db'));
    const { url } = await place.start(file);
    expect(await place.run(['health', '--url', url])).to.deep.equal({
      code: 0,
      stdout: `ok ${url}/healthz\n`,
      stderr: '',
    });
    const asked = await place.run(['health', '--ready', '--json', '--url', url, '--config', 'nowhere.yaml']);
    expect(JSON.parse(asked.stdout)).to.deep.equal({ url: `${url}/readyz`, status: 'ok' });
  });

  it('is well where a router answers calls without its store, but not ready', async () => {
    const database = await place.write('not-a-folder', '');
    const { url } = await place.start(await place.write('switchhook.yaml', yaml(`${database}/switchhook.db`)));
    expect(await place.run(['health', '--url', url])).to.include({ code: 0 });
    const asked = await place.run(['health', '--ready', '--url', url]);
    expect(asked).to.include({ code: 1, stdout: '' });
    expect(asked.stderr).to.match(/^STORE_UNAVAILABLE: /);
  });

  it('is not well where nothing listens, where it gets no reply, and where another program replies', async () => {
    const silent = createServer(() => {});
    const other = createServer((_request, response) => response.end('<h1>It works!</h1>'));
    const [unanswered, strange] = await Promise.all(
      [silent, other].map(
        (server) =>
          new Promise<string>((resolve) => {
            server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
          }),
      ),
    );
    const ended = (url = '') => place.run(['health', '--url', url]);
    const refused = await ended('http://127.0.0.1:1');
    expect(refused).to.include({ code: 1, stdout: '' });
    expect(refused.stderr).to.match(/^ROUTER_UNREACHABLE: /);
    expect((await ended(unanswered)).stderr).to.equal(`${unanswered}/healthz did not reply within 5s\n`);
    expect((await ended(strange)).stderr).to.include('is no router of this version');
    silent.closeAllConnections();
    silent.close();
    other.close();
  });
});
