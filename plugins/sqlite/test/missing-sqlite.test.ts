import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import { failure } from './fixtures.js';

const plugin = fileURLToPath(new URL('..', import.meta.url));
const sdk = fileURLToPath(new URL('../../../core/sdk', import.meta.url));

describe('sqlite without better-sqlite3', () => {
  it('opens where Node has SQLite built in; elsewhere open and probe say what to install', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'switchhook-sqlite-'));
    // A copy: a link would find better-sqlite3 in this repository.
    await cp(join(plugin, 'dist'), join(directory, 'dist'), { recursive: true });
    await cp(join(plugin, 'package.json'), join(directory, 'package.json'));
    await mkdir(join(directory, 'node_modules/@switchhook'), { recursive: true });
    await symlink(sdk, join(directory, 'node_modules/@switchhook/sdk'));
    const copied: { readonly default: Plugin } = await import(pathToFileURL(join(directory, 'dist/index.js')).href);
    const services = fakeServices({ directory });
    const store = createComponent('store', copied.default.components[0], { path: 'events.db' }, services);
    if (isBuiltin('node:sqlite')) {
      await store.probe?.(AbortSignal.timeout(10_000));
      await store.open?.();
      await store.close?.();
    } else {
      for (const failed of [store.probe?.(AbortSignal.timeout(10_000)), store.open?.()]) {
        const error = await failure(failed);
        expect(error).to.include({ code: 'SQLITE_MISSING' });
        expect(error.message).to.include('Run `npm install better-sqlite3@12.11.1`, or use Node 22.13 or newer.');
      }
    }
    await services.close();
    await rm(directory, { recursive: true });
  });
});
