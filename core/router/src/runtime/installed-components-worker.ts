/** The thread that imports what is installed, and returns what it can do. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Installed } from '../api/configuration-responses.js';
import type { NamedPlugin } from '../config/load.js';
import { typeOf } from './component-facts.js';
import { openCatalog } from './plugin-loader.js';

/** Where plugins are looked for, and what the configuration names. */
export interface Wanted {
  readonly directory: string;
  readonly named: readonly NamedPlugin[];
}

/** What the thread returns. */
export type Found = Pick<Installed, 'types' | 'problems'>;

async function installed({ directory, named }: Wanted): Promise<Found> {
  const catalog = openCatalog(directory, [], named);
  for (const row of named) await catalog.load(row);
  const all = await catalog.all();
  return {
    types: all.flatMap((loaded) =>
      'plugin' in loaded
        ? loaded.plugin.components.map((component) => typeOf(component, loaded.plugin, loaded.version))
        : [],
    ),
    problems: all.flatMap((loaded) => ('plugin' in loaded ? [] : [{ code: loaded.code, message: loaded.message }])),
  };
}

// Given by the router, which compiles with this file.
parentPort?.postMessage(await installed(workerData as Wanted));
