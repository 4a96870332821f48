/** Fills a store with deliveries that wait. */
import type { JsonObject, Plugin } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';

const chunk = 1_000;

/** Adds so many waiting deliveries to the store of a plugin, two per event, for the destinations `one` and `two`. */
export async function filledStore(plugin: Plugin, options: JsonObject, deliveries: number): Promise<void> {
  const services = fakeServices();
  const definition = plugin.components.find(({ kind }) => kind === 'store');
  const store = createComponent('store', definition, options, services);
  await store.open?.();
  const body = Buffer.from(JSON.stringify({ event: 'conversation_ended', transcript: 'x'.repeat(1_900) }));
  const nowMs = services.clock.now();
  for (let made = 0; made < deliveries / 2; made += chunk)
    await store.append(
      Array.from({ length: chunk }, (_, index) => {
        const number = (made + index).toString(16).padStart(12, '0');
        const id = `00000000-0000-7000-8000-${number}`;
        const delivery = { route: 'all', transforms: [], state: 'waiting', dueMs: nowMs } as const;
        return {
          event: {
            id,
            key: `backlog-${number}`,
            source: 'agents',
            type: 'conversation_ended',
            subject: id,
            agent: null,
            party: null,
            occurredAtMs: nowMs,
            receivedAtMs: nowMs,
            body,
          },
          deliveries: [
            { ...delivery, destination: 'one' },
            { ...delivery, destination: 'two' },
          ],
        };
      }),
    );
  await store.close?.();
  await services.close();
}
