/** The transform `pick` for Switchhook: keeps or drops fields of an event's data. */
import { definePlugin, defineTransform, type JsonObject, type JsonValue, type Paths, paths, z } from '@switchhook/sdk';

const pick = defineTransform({
  type: 'pick',
  description: "Keeps or drops fields of an event's data.",
  options: z
    .strictObject({
      keep: paths('Paths of the fields that stay, with all that is in them. `*` is every item of a list.').optional(),
      drop: paths('Paths of the fields that are removed; of the kept ones, if there is `keep`.').optional(),
    })
    .refine(({ keep, drop }) => keep !== undefined || drop !== undefined, {
      error: 'expected keep, drop or both',
      params: { problem: 'MISSING_KEY' },
    }),
  create: ({ keep, drop }) => ({
    apply(event) {
      const kept = keep === undefined ? event.data : withOnly(event.data, keep);
      const data = drop === undefined ? kept : without(kept, drop);
      // What is made of a map is a map.
      return data === event.data ? event : { ...event, data: data as JsonObject };
    },
  }),
});

type Nested = JsonObject | readonly JsonValue[];

/** What the paths lead to, and the maps and lists around it. */
function withOnly(data: Nested, keep: Paths): Nested {
  return selected(data, (key, value) => {
    const left = keep.at(key);
    if (left === null || left.ends) return left === null ? undefined : value;
    const inner = isNested(value) ? withOnly(value, left) : [];
    return Object.keys(inner).length === 0 ? undefined : inner;
  });
}

function without(data: Nested, drop: Paths): Nested {
  return selected(data, (key, value) => {
    const left = drop.at(key);
    if (left?.ends) return undefined;
    return left !== null && isNested(value) ? without(value, left) : value;
  });
}

/** The fields or items that `select` returns, in their order; the same object where all of them are the same. */
function selected(data: Nested, select: (key: string, value: JsonValue) => JsonValue | undefined): Nested {
  let isSame = true;
  const entries = Object.entries(data).flatMap(([key, value]): readonly (readonly [string, JsonValue])[] => {
    const chosen = select(key, value);
    isSame &&= chosen === value;
    return chosen === undefined ? [] : [[key, chosen]];
  });
  if (isSame) return data;
  return Array.isArray(data) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

function isNested(value: JsonValue): value is Nested {
  return typeof value === 'object' && value !== null;
}

export default definePlugin({ name: '@switchhook/plugin-pick', components: [pick] });
