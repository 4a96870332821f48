/** The store of a configuration, without a router. */
import { ComponentFailure, type Config } from '@switchhook/core';
import { reportIn } from '@switchhook/core/internal';
import { type Snapshot, Store, type StoreUsers } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { configOf, unopenedRouter } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { quantity } from '../print.js';

/** A store, not opened yet. */
export interface ConfiguredStore {
  readonly store: Store;
  readonly config: Config;
  /** The configuration file. */
  readonly file: string;
}

export async function storeOf(file: string, output: Output): Promise<ConfiguredStore> {
  const config = await configOf({ config: file }, output);
  return { store: unopenedRouter(config).get(Store), config, file };
}

/** Opens them as the only process that uses any of them, runs, and closes them. Changes nothing where another one does. */
export async function withOpenStores<T>(all: readonly ConfiguredStore[], run: () => Promise<T>): Promise<T> {
  for (const one of all) await refuseUsed(one);
  const opened: Store[] = [];
  try {
    for (const one of all) {
      await orUnopened(one, async () => one.store.open?.());
      opened.push(one.store);
    }
    return await run();
  } finally {
    for (const store of opened.reverse()) await store.close?.();
  }
}

/** Stores that only one process can open refuse when they are opened. */
async function refuseUsed(configured: ConfiguredStore): Promise<void> {
  const { store, file } = configured;
  const users = await orUnopened(configured, async () => store.users?.());
  if (users === undefined || users.routers.length + users.others === 0) return;
  const them = users.routers.length + users.others === 1 ? 'it' : 'them';
  throw new CommandFailure(
    exitCodes.failed,
    `the store of ${file} is in use by ${namesOf(users)}. Stop ${them} first. Nothing was changed`,
  );
}

function namesOf({ routers, others }: StoreUsers): string {
  const named = routers.map(({ id, report, ageMs }) => {
    const seen = ageMs == null ? '' : `, last heartbeat ${(ageMs / 1_000).toFixed(1)} s ago`;
    return `router ${reportIn(report).name} (id ${id}${seen})`;
  });
  const one = 'process that sends no heartbeats (a router that is starting or hangs, a restore, or a copy)';
  const more = 'processes that send no heartbeats (routers that are starting or hang, restores, or copies)';
  return [...named, ...(others > 0 ? [quantity(others, one, more)] : [])].join(', ');
}

async function orUnopened<T>({ file }: ConfiguredStore, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof ComponentFailure) throw error;
    const inUse = (error as NodeJS.ErrnoException).code === 'STORE_IN_USE' ? '. Stop it first' : '';
    const reason = `${errorMessage(error)}${inUse}`;
    throw new CommandFailure(exitCodes.failed, `the store of ${file} could not be opened: ${reason}`);
  }
}

/** Takes a snapshot of it, runs, and ends the snapshot. The store need not be open. */
export async function withSnapshot<T>(
  { store, config, file }: ConfiguredStore,
  run: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const { type } = config.store.component;
  if (store.snapshot === undefined)
    throw new CommandFailure(
      exitCodes.usage,
      `the store of ${file}, ${type}, keeps nothing that another process can read`,
    );
  let snapshot: Snapshot;
  try {
    snapshot = await store.snapshot();
  } catch (error) {
    throw new CommandFailure(exitCodes.failed, `the store of ${file} could not be read: ${errorMessage(error)}`);
  }
  try {
    return await run(snapshot);
  } finally {
    await snapshot.close();
  }
}
