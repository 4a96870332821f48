/** Appends events and settles what it can, until it is killed. Writes `acked <n>` or `settled <n>` when the store has acknowledged it. */

import { basename, dirname } from 'node:path';
import plugin from '@switchhook/plugin-sqlite';
import { deliveryId } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
import { anEntry } from '../fixtures.js';

const [path = '', first = '0'] = process.argv.slice(2);
const services = fakeServices({ directory: dirname(path) });
const store = createComponent('store', plugin.components[0], { path: basename(path) }, services);
await store.open?.();
process.stdout.write('open\n');

async function work(n: number): Promise<void> {
  const entry = anEntry(n, 2, JSON.stringify({ n, text: 'x'.repeat(2_000) }), 'running');
  await store.append([entry]);
  process.stdout.write(`acked ${n}\n`);
  const deliveryIdOfFirst = deliveryId(entry.event.id, 0);
  const attempt = { startedAtMs: 1, durationMs: 1, outcome: 'delivered', reason: null, response: null } as const;
  await store.settle([{ deliveryId: deliveryIdOfFirst, lease: 1, settlement: { state: 'delivered' }, attempt }]);
  process.stdout.write(`settled ${n}\n`);
}

for (let n = Number(first); ; n += 16) await Promise.all(Array.from({ length: 16 }, (_, index) => work(n + index)));
