import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { workplace } from '../support/workplace.js';
import { demoDirectory, removeLeftovers } from './leftovers.js';

describe('a demo', () => {
  it('removes what demos have left that were killed, and nothing of one that runs or of others', async () => {
    const place = await workplace();
    const ended = spawn(process.execPath, ['--eval', '']);
    await once(ended, 'exit');
    const own = await demoDirectory(place.directory);
    const left = await demoDirectory(place.directory, ended.pid);
    await writeFile(join(left, 'switchhook.db'), 'events');
    const others = ['switchhook-demo.log', 'switchhook-demo-of-mine', 'switchhook-postgres-1-a'];
    for (const name of others) await mkdir(join(place.directory, name));
    expect(await removeLeftovers(place.directory)).to.deep.equal([basename(left)]);
    expect((await readdir(place.directory)).toSorted()).to.deep.equal([...others, basename(own)].toSorted());
    await place.close();
  });
});
