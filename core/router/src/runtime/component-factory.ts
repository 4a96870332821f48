/** Makes one component of its row. Nothing is opened here. */

import type { Instances, Kind } from '@switchhook/sdk';
import { messageOf } from '@switchhook/sdk/internal';
import type { ComponentRow, Config, DestinationRow } from '../config/config.js';
import type { Services } from './container.js';

/** A component that has been made, and how it is called in the file. */
export interface Made<K extends Kind = Kind> {
  readonly kind: Kind;
  /** Name of the row. */
  readonly name: string;
  readonly type: string;
  readonly instance: Instances[K];
}

/** Makes one component; what it throws is a failure with its name. */
export function made<K extends Kind>(
  kind: K,
  row: ComponentRow<K>,
  services: Services,
  { directory, country }: Pick<Config, 'directory' | 'country'>,
): Made<K> {
  try {
    const instance = row.component.create(row.options, services.toolsFor(row.name, { directory, country }));
    return { kind, name: row.name, type: row.component.type, instance };
  } catch (error) {
    throw new ComponentFailure({ kind, name: row.name, type: row.component.type }, 'could not be made', error);
  }
}

/** Where the component promises what its destinations have not, a batch would be an option without effect. */
export function withBatches(destination: Made<'destination'>, { lane }: DestinationRow): Made<'destination'> {
  if (lane.batch === null || destination.instance.deliverMany !== undefined) return destination;
  throw new ComponentFailure(
    destination,
    'cannot be used',
    new Error('it has no deliverMany, although its component says `batches: true`'),
  );
}

/** What a component threw while it was made, opened or reached; `cause` is the plugin's own error. */
export class ComponentFailure extends Error {
  override readonly name = 'ComponentFailure';
  readonly code: string;

  constructor(
    readonly component: { readonly kind: Kind; readonly name: string; readonly type: string },
    what: string,
    cause: unknown,
  ) {
    super(`${component.kind} ${component.name} (${component.type}) ${what}: ${messageOf(cause)}`, { cause });
    this.code =
      cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'PLUGIN_FAILED';
  }
}
