/** What the configuration needs to know of installed plugins; whoever reads a file brings it. */
import type { Component, Kind } from '../contract/component.js';
import type { ErrorCode } from '../errors.js';

/** Why a plugin or component cannot be used. */
export interface PluginProblem {
  readonly code: Extract<
    ErrorCode,
    'PLUGIN_NOT_INSTALLED' | 'PLUGIN_BROKEN' | 'PLUGIN_API' | 'UNKNOWN_COMPONENT' | 'WRONG_KIND'
  >;
  /** One line: what was looked for and what was found. */
  readonly message: string;
  /** What to do, e.g. `npm install @switchhook/plugin-slack`; the code's own hint where there is none. */
  readonly hint?: string;
}

/** What a search for a component came to. */
export type Found = { readonly component: Component } | { readonly problem: PluginProblem };

/** Finds components. */
export interface Catalog {
  /** Loads a row of `plugins:`; undefined where all is well. Called for each row before anything is looked for. */
  load(from: string): Promise<PluginProblem | undefined>;
  /** The component of this kind that `use` names. Must not reject. */
  find(kind: Kind, use: string): Promise<Found>;
}
