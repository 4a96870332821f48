/** The resolver `recent`, as the configuration file has it. What it does is in the pipeline: it asks the router's own store. */
import { z } from 'zod';
import type { Component, Resolver } from '../contract/component.js';
import { duration } from '../options.js';

const options = z.strictObject({
  within: duration('How far back it looks. What `store.retention` has removed is forgotten.').prefault('30d'),
  limit: z.int().min(1).max(1_000).default(100).meta({ description: 'Calls and events of one caller, at most.' }),
});

/** Its options, checked. */
export type RecentOptions = z.output<typeof options>;

/** `use: recent`, in a catalog. It cannot be made there: no component is given the store. */
export const recentComponent = recentMadeBy(() => {
  throw new Error('only a router can make recent');
});

/** The component a router uses in its place. */
export function recentMadeBy(make: (options: RecentOptions) => Resolver): Component<'resolver'> {
  const component: Component<'resolver', typeof options> = {
    kind: 'resolver',
    type: 'recent',
    description: 'What this router itself knows of a caller: how many calls there were, and what happened last.',
    options,
    create: make,
  };
  return component;
}
