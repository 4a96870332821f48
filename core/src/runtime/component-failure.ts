/** A component that could not be made, opened or reached: whose fault it is, by name. */

import type { Kind } from '../contract/component.js';
import { messageOf } from '../message-of.js';

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
