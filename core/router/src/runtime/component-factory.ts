/** Makes one component of its row. Nothing is opened here. */
import type { Component, Instances, Kind, Lifecycle } from '@switchhook/sdk';
import { nameTemplates } from '@switchhook/sdk/internal';
import type { ComponentRow, DestinationRow } from '../config/config.js';
import { beginWork } from '../system/current-work.js';
import type { Mask } from '../system/mask.js';
import { invalidReturn, nameComponent, shortPath } from '../system/returned.js';
import { located } from '../system/thrown.js';
import type { PluginServices } from './plugin-services.js';
import { withServices } from './shared-instance.js';

/** How a component is called in the file. */
interface ComponentNames {
  readonly kind: Kind;
  /** Name of the row. */
  readonly name: string;
  readonly type: string;
  /** Where its row stands; none if no file has it. */
  readonly position?: string | null;
}

/** A component that has been made. */
export interface CreatedComponent<K extends Kind = Kind> extends ComponentNames {
  readonly instance: Instances[K];
  /** Opens, probes and closes it with the services it shares. */
  readonly lifecycle: Lifecycle;
}

/** Makes one component; what it or one of its services throws is a failure with its name. */
export function createComponent<K extends Kind>(row: ComponentRow<K>, plugin: PluginServices): CreatedComponent<K> {
  const called = namesOf(row);
  const endWork = beginWork(called.position === null ? label(row) : rowText(called));
  try {
    const { services, shared } = plugin.for(row);
    nameTemplates(row.options);
    const instance = nameComponent(
      checkedInstance(row.component, row.component.create(row.options, services)),
      label(row),
      row.component.definedAt ?? null,
    );
    return { ...called, instance, lifecycle: withServices(instance, shared) };
  } catch (error) {
    throw new ComponentFailure(called, 'could not be made', error, plugin.mask, row.component.definedAt);
  } finally {
    endWork();
  }
}

/** How the component of a row is called in messages. */
export function namesOf({ name, component: { kind, type }, position = null }: ComponentRow): ComponentNames {
  return { kind, name, type, position };
}

/** What `create` must return, by kind. */
const methods: { readonly [K in Kind]: readonly (keyof Instances[K])[] } = {
  source: ['receive'],
  destination: ['deliver'],
  resolver: ['resolve'],
  transform: ['apply'],
  store: [
    ...(['append', 'claim', 'settle', 'extend', 'event', 'events', 'delivery', 'deliveries'] as const),
    ...(['attempts', 'replay', 'discard', 'prune', 'backlog'] as const),
  ],
};

function checkedInstance<K extends Kind>({ kind, answerBy }: Component<K>, instance: Instances[K]): Instances[K] {
  const needed = [...methods[kind].map(String), ...(answerBy === 'call' ? ['answer'] : [])];
  const missing = needed.filter((method) => typeof Object(instance)[method] !== 'function');
  if (kind === 'source' && answerBy !== 'call' && Object(instance).answer !== undefined)
    throw invalidReturn({}, 'create', instance, "a source without answer, as its component has no `answerBy: 'call'`");
  if (missing.length === 0) return instance;
  throw invalidReturn({}, 'create', instance, `a ${kind} with ${missing.join(', ')}`);
}

/** Kind, name, type and where the component is defined. */
function label({ name, component: { kind, type, definedAt } }: ComponentRow): string {
  return `${kind} ${name} (${type}${definedAt == null ? '' : `, ${shortPath(definedAt)}`})`;
}

/** `destination crm (crm.note, switchhook.yaml:16:3)`. */
function rowText({ kind, name, type, position = null }: ComponentNames): string {
  return `${kind} ${name} (${type}${position === null ? '' : `, ${position}`})`;
}

/** Where the component promises what its destinations have not, a batch would be an option without effect. */
export function withBatches(
  destination: CreatedComponent<'destination'>,
  { queue }: DestinationRow,
): CreatedComponent<'destination'> {
  if (queue.batch === null || destination.instance.deliverMany !== undefined) return destination;
  throw new ComponentFailure(
    destination,
    'cannot be used',
    new Error('it has no deliverMany, although its component declares `batches: true`'),
    (text) => text,
  );
}

/** What a component threw while it was made, opened or reached, without secrets; `cause` is the plugin's own error, as it is. */
export class ComponentFailure extends Error {
  override readonly name = 'ComponentFailure';
  readonly code: string;

  constructor(
    readonly component: ComponentNames,
    what: string,
    cause: unknown,
    mask: Mask,
    /** Where the component is defined, for a cause that has no place of its own. */
    definedAt: string | null = null,
  ) {
    super(`${rowText(component)} ${what}: ${located(cause, mask, definedAt)}`, { cause });
    this.code =
      cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'PLUGIN_FAILED';
  }
}
