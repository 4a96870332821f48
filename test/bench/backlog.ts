/** Fills a store with deliveries that wait. */
import plugin from '@switchhook/plugin-sqlite';
import { createComponent, fakeServices } from '@switchhook/testkit';

const chunk = 1_000;

/** Makes a store file with so many waiting deliveries, two per event, for the destinations `one` and `two`. */
export async function filledStore(path: string, deliveries: number): Promise<void> {
  const services = fakeServices();
  const store = createComponent('store', plugin.components[0], { path }, services);
  await store.open?.();
  const body = Buffer.from(JSON.stringify({ event: 'conversation_ended', transcript: 'x'.repeat(1_900) }));
  const nowMs = services.clock.now();
  for (let made = 0; made < deliveries / 2; made += chunk)
    await store.append(
      Array.from({ length: chunk }, (_, index) => {
        const id = `backlog-${made + index}`;
        const delivery = { route: 'all', transforms: [], state: 'waiting', dueMs: nowMs } as const;
        return {
          event: {
            id,
            key: id,
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
