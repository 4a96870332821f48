import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

const lyingStore = fileURLToPath(new URL('../support/lying-store.ts', import.meta.url));

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
    const { code, findings, left } = await run('--kills', '5', '--rate', '100');
    expect(findings).to.include({ kept: true, kills: 5, lost: 0, repeated: 0, overrun: 0, outOfOrder: 0, seed: 7 });
    expect(findings.acknowledged).to.be.greaterThan(0);
    expect(findings.delivered + findings.dead).to.equal(findings.owed);
    expect(code).to.equal(0);
    expect(left).to.deep.equal([]);
  });

  it('finds what a store has lost that acknowledges before it keeps, ends with 1 and keeps the evidence', async () => {
    const { code, findings, left } = await run('--kills', '4', '--plugin', lyingStore, '--store', 'lying');
    expect(findings.kept).to.equal(false);
    expect(findings.lost).to.be.greaterThan(0);
    expect(findings.delivered + findings.dead + findings.lost).to.equal(findings.owed);
    expect(code).to.equal(1);
    const [kept = ''] = left;
    expect(findings.directory).to.equal(place.path(join('disk', kept)));
    const acknowledged = await readFile(join(findings.directory, 'acknowledged.txt'), 'utf8');
    expect(acknowledged.trim().split('\n')).to.have.length(findings.acknowledged);
  });

  it('says why where the router cannot start, and ends with 1', async () => {
    const args = ['crashtest', '--kills', '1', '--store', 'nowhere', '--directory', place.directory];
    const { code, stderr } = await place.run(args);
    expect(stderr).to.include('ended by itself (78)').and.include('@switchhook/plugin-nowhere is not installed');
    expect(code).to.equal(1);
  });
});
