import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../../../../test/support/eventually.js';
import { startPostgres } from '../../../../test/support/postgres.js';
import { lastingPort } from '../../../../test/support/processes.js';
import { workplace } from '../../../../test/support/workplace.js';
import { anEntry, bare, failure } from './fixtures.js';

const standby = 'cannot connect: the server is a standby, which accepts no writes (25006)';

describe('postgres, on a standby', () => {
  it('is refused in words, keeps no connection to it, and goes on when it is promoted', async () => {
    const place = await workplace();
    const settings = { directory: place.path('postgres'), port: await lastingPort(), password: 'of-the-tests' };
    const { url, stop } = await startPostgres(settings);
    const { make, clock, services } = bare(url);
    const store = make();
    await store.open?.();
    store.onDue?.(() => {});
    await store.append([anEntry(1)]);
    await stop();
    // The same data as before: a standby of nothing, which waits for what a primary would send.
    await writeFile(join(settings.directory, 'standby.signal'), '');
    const server = await startPostgres(settings);
    const outside = new pg.Pool({ connectionString: url, max: 1 });
    // `end` does not wait until the server has ended the connection, which it says to what is still open when it stops.
    outside.on('error', () => {});
    const connections = async () => {
      const text = `select application_name as name from pg_stat_activity where application_name like 'switchhook%'`;
      return (await outside.query<{ name: string }>(text)).rows.map(({ name }) => name);
    };
    const listening = async () => (await connections()).filter((name) => name === 'switchhook listener').length;

    expect((await failure(make().probe?.(new AbortController().signal))).message).to.equal(standby);
    for (let tries = 0; tries < 10; tries += 1) {
      await clock.advance(5_000);
      expect((await failure(store.append([anEntry(2)]))).message).to.equal(standby);
      await clock.advance(5_000);
      const beat = { id: 'one', beat: tries + 1, report: '{}' };
      expect((await failure(store.coordination?.beat(beat))).message).to.equal(standby);
    }
    await eventually(async () => (await connections()).length === 0);

    await outside.query('select pg_promote()');
    await clock.advance(5_000);
    expect((await store.append([anEntry(2)])).map(({ duplicate }) => duplicate)).to.deep.equal([false]);
    expect(await store.coordination?.beat({ id: 'one', beat: 11, report: '{}' })).to.have.length(1);
    await eventually(async () => (await listening()) === 1);
    await store.close?.();
    await services.close();
    await outside.end();
    await server.stop();
    await place.close();
  });
});
