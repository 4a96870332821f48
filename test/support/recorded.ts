/** What a router that has ended has kept. */

import { basename, dirname } from 'node:path';
import plugin from '@switchhook/plugin-sqlite';
import type { JsonObject } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';

/** The data of all events of a type in this file. */
export async function recorded(storeFile: string, type: string): Promise<readonly JsonObject[]> {
  const services = fakeServices({ directory: dirname(storeFile) });
  const store = createComponent('store', plugin.components[0], { path: basename(storeFile) }, services);
  await store.open?.();
  const found: JsonObject[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await store.events({ type, limit: 1_000, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items.map(({ body }) => JSON.parse(Buffer.from(body).toString())));
    cursor = page.cursor;
  }
  await store.close?.();
  await services.close();
  return found;
}
