import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { postgres, startPostgres } from '../support/postgres.js';
import { lastingPort } from '../support/processes.js';
import { type Workplace, workplace } from '../support/workplace.js';

const command = fileURLToPath(new URL('../../core/cli/bin/switchhook.js', import.meta.url));
const lyingStore = fileURLToPath(new URL('../support/lying-store.ts', import.meta.url));

/** The ids in the ledger of the only crash test in a directory. */
async function acknowledgedIn(directory: string): Promise<readonly string[]> {
  const [kept = ''] = await readdir(directory).catch(() => []);
  const ledger = await readFile(join(directory, kept, 'acknowledged.txt'), 'utf8').catch(() => '');
  return ledger.split('\n').filter((line) => line !== '');
}

describe('switchhook crashtest', function () {
  this.timeout(240_000);
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  const run = async (...args: string[]) => {
    const directory = place.path('disk');
    const ended = await place.run(['crashtest', '--json', '--seed', '7', '--directory', directory, ...args]);
    expect(ended.stderr).to.equal('');
    return { code: ended.code, findings: JSON.parse(ended.stdout), left: await readdir(directory) };
  };

  it('finds nothing lost, repeated or out of order, ends with 0 and leaves nothing behind', async () => {
    const { code, findings, left } = await run('--kills', '4', '--rate', '100');
    expect(findings).to.include({ kept: true, kills: 4, lost: 0, repeated: 0, overrun: 0, outOfOrder: 0, seed: 7 });
    expect(findings).to.include({ overLimit: 0, unanswered: 0, answeredAnew: 0, breakers: 1 });
    expect(findings.breakerFaults).to.deep.equal([]);
    expect(findings.acknowledged).to.be.greaterThan(0);
    expect(findings.calls).to.be.greaterThan(0);
    expect(findings.delivered + findings.dead).to.equal(findings.expected);
    expect(code).to.equal(0);
    expect(left).to.deep.equal([]);
  });

  it('finds what a store has lost that acknowledges before it keeps, ends with 1 and keeps the evidence', async () => {
    const { code, findings, left } = await run(
      ...['--kills', '2', '--rate', '100', '--breakers', '0', '--plugin', lyingStore, '--store', 'lying'],
    );
    expect(findings.kept).to.equal(false);
    expect(findings.lost).to.be.greaterThan(0);
    expect(findings.delivered + findings.dead + findings.lost).to.equal(findings.expected);
    expect(code).to.equal(1);
    expect(left.map((kept) => place.path(join('disk', kept)))).to.deep.equal([findings.directory]);
    expect(await acknowledgedIn(place.path('disk'))).to.have.length(findings.acknowledged);
  });

  it('kills and replaces three routers on one PostgreSQL, and breaks their connections to it: nothing is lost, repeated, out of order or refused', async () => {
    const database = await postgres();
    const store = `{ use: postgres, url: "${database.url}", schema: switchhook_crashtest }`;
    // How soon routers share a verdict is a matter of speed, which tests do not measure.
    const several = ['--store', database.url, '--routers', '3', '--rate', '60', '--breakers', '0'];
    try {
      const { code, findings, left } = await run(...several, '--kills', '2', '--deploys', '1', '--outages', '1');
      expect(findings).to.include({ kept: true, kills: 2, deploys: 1, freezes: 0, outages: 1 });
      expect(findings).to.include({ lost: 0, repeated: 0, overrun: 0, outOfOrder: 0, refused: 0, breakers: 0 });
      expect(findings.delivered + findings.dead).to.equal(findings.expected);
      expect([code, left]).to.deep.equal([0, []]);
      expect(await database.query('select id from switchhook_crashtest.events')).to.deep.equal([]);

      // Events of others: nothing is added to them, and they are not removed.
      const { url } = await place.router(`version: 1
store: ${store}
sources: { forms: { use: bearer, tokens: token } }
routes: [{ to: console }]
destinations: { console: { use: log } }
`);
      const body = '{"type":"made","id":1}';
      const headers = { authorization: 'Bearer token', 'content-type': 'application/json' };
      expect((await fetch(`${url}/hooks/forms`, { method: 'POST', headers, body })).status).to.equal(200);
      const again = await place.command(['crashtest', ...several, '--directory', place.path('disk')]);
      expect([again.code, again.stdout]).to.deep.equal([1, '']);
      expect(again.stderr).to.match(/^the store keeps events already: name an empty one, or another schema/);
      expect((await database.query('select id from switchhook_crashtest.events')).length).to.equal(1);
    } finally {
      await place.close();
      await database.query('drop schema switchhook_crashtest cascade');
      await database.close();
    }
  });

  it('restarts the server of three routers by a command, and leaves it without a connection: nothing is lost, and calls are answered', async () => {
    const port = await lastingPort();
    const start = () =>
      startPostgres({ directory: place.path('data'), port, password: 'of-the-test', isDurable: true });
    let server = await start();
    let restarts = 0;
    const control = createServer(async (_request, response) => {
      await server.kill();
      server = await start();
      restarts += 1;
      response.end();
    });
    await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
    const { port: controlPort } = control.address() as AddressInfo;
    const ask = `${process.execPath} -e "fetch('http://127.0.0.1:${controlPort}').catch(() => process.exit(1))"`;
    try {
      const { code, findings } = await run(
        ...['--store', server.url, '--routers', '3', '--rate', '60', '--kills', '2', '--deploys', '0'],
        ...['--breakers', '0', '--outages', '2', '--restart-command', ask],
      );
      expect(findings).to.include({ kept: true, kills: 2, outages: 2 });
      expect(findings).to.include({ lost: 0, repeated: 0, overrun: 0, outOfOrder: 0, overLimit: 0, unanswered: 0 });
      expect(findings.calls).to.be.greaterThan(0);
      expect([code, restarts]).to.deep.equal([0, 1]);

      const failing = ['--outages', '1', '--kills', '1', '--restart-command', 'echo no such service >&2; exit 3'];
      const failed = await place.command(['crashtest', '--store', server.url, ...failing]);
      expect(failed.code).to.equal(1);
      expect(failed.stderr).to.match(/^the command that restarts the server failed: .*\n?no such service/s);
    } finally {
      control.close();
      await server.stop();
    }
  });

  it('refuses several routers with a store of a file, and deployments of one', async () => {
    const refused = async (...args: string[]) => {
      const { code, stdout, stderr } = await place.command(['crashtest', ...args]);
      return [code, stdout, stderr];
    };
    expect(await refused('--routers', '2')).to.deep.equal([
      2,
      '',
      '2 routers need a store that they can share: add --store postgres://user@host/database\n',
    ]);
    expect(await refused('--deploys', '1')).to.deep.equal([
      2,
      '',
      '--deploys replaces routers one after another, while others go on: it needs --routers 2 or more\n',
    ]);
    const withoutDatabase = '--outages breaks the connections to a database: it';
    expect(await refused('--outages', '1')).to.deep.equal([
      2,
      '',
      `${withoutDatabase} needs the URL of a PostgreSQL: add --store postgres://user@host/database\n`,
    ]);
    expect(await refused('--outages', '1', '--store', 'postgres:///switchhook?host=/run')).to.deep.equal([
      2,
      '',
      `${withoutDatabase} needs a URL with a host, not with a directory of a socket\n`,
    ]);
    expect(await refused('--outages', '1', '--store', 'postgres://db/switchhook?sslmode=verify-full')).to.deep.equal([
      2,
      '',
      `${withoutDatabase} connects through a proxy of the test, which sslmode=verify-full refuses because of the name of the host: use sslmode=no-verify\n`,
    ]);
    expect(await refused('--restart-command', 'true')).to.deep.equal([
      2,
      '',
      '--restart-command runs at an outage of the database: it needs the URL of a PostgreSQL: add --store postgres://user@host/database\n',
    ]);
    const quiet = ['--store', 'postgres://db/switchhook', '--outages', '0'];
    expect(await refused(...quiet, '--restart-command', 'true')).to.deep.equal([
      2,
      '',
      '--restart-command runs at an outage of the database: it needs --outages 1 or more\n',
    ]);
    const nowhere = await place.command([
      'crashtest',
      '--store',
      'postgres://127.0.0.1:1/none',
      '--directory',
      place.path('disk'),
    ]);
    expect([nowhere.code, nowhere.stdout]).to.deep.equal([1, '']);
    expect(nowhere.stderr).to.match(/ECONNREFUSED.*\nEverything is kept in /s);
    expect(await refused('--store', '')).to.deep.equal([2, '', '--store is empty: write a type, a row or a URL\n']);
  });

  it('ends at Ctrl-C and counts what was done', async () => {
    const directory = place.path('disk');
    const args = ['crashtest', '--json', '--kills', '1000', '--directory', directory];
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const printed: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text));
    await eventually(async () => (await acknowledgedIn(directory)).length > 0);
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    const findings = JSON.parse(printed.join(''));
    expect(findings).to.include({ kept: true, lost: 0 });
    expect(findings.kills).to.be.within(1, 999);
    expect(code).to.equal(0);
  });

  it('says why where the router cannot start, and ends with 1', async () => {
    const args = ['crashtest', '--kills', '1', '--store', 'nowhere', '--directory', place.directory];
    const { code, stderr } = await place.run(args);
    expect(stderr).to.include('ended by itself (78)').and.include('@switchhook/plugin-nowhere is not installed');
    expect(code).to.equal(1);
  });
});
