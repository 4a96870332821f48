/** Dry runs: a configuration without effects outside. A free port, a temporary store, destinations that accept everything. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '@switchhook/core';
import { openCatalog } from '@switchhook/core/internal';
import type { Component, Outcome } from '@switchhook/sdk';
import { z } from 'zod';

/** A configuration for a dry run. */
export interface DryRun {
  /** The same sources, routes, answers and resolvers; look-ups are really made. */
  of(config: Config): Config;
  /** Removes what was written. After the router is closed. */
  end(): Promise<void>;
}

/** For a configuration and those that a reload reads after it. */
export async function dryRunOf(config: Config): Promise<DryRun> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-dry-run-'));
  const here = { host: '127.0.0.1', port: 0, publicUrl: null, trustProxy: false, adminToken: null };
  const store = await storeIn(directory, config);
  return {
    of: (next) => ({
      ...next,
      server: { ...next.server, ...here },
      store,
      destinations: next.destinations.map((row) => ({ ...row, component: acceptAll, options: {} })),
    }),
    end: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The store in memory, if it is the configured one; SQLite, in a temporary file; a store in memory if that is not installed. */
async function storeIn(directory: string, config: Config): Promise<Config['store']> {
  if (config.store.component.type === 'memory') return config.store;
  const catalog = openCatalog(config.directory);
  const sqlite = await catalog.find('store', 'sqlite');
  const found = 'component' in sqlite ? sqlite : await catalog.find('store', 'memory');
  if (!('component' in found))
    throw new Error('neither @switchhook/plugin-sqlite nor @switchhook/plugin-memory is installed');
  const options = found === sqlite ? found.component.options.parse({ path: join(directory, 'switchhook.db') }) : {};
  // Both were looked for among stores.
  return { ...config.store, component: found.component as Component<'store'>, options };
}

const delivered: Outcome = { kind: 'delivered' };
const acceptAll: Component<'destination'> = {
  kind: 'destination',
  type: 'dry-run',
  description: 'Accepts every delivery and discards it.',
  options: z.strictObject({}),
  create: () => ({
    deliver: async () => delivered,
    deliverMany: async (deliveries) => deliveries.map(() => delivered),
  }),
};
