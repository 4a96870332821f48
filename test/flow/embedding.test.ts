/** The programs in README.md and core/router/README.md, compiled and run as a reader would. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { openCatalog } from '@switchhook/core/internal';
import { FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';
import { repository } from '../support/workplace.js';

const configuration = `
version: 1
server: { host: 127.0.0.1, port: 0 }
log: { level: silent }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { console: { use: log } }
routes: [{ to: console }]
`;

/** The page's programs in a directory of their own, inside the repository, so that what a reader has installed is found. */
async function setup(...pages: readonly string[]) {
  const generated = join(repository, 'test/.generated');
  await mkdir(generated, { recursive: true });
  const directory = await mkdtemp(join(generated, 'embedding-'));
  const file = join(directory, 'switchhook.yaml');
  await writeFile(file, configuration);
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  await writeFile(join(directory, 'tsconfig.json'), '{ "extends": "../../tsconfig.json", "include": ["."] }');
  for (const page of pages) {
    const text = await readFile(join(repository, page), 'utf8');
    for (const [, name = '', code = ''] of text.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
      await writeFile(join(directory, name), code.replace('listen(8080)', 'listen(0)'));
  }
  const load = (name: string) => import(pathToFileURL(join(directory, name)).href);
  return { directory, file, load, close: () => rm(directory, { recursive: true }) };
}

describe('A router inside another program', () => {
  it('compiles as the pages show it', async () => {
    const { directory, close } = await setup('README.md', 'core/router/README.md');
    const ended = await promisify(execFile)(join(repository, 'node_modules/.bin/tsc'), ['-p', directory]).then(
      () => 'compiled',
      ({ stdout, message }) => stdout || message,
    );
    await close();
    expect(ended).to.equal('compiled');
  });

  it('serves its paths in a server of somebody else, with its lines in their log', async () => {
    const fixture = await setup('README.md');
    const log = new FakeLog();
    const { serve } = await fixture.load('embedded.ts');
    const { server, close } = await serve(fixture.file, log);
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } });
    await close();
    await fixture.close();
    expect(ready.status).to.equal(200);
    expect(log.of('router.opened')).to.have.length(1);
    expect(log.of('router.closed')).to.have.length(1);
  });

  it('listens by itself, and ends when it is told', async () => {
    const fixture = await setup('core/router/README.md');
    const { run } = await fixture.load('own-server.ts');
    const router = await run(fixture.file);
    const ready = await fetch(`${router.url}/readyz`, { headers: { connection: 'close' } });
    await router.close();
    await fixture.close();
    expect(ready.status).to.equal(200);
  });
});

describe('docs/plugins.md', () => {
  it('names every component that is installed', async () => {
    const catalogue = await readFile(join(repository, 'docs/plugins.md'), 'utf8');
    const types = (await openCatalog(repository).components()).map(({ type }) => type);
    expect(types).not.to.have.length(0);
    expect(types.filter((type) => !catalogue.includes(`### \`${type}\``))).to.deep.equal([]);
  });
});
