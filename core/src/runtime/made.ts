/** Makes one component of its row. Nothing is opened here. */
import type { ComponentRow, Config, DestinationRow } from '../config/config.js';
import type { Instances, Kind } from '../contract/component.js';
import { ComponentFailure } from './component-failure.js';
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
