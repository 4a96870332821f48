/** What is installed: imported in a thread of its own, so that neither calls nor the memory of the router notice it. */
import { Worker } from 'node:worker_threads';
import type { Clock } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import type { Installed } from '../api/configuration-responses.js';
import type { ComponentRow, Config } from '../config/config.js';
import { kindsWithOptions, typeOf } from './component-facts.js';
import type { Found, Wanted } from './installed-components-worker.js';

/** Plugins of an installation take a second or two. */
const longestMs = 30_000;

/** The types that this configuration can use, those of its rows included. Never rejects: what cannot be loaded is a problem, and what runs is known in any case. */
export async function installedComponents(
  config: Config,
  rows: readonly ComponentRow[],
  clock: Clock,
): Promise<Installed> {
  const used = rows.map(({ component, plugin }) => typeOf(component, plugin, null));
  const { types, problems } = await found(config, clock);
  const all = [...types, ...used].filter(
    ({ kind, use }, index, list) => list.findIndex((one) => one.kind === kind && one.use === use) === index,
  );
  return { types: all.sort(byKindAndUse), kinds: kindsWithOptions(), problems };
}

async function found({ directory, named = [] }: Config, clock: Clock): Promise<Found> {
  const wanted: Wanted = { directory, named };
  const worker = new Worker(new URL('./installed-components-worker.js', import.meta.url), {
    workerData: wanted,
    execArgv: [],
  });
  worker.unref();
  try {
    const answered = new Promise<Found>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('a plugin has ended the thread that imported it')));
    });
    return await withTimeout(clock, longestMs, answered);
  } catch (error) {
    const message = `the installed plugins cannot be read: ${errorMessage(error)}`;
    return { types: [], problems: [{ code: 'PLUGIN_BROKEN', message }] };
  } finally {
    void worker.terminate();
  }
}

function byKindAndUse(a: Installed['types'][number], b: Installed['types'][number]): number {
  const [left, right] = [`${a.kind} ${a.use}`, `${b.kind} ${b.use}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
