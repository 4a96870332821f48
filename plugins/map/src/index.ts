/** The transform `map` for Switchhook: makes an event's data from templates. */
import { definePlugin, defineTransform, type JsonObject, type JsonValue, template, z } from '@switchhook/sdk';

const description = 'The new data: a map, or one `${{ }}` that results in a map.';

const map = defineTransform({
  type: 'map',
  description: "Makes an event's data from templates of `event`.",
  options: z.strictObject({
    map: z
      .union([
        z.record(z.string(), z.json()),
        z.string().regex(/^\s*\$\{\{.*\}\}\s*$/s, 'expected a map, or one ${{ }}'),
      ])
      .transform((written) => written as JsonValue)
      .pipe(template(description, ['event']))
      .meta({ description, template: ['event'] }),
  }),
  create: ({ map }) => ({
    apply(event) {
      const data = map.render({ event });
      if (!isMap(data)) throw new Error(`\`map\` made ${nameOf(data)} of the event; expected a map`);
      return { ...event, data };
    },
  }),
});

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: JsonValue): string {
  if (value === null) return 'nothing';
  return Array.isArray(value) ? 'a list' : typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

export default definePlugin({ name: '@switchhook/plugin-map', components: [map] });
