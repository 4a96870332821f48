/** The store of a configuration, without a router. */
import { ComponentFailure, type Config } from '@switchhook/core';
import { type Snapshot, Store } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { configOf, unopenedRouter } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';

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

/** Opens it as the only one that uses it, runs, and closes it. */
export async function withOpenStore<T>({ store, file }: ConfiguredStore, run: () => Promise<T>): Promise<T> {
  try {
    await store.open?.();
  } catch (error) {
    if (error instanceof ComponentFailure) throw error;
    const inUse = (error as NodeJS.ErrnoException).code === 'STORE_IN_USE' ? '. Stop it first' : '';
    const reason = `${errorMessage(error)}${inUse}`;
    throw new CommandFailure(exitCodes.failed, `the store of ${file} could not be opened: ${reason}`);
  }
  try {
    return await run();
  } finally {
    await store.close?.();
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
