/** The source `router` as a component: what `check` knows of its types, and what `explain` makes of an example. It has no endpoint. */
import { type Component, type JsonObject, parseJson, refuse, type Source } from '@switchhook/sdk';
import { z } from 'zod';
import { type RouterEventType, routerEventExample, routerEventTypes, routerSource } from '../routing/router-events.js';
import type { CheckedRow } from './component-rows.js';

/** Makes the event of `{ type, data }`; without `data`, the example of its type. */
export const routerEventSource: Source = {
  receive: ({ body }) => {
    const { type, data } = Object(parseJson(new TextDecoder().decode(body)));
    if (!isRouterEventType(type))
      throw refuse('MALFORMED', `expected { "type": … } with one of ${routerEventTypes.join(', ')}`);
    const example = { ...routerEventExample(type), ...Object(data) } as JsonObject;
    const about = example.conversation ?? example.destination ?? example.source;
    const subject = typeof about === 'string' ? about : null;
    return { kind: 'events', events: [{ key: type, type, subject, agent: null, occurredAtMs: null, data: example }] };
  },
  sign: () => ({ headers: {}, rest: '' }),
};

const component: Component<'source'> = {
  kind: 'source',
  type: routerSource,
  description: "The router's own events, for routes.",
  options: z.strictObject({}),
  types: routerEventTypes,
  samples: Object.fromEntries(routerEventTypes.map((type) => [type, { type }])),
  create: () => routerEventSource,
};

/** The row that a configuration does not have to write. */
export const routerRow: CheckedRow<'source'> = {
  ...{ name: routerSource, component },
  ...{ plugin: null, position: null, common: null, options: null },
};

function isRouterEventType(type: unknown): type is RouterEventType {
  return routerEventTypes.some((each) => each === type);
}
