/** The end of a crash test: a last router, which is not killed, delivers everything that is left. */
import { appendFileSync } from 'node:fs';
import { createRouter } from '@switchhook/core';
import { pagesOf } from '@switchhook/core/internal';
import { type Clock, Store } from '@switchhook/sdk';
import { nameOf } from './ledger.js';

/** What draining works with. */
export interface DrainParts {
  /** Path of the configuration. */
  readonly config: string;
  readonly logFile: string;
  readonly clock: Clock;
  /** Called now and then with the number of deliveries that are left. */
  readonly onOpen: (open: number) => void;
}

/** A router that does nothing for so long will not do anything any more. */
const standstillMs = 60_000;
/** At what is still open. */
const betweenLooksMs = 100;

/** Delivers until nothing is open, or nothing moves; gives what ended as dead, as the ledger calls it. */
export async function drained({ config, logFile, clock, onOpen }: DrainParts): Promise<ReadonlySet<string>> {
  const router = await createRouter(config, { logTo: { write: (line) => void appendFileSync(logFile, line) } });
  try {
    await router.open();
    const store = router.get(Store);
    await untilNothingIsOpen(store, clock, onOpen);
    return await deadIn(store);
  } finally {
    await router.close();
  }
}

async function untilNothingIsOpen(store: Store, clock: Clock, onOpen: (open: number) => void): Promise<void> {
  let open = Number.POSITIVE_INFINITY;
  let changedAtMs = clock.elapsed();
  while (open > 0 && clock.elapsed() - changedAtMs < standstillMs) {
    const before = open;
    open = (await store.backlog()).reduce((sum, { waiting, running }) => sum + waiting + running, 0);
    if (open !== before) changedAtMs = clock.elapsed();
    onOpen(open);
    await new Promise<void>((resolve) => clock.after(betweenLooksMs, () => resolve()));
  }
}

async function deadIn(store: Store): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const { items } of pagesOf(500, (part) => store.deliveries({ state: 'dead', ...part })))
    for (const { destination, eventId } of items) {
      const event = await store.event(eventId);
      if (event !== null) names.add(nameOf(destination, event.key));
    }
  return names;
}
